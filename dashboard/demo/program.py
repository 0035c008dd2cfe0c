"""The data needed before the first click: people, advertisers, offers, goals, plans, affiliates, links, payment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, takewhile
from typing import Any

from django.db import models

from affiliates.access.advertiser_secrets import make_secret
from affiliates.access.api_keys import make_api_key
from affiliates.models import (
    Advertiser,
    AdvertiserSecret,
    Affiliate,
    AffiliateMember,
    ApiKey,
    CouponCode,
    Enrollment,
    Offer,
    User,
)
from conversions.models import Goal, QualificationRule, RiskPolicy, SenderMapping
from conversions.sources.connections import new_connection, set_secrets
from dashboard.demo import credentials
from dashboard.demo.clock import DAYS, DemoSpan
from dashboard.demo.data import OFFERS, OPERATOR, PROGRAM, SIGN_IN, Spec
from payouts.invoicing.billing import agree, set_details
from payouts.models import CommissionPlan, CommissionRule, ExchangeRate, Issuer, PayoutTerms, WorkedExample
from payouts.paying.methods import set_method
from payouts.plan_changes.publish import publish_version
from payouts.rates.daily import DayRate, bundled, store
from tracking.models import TrackingLink

# The advertisers joined this many days ago.
BEGAN = 640
# What a table holds beside the fields of its row.
BESIDE_OFFER = {"advertiser", "goals", "sender", "agent", "way", "customers", "transactions", "hours", "weekdays"}
BESIDE_AFFILIATE = {
    *("owner", "joined_days_ago", "audience", "access", "links", "worth", "robots", "billing", "agreed", "paid_by"),
    *("terms", "signs_in", "parent", "status"),
}
BESIDE_LINK = {"offer", "channel", "daily", "growth", "first_day", "peaks"}


@dataclass
class Ground:
    """The rows that the rest of the demo uses, by name."""

    span: DemoSpan
    operator: User
    finance: User
    offers: dict[str, Offer] = field(default_factory=dict)
    affiliates: dict[str, Affiliate] = field(default_factory=dict)
    owners: dict[str, User] = field(default_factory=dict)
    enrollments: dict[tuple[str, str], Enrollment] = field(default_factory=dict)
    links: dict[str, TrackingLink] = field(default_factory=dict)
    plans: dict[str, CommissionPlan] = field(default_factory=dict)


def create(span: DemoSpan) -> Ground:
    """Store the program as it was at the beginning of the time shown."""
    began = span.midnight(BEGAN)
    operator = _person(OPERATOR, began, signs_in=True, is_staff=True, is_superuser=True)
    ground = Ground(
        span, operator=operator, finance=_person(PROGRAM["finance"], began, is_staff=True, roles=["finance"])
    )
    for spec in OFFERS["offers"]:
        _offer(ground, spec, began)
    for spec in OFFERS["mappings"]:
        _make(SenderMapping, spec, {"advertiser"}, advertiser=Advertiser.objects.get(name=spec["advertiser"]))
    for spec in OFFERS["sources"]:
        _source(spec)
    store(_rates(span), source=ExchangeRate.Source.ECB)
    _make(PayoutTerms, PROGRAM["paying"]["terms"])
    _make(Issuer, PROGRAM["issuer"])
    for spec in PROGRAM["affiliates"]:
        _affiliate(ground, spec)
    for spec in OFFERS["plans"]:
        _plan(ground, spec)
    _api_key(ground, operator, None)
    _api_key(ground, ground.owners[SIGN_IN[0]["name"]], ground.affiliates[SIGN_IN[0]["name"]])
    return ground


def _source(spec: Spec) -> None:
    """A shop or billing system whose webhooks are read as they are."""
    row = new_connection(advertiser=Advertiser.objects.get(name=spec["advertiser"]), source=spec["source"])
    set_secrets(row, [credentials.signing_secret(spec["source"])])
    row.goals = spec["goals"]
    row.save()


def _make(model: type[models.Model], spec: Spec, beside: Collection[str] = (), **given: Any) -> Any:
    """Store a row with the fields of a table. Raise FieldDoesNotExist for a word that is no field."""
    return model._default_manager.create(**fields(model, spec, beside), **given)


def fields(model: type[models.Model], spec: Spec, beside: Collection[str] = ()) -> Spec:
    return {name: _value(model._meta.get_field(name), value) for name, value in spec.items() if name not in beside}


def _value(of: Any, value: Any) -> Any:
    if isinstance(of, models.DurationField):
        return timedelta(days=value)
    return Decimal(value) if isinstance(of, models.DecimalField) else value


def _person(spec: Spec, joined: datetime, *, signs_in: bool = False, **more: Any) -> User:
    """A user; one that does not sign in has no password."""
    password = credentials.password(spec["email"]) if signs_in else None
    zone = spec.get("time_zone", "UTC")
    return User.objects.create_user(
        spec["email"], password, name=spec["name"], time_zone=zone, date_joined=joined, **more
    )


def _offer(ground: Ground, spec: Spec, began: datetime) -> None:
    name = spec["advertiser"]
    advertiser = Advertiser.objects.create(name=name, currency=spec["currency"], created_at=began)
    texts = {
        AdvertiserSecret.Kind.TOKEN: credentials.advertiser_token(name),
        AdvertiserSecret.Kind.HMAC: credentials.advertiser_hmac_secret(name),
    }
    for kind, text in texts.items():
        make_secret(advertiser=advertiser, kind=kind, text=text, label="Demo")
    advertiser.secrets.update(created_at=began)
    offer = ground.offers[spec["name"]] = _make(
        Offer, spec, BESIDE_OFFER, advertiser=advertiser, status=Offer.Status.ACTIVE, created_at=began
    )
    goals = {
        each["code"]: _make(Goal, each, {"asks"}, offer=offer, position=position, created_at=began)
        for position, each in enumerate(spec["goals"], start=1)
    }
    for each in spec["goals"]:
        for ask in each.get("asks", ()):
            given = {"goal": goals[each["code"]], "other_goal": goals[ask["other_goal"]], "created_at": began}
            _make(QualificationRule, ask, {"other_goal"}, **given)
    RiskPolicy.objects.create(offer=offer, owner=ground.operator)


def _affiliate(ground: Ground, spec: Spec) -> None:
    name, span = spec["name"], ground.span
    joined = span.at(f"{spec['joined_days_ago']} 08:12") + timedelta(minutes=47 * len(ground.affiliates))
    parent = ground.affiliates.get(spec.get("parent", ""))
    given = {"status": spec.get("status", Affiliate.Status.ACTIVE), "parent": parent, "created_at": joined}
    affiliate = _make(Affiliate, spec, BESIDE_AFFILIATE, **given)
    owner = _person(spec["owner"], joined, signs_in=spec.get("signs_in", False))
    AffiliateMember.objects.create(affiliate=affiliate, user=owner, roles=[AffiliateMember.OWNER])
    ground.affiliates[name], ground.owners[name] = affiliate, owner
    for access in spec["access"]:
        _access(ground, affiliate, access, joined)
    for number, link in enumerate(spec.get("links", ())):
        made = joined + timedelta(days=1 + 9 * number, hours=2, minutes=23 * number)
        if link.get("first_day", DAYS) < DAYS:
            made = span.at(f"{link['first_day'] + 1} 13:48")
        enrollment = ground.enrollments[name, link["offer"]]
        given = {"enrollment": enrollment, "created_at": made}
        ground.links[link["code"]] = _make(TrackingLink, link, BESIDE_LINK, **given)
    _payment(affiliate, owner, spec, span.since)


def _access(ground: Ground, affiliate: Affiliate, spec: Spec, joined: datetime) -> None:
    status = spec.get("status", Enrollment.Status.APPROVED)
    applied = ground.span.at(f"{spec['applied_days_ago']} 10:41") if "applied_days_ago" in spec else joined
    considered = timedelta(hours=2, minutes=17 + 29 * (len(ground.enrollments) % 7))
    decided = {"decided_at": applied + considered, "decided_by": ground.operator}
    ground.enrollments[affiliate.name, spec["offer"]] = enrollment = Enrollment.objects.create(
        affiliate=affiliate,
        offer=ground.offers[spec["offer"]],
        status=status,
        note=spec.get("note", ""),
        created_at=applied,
        **({} if status == Enrollment.Status.PENDING else decided),
    )
    for code in spec.get("coupons", ()):
        CouponCode.objects.create(enrollment=enrollment, code=code, created_at=applied + timedelta(days=1))


def _payment(affiliate: Affiliate, owner: User, spec: Spec, since: datetime) -> None:
    """How the affiliate is paid, and what it entered for its invoices."""
    if "terms" in spec:
        _make(PayoutTerms, spec["terms"], affiliate=affiliate)
    if "paid_by" in spec:
        kind, *_ = details = dict(spec["paid_by"])
        set_method(affiliate=affiliate, kind=details.pop(kind), details=details, actor=None, now=since)
    if "billing" in spec:
        set_details(affiliate=affiliate, given=spec["billing"], actor=owner, now=since)
        if spec.get("agreed", True):
            agree(affiliate=affiliate, actor=owner, now=since)


def _rates(span: DemoSpan) -> list[DayRate]:
    """The bank's rates of these days; where the installed history ends earlier, its last days stand for the rest."""
    history = bundled()
    first = next(history)
    shift = max(timedelta(0), span.now.date() - first.day)
    # The newest day comes first: the twenty-five years before the demo's days are not read.
    shown = takewhile(lambda each: each.day + shift >= span.since.date(), chain([first], history))
    wanted = PROGRAM["paying"]["currencies"]
    return [each._replace(day=each.day + shift) for each in shown if each.currency in wanted]


