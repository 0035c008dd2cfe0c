"""Commission per click: counted by day, booked as owed minus booked, explained and verified."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.documents.account import account_of
from payouts.invoicing.basis import parts_of
from payouts.ledger import click_counts
from payouts.ledger.booking import book_changes
from payouts.ledger.chain_walk import ChainProblem
from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks
from payouts.models import BilledClicks, CommissionPlan, CommissionRule, LedgerEntry, Statement
from payouts.plan_changes.publish import PlanRefused, publish_version
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.dashboard.portal_pages import signed_in, words
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    CommissionPlanFactory,
    ConversionFactory,
    EnrollmentFactory,
    GoalFactory,
    TrackingLinkFactory,
)
from tests.payouts.deals import flat, lines
from tracking.click_id.codec import text_of
from tracking.counts.rollups import rebuild
from tracking.models import Click, TrackingLink

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
NEXT = NOON + timedelta(days=1)
AGO = NOON - timedelta(days=40)


@pytest.fixture
def link(ana: Affiliate) -> TrackingLink:
    return TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ana), code="k3n8d2x")


@pytest.fixture
def plan(link: TrackingLink) -> CommissionPlan:
    return CommissionPlanFactory(offer=link.enrollment.offer)


def per_click(amount: str, currency: str = "EUR", **fields: Any) -> CommissionRule:
    return CommissionRule(kind="per_click", amount=Decimal(amount), currency=currency, **fields)


def publish(plan: CommissionPlan, *rules: CommissionRule, since: datetime = AGO, now: datetime = AGO) -> None:
    publish_version(plan=plan, rules=rules, effective_from=since, actor=None, now=now)


def visits(link: TrackingLink, number: int, *, at: datetime = NOON, **fields: Any) -> list[Click]:
    """So many marked clicks, and the day's sums with them."""
    clicks = [ClickFactory(link=link, clicked_at=at, marked_at=at, **fields) for _ in range(number)]
    rebuild(day=at.date())
    return clicks


def settle(now: datetime = NEXT) -> None:
    count_clicks(now=now)
    book_clicks(now=now)


def findings() -> list[ChainProblem]:
    return list(Verification().findings())


