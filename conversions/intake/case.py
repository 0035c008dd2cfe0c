"""The values that pass through intake: the received request, the event read from it, and the decision."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from affiliates.models import Advertiser, Enrollment, Offer
from conversions.dialects.mapping import NATIVE, Mapping
from conversions.dialects.table import Dialect
from conversions.intake.read.signing import Signed
from conversions.models import Conversion, Customer, CustomerLock, Goal, ParkedPostback, Postback, Touch
from conversions.qualification_kinds.base import RuleResult
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.risk.reviews import Found
from conversions.risk_signals.base import ClickMarks
from records.translation import in_english
from tracking.click_id.codec import ClickID
from tracking.models import TrackingLink
from web.http import clean

Outcome = Postback.Outcome
# The result of a trace line about a repaired value; the sender gets it as a warning.
REPAIRED = "repaired"


@dataclass(slots=True)
class Received:
    """One request as an endpoint received it. `parameters` are pairs in the order sent, secrets included."""

    endpoint: Postback.Endpoint
    method: str
    path: str
    parameters: list[tuple[str, str]]
    headers: dict[str, str]
    ip: str | None
    is_secure: bool
    received_at: datetime
    bearer: str = ""
    # The dialect whose names are used: a row of conversions/dialects/table.py, or a mapping that an operator defined.
    mapping: str = "native"
    signed: Signed | None = None
    # The advertiser that an operator named, as for an imported file.
    advertiser: Advertiser | None = None
    body: str = ""
    # An error found while reading the request, before any parameter was checked.
    problem: "Problem | None" = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of a request: the field, the error, and how to fix it."""

    reason: Reason
    field: str
    message: str
    value: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "code": self.reason.value,
            "field": self.field,
            "value": self.value,
            "message": self.message,
            "remedy": in_english(EXPLANATIONS[self.reason].remedy),
        }


def _in_their_words(problem: Problem, mapping: Mapping) -> Problem:
    """Return the problem with the name that the sender uses for the field."""
    shown = mapping.shown(problem.field)
    if mapping.is_native or shown == problem.field:
        return problem
    message = f"{problem.message} (Read from {shown}, {mapping.name}'s name for {problem.field}.)"
    return Problem(problem.reason, shown, message, problem.value)


@dataclass(slots=True)
class Event:
    """The values of a request, parsed and checked. Absent values are empty or None."""

    click_text: str = ""
    click: ClickID | None = None
    transaction_id: str = ""
    goal_code: str = ""
    payout: Decimal | None = None
    revenue: Decimal | None = None
    volume: Decimal | None = None
    deductions: dict[str, str] = field(default_factory=dict)
    # The amount refunded on a known sale, with the sender's own ID of the refund.
    refund: Decimal | None = None
    refund_id: str = ""
    currency: str = ""
    status: str = ""
    occurred_at: datetime | None = None
    customer_id: str = ""
    coupon: str = ""
    fingerprint: str = ""
    # Parameters that no rule reads, by name: the advertiser's own labels.
    extras: dict[str, str] = field(default_factory=dict)


class Awaited(NamedTuple):
    """What a parked request needs: the kind (`ParkedPostback.Waits`) and the value."""

    waits_for: str
    name: str


