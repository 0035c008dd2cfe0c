"""Small errors planted into the engine, one at a time: each changes what is booked, and verify_ledger finds each.

The program below has something that each of them gets wrong. What it books without an error is what it books with one,
or the plant is void.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from affiliates.models import Affiliate
from conversions.models import Conversion, Goal, Refund
from payouts.ledger import booking, click_booking
from payouts.models import BilledClicks, CommissionPlan, CommissionRule, ExchangeRate, LedgerEntry, Payout
from payouts.plan_changes.publish import publish_version
from payouts.pricing import engine, kind, limits, precedence, revshare_month, terms, tiers
from payouts.pricing.facts import PricedClicks, PricedConversion
from payouts.pricing.kinds import parents, tiered
from payouts.rates import daily
from payouts.statements import statements
from payouts.verification.verify import Verification
from records import money
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    CommissionPlanFactory,
    ConversionFactory,
    CustomerFactory,
    CustomerLockFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tests.payouts.deals import REJECTED, move

pytestmark = pytest.mark.django_db

JANUARY, NOVEMBER, DECEMBER = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 11, 12))
EUR = {"currency": "EUR"}


class Program:
    """One of everything: a goal for each kind of deal, a version that follows, two parents, clicks."""

    def __init__(self) -> None:
        top = AffiliateFactory()
        self.ana = AffiliateFactory(parent=AffiliateFactory(parent=top), currency="USD")
        self.offer = OfferFactory()
        self.plan: CommissionPlan = CommissionPlanFactory(offer=self.offer)
        self.link = TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=self.ana, offer=self.offer))
        names = ("share", "cpa", "count", "volume", "net", "narrow", "first", "hybrid")
        self.goals: dict[str, Goal] = {name: GoalFactory(offer=self.offer, code=name) for name in names}
        self.customer = CustomerFactory(advertiser=self.offer.advertiser)
        CustomerLockFactory(
            customer=self.customer, offer=self.offer, enrollment=self.link.enrollment, link=self.link, locked_at=JANUARY
        )
        self.publish(Decimal(25), JANUARY)
        self.publish(Decimal(30), datetime(2025, 10, 20, tzinfo=UTC))

    def publish(self, share: Decimal, since: datetime) -> None:
        publish_version(plan=self.plan, rules=self.rules(share), effective_from=since, actor=None, now=since)

    def rules(self, share: Decimal) -> list[CommissionRule]:
        goals = self.goals
        budget: dict[str, Any] = {"cap_amount": Decimal(200), "cap_period": "month", "limit_currency": "EUR"}
        count = {"basis": "count", "mode": "whole", "period": "month", **EUR}
        count["steps"] = [
            {"above": "0", "amount": "10"},
            {"above": "2", "amount": "16"},
            {"above": "4", "amount": "25"},
        ]  # type: ignore[assignment]
        volume = {"basis": "revenue", "mode": "marginal", "period": "month"}
        volume["steps"] = [{"above": "0", "percent": "10"}, {"above": "500", "percent": "20"}]  # type: ignore[assignment]
        net = {"carryover": True, "recoup_cpa": True, "deductions": [{"name": "bonus", "cap": "50"}]}
        shares = {"of": "commission", "levels": ["33.333333", "16.666667"]}
        return [
            CommissionRule(goal=goals["share"], kind="percent", percent=share),
            CommissionRule(goal=goals["cpa"], kind="flat", amount=Decimal(150), **EUR, **budget),
            CommissionRule(goal=goals["count"], kind="tiered", formula=count),
            CommissionRule(goal=goals["volume"], kind="tiered", formula=volume),
            CommissionRule(goal=goals["net"], kind="net_revenue", percent=Decimal(40), formula=net),
            CommissionRule(goal=goals["narrow"], kind="flat", amount=Decimal(7), country="DE", **EUR),
            CommissionRule(
                goal=goals["narrow"], kind="flat", amount=Decimal(9), sub_name="sub1", sub_value="top", **EUR
            ),
            CommissionRule(goal=goals["first"], kind="percent", percent=Decimal(5), max_months=9),
            CommissionRule(goal=goals["hybrid"], kind="flat", amount=Decimal(30), is_component=True, **EUR),
            CommissionRule(goal=goals["hybrid"], kind="percent", percent=Decimal(1), is_component=True),
            CommissionRule(kind="per_click", amount=Decimal("0.005"), **EUR),
            CommissionRule(kind="parents", formula=shares),
        ]

    def convert(self, name: str, revenue: str, day: int, month: int = 10, hour: int = 12, **more: Any) -> Conversion:
        at = datetime(2025, month, day, hour, tzinfo=UTC)
        given = {"customer": self.customer, "received_at": at + timedelta(days=12), **more}
        return ConversionFactory(
            goal=self.goals[name], affiliate=self.ana, revenue=Decimal(revenue), occurred_at=at, **given
        )

    def happen(self) -> None:
        """October and November, booked as they go on."""
        for revenue, day in (("0.10", 3), ("80", 12), ("19.98", 22)):
            self.convert("share", revenue, day)
        self.convert("share", "1001", 5, currency="JPY")
        refunded = self.convert("share", "500", 6)
        rejected = self.convert("cpa", "50", 4)
        self.convert("cpa", "50", 5), self.convert("cpa", "50", 9)
        for day, hour in ((2, 12), (9, 12), (31, 23)):
            self.convert("count", "20", day, hour=hour)
        self.convert("volume", "400", 7), self.convert("volume", "300", 8)
        self.convert("hybrid", "5", 1)
        self.convert("net", "300", 2, deductions={"bonus": "80"}), self.convert("net", "-700", 3)
        self.convert("first", "100", 20, month=9), self.convert("first", "100", 15)
        click = ClickFactory(link=self.link, country="DE", sub1="top")
        self.convert("narrow", "10", 11, click_id=click.pk)
        self.count({"clicks": 1}, {"clicks": 1, "country": "FR"})
        self.book()
        Refund.objects.create(conversion=refunded, amount=Decimal(123), occurred_at=NOVEMBER)
        move(rejected, REJECTED)
        self.convert("count", "20", 20), self.convert("volume", "150", 1)
        self.convert("net", "900", 5, month=11)
        self.book()

    def count(self, *parts: dict[str, Any]) -> None:
        BilledClicks.objects.create(
            affiliate=self.ana, offer=self.offer, link=self.link, day=date(2025, 10, 8), parts=list(parts),
            clicks=sum(part["clicks"] for part in parts), counted_at=NOVEMBER,
        )  # fmt: skip

    def book(self) -> None:
        while booking.book_changes(limit=4, now=NOVEMBER):
            pass
        click_booking.book_clicks(now=NOVEMBER)

    def booked(self) -> list[tuple[object, ...]]:
        """What the ledger holds, by conversion or clicks; places in place of numbers, which differ from run to run."""
        places = {pk: place for place, pk in enumerate(Conversion.objects.order_by("pk").values_list("pk", flat=True))}
        whose = {pk: place for place, pk in enumerate(Affiliate.objects.order_by("pk").values_list("pk", flat=True))}
        rows = LedgerEntry.objects.values_list("conversion_id", "affiliate_id", "currency", "amount")
        sums: dict[tuple[object, ...], Decimal] = {}
        for conversion, affiliate, currency, amount in rows:
            key = (places.get(conversion or 0), whose[affiliate], currency)
            sums[key] = sums.get(key, Decimal(0)) + amount
        return sorted(((*key, amount) for key, amount in sums.items() if amount), key=str)


def rounded_half_even(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-money.places(currency)), rounding=ROUND_HALF_EVEN)


def tier_from_its_bound_on(steps: Any, reached: Decimal) -> Any:
    return next((step for step in reversed(steps) if reached >= step.above), None)


def period_of_berlin(period: str, moment: datetime) -> datetime:
    from_utc: Callable[..., datetime] = limits.begins
    return from_utc(period, moment + timedelta(hours=1))


def budget_without_remainder(event: Any, rule: Any, plan_id: int, tally: Any, line: Any, count: int = 1) -> Any:
    used = limits.used_of_cap(event, rule, plan_id, tally)
    if rule.cap_amount is not None and used.amounts[line.currency] >= rule.cap_amount:
        return "The budget was spent before this one."
    used.amounts[line.currency] += line.amount
    return line


def events_without_refunds(rows: Any) -> Any:
    rows = rows.annotate(kept=F("revenue"))
    columns = rows.values_list(*booking.EVENT_COLUMNS, "public_id")
    return [booking.Due(PricedConversion(*facts), public_id) for *facts, public_id in columns]


def shares_of_revenue(event: PricedConversion | PricedClicks, rule: Any, earned: Any) -> dict[str, Decimal]:
    return {} if isinstance(event, PricedClicks) else {event.currency: event.revenue or Decimal(0)}


def version_by_receipt(event: PricedConversion, book: Any) -> Any:
    received = Conversion.objects.filter(pk=event.id).values_list("received_at", flat=True).first()
    return precedence.choose_version(replace(event, occurred_at=received or event.occurred_at), book)


def country_before_sub(rule: Any) -> tuple[bool, bool, int]:
    return rule.goal_id is not None, bool(rule.country), int(bool(rule.sub_name))


def pending_earns(events: Any, book: Any, lineage: Any = engine.NO_PARENTS) -> Any:
    return engine.estimate_all(events, book, lineage)


_turn_month = revshare_month.NetRevenueMonth._turn_month
_deductions = revshare_month.NetRevenueMonth._deductions


def month_not_carried(month: Any, moment: datetime, *, keeps: bool) -> None:
    _turn_month(month, moment, keeps=False)


def deductions_without_cap(month: Any, customer: Any) -> Decimal:
    return sum(customer.sent.values(), Decimal(0))


def oldest_in_force(plan: Any, moment: datetime) -> Any:
    return next((version for version in reversed(plan.versions) if version.effective_from <= moment), None)


def part_by_part(event: Any, book: Any) -> object:
    return object()


def rounded_alone(amounts: Any, currency: str) -> list[Decimal]:
    return [money.round_money(amount, currency) for amount in amounts]


ERRORS: dict[str, tuple[object, str, object]] = {
    "an amount is rounded half to even": (limits, "round_money", rounded_half_even),
    "a tier begins at its bound, not above it": (tiers, "step_at", tier_from_its_bound_on),
    "a month is that of Berlin": (tiered, "begins", period_of_berlin),
    "a budget pays more than is left of it": (kind, "capped", budget_without_remainder),
    "a refund leaves the commission": (booking, "read_events", events_without_refunds),
    "a month below zero is not carried": (revshare_month.NetRevenueMonth, "_turn_month", month_not_carried),
    "a parent has a share of the revenue in place of the commission": (parents, "_bases", shares_of_revenue),
    "a version is chosen by the receipt": (engine, "choose_version", version_by_receipt),
    "a country goes before a sub ID": (precedence, "specificity", country_before_sub),
    "what is not approved earns": (booking, "price_all", pending_earns),
    "the oldest version stays in force": (terms.PlanTerms, "in_force", oldest_in_force),
    "a deduction has no cap": (revshare_month.NetRevenueMonth, "_deductions", deductions_without_cap),
    "CPA is not made up": (revshare_month.NetRevenueMonth, "_made_up", lambda *_: Decimal(0)),
    "an event lies in one tier whole": (tiers, "_splits", lambda *_: False),
    "tiers do not count ahead": (tiered.Tiered, "count_ahead", lambda *_: None),
    "commission ends a month late": (limits, "months_after", lambda since, number: since + timedelta(days=365)),
    "levels of parents are rounded alone": (parents, "round_together", rounded_alone),
    "parts of a day's clicks are rounded alone": (click_booking, "_rules_for", part_by_part),
    "earlier events of a period are not priced again": (booking, "spans", lambda *_: {}),
    "yen have two decimals": (money, "PLACES", {**money.PLACES, "JPY": 2}),
}


@pytest.fixture(scope="module")
def without_error(django_db_setup: None, django_db_blocker: Any) -> list[tuple[object, ...]]:
    with django_db_blocker.unblock(), transaction.atomic():
        program = Program()
        program.happen()
        assert list(Verification().findings()) == []
        found = program.booked()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("error", sorted(ERRORS))
def test_an_error_of_the_engine_is_found(
    error: str, without_error: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program()
    where, name, wrong = ERRORS[error]
    monkeypatch.setattr(where, name, wrong)
    program.happen()
    assert program.booked() != without_error, "The plant is void: it changes no amount."
    found = list(Verification().findings())
    assert {each.subject.split()[0] for each in found} <= {"Conversion", "Clicks"}
    assert all("are booked and" in each.problem for each in found)
    assert found


def the_day_after(ends_at: datetime) -> date:
    return ends_at.date()


def rounded_down(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-money.places(currency)), rounding=ROUND_DOWN)


class DayBefore(daily.RatesOfDay):
    def __init__(self, day: date) -> None:
        super().__init__(day - timedelta(days=1))


class TestRates:
    """What a payout sends in another currency: 26.11 EUR at the rate of the last day of October."""

    def payout(self) -> Payout:
        for day, value in ((date(2025, 10, 30), "1.13"), (date(2025, 10, 31), "1.23"), (date(2025, 11, 1), "1.33")):
            ExchangeRate.objects.create(currency="USD", day=day, per_euro=Decimal(value), source="file")
        program = Program()
        program.convert("share", "104.44", 5)
        booking.book_changes(now=datetime(2025, 10, 6, tzinfo=UTC))
        statements.close_period(ends_at=NOVEMBER, now=datetime.now(UTC))
        return Payout.objects.get(affiliate=program.ana)

    def test_the_rate_of_the_last_day_is_right_and_a_later_correction_moves_nothing(self) -> None:
        payout = self.payout()
        assert (payout.rate, payout.sent_amount) == (Decimal("1.23"), Decimal("32.12"))
        ExchangeRate.objects.create(
            currency="USD", day=date(2025, 10, 31), per_euro=Decimal("1.24"), source="manual", note="corrected"
        )
        assert list(Verification().findings()) == []

    @pytest.mark.parametrize(
        ("where", "name", "wrong"),
        [
            (statements, "last_day", the_day_after),
            (statements, "RatesOfDay", DayBefore),
            (daily, "round_money", rounded_down),
        ],
        ids=["the rate of the day after", "the rate of the day before", "an exchanged amount is rounded down"],
    )
    def test_an_error_is_found(self, where: object, name: str, wrong: object, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(where, name, wrong)
        payout = self.payout()
        assert (payout.rate, payout.sent_amount) != (Decimal("1.23"), Decimal("32.12")), "The plant is void."
        [found] = Verification().findings()
        assert found.subject == f"Payout {payout.public_id}"
        assert found.problem.endswith("by the rates of 2025-10-31 it is 32.12 USD at 1.23 of 2025-10-31.")
