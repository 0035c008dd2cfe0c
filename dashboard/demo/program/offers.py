"""The demo operator's program: three advertisers with an offer each, the goals, and the commission plans."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from affiliates.models import Offer
from conversions.models import Goal

CASINO, CHALLENGE, SHOP = "LuckyFox Casino", "Northpeak Challenge", "Casa Verbena Shop"
AT_ONCE, AFTER_DELAY, BY_HAND = Goal.Approval.AT_ONCE, Goal.Approval.AFTER_DELAY, Goal.Approval.BY_HAND


@dataclass(frozen=True, slots=True)
class AskSpec:
    """A qualification rule: of a kind, about another goal, met within so many days."""

    kind: str
    other_goal: str
    within_days: int
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class GoalSpec:
    code: str
    name: str
    kind: Goal.Kind
    approval: Goal.Approval = AT_ONCE
    delay: timedelta | None = None
    needs_customer_id: bool = False
    needs_revenue: bool = False
    once_per_customer: bool = False
    minimum_revenue: str | None = None
    asks: tuple[AskSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """An offer and the advertiser behind it; `sender` is the address its postbacks come from."""

    name: str
    advertiser: str
    vertical: Offer.Vertical
    currency: str
    description: str
    terms: str
    destination: str
    fallback: str
    hosts: tuple[str, ...]
    window: timedelta
    lock: Offer.CustomerLock
    requires_approval: bool
    sender: str
    agent: str
    goals: tuple[GoalSpec, ...]


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A flat amount in a currency, or a percent of revenue; without a goal a price per click, up to a number a day."""

    goal: str = ""
    amount: str | None = None
    currency: str = ""
    percent: str | None = None
    clicks_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class ExampleSpec:
    """A worked example: its events, and by event the amount that the rule of the same place comes to.

    `payouts/plans/examples.py` gives the form of both.
    """

    name: str
    events: tuple[dict[str, Any], ...]
    expected: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """Rules in force since a number of days ago, published some days before that."""

    days_ago: int
    note: str
    rules: tuple[RuleSpec, ...]
    examples: tuple[ExampleSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSpec:
    name: str
    offer: str
    affiliate: str | None
    versions: tuple[VersionSpec, ...]


OFFERS = (
    OfferSpec(
        name=CASINO,
        advertiser="LuckyFox",
        vertical=Offer.Vertical.IGAMING,
        currency="EUR",
        description="Online casino with 2,400 games, licensed in Malta. Landing pages in six languages.",
        terms="Reviews, comparison pages, streaming and newsletters are welcome. No brand bidding, no incentives, "
        "no traffic from people under 18. First deposits from 20 EUR count.",
        destination="https://luckyfox.example/welcome?btag={click_id}&src={sub1}",
        fallback="https://luckyfox.example/",
        hosts=("luckyfox.example", "*.luckyfox.example"),
        window=timedelta(days=30),
        lock=Offer.CustomerLock.FIRST,
        requires_approval=True,
        sender="198.51.100.20",
        agent="LuckyFox-Platform/4.2",
        goals=(
            GoalSpec(
                "registration", "Registration", Goal.Kind.REGISTRATION, needs_customer_id=True, once_per_customer=True
            ),
            GoalSpec("kyc", "Identity check", Goal.Kind.KYC, needs_customer_id=True, once_per_customer=True),
            GoalSpec(
                "ftd",
                "First deposit",
                Goal.Kind.FTD,
                approval=AFTER_DELAY,
                delay=timedelta(days=7),
                needs_customer_id=True,
                needs_revenue=True,
                once_per_customer=True,
                minimum_revenue="20",
            ),
            GoalSpec("deposit", "Deposit", Goal.Kind.DEPOSIT, needs_customer_id=True, needs_revenue=True),
            GoalSpec(
                "vip",
                "VIP player",
                Goal.Kind.CUSTOM,
                needs_customer_id=True,
                once_per_customer=True,
                asks=(
                    AskSpec("accumulated", "deposit", 60, amount="500"),
                    AskSpec("kyc", "kyc", 60),
                ),
            ),
        ),
    ),
    OfferSpec(
        name=CHALLENGE,
        advertiser="Northpeak Funding",
        vertical=Offer.Vertical.PROP,
        currency="USD",
        description="Evaluation of traders in two steps; funded accounts from 10,000 to 200,000 USD.",
        terms="Education, reviews, Discord and video are welcome. No promises of income, no bidding on the name. "
        "Refunds within 14 days take the commission back.",
        destination="https://northpeak.example/challenge?click_id={click_id}&utm_campaign={sub1}",
        fallback="https://northpeak.example/",
        hosts=("northpeak.example",),
        window=timedelta(days=45),
        lock=Offer.CustomerLock.LAST,
        requires_approval=True,
        sender="198.51.100.77",
        agent="northpeak-billing/2026.9",
        goals=(
            GoalSpec(
                "registration", "Registration", Goal.Kind.REGISTRATION, needs_customer_id=True, once_per_customer=True
            ),
            GoalSpec(
                "challenge_purchase",
                "Challenge purchase",
                Goal.Kind.PURCHASE,
                approval=AFTER_DELAY,
                delay=timedelta(days=14),
                needs_revenue=True,
            ),
        ),
    ),
    OfferSpec(
        name=SHOP,
        advertiser="Casa Verbena",
        vertical=Offer.Vertical.SHOP,
        currency="EUR",
        description="Plants, garden tools and home textiles; ships to the EU. Average order 74 EUR.",
        terms="All traffic but brand bidding. Coupon pages get codes of their own. Returned orders earn nothing.",
        destination="https://casaverbena.example/?click_id={click_id}&utm_source={sub1}",
        fallback="https://casaverbena.example/",
        hosts=("casaverbena.example", "www.casaverbena.example"),
        window=timedelta(days=14),
        lock=Offer.CustomerLock.NONE,
        requires_approval=False,
        sender="198.51.100.140",
        agent="verbena-shop-hooks/1.8",
        goals=(GoalSpec("purchase", "Purchase", Goal.Kind.PURCHASE, approval=BY_HAND, needs_revenue=True),),
    ),
)

PLANS = (
    PlanSpec(
        "Casino standard: CPA and deposits",
        CASINO,
        None,
        (
            VersionSpec(
                400,
                "Opening terms",
                (RuleSpec("ftd", amount="90", currency="EUR"), RuleSpec("deposit", percent="12")),
                (
                    ExampleSpec(
                        "A player's first two deposits",
                        (
                            {"goal": "ftd", "revenue": "50", "currency": "EUR", "customer": "P-1"},
                            {"goal": "deposit", "revenue": "80", "currency": "EUR", "customer": "P-1"},
                        ),
                        (
                            {"event": 1, "rule": 1, "amount": "90", "currency": "EUR"},
                            {"event": 2, "rule": 2, "amount": "9.60", "currency": "EUR"},
                        ),
                    ),
                ),
            ),
        ),
    ),
    PlanSpec(
        "Ana's casino deal",
        CASINO,
        "Ana Duarte Media",
        (
            VersionSpec(
                180,
                "Agreed with Ana after her first quarter",
                (RuleSpec("ftd", amount="110", currency="EUR"), RuleSpec("deposit", percent="15")),
            ),
            VersionSpec(
                20,
                "Raised: her players stay longest",
                (RuleSpec("ftd", amount="130", currency="EUR"), RuleSpec("deposit", percent="18")),
                (
                    ExampleSpec(
                        "A new player deposits twice",
                        (
                            {"goal": "ftd", "revenue": "50", "currency": "EUR", "customer": "P-1"},
                            {"goal": "deposit", "revenue": "19.99", "currency": "EUR", "customer": "P-1"},
                        ),
                        (
                            {"event": 1, "rule": 1, "amount": "130", "currency": "EUR"},
                            {"event": 2, "rule": 2, "amount": "3.60", "currency": "EUR"},
                        ),
                    ),
                    ExampleSpec(
                        "A month of deposits",
                        ({"goal": "deposit", "revenue": "100", "currency": "EUR", "times": 12},),
                        ({"event": 1, "rule": 2, "amount": "216", "currency": "EUR"},),
                    ),
                ),
            ),
        ),
    ),
    PlanSpec(
        "Ben's casino deal: CPA only",
        CASINO,
        "Ben Okafor Reviews",
        (
            VersionSpec(
                210,
                "A higher CPA in place of a share of deposits",
                (RuleSpec("ftd", amount="150", currency="EUR"), RuleSpec("deposit", amount="0", currency="EUR")),
            ),
        ),
    ),
    PlanSpec(
        "Challenge standard: sign-up and share",
        CHALLENGE,
        None,
        (
            VersionSpec(
                365,
                "Opening terms",
                (
                    RuleSpec("registration", amount="1.50", currency="USD"),
                    RuleSpec("challenge_purchase", percent="15"),
                ),
            ),
        ),
    ),
    PlanSpec(
        "Bee's shop deal: clicks and a share",
        SHOP,
        "Bargain Bee",
        (
            VersionSpec(
                20,
                "Clicks of the new app are paid too",
                (
                    RuleSpec("purchase", percent="5"),
                    RuleSpec(amount="0.025", currency="EUR", clicks_a_day=250),
                ),
                (
                    ExampleSpec(
                        "A day of clicks with one order",
                        ({"clicks": 171}, {"goal": "purchase", "revenue": "64.90", "currency": "EUR"}),
                        (
                            {"event": 1, "rule": 2, "amount": "4.28", "currency": "EUR"},
                            {"event": 2, "rule": 1, "amount": "3.25", "currency": "EUR"},
                        ),
                    ),
                    ExampleSpec(
                        "More clicks than a day pays for",
                        ({"clicks": 400},),
                        ({"event": 1, "rule": 2, "amount": "6.25", "currency": "EUR"},),
                    ),
                ),
            ),
        ),
    ),
    PlanSpec(
        "Shop standard: share of orders",
        SHOP,
        None,
        (
            VersionSpec(
                365,
                "Opening terms",
                (RuleSpec("purchase", percent="8"),),
                (
                    ExampleSpec(
                        "An order of shoes",
                        ({"goal": "purchase", "revenue": "119.90", "currency": "EUR"},),
                        ({"event": 1, "rule": 1, "amount": "9.59", "currency": "EUR"},),
                    ),
                ),
            ),
        ),
    ),
)


def offer_named(name: str) -> OfferSpec | None:
    return next((offer for offer in OFFERS if offer.name == name), None)