def _plan(ground: Ground, spec: Spec) -> None:
    first = spec["versions"][0]
    since = ground.span.midnight(first["days_ago"])
    plan = ground.plans[spec["name"]] = CommissionPlan.objects.create(
        offer=ground.offers[spec["offer"]],
        affiliate=ground.affiliates.get(spec.get("affiliate", "")),
        name=spec["name"],
        created_at=since,
    )
    publish(ground, plan, first, now=since)


def publish(ground: Ground, plan: CommissionPlan, spec: Spec, *, now: datetime) -> None:
    """Publish a version of a plan, in force from its own midnight on."""
    publish_version(
        plan=plan,
        rules=rules(plan.offer, spec["rules"]),
        effective_from=ground.span.midnight(spec["days_ago"]),
        actor=ground.operator,
        now=now,
        note=spec["note"],
        examples=[WorkedExample(**example) for example in spec.get("examples", ())],
    )


def rules(offer: Offer, specs: Sequence[Spec]) -> list[CommissionRule]:
    """A percent of revenue, a flat amount, or without a goal a price per click, up to a number a day."""
    goals = {goal.code: goal for goal in Goal.objects.filter(offer=offer).select_related("offer")}
    return [_rule(goals.get(spec.get("goal", "")), spec) for spec in specs]


def _rule(goal: Goal | None, spec: Spec) -> CommissionRule:
    kind = CommissionRule.Kind.PERCENT if "percent" in spec else CommissionRule.Kind.FLAT
    cap = {"cap_count": spec["clicks_a_day"], "cap_period": CommissionRule.Period.DAY} if goal is None else {}
    kind = CommissionRule.Kind.PER_CLICK if goal is None else kind
    return CommissionRule(goal=goal, kind=kind, **fields(CommissionRule, spec, {"goal", "clicks_a_day"}), **cap)


def _api_key(ground: Ground, user: User, affiliate: Affiliate | None) -> None:
    row, _ = make_api_key(user=user, affiliate=affiliate, name="Demo", key=credentials.api_key(user.email))
    ApiKey.objects.filter(pk=row.pk).update(created_at=ground.span.midnight(45))
