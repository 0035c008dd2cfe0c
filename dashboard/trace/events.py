"""Events of a trace: one class per kind of event, ready to be shown."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from conversions.models import Conversion, Postback, Refund, StatusChange, Trace
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from payouts.models import LedgerEntry, Payout, Statement
from tracking.click_id.codec import ClickID, text_of
from tracking.consent.words import CONSENT_WORDS
from tracking.models import SUB_IDS, Click, TrackingLink
from web.cells import moment

TONES = {
    **dict.fromkeys(("accepted", "updated", "approved", "commission", "paid"), "success"),
    **dict.fromkeys(("duplicate", "payment"), "info"),
    **dict.fromkeys(("held", "pending", "adjustment", "due", ""), "warning"),
    **dict.fromkeys(
        ("rejected", "invalid", "unauthorized", "forbidden", "unknown_click", "conflict", "reversal"), "danger"
    ),
}


@dataclass(slots=True)
class TraceEvent:
    """Something that happened at a moment. `rank` orders what the clock cannot."""

    kind: ClassVar[str]
    icon: ClassVar[str]
    rank: ClassVar[int]

    at: datetime
    # How long after the first event, in words; filled in when the story is put in order.
    after: str = field(default="", kw_only=True)

    @property
    def template(self) -> str:
        return f"trace/_{self.kind}.html"


@dataclass(slots=True)
class ClickEvent(TraceEvent):
    """A visit through a link; without a stored row, only the facts in the ID itself."""

    kind, icon, rank = "click", "ads_click", 0

    text: str
    key: str
    link: TrackingLink | None
    link_number: int
    row: Click | None

    @property
    def labels(self) -> list[tuple[str, str]]:
        """The affiliate's labels that were given."""
        names = ("aff_click_id", "source", *SUB_IDS)
        return [(name, value) for name in names if self.row and (value := getattr(self.row, name))]

    @property
    def consent(self) -> str:
        """The visitor's consent with the signals that it was read from; empty where nothing was said."""
        if self.row is None or not self.row.consent:
            return ""
        words = str(CONSENT_WORDS.get(self.row.consent, self.row.consent))
        return f"{words} ({self.row.consent_basis})" if self.row.consent_basis else words

    @property
    def marks(self) -> list[str]:
        if self.row is None:
            return []
        marks = ["bot"] if self.row.is_bot else []
        return marks + (["duplicate"] if self.row.is_duplicate else [])


@dataclass(slots=True)
class TraceStep:
    """One line of a decision: the family of the step and the step, its rule, input and outcome."""

    name: str
    by: str
    result: str
    rule: str
    inputs: list[tuple[str, str]]
    note: str


@dataclass(slots=True)
class TraceDecision:
    """One decision on a postback. A replay makes another."""

    row: Trace
    message: str
    explanation: str
    remedy: str
    tone: str
    problems: list[dict[str, Any]]
    steps: list[TraceStep]


@dataclass(slots=True)
class PostbackEvent(TraceEvent):
    kind, icon, rank = "postback", "call_received", 1

    row: Postback
    tone: str
    decisions: list[TraceDecision]


@dataclass(slots=True)
class LookEvent(TraceEvent):
    """A conversion was looked at again, without a postback."""

    kind, icon, rank = "look", "visibility", 2

    conversion: Conversion
    decision: TraceDecision


@dataclass(slots=True)
class StatusEvent(TraceEvent):
    kind, icon, rank = "status", "swap_horiz", 2

    row: StatusChange
    conversion: Conversion
    tone: str


@dataclass(slots=True)
class RefundEvent(TraceEvent):
    kind, icon, rank = "refund", "undo", 2

    row: Refund
    conversion: Conversion


@dataclass(slots=True)
class LedgerEvent(TraceEvent):
    kind, icon, rank = "ledger", "menu_book", 3

    row: LedgerEntry
    tone: str
    statement: Statement | None


@dataclass(slots=True)
class StatementEvent(TraceEvent):
    kind, icon, rank = "statement", "receipt_long", 4

    row: Statement
    numbers: list[int]


@dataclass(slots=True)
class PayoutEvent(TraceEvent):
    kind, icon, rank = "payout", "payments", 5

    row: Payout
    tone: str


def click_event(click: ClickID, row: Click | None, link: TrackingLink | None) -> ClickEvent:
    at = row.clicked_at if row else click.made_at
    return ClickEvent(at, text_of(click.uuid), str(click.uuid), link, click.link_number, row)


def postback_event(row: Postback, traces: list[Trace]) -> PostbackEvent:
    return PostbackEvent(row.received_at, row, TONES[row.outcome], [decision_of(trace) for trace in traces])


def look_event(trace: Trace, conversion: Conversion) -> LookEvent:
    return LookEvent(trace.decided_at, conversion, decision_of(trace))


def decision_of(trace: Trace) -> TraceDecision:
    """A decision with the explanation of its reason; the trace need not be stored."""
    known = EXPLANATIONS[Reason(trace.reason)] if trace.reason in Reason.values else None
    steps = [_step(step) for step in trace.steps]
    return TraceDecision(
        row=trace,
        message=steps[-1].note if steps else "",
        explanation=known.cause if known else "",
        remedy=known.remedy if known else "",
        tone=TONES.get(trace.outcome, "default"),
        problems=trace.problems,
        steps=steps,
    )


def _step(stored: dict[str, Any]) -> TraceStep:
    given = stored.get("input") or {}
    return TraceStep(
        name=str(stored.get("step", "")).replace("_", " "),
        by=str(stored.get("by", "")).replace("_", " "),
        result=str(stored.get("result", "")),
        rule=str(stored.get("rule", "")),
        inputs=[(str(name), _readable(str(value))) for name, value in given.items()],
        note=str(stored.get("note", "")),
    )


def _readable(text: str) -> str:
    """A stored moment in the reader's zone; anything else as it is."""
    if len(text) < 19 or "T" not in text:
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment(at) if at.tzinfo else text
