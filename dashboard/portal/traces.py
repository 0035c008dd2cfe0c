"""Decision traces as an affiliate may read them.

A trace is written for the operator: it may name senders, tokens, customers and, where a customer is
locked, other affiliates. So nothing of it is shown but what is allowed here: the steps by name, and notes
and inputs of those that speak only of the affiliate's own click and of the offer's rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conversions.models import Conversion, Trace
from conversions.qualification_kinds.table import open_inputs
from conversions.risk.words import words_for_affiliates
from records.translation import gettext_lazy as _

TITLES = {
    "receive": _("Postback stored"),
    "authenticate": _("Sender checked"),
    "parse": _("Parameters read"),
    "find_click": _("Click found"),
    "attribute": _("Attributed"),
    "deduplicate": _("Checked for a repeat"),
    "qualify": _("Goal's rules applied"),
    "risk": _("Risk signals checked"),
    "decide": _("Decided"),
    "review": _("Looked at by an operator"),
}
# Steps whose rule stays with the operator: points and thresholds.
RULE_HIDDEN = frozenset({"risk"})
# Inputs of a step that may be shown, with their names.
INPUTS = {
    "click_id": _("Click ID"),
    "link": "Link",
    "coupon": _("Coupon"),
    "clicked_at": _("Clicked at"),
    "occurred_at": _("Happened at"),
}
BY_LOCK = _("No click ID came with the event. The customer is locked to you: you brought them to the offer.")
BY_COUPON = _("No click ID came with the event. The coupon is yours.")
LOCKED = _("The customer is locked to you: an earlier click or coupon of yours brought them to the offer.")
TAKEN_OVER = _("The customer's last click is yours, so the customer passes to you.")
CREDITED = _("The customer's first click within the window is yours: it is credited, not the one of the event.")
TOUCHED = _("Clicks of others had brought the customer as well; yours is credited.")
LOOKS = {
    "passed": "ok",
    "found": "ok",
    "stored": "ok",
    "locked": "ok",
    "taken over": "ok",
    "accepted": "ok",
    "approved": "ok",
    "updated": "ok",
    "rejected": "bad",
    "not found": "bad",
    "invalid": "bad",
    "conflict": "bad",
}


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One step of a decision. `look` is ok, bad or open, for the mark beside it."""

    title: str
    result: str
    rule: str
    note: str
    inputs: list[tuple[str, str]]
    look: str


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """One decision on a postback for the conversion."""

    decided_at: datetime
    outcome: str
    reason: str
    steps: list[ExplainedStep]


@dataclass(frozen=True, slots=True)
class Reader:
    """The details of a trace that an affiliate may see: its own link, and the revenue where it is paid a share."""

    link_code: str
    sees_revenue: bool


def decisions_of(conversion: Conversion, *, sees_revenue: bool) -> list[ExplainedDecision]:
    """Every decision made on the conversion, oldest first."""
    reader = Reader(conversion.link.code if conversion.link else "", sees_revenue)
    return [
        ExplainedDecision(
            decided_at=trace.decided_at,
            outcome=trace.get_outcome_display(),
            reason=trace.get_reason_display(),
            steps=[shown(step, reader) for step in trace.steps],
        )
        for trace in Trace.objects.filter(conversion=conversion).order_by("pk")
    ]


def shown(step: Mapping[str, Any], reader: Reader) -> ExplainedStep:
    """A stored step with only what its reader may see."""
    name, result, rule = (str(step.get(key, "")) for key in ("step", "result", "rule"))
    inputs = {key: str(value) for key, value in (step.get("input") or {}).items()}
    explain = EXPLAINERS.get(name)
    note = explain(result, rule, str(step.get("note", "")), inputs, reader) if explain else ""
    return ExplainedStep(
        title=TITLES.get(name, name.replace("_", " ").capitalize()),
        result=result,
        rule=rule if explain and name not in RULE_HIDDEN else "",
        note=note,
        inputs=[(INPUTS[key], value) for key, value in inputs.items() if key in INPUTS] if note else [],
        look=LOOKS.get(result, "open"),
    )


def _explain_click(result: str, rule: str, note: str, inputs: Mapping[str, str], reader: Reader) -> str:
    """The click that a request names may be a rival's, when the customer's lock decided."""
    own_words = {"customer lock": BY_LOCK, "coupon": BY_COUPON}
    is_own = bool(reader.link_code) and inputs.get("link") == reader.link_code
    return own_words.get(rule, note if is_own else "")


# Notes on locks and touches name other affiliates: they are put in words of their own.
_ATTRIBUTION = {"locked": LOCKED, "taken over": TAKEN_OVER, "credited": CREDITED, "touched": TOUCHED}
# The inputs that decided the attribution window.
_OF_THE_WINDOW = frozenset({"clicked_at", "occurred_at"})


def _explain_attribution(result: str, rule: str, note: str, inputs: Mapping[str, str], reader: Reader) -> str:
    """The window as it was judged; for all else a sentence that names no other affiliate."""
    if result in _ATTRIBUTION:
        return _ATTRIBUTION[result]
    return note if inputs.keys() <= _OF_THE_WINDOW else ""


# Notes of these name how many events others have: a cap may be for all affiliates together.
_OF_OTHERS = frozenset({"counted", "cap"})


def _explain_rules(result: str, rule: str, note: str, inputs: Mapping[str, str], reader: Reader) -> str:
    """Notes of which the kind does not state that they show nothing of the revenue are hidden with it."""
    if _OF_OTHERS & inputs.keys():
        return ""
    return note if reader.sees_revenue or inputs.keys() <= open_inputs() else ""


# Rules of this step that look at the affiliate's own account.
_OF_ACCESS = frozenset({"active affiliates only", "approved enrollments only"})
RISK_RESULTS = {
    "passed": _("No risk signal is strong enough for a review."),
    "pending": _("An operator reviews it first."),
    "held": _("An operator reviews it first."),
}


def _explain_risk(result: str, rule: str, note: str, inputs: Mapping[str, str], reader: Reader) -> str:
    """The signals found, without points and limits. A signal's stored rule is `name: N points`."""
    if result == "marked":
        return words_for_affiliates(rule.partition(":")[0])
    if rule in _OF_ACCESS:
        return note
    return RISK_RESULTS.get(result, "")


# Rules of a decision whose notes name the goal, its dates and the status alone.
_PLAIN_DECISIONS = frozenset({"the goal's default", "the sender's status", "pixel", "looked at again"})
_STATUSES = frozenset(Conversion.Status.values)


def _explain_decision(result: str, rule: str, note: str, inputs: Mapping[str, str], reader: Reader) -> str:
    """Without what names amounts: a refund, a pixel's word that the server's replaced."""
    is_plain = rule in _PLAIN_DECISIONS or (not rule and result in _STATUSES and not inputs)
    return note if is_plain or reader.sees_revenue else ""


# The steps that speak of the affiliate's own click and of rules; all others are named without details.
EXPLAINERS: dict[str, Callable[[str, str, str, Mapping[str, str], Reader], str]] = {
    "find_click": _explain_click,
    "attribute": _explain_attribution,
    "qualify": _explain_rules,
    "risk": _explain_risk,
    "decide": _explain_decision,
}
