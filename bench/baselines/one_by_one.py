"""The rules of intake as an ordinary function for one postback: one ORM statement after the other.

It knows the rules that the benchmark's events meet (token, signature, stored click, goal and its needs,
window, customer and lock, minimum, first only, marks, repeats), with the same outcomes and reasons as
ours, and writes the same rows: request, customer, lock, conversion, status change, trace. The caller holds
the transaction; the unique constraints refuse what a race would double.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from affiliates.models import Advertiser, AdvertiserSecret, Affiliate, Enrollment
from conversions.intake import Decision, Received
from conversions.models import Conversion, Customer, CustomerLock, Goal, Postback, StatusChange, Trace
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.secrets import digest
from tracking.click_id import codec
from tracking.models import Click, TrackingLink

Outcome = Postback.Outcome
Status = Conversion.Status


class Stopped(Exception):  # noqa: N818 - it stops a request, which is no error
    """The request is answered without a new conversion."""

    def __init__(self, outcome: Outcome, reason: Reason, note: str, conversion: Conversion | None = None) -> None:
        super().__init__(note)
        self.outcome, self.reason, self.note, self.conversion = outcome, reason, note, conversion


@dataclass
class Judgement:
    """The facts of a request so far."""

    row: Postback
    sent: Mapping[str, str]
    advertiser: Advertiser = field(init=False)
    steps: list[dict[str, Any]] = field(default_factory=list)
    status: Status = Status.APPROVED
    reason: Reason = Reason.OK

    def note(self, step: str, result: str, note: str, **inputs: object) -> None:
        given = {name: str(value) for name, value in inputs.items()}
        self.steps.append({"step": step, "result": result, "rule": "", "input": given, "note": note})

    def judge(self, status: Status, reason: Reason, step: str, note: str, **inputs: object) -> None:
        """The first judgement stands."""
        if self.reason == Reason.OK:
            self.status, self.reason = status, reason
        self.note(step, status, note, **inputs)


def decide(received: Received) -> Decision:
    """Store the request, decide it, store the decision, and return the answer."""
    sent = dict(received.parameters)
    case = Judgement(row=_store(received, sent), sent=sent)
    try:
        conversion: Conversion | None = _decide(case)
        outcome = Outcome.REJECTED if case.status == Status.REJECTED else Outcome.ACCEPTED
        if case.reason in (Reason.RISK_REVIEW, Reason.AFFILIATE_CLOSED):
            outcome = Outcome.HELD
        reason = case.reason
    except Stopped as stop:
        outcome, reason, conversion = stop.outcome, stop.reason, stop.conversion
        case.note("decide", outcome, stop.note)
    return _keep(case, outcome, reason, conversion)


def _store(received: Received, sent: Mapping[str, str]) -> Postback:
    return Postback.objects.create(
        received_at=received.received_at,
        endpoint=received.endpoint,
        method=received.method,
        path=received.path,
        parameters=[(name, "•••" if name == "token" else value) for name, value in received.parameters],
        headers=received.headers,
        ip=received.ip,
        is_secure=received.is_secure,
        token_digest=digest(sent["token"]) if sent.get("token") else "",
    )


def _decide(case: Judgement) -> Conversion:
    _authenticate(case)
    click, link = _find_click(case)
    goal = _find_goal(case, link)
    known = _find_known(case, click)
    if known:
        raise Stopped(Outcome.DUPLICATE, Reason.DUPLICATE, f"The same was sent before: {known}.", known)
    _judge_window(case, goal, click)
    customer, lock = _find_customer(case, goal)
    _judge_goal(case, goal, customer)
    _weigh(case, link, click)
    return _count(case, goal, link, click, customer, lock)


def _authenticate(case: Judgement) -> None:
    kind = AdvertiserSecret.Kind.TOKEN
    secrets = AdvertiserSecret.objects.select_related("advertiser")
    secret = secrets.filter(digest=case.row.token_digest, kind=kind, revoked_at=None).first()
    if secret is None:
        raise Stopped(Outcome.UNAUTHORIZED, Reason.BAD_TOKEN, "The token is not valid.")
    case.row.advertiser = case.advertiser = secret.advertiser
    if not secret.advertiser.is_active:
        raise Stopped(Outcome.FORBIDDEN, Reason.ADVERTISER_INACTIVE, "The advertiser is switched off.")
    case.note("authenticate", "passed", f"The token is one of {secret.advertiser}'s.")


def _find_click(case: Judgement) -> tuple[Click, TrackingLink]:
    made = codec.parse(case.sent.get("click_id", ""))
    click = Click.objects.filter(pk=made.uuid).first() if made else None
    if click is None:
        raise Stopped(Outcome.UNKNOWN_CLICK, Reason.UNKNOWN_CLICK, "The click ID is not genuine.")
    link = TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer").get(pk=click.link_id)
    case.row.click_id = click.pk
    case.note("find_click", "found", f"Click of {click.clicked_at} through {link.code}.", click_id=click.pk)
    return click, link


def _find_goal(case: Judgement, link: TrackingLink) -> Goal:
    offer, code = link.enrollment.offer, case.sent.get("event_type", "")
    if offer.advertiser_id != case.row.advertiser_id:
        raise Stopped(Outcome.FORBIDDEN, Reason.WRONG_ADVERTISER, "The click belongs to another advertiser.")
    goal = Goal.objects.filter(offer=offer, code=code, is_active=True).first()
    if goal is None:
        raise Stopped(Outcome.INVALID, Reason.UNKNOWN_GOAL, f"{offer} has no goal {code}.")
    goal.offer = offer
    if goal.needs_revenue and not case.sent.get("revenue"):
        raise Stopped(Outcome.INVALID, Reason.MISSING_REVENUE, f"{goal.name} needs the revenue.")
    if goal.needs_customer_id and not case.sent.get("customer_id"):
        raise Stopped(Outcome.INVALID, Reason.MISSING_CUSTOMER, f"{goal.name} needs the customer_id.")
    return goal


def _dedupe_key(case: Judgement, click: Click) -> str:
    transaction_id, goal = case.sent.get("txid"), case.sent["event_type"]
    return f"{goal}|txid|{transaction_id}" if transaction_id else f"{goal}|click|{click.pk}"


def _find_known(case: Judgement, click: Click) -> Conversion | None:
    key = _dedupe_key(case, click)
    known = Conversion.objects.filter(advertiser=case.advertiser, dedupe_key=key).first()
    if not known:
        case.note("deduplicate", "passed", "No conversion has this key yet.", key=key)
    return known


def _judge_window(case: Judgement, goal: Goal, click: Click) -> None:
    window, elapsed = goal.attribution_window or goal.offer.attribution_window, _occurred_at(case) - click.clicked_at
    if elapsed > window:
        note = f"The event came {elapsed} after the click."
        case.judge(Status.REJECTED, Reason.OUTSIDE_WINDOW, "attribute", note, window=window)
    elif elapsed < timedelta(minutes=-5):
        case.judge(Status.REJECTED, Reason.BEFORE_CLICK, "attribute", f"The event came {-elapsed} before the click.")
    else:
        case.note("attribute", "passed", f"The event came {elapsed} after the click.", window=window)


def _occurred_at(case: Judgement) -> datetime:
    sent = case.sent.get("timestamp")
    return datetime.fromtimestamp(int(sent), case.row.received_at.tzinfo) if sent else case.row.received_at


def _find_customer(case: Judgement, goal: Goal) -> tuple[Customer | None, CustomerLock | None]:
    name = case.sent.get("customer_id")
    if not name:
        return None, None
    customer = Customer.objects.filter(advertiser=case.advertiser, customer_id=name).first()
    if customer is None:
        return Customer.objects.create(advertiser=case.advertiser, customer_id=name), None
    locks = CustomerLock.objects.select_related("enrollment__affiliate", "link")
    return customer, locks.filter(customer=customer, offer=goal.offer).first()


def _judge_goal(case: Judgement, goal: Goal, customer: Customer | None) -> None:
    revenue = Decimal(case.sent["revenue"]) if case.sent.get("revenue") else None
    if goal.minimum_revenue is not None and revenue is not None and revenue < goal.minimum_revenue:
        case.judge(Status.REJECTED, Reason.BELOW_MINIMUM, "qualify", f"{revenue} is too little.", revenue=revenue)
    if goal.once_per_customer and customer:
        before = Conversion.objects.filter(customer=customer, goal=goal).exclude(status=Status.REJECTED)
        if before.exists():
            case.judge(Status.REJECTED, Reason.NOT_FIRST, "qualify", f"The customer has a {goal.name} already.")
        else:
            case.note("qualify", "passed", f"The customer's first {goal.name}.")


def _weigh(case: Judgement, link: TrackingLink, click: Click) -> None:
    if click.is_bot:
        case.judge(Status.PENDING, Reason.RISK_REVIEW, "risk", "The click was made by a bot.")
    elif link.enrollment.affiliate.status != Affiliate.Status.ACTIVE:
        case.judge(Status.PENDING, Reason.AFFILIATE_CLOSED, "risk", "The affiliate is not active.")
    elif link.enrollment.status != Enrollment.Status.APPROVED:
        case.judge(Status.PENDING, Reason.AFFILIATE_CLOSED, "risk", "The affiliate has no access to the offer.")
    else:
        case.note("risk", "passed", "No mark against the click or the affiliate.")


def _count(
    case: Judgement, goal: Goal, link: TrackingLink, click: Click, customer: Customer | None, lock: CustomerLock | None
) -> Conversion:
    """Write conversion, status change and, for a new customer, the lock. An old lock decides who is credited."""
    enrollment = lock.enrollment if lock else link.enrollment
    conversion = Conversion.objects.create(
        advertiser=case.advertiser,
        goal=goal,
        affiliate=enrollment.affiliate,
        link=lock.link if lock else link,
        customer=customer,
        click_id=lock.click_id if lock else click.pk,
        evidence=Conversion.Evidence.LOCK if lock else Conversion.Evidence.ROW,
        transaction_id=case.sent.get("txid", ""),
        dedupe_key=_dedupe_key(case, click),
        revenue=Decimal(case.sent["revenue"]) if case.sent.get("revenue") else None,
        currency=case.sent.get("currency") or goal.offer.currency,
        status=case.status,
        reason=case.reason,
        occurred_at=_occurred_at(case),
        received_at=case.row.received_at,
    )
    StatusChange.objects.create(
        conversion=conversion,
        to_status=case.status,
        reason=case.reason,
        source=StatusChange.Source.POSTBACK,
        postback=case.row,
        at=case.row.received_at,
    )
    if customer and not lock and case.status != Status.REJECTED:
        CustomerLock.objects.create(
            customer=customer,
            offer=goal.offer,
            enrollment=enrollment,
            link=link,
            click_id=click.pk,
            locked_at=_occurred_at(case),
        )
    return conversion


def _keep(case: Judgement, outcome: Outcome, reason: Reason, conversion: Conversion | None) -> Decision:
    row, counted = case.row, outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DUPLICATE)
    status = 200 if counted else EXPLANATIONS[reason].http_status
    row.decided_at, row.outcome, row.reason, row.conversion = row.received_at, outcome, reason, conversion
    row.transaction_id = case.sent.get("txid", "")
    row.save(
        update_fields=["advertiser", "decided_at", "outcome", "reason", "click_id", "transaction_id", "conversion"]
    )
    Trace.objects.create(
        postback=row,
        conversion=conversion,
        decided_at=row.received_at,
        outcome=outcome,
        reason=reason,
        http_status=status,
        steps=case.steps,
    )
    body = {
        "outcome": outcome,
        "reason": reason,
        "message": case.steps[-1]["note"],
        "problems": [],
        "postback_id": row.public_id,
        "conversion_id": conversion.public_id if conversion else None,
        "status": conversion.status if conversion else None,
        "received": {name: "•••" if name == "token" else value for name, value in case.sent.items()},
        "trace_url": f"{settings.PUBLIC_URL}/trace/postback/{row.public_id}/",
    }
    return Decision(http_status=status, body=body, postback_id=row.public_id)
