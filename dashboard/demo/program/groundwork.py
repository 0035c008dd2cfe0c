"""The data needed before the first click: people, advertisers, offers, goals, plans, affiliates, links."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

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
from dashboard.demo.program import credentials, partners
from dashboard.demo.program import offers as program
from dashboard.demo.program.offers import SHOP, GoalSpec, OfferSpec, PlanSpec, RuleSpec, VersionSpec
from dashboard.demo.program.partners import ANA, DUARTE, OLGA, OMAR, SIGN_IN, AccessSpec, Partner, Person
from dashboard.demo.program.rhythm import DAYS, DemoSpan
from payouts.models import CommissionPlan, CommissionRule, WorkedExample
from payouts.plan_changes.publish import publish_version
from tracking.models import TrackingLink

# The advertisers joined this many days ago.
BEGAN = 640


@dataclass
class Ground:
    """The rows that the rest of the demo uses, by name."""

    operator: User
    finance: User
    offers: dict[str, Offer] = field(default_factory=dict)
    goals: dict[tuple[str, str], Goal] = field(default_factory=dict)
    affiliates: dict[str, Affiliate] = field(default_factory=dict)
    enrollments: dict[tuple[str, str], Enrollment] = field(default_factory=dict)
    links: dict[str, TrackingLink] = field(default_factory=dict)
    # Versions that come into force during the time shown, by the days ago that they are published.
    later_versions: list[tuple[int, CommissionPlan, VersionSpec]] = field(default_factory=list)


def create(span: DemoSpan) -> Ground:
    """Store the program as it was at the beginning of the time shown."""
    began = span.midnight(BEGAN)
    ground = Ground(
        operator=_person(OLGA, began, is_staff=True, is_superuser=True, password=credentials.password(OLGA.email)),
        finance=_person(OMAR, began, is_staff=True, roles=("finance",)),
    )
    for offer in program.OFFERS:
        _offer(ground, offer, began)
    _mapping(ground)
    for partner in partners.PARTNERS:
        _partner(ground, partner, span)
    for plan in program.PLANS:
        _plan(ground, plan, span)
    _api_key(ground.operator, None, span)
    _api_key(User.objects.get(email=ANA.email), ground.affiliates[DUARTE], span)
    return ground


def _person(
    person: Person,
    joined: datetime,
    *,
    is_staff: bool = False,
    is_superuser: bool = False,
    roles: Sequence[str] = (),
    password: str | None = None,
) -> User:
    """A user; without a password one that cannot sign in."""
    return User.objects.create_user(
        person.email,
        password,
        name=person.name,
        time_zone=person.time_zone,
        is_staff=is_staff,
        is_superuser=is_superuser,
        roles=list(roles),
        date_joined=joined,
    )


def _offer(ground: Ground, spec: OfferSpec, began: datetime) -> None:
    advertiser = Advertiser.objects.create(name=spec.advertiser, currency=spec.currency, created_at=began)
    texts = {
        AdvertiserSecret.Kind.TOKEN: credentials.advertiser_token(spec.advertiser),
        AdvertiserSecret.Kind.HMAC: credentials.advertiser_hmac_secret(spec.advertiser),
    }
    for kind, text in texts.items():
        make_secret(advertiser=advertiser, kind=kind, text=text, label="Demo")
    advertiser.secrets.update(created_at=began)
    offer = ground.offers[spec.name] = Offer.objects.create(
        advertiser=advertiser,
        name=spec.name,
        vertical=spec.vertical,
        status=Offer.Status.ACTIVE,
        description=spec.description,
        terms=spec.terms,
        currency=spec.currency,
        destination_url=spec.destination,
        fallback_url=spec.fallback,
        deep_link_hosts=list(spec.hosts),
        attribution_window=spec.window,
        customer_lock=spec.lock,
        requires_approval=spec.requires_approval,
        created_at=began,
    )
    for position, goal in enumerate(spec.goals, start=1):
        ground.goals[spec.name, goal.code] = _goal(offer, position, goal, began)
    for goal in spec.goals:
        for ask in goal.asks:
            QualificationRule.objects.create(
                goal=ground.goals[spec.name, goal.code],
                kind=ask.kind,
                other_goal=ground.goals[spec.name, ask.other_goal],
                amount=Decimal(ask.amount) if ask.amount else None,
                within=timedelta(days=ask.within_days),
                created_at=began,
            )
    RiskPolicy.objects.create(offer=offer, owner=ground.operator)


def _mapping(ground: Ground) -> None:
    """A sender of the shop with its own format: cents, stages of a deal, and an answer of two letters."""
    SenderMapping.objects.create(
        slug="verbena-crm",
        name="Casa Verbena's CRM",
        advertiser=ground.offers[SHOP].advertiser,
        names={
            "click_id": ["trk", "visit"],
            "txid": ["deal"],
            "event_type": ["stage"],
            "revenue": ["cents"],
            "status": ["state"],
        },
        goals={"sold": "purchase"},
        statuses={"paid": "approved", "open": "pending", "returned": "rejected"},
        defaults={"currency": "EUR"},
        tokens=["apikey"],
        minor_units=True,
        answers_as="own",
        taken_body="OK {conversion_id}",
        duplicate_body="OK seen",
        refused_body="NO {message}",
    )


def _goal(offer: Offer, position: int, spec: GoalSpec, began: datetime) -> Goal:
    return Goal.objects.create(
        offer=offer,
        code=spec.code,
        name=spec.name,
        kind=spec.kind,
        position=position,
        approval=spec.approval,
        approval_delay=spec.delay,
        needs_customer_id=spec.needs_customer_id,
        needs_revenue=spec.needs_revenue,
        once_per_customer=spec.once_per_customer,
        minimum_revenue=Decimal(spec.minimum_revenue) if spec.minimum_revenue else None,
        created_at=began,
    )


def _partner(ground: Ground, spec: Partner, span: DemoSpan) -> None:
    joined = span.at(spec.joined_days_ago, "08:12") + timedelta(minutes=47 * len(ground.affiliates))
    affiliate = ground.affiliates[spec.name] = Affiliate.objects.create(
        name=spec.name,
        status=spec.status,
        status_note=spec.note,
        country=spec.country,
        currency=spec.currency,
        website=spec.website,
        parent=ground.affiliates[spec.parent] if spec.parent else None,
        created_at=joined,
    )
    password = credentials.password(spec.owner.email) if spec.owner in SIGN_IN else None
    owner = _person(spec.owner, joined, password=password)
    AffiliateMember.objects.create(affiliate=affiliate, user=owner, roles=[AffiliateMember.OWNER])
    for access in spec.access:
        _access(ground, affiliate, access, joined, span)
    for number, link in enumerate(spec.links):
        made = joined + timedelta(days=1 + 9 * number, hours=2, minutes=23 * number)
        if link.first_day < DAYS:
            made = span.at(link.first_day + 1, "13:48")
        ground.links[link.code] = TrackingLink.objects.create(
            enrollment=ground.enrollments[spec.name, link.offer],
            code=link.code,
            name=link.name,
            destination_url=link.destination,
            is_active=link.is_active,
            created_at=made,
        )


def _access(ground: Ground, affiliate: Affiliate, spec: AccessSpec, joined: datetime, span: DemoSpan) -> None:
    applied = joined if spec.applied_days_ago is None else span.at(spec.applied_days_ago, "10:41")
    decided = spec.status != Enrollment.Status.PENDING
    considered = timedelta(hours=2, minutes=17 + 29 * (len(ground.enrollments) % 7))
    enrollment = Enrollment.objects.create(
        affiliate=affiliate,
        offer=ground.offers[spec.offer],
        status=spec.status,
        note=spec.note,
        created_at=applied,
        decided_at=applied + considered if decided else None,
        decided_by=ground.operator if decided else None,
    )
    ground.enrollments[affiliate.name, spec.offer] = enrollment
    for code in spec.coupons:
        CouponCode.objects.create(enrollment=enrollment, code=code, created_at=applied + timedelta(days=1))


def _plan(ground: Ground, spec: PlanSpec, span: DemoSpan) -> None:
    plan = CommissionPlan.objects.create(
        offer=ground.offers[spec.offer],
        affiliate=ground.affiliates[spec.affiliate] if spec.affiliate else None,
        name=spec.name,
        created_at=span.midnight(spec.versions[0].days_ago),
    )
    first, *later = spec.versions
    publish(ground, plan, first, span, now=span.midnight(first.days_ago))
    ground.later_versions += [(version.days_ago + 4, plan, version) for version in later]


def publish(ground: Ground, plan: CommissionPlan, spec: VersionSpec, span: DemoSpan, *, now: datetime) -> None:
    """Publish a version of a plan, in force from its own midnight on."""
    offer = plan.offer.name
    publish_version(
        plan=plan,
        rules=[_rule(ground.goals.get((offer, rule.goal)), rule) for rule in spec.rules],
        effective_from=span.midnight(spec.days_ago),
        actor=ground.operator,
        now=now,
        note=spec.note,
        examples=[
            WorkedExample(name=each.name, events=list(each.events), expected=list(each.expected))
            for each in spec.examples
        ],
    )


def _rule(goal: Goal | None, spec: RuleSpec) -> CommissionRule:
    if goal is None:
        price = {"amount": Decimal(spec.amount or 0), "currency": spec.currency}
        cap = {"cap_count": spec.clicks_a_day, "cap_period": CommissionRule.Period.DAY}
        return CommissionRule(kind=CommissionRule.Kind.PER_CLICK, **price, **cap)
    if spec.percent is not None:
        return CommissionRule(goal=goal, kind=CommissionRule.Kind.PERCENT, percent=Decimal(spec.percent))
    assert spec.amount is not None
    return CommissionRule(goal=goal, kind=CommissionRule.Kind.FLAT, amount=Decimal(spec.amount), currency=spec.currency)


def _api_key(user: User, affiliate: Affiliate | None, span: DemoSpan) -> None:
    row, _ = make_api_key(user=user, affiliate=affiliate, name="Demo", key=credentials.api_key(user.email))
    ApiKey.objects.filter(pk=row.pk).update(created_at=span.midnight(45))