@dataclass(slots=True)
class Rejected:
    """A conversion that a rule rejected, with its facts: as first sent, before each correction, and now."""

    row: Conversion
    status: str
    reason: Reason
    first_sent: dict[str, str]
    earlier: list[dict[str, str]]
    # The latest postback about it: only a later one can correct it.
    postback_id: int
    # The facts of the correction, and which of them differ.
    resent: dict[str, str] = field(default_factory=dict)
    differs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """One postback on its way through the steps. A step stops it with an outcome and a reason."""

    postback: Postback
    parameters: list[tuple[str, str]]
    event: Event = field(default_factory=Event)
    problems: list[Problem] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    # Names and kinds of the values that were treated as personal data on receipt.
    personal: list[tuple[str, str]] = field(default_factory=list)
    # The dialect of the request; None for our own, and for one that no longer exists.
    dialect: Dialect | None = None

    advertiser: Advertiser | None = None
    link: TrackingLink | None = None
    enrollment: Enrollment | None = None
    evidence: str = ""
    click_is_bot: bool = False
    # Facts of the click that the request names; None without a stored click.
    click_marks: ClickMarks | None = None
    goal: Goal | None = None
    customer: Customer | None = None
    # All locks of the customer, the newest first; the lock that decides or is replaced; the customer's touches before.
    locks: list[CustomerLock] = field(default_factory=list)
    lock: CustomerLock | None = None
    takes_over: bool = False
    touches: list[Touch] = field(default_factory=list)
    # The link of the click that the request names, even if another is credited; and the credited click if it differs.
    named: TrackingLink | None = None
    credited: ClickID | None = None
    # Where the click ID was imported from, for one that is not ours.
    legacy_source: str = ""
    # A test event: processed and answered like any other, but never counted or paid.
    is_test: bool = False
    dedupe_key: str = ""
    # The goal found by its code alone: its rule makes the key. `goal` is the offer's own, found later.
    named_goal: Goal | None = None
    # The status that the rules give a new conversion; empty until a step decides.
    verdict: str = ""
    verdict_reason: Reason = Reason.OK
    # The result of each rule of the goal; and whether anything on the offer can depend on a customer's other events.
    findings: list[RuleResult] = field(default_factory=list)
    offer_has_rules: bool = False
    # The risk signals, weighed by the offer's policy; None where no signals are weighed.
    risk: Found | None = None

    # The row of a request that was parked before, and whether it may stay parked.
    parked: ParkedPostback | None = None
    may_wait: bool = True
    # Who expired it before its time, and why.
    given_up: str = ""
    # What it is parked for, until when, and the postback of an earlier request with the same content.
    waits: Awaited | None = None
    waits_until: datetime | None = None
    waits_as: str = ""

    conversion: Conversion | None = None
    # The rejected conversion that the request corrects: decided as new, written into that row.
    corrects: Rejected | None = None
    # The country sent earlier, where this request names none.
    country_before: str = ""
    outcome: str = ""
    reason: Reason | None = None

    @property
    def credited_click(self) -> ClickID | None:
        """The click that is credited: the lock's own, where a lock decided."""
        if self.evidence == Conversion.Evidence.LOCK:
            return ClickID(self.lock.click_id) if self.lock and self.lock.click_id else None
        return self.credited or self.event.click

    @property
    def mapping(self) -> Mapping:
        return self.dialect.mapping if self.dialect else NATIVE

    def shown_problems(self) -> list[dict[str, str]]:
        """The problems as the sender gets them, with the names that the sender used."""
        return [_in_their_words(problem, self.mapping).as_json() for problem in self.problems]

    @property
    def problem_values(self) -> str:
        """The fields with errors and the values sent in them, for the trace."""
        return "; ".join(f"{each.field or 'request'}={each.value or 'missing'}" for each in self.problems)

    @property
    def is_open(self) -> bool:
        return not self.outcome

    def report(self, reason: Reason, field: str, message: str, value: str = "") -> None:
        """Add a problem to the request; `value` is what was sent."""
        self.problems.append(Problem(reason, field, message, clean(value, 100)))

    def note(self, step: str, result: str, note: str, *, rule: str = "", **inputs: Any) -> None:
        """Add a line to the trace: the step, its result, the rule that was used and its inputs."""
        given = {name: str(value) for name, value in inputs.items() if value not in (None, "")}
        self.steps.append({"step": step, "result": result, "rule": rule, "input": given, "note": note})

    def stop(self, outcome: str, reason: Reason, step: str, note: str, *, rule: str = "", **inputs: Any) -> None:
        self.outcome, self.reason = outcome, reason
        self.note(step, outcome, note, rule=rule, **inputs)

    def judge(self, status: str, reason: Reason, step: str, note: str, *, rule: str = "", **inputs: Any) -> None:
        """Set the status of the new conversion. The first call decides; later steps only add to the trace."""
        if not self.verdict:
            self.verdict, self.verdict_reason = status, reason
        self.note(step, status, note, rule=rule, **inputs)

    @property
    def occurred_at(self) -> datetime:
        """When the event happened, as the sender says; otherwise when we received it."""
        return self.event.occurred_at or self.postback.received_at

    @property
    def counts_from(self) -> datetime:
        """When we first received the event. Caps and delays use this time, also after a correction."""
        return self.corrects.row.received_at if self.corrects else self.postback.received_at

    @property
    def locks_customer(self) -> bool:
        """Whether this event creates the customer lock: the customer had none on this offer."""
        return (
            bool(self.event.customer_id)
            and self.lock is None
            and self.verdict != Conversion.Status.REJECTED
            and not self.is_test
            and self.enrollment is not None
            and self.enrollment.offer.customer_lock != Offer.CustomerLock.NONE
        )

    @property
    def http_status(self) -> int:
        """The HTTP status of the answer: a request with several errors is answered 422."""
        if self.outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UPDATED, Outcome.DUPLICATE):
            return 200
        return EXPLANATIONS[self.reason or Reason.TRY_AGAIN].http_status


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request, ready to be sent by any endpoint."""

    http_status: int
    body: dict[str, Any]
    postback_id: str