def test_a_days_valid_clicks_are_one_line(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.035"))
    visits(link, 7)
    visits(link, 2, is_bot=True)
    visits(link, 3, is_duplicate=True)
    settle()
    # 7 x 0.035 = 0.245, rounded once: 0.25. Click by click it would have been 7 x 0.04 = 0.28.
    words = "Link k3n8d2x on 2026-11-10: 0.035 EUR per click for 7 valid clicks = 0.25 EUR"
    assert lines(ana) == [("commission", Decimal("0.25"), "EUR", words)]
    entry = LedgerEntry.objects.get()
    assert (entry.clicks, entry.conversion, entry.occurred_at) == (BilledClicks.objects.get(), None, NOON)
    assert findings() == []


def test_running_it_again_changes_nothing(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    settle()
    assert (count_clicks(now=NEXT), book_clicks(now=NEXT)) == (0, 0)
    assert [line[1] for line in lines(ana)] == [Decimal("0.5")]


def test_late_clicks_and_bots_found_later_are_lines_of_difference(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10"))
    early = visits(link, 10)
    settle()
    visits(link, 4)
    settle()
    Click.objects.filter(pk__in=[click.pk for click in early[:6]]).update(is_bot=True)
    rebuild(day=DAY)
    settle()
    Click.objects.update(is_bot=True)
    rebuild(day=DAY)
    settle()
    where = "Link k3n8d2x on 2026-11-10: "
    per = f"{where}0.10 EUR per click for"
    assert lines(ana) == [
        ("commission", Decimal(1), "EUR", f"{per} 10 valid clicks = 1.00 EUR"),
        ("commission", Decimal("0.4"), "EUR", f"{per} 14 valid clicks = 1.40 EUR; 1.00 EUR booked before"),
        ("reversal", Decimal("-0.6"), "EUR", f"{per} 8 valid clicks = 0.80 EUR; 1.40 EUR booked before"),
        (
            "reversal",
            Decimal("-0.8"),
            "EUR",
            f"{where}takes back 0.80 EUR. 0.10 EUR per click for 0 valid clicks comes to 0.00 EUR; "
            "a line of zero is not booked.",
        ),
    ]
    assert findings() == []


def test_clicks_that_are_dropped_by_age_take_nothing_back(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan, settings: Any
) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    settings.CLICK_ROW_MONTHS = 1
    Click.objects.all().delete()
    much_later = NOON + timedelta(days=100)
    settle(much_later)
    # Even new terms, which send the day back for booking, price what was counted then.
    BilledClicks.objects.update(seen=None, booked_at=None)
    settle(much_later)
    assert [line[1] for line in lines(ana)] == [Decimal("0.5")]


def test_a_day_that_is_not_over_is_not_counted(link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    midnight = datetime(2026, 11, 11, tzinfo=UTC)
    assert count_clicks(now=midnight + timedelta(minutes=10)) == 0
    assert count_clicks(now=midnight + timedelta(minutes=20)) == 1


def test_test_links_and_offers_without_a_price_are_not_counted(ana: Affiliate, link: TrackingLink) -> None:
    visits(link, 5)
    assert count_clicks(now=NEXT) == 0
    tested = TrackingLinkFactory(enrollment=link.enrollment, is_test=True)
    publish(CommissionPlanFactory(offer=link.enrollment.offer), per_click("0.10"))
    visits(tested, 5)
    settle()
    assert [row.link for row in BilledClicks.objects.all()] == [link]


def test_only_links_of_whom_a_plan_pays_per_click_are_counted_and_each_once(
    ana: Affiliate, ben: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    bens = TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ben, offer=plan.offer))
    visits(link, 5)
    visits(bens, 5)
    publish(CommissionPlanFactory(offer=plan.offer, affiliate=ana), per_click("0.10"))
    settle()
    assert [row.link for row in BilledClicks.objects.all()] == [link]
    publish(plan, per_click("0.20"))
    settle()
    assert {row.link for row in BilledClicks.objects.all()} == {link, bens}
    assert [[line[1] for line in lines(each)] for each in (ana, ben)] == [[Decimal("0.5")], [Decimal(1)]]


def test_countries_and_sub_ids_have_prices_of_their_own(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(
        plan,
        per_click("0.10"),
        per_click("0.25", country="DE"),
        per_click("0.05", sub_name="sub1", sub_value="push"),
    )
    visits(link, 3, country="DE")
    visits(link, 2, country="FR")
    visits(link, 4, country="", sub1="a-campaign")
    visits(link, 5, country="DE", sub1="push")
    settle()
    # A sub ID goes before a country: 5 x 0.05; Germany 3 x 0.25; the rest together 6 x 0.10.
    assert sorted(line[1] for line in lines(ana)) == [Decimal("0.25"), Decimal("0.6"), Decimal("0.75")]
    assert BilledClicks.objects.get().parts == [
        {"clicks": 6},
        {"clicks": 3, "country": "DE"},
        {"clicks": 5, "country": "DE", "sub1": "push"},
    ]
    assert findings() == []


def test_a_cap_of_clicks_and_a_budget_run_out_over_the_days_of_a_month(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10", cap_count=12, cap_period="month"))
    visits(link, 8)
    visits(link, 7, at=NEXT)
    visits(link, 9, at=NEXT + timedelta(days=1))
    settle(NEXT + timedelta(days=2))
    first, second = (f"Link k3n8d2x on 2026-11-{day}: 0.10 EUR per click for" for day in (10, 11))
    assert [line[1:] for line in lines(ana)] == [
        (Decimal("0.8"), "EUR", f"{first} 8 valid clicks = 0.80 EUR"),
        (
            Decimal("0.4"),
            "EUR",
            f"{second} 4 of 7 valid clicks (cap of 12 clicks for November 2026) = 0.40 EUR",
        ),
    ]
    # Three of the first day's clicks were bots': the cap lets three more of the second day through.
    Click.objects.filter(pk__in=Click.objects.order_by("pk")[:3].values("pk")).update(is_bot=True)
    rebuild(day=DAY)
    settle(NEXT + timedelta(days=2))
    assert [line[1] for line in lines(ana)[2:]] == [Decimal("-0.3"), Decimal("0.3")]
    assert findings() == []


def test_a_budget_pays_what_is_left_of_it(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10", cap_amount=Decimal(1), limit_currency="EUR", cap_period="day"))
    visits(link, 6)
    visits(TrackingLinkFactory(enrollment=link.enrollment), 6)
    settle()
    assert [line[1] for line in lines(ana)] == [Decimal("0.6"), Decimal("0.4")]
    assert "0.40 EUR is left of 1.00 EUR for 2026-11-10" in lines(ana)[1][3]


def test_a_day_goes_by_the_version_that_was_in_force_as_it_began(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10"))
    publish(plan, per_click("0.20"), since=NOON, now=NOON)
    visits(link, 5)
    visits(link, 5, at=NEXT)
    settle(NEXT + timedelta(days=1))
    assert [line[1] for line in lines(ana)] == [Decimal("0.5"), Decimal(1)]


def test_a_version_in_the_past_does_not_price_paid_clicks_again(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    own = CommissionPlanFactory(offer=plan.offer, affiliate=ana)
    with pytest.raises(PlanRefused, match="Clicks up to 2026-11-10 are paid for"):
        publish(own, per_click("0.01"), since=NOON - timedelta(days=2), now=NEXT)
    publish(own, per_click("0.01"), since=NOON, now=NEXT)
    settle()
    assert [line[1] for line in lines(ana)] == [Decimal("0.5")]


def test_clicks_and_conversions_do_not_move_each_others_counts(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    goal: Goal = GoalFactory(offer=plan.offer)
    capped = flat(goal, "50")
    capped.cap_count, capped.cap_period = 1, "month"
    publish(plan, capped, per_click("0.10", cap_count=100, cap_period="month"))
    visits(link, 5)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=NOON)
    settle()
    book_changes(now=NEXT)
    assert [line[1] for line in lines(ana)] == [Decimal("0.5"), Decimal(50)]
    assert findings() == []


def test_parents_have_their_share_of_clicks_and_read_no_link(ben: Affiliate, plan: CommissionPlan) -> None:
    child = AffiliateFactory(parent=ben)
    link = TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=child, offer=plan.offer))
    publish(plan, per_click("0.10"), CommissionRule(kind="parents", formula={"of": "commission", "levels": ["10"]}))
    visits(link, 50)
    settle()
    words = f"Clicks of 2026-11-10: level 1: 10 % of the commission of {child.public_id}, 5.00 EUR = 0.50 EUR"
    assert lines(ben) == [("commission", Decimal("0.5"), "EUR", words)]


def test_verification_finds_a_count_that_was_altered(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    row = BilledClicks.objects.get()
    BilledClicks.objects.update(parts=[{"clicks": 50}])
    found, parts = findings()
    assert found.subject == parts.subject == f"Clicks {row.public_id}"
    assert parts.problem == "are 5, but their parts add up to 50."
    assert found.problem == (
        f"the ledger holds 4.50 EUR less than it earns: by rule {CommissionRule.objects.get().pk} 0.50 EUR are booked "
        "and 5.00 EUR are owed (50 clicks at 0.1 EUR)."
    )


def test_verification_finds_bots_that_were_counted(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    visits(link, 2, is_bot=True)
    with_bots = click_counts._PARTS.replace(" AND NOT is_bot", "")
    assert with_bots != click_counts._PARTS
    monkeypatch.setattr(click_counts, "_PARTS", with_bots)
    settle()
    assert [line[1] for line in lines(ana)] == [Decimal("0.7")]
    assert [found.problem for found in findings()] == ["are 7, but 5 valid ones came in that day."]


def test_statements_group_clicks_by_offer(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    close_period(ends_at=datetime(2026, 12, 1, tzinfo=UTC), now=datetime(2026, 12, 1, tzinfo=UTC))
    account = account_of(Statement.objects.get())
    assert [(row.offer, row.goal, row.lines, row.total) for row in account.earned] == [
        (plan.offer.name, "Clicks", 1, Decimal("0.5"))
    ]
    assert account.others == []
    [parts] = parts_of([account.statement.pk]).values()
    assert [part[1:] for part in parts] == [(None, f"{plan.offer.name}: Clicks", 1, Decimal("0.5"))]


def test_operators_find_paid_clicks_by_their_id_and_read_what_is_booked(
    client: Client, olga: User, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10"))
    person, *_ = visits(link, 5, country="DE")
    [bot] = visits(link, 1, is_bot=True)
    settle()
    row = BilledClicks.objects.get()
    client.force_login(olga)
    for click, text in ((person, "and this is one of them"), (bot, "without this one")):
        trace = client.get(reverse("trace:search"), {"q": text_of(click.pk)}, follow=True).content.decode()
        assert reverse("admin:payouts_billedclicks_change", args=[row.pk]) in trace
        assert text in trace
    address = reverse("admin:payouts_billedclicks_change", args=[row.pk])
    assert address in client.get("/admin/search/", {"s": row.public_id, "extended": "1"}).content.decode()
    page = client.get(address).content.decode()
    assert "0.10 EUR per click for 5 valid clicks = 0.50 EUR" in page
    assert "5 clicks" in client.get(reverse("admin:payouts_ledgerentry_changelist")).content.decode()


def test_the_affiliate_reads_what_clicks_earned_with_a_way_to_them(
    client: Client, ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    page = words(signed_in(ana).get("/earnings/"))
    assert "Link k3n8d2x on 2026-11-10: 0.10 EUR per click for 5 valid clicks = 0.50 EUR" in page
    assert f"5 clicks of k3n8d2x, {plan.offer.name}" in page


def test_counting_and_booking_cost_as_much_for_many_links_as_for_one(
    ana: Affiliate, link: TrackingLink, plan: CommissionPlan
) -> None:
    publish(plan, per_click("0.10", cap_count=1000, cap_period="month"))
    counts = []
    for number in (1, 12):
        for _ in range(number):
            visits(TrackingLinkFactory(enrollment=link.enrollment), 1)
        with CaptureQueriesContext(connection) as queries:
            settle()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_database_wants_a_source_for_commission(ana: Affiliate, link: TrackingLink, plan: CommissionPlan) -> None:
    publish(plan, per_click("0.10"))
    visits(link, 5)
    settle()
    entry = LedgerEntry.objects.get()
    entry.pk, entry.sequence, entry.clicks = None, 2, None
    with pytest.raises(IntegrityError, match="ledger_commission_names_source"):
        entry.save(force_insert=True)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"is_component": True}, "it is no component"),
        ({"minimum": Decimal(1), "limit_currency": "EUR"}, "a cap at most"),
        ({"valid_from": NOON}, "at midnight UTC"),
    ],
)
def test_the_linter_refuses_what_clicks_cannot_have(plan: CommissionPlan, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlanRefused, match=problem):
        publish(plan, per_click("0.10", **fields))


def test_a_price_per_click_has_no_goal(plan: CommissionPlan) -> None:
    with pytest.raises(PlanRefused, match="leave the goal empty"):
        publish(plan, per_click("0.10", goal=GoalFactory(offer=plan.offer)))
