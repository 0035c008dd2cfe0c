"""The values that pass through intake: the received request, its case with what each step found, and the decision."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from affiliates.models import Advertiser, Enrollment, Offer
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import NATIVE, Mapping
from conversions.intake.parsed_event import ParsedEvent
from conversions.intake.read.signing import Signed
from conversions.models import Conversion, Customer, CustomerLock, Goal, ParkedPostback, Postback, Touch
from conversions.qualification_kinds.base import RuleResult
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.risk.reviews import FoundSignals
from conversions.risk_signals.base import ClickMarks
from records.bulk_rows import Rows
from records.translation import in_english
from tracking.click_id.codec import ClickID
from tracking.models import TrackingLink
from web.http import clean

Outcome = Postback.Outcome
# The result of a trace line about a repaired value; the sender gets it as a warning.
REPAIRED = "repaired"
# Outcomes of accepted requests; a repeat of a refused request must not look harmless.
TAKEN = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.HELD, Outcome.UPDATED, Outcome.DUPLICATE)
# A conversion that is pending for one of these reasons is answered 202 held.
HOLDS = frozenset({Reason.RISK_REVIEW, Reason.AFFILIATE_CLOSED, Reason.OVER_CAP_HELD})


@dataclass(slots=True)
class Received:
    """One request as an endpoint received it. `parameters` are name-value pairs in the order sent, with secrets."""

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
    # The advertiser that an operator named, as for an imported file, or that a source's address belongs to.
    advertiser: Advertiser | None = None
    # The result of a source's own signature check (`valid`, `bad`, `stale`), and the digest of its address's token.
    proof: str = ""
    address_digest: str = ""
    body: str = ""
    # Names of values within JSON that are neither texts nor numbers, and no fields of ours.
    left_out: list[str] = field(default_factory=list)
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
class Parking:
    """The wait of a parked request: since an earlier attempt (`row`), or from now on."""

    row: ParkedPostback | None = None
    # Whether it may keep waiting; if an operator ended the wait, who and why.
    may_wait: bool = True
    ended_by: str = ""
    # What it waits for, until when, and the postback of an earlier request with the same content.
    waits: Awaited | None = None
    until: datetime | None = None
    waits_as: str = ""


@dataclass(slots=True)
class Origin:
    """The known origin of an event: its click, its customer, and the enrollment that follows from them.

    `Attribution` has the affiliate that a new event is credited to.
    """

    enrollment: Enrollment | None = None
    link: TrackingLink | None = None
    # How it was found (`Conversion.Evidence`); the lock, if a customer lock did.
    evidence: str = ""
    lock: CustomerLock | None = None
    # The link of the click that the request names, and the facts of the stored click.
    named_link: TrackingLink | None = None
    click_marks: ClickMarks | None = None
    click_consent: str = ""
    customer: Customer | None = None
    # An ID for the row of a customer that is not known yet.
    free_customer_id: int | None = None
    # All locks of the customer, the newest first, and all touches, the oldest first.
    locks: list[CustomerLock] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)


@dataclass(slots=True)
class Attribution:
    """Who is credited for a new event, and under which goal."""

    goal: Goal
    enrollment: Enrollment
    link: TrackingLink | None
    evidence: str
    # The customer lock that decides, or that this event replaces.
    lock: CustomerLock | None = None
    takes_over: bool = False
    # The clicks that the customer's earlier events named, and the one that is credited in place of this event's own.
    touches: list[Touch] = field(default_factory=list)
    first_click: ClickID | None = None

    def credited_click(self, event: ParsedEvent) -> ClickID | None:
        """The click that is credited: the lock's own, where a lock decided."""
        if self.evidence == Conversion.Evidence.LOCK:
            return ClickID(self.lock.click_id) if self.lock and self.lock.click_id else None
        return self.first_click or event.click

    @property
    def offer(self) -> Offer:
        return self.enrollment.offer


@dataclass(slots=True)
class Running:
    """The step that a batch is in, by the name of its function in `pipeline.py`."""

    step: str = ""


