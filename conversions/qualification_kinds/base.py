"""The interface of a kind of rule: its parts, inputs and result. Nothing here reads or writes the database."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol

from django.db import models
from django.db.models import Q

from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _
from records.words import duration_words

ZERO = Decimal(0)


class Scope(models.TextChoices):
    AFFILIATE = "affiliate", _("Each affiliate")
    GOAL = "goal", _("All affiliates together, this goal")
    OFFER = "offer", _("All affiliates together, all goals of the offer")


class CapPeriod(models.TextChoices):
    DAY = "day", _("Day (UTC)")
    WEEK = "week", _("Week (UTC, from Monday)")
    MONTH = "month", _("Month (UTC)")
    TOTAL = "total", _("For ever")


class OverCap(models.TextChoices):
    REJECT = "reject", _("Rejected")
    HOLD = "hold", _("Held for an operator")


# The columns of a rule that kinds may use, with their values where a kind does not use them.
UNUSED: dict[str, Any] = {
    "amount": None,
    "factor": None,
    "other_goal": None,
    "countries": [],
    "at_least": None,
    "at_most": None,
    "number": None,
    "scope": "",
    "period": "",
    "over_cap": OverCap.REJECT.value,
    "within": None,
}


# The help text of `within`, for kinds that can cause a hold.
WITHIN = _("how long after the event it may still be met; empty: for ever.")


class Rule(Protocol):
    """A rule as its kind reads it: its columns, and the names that its text needs."""

    @property
    def goal_name(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def other_goal_id(self) -> int | None: ...
    @property
    def other_goal_name(self) -> str: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def factor(self) -> Decimal | None: ...
    @property
    def countries(self) -> list[str]: ...
    @property
    def at_least(self) -> timedelta | None: ...
    @property
    def at_most(self) -> timedelta | None: ...
    @property
    def number(self) -> int | None: ...
    @property
    def scope(self) -> str: ...
    @property
    def period(self) -> str: ...
    @property
    def over_cap(self) -> str: ...
    @property
    def within(self) -> timedelta | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventToJudge:
    """An event as kinds see it. Its country is empty if neither request nor click has one."""

    revenue: Decimal | None
    currency: str
    occurred_at: datetime
    received_at: datetime
    clicked_at: datetime | None
    country: str = ""


@dataclass(slots=True)
class RulePast:
    """The past of a rule: the customer's other events of one goal that are not rejected, or a period's count."""

    number: int = 0
    # Of these, the events that no rule holds, and those that are approved.
    there: int = 0
    approved: int = 0
    first_at: datetime | None = None
    total: Decimal = ZERO
    # In other currencies than the offer's: not added, but shown.
    elsewhere: dict[str, Decimal] = field(default_factory=dict)
    # The count so far in the rule's period and scope.
    in_period: int = 0


class LooksBack(StrEnum):
    """What must be read before a rule can be evaluated."""

    NOWHERE = "nowhere"
    # The customer's events of `other_goal`, else of the rule's own goal, within the rule's time.
    CUSTOMER = "customer"
    # The number of events in the rule's period and scope; one batch at a time decides about it.
    PERIOD = "period"


class Verdict(StrEnum):
    MET = "passed"
    WAITING = "waiting"
    REJECTED = "rejected"
    UNSURE = "unsure"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of one rule: the rule in words, why, from which inputs, and until when it can still be met."""

    result: Verdict
    rule: str
    note: str
    reason: Reason = Reason.OK
    inputs: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None


class Need(NamedTuple):
    """A requirement of a kind: the database condition, and the message beside the form field."""

    field: str
    message: str
    condition: Q


class QualificationKind(ABC):
    """A kind of rule. Each subclass is one file of this package and one entry of `table.py`."""

    code: ClassVar[str]
    label: ClassVar[str]
    # The kind in the help texts of the form: `For caps: …`.
    short: ClassVar[str]
    # The columns that it uses, each with its help text; all others stay empty.
    fields: ClassVar[Mapping[str, str]]
    needs: ClassVar[tuple[Need, ...]]
    # Whether it can put an event on hold, and is then re-evaluated; else it is evaluated once, when the event arrives.
    waits: ClassVar[bool]
    # The reasons of its rejections; such an event may be corrected and sent again.
    rejects: ClassVar[tuple[Reason, ...]]
    # Names of inputs that reveal nothing of the advertiser's revenue. Affiliates who are paid no share of it see a
    # result only if all of its inputs are listed here.
    open_inputs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def looks_back(self, rule: Rule) -> LooksBack:
        """What must be read before the rule can be evaluated."""

    @abstractmethod
    def words(self, rule: Rule) -> str:
        """The rule in words, for every page, the API and every trace."""

    @abstractmethod
    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        """Return the result for one event."""

    def met(self, rule: Rule, note: str, **inputs: Any) -> RuleResult:
        return RuleResult(Verdict.MET, self.words(rule), note, inputs=inputs)

    def reject(self, rule: Rule, note: str, reason: Reason, **inputs: Any) -> RuleResult:
        return RuleResult(Verdict.REJECTED, self.words(rule), note, reason, inputs)

    def ask_operator(self, rule: Rule, note: str, **inputs: Any) -> RuleResult:
        """For what cannot be known: not a rejection, an operator decides."""
        return RuleResult(Verdict.UNSURE, self.words(rule), note, Reason.AWAITS_APPROVAL, inputs)

    def wait(self, rule: Rule, event: EventToJudge, what: str, now: datetime, **inputs: Any) -> RuleResult:
        """Not met yet; rejected once the time for it has passed."""
        until = event.occurred_at + rule.within if rule.within else None
        if until and now > until:
            note = f"Not met within {duration_words(rule.within or timedelta(0))}: {what}."
            given = {**inputs, "until": until.isoformat()}
            return RuleResult(Verdict.REJECTED, self.words(rule), note, Reason.NOT_QUALIFIED, given, until)
        return RuleResult(Verdict.WAITING, self.words(rule), f"Waiting for {what}.", Reason.AWAITS_RULES, inputs, until)


def within_words(rule: Rule) -> str:
    """`, within 30 days`, or nothing."""
    return f", within {duration_words(rule.within)}" if rule.within else ""