@dataclass(slots=True)
class Case:
    """One postback on its way through the pipeline. A step stops it with an outcome and a reason."""

    postback: Postback
    parameters: list[tuple[str, str]]
    # Names and kinds of the values that were treated as personal data on receipt.
    personal: list[tuple[str, str]] = field(default_factory=list)
    # Names of parameters that could not be read, and that no field needs.
    left_out: list[str] = field(default_factory=list)
    # The dialect of the request; None for our own, and for one that no longer exists.
    dialect: Dialect | None = None
    # Whether it is decided although it was decided before (replay).
    again: bool = False
    # False once it turns out that another process has decided it meanwhile.
    is_due: bool = True
    problems: list[Problem] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    running: Running = field(default_factory=Running)
    outcome: str = ""
    reason: Reason | None = None

    # Known once the request was read.
    advertiser: Advertiser | None = None
    event: ParsedEvent = field(default_factory=ParsedEvent)
    # The event as it is stored beside the request (`parsed_event.as_document`).
    document: dict[str, Any] = field(default_factory=dict)
    # Where the click ID was imported from, for one that is not ours.
    legacy_source: str = ""
    # The goal found by its code alone: its rule makes the key by which the event counts once.
    named_goal: Goal | None = None
    dedupe_key: str = ""
    # The sender named the day of the event, without a time.
    is_dated: bool = False
    # A test event: processed and answered like any other, but never counted or paid.
    is_test: bool = False

    # Known once it was judged: the conversion that it is about, or the attribution of a new one and its status.
    conversion: Conversion | None = None
    # An ID for the row of a new one.
    free_id: int | None = None
    # The rejected conversion that the request corrects: decided as new, written into that row.
    corrects: Rejected | None = None
    origin: Origin = field(default_factory=Origin)
    goal: Goal | None = None
    attribution: Attribution | None = None
    parking: Parking = field(default_factory=Parking)
    # The result of each rule of the goal, and the risk signals, weighed by the offer's policy.
    rule_results: list[RuleResult] = field(default_factory=list)
    # Whether a conversion can be on hold on this offer.
    offer_has_rules: bool = False
    risk: FoundSignals | None = None
    verdict: str = ""
    verdict_reason: Reason = Reason.OK
    # Changes to store on an existing conversion: that its sender rejects it too; an approval that waits.
    rejected_by_sender: bool = False
    approval_waits: bool = False

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
        """Add a line to the trace: the family of the step and the step, its result, the rule and its inputs."""
        given = {name: str(value) for name, value in inputs.items() if value not in (None, "")}
        line = {"step": step, "result": result, "rule": rule, "input": given, "note": note}
        self.steps.append(line | {"by": self.running.step} if self.running.step else line)

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
        """When the event happened, according to the sender; otherwise when we received it."""
        return self.event.occurred_at or self.postback.received_at

    @property
    def counts_from(self) -> datetime:
        """When we first received the event. Caps and delays use this time, also after a correction."""
        return self.corrects.row.received_at if self.corrects else self.postback.received_at

    @property
    def http_status(self) -> int:
        """The HTTP status of the answer: a request with several errors is answered 422."""
        if self.outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UPDATED, Outcome.DUPLICATE):
            return 200
        return EXPLANATIONS[self.reason or Reason.TRY_AGAIN].http_status


def known_events(cases: Iterable[Case]) -> list[tuple[Case, Conversion]]:
    """The open cases about a conversion that exists."""
    return [(case, case.conversion) for case in cases if case.is_open and case.conversion]


def new_events(cases: Iterable[Case]) -> list[tuple[Case, Attribution]]:
    """The open cases that create a conversion, or decide a rejected one again, with their attribution."""
    return [(case, case.attribution) for case in cases if case.is_open and case.conversion is None and case.attribution]


@dataclass(slots=True)
class Judged:
    """A batch after the judge steps: all cases, and the new events among them."""

    cases: list[Case]
    now: datetime
    new: list[tuple[Case, Attribution]] = field(default_factory=list)
    # The rows that the steps give to be written together, by the last of them (`write_rows`).
    rows: Rows = field(default_factory=Rows)
    # The postbacks of parked requests that the new conversions made due.
    woken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.new = new_events(self.cases)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request, ready to be sent by any endpoint."""

    http_status: int
    body: dict[str, Any]
    postback_id: str
