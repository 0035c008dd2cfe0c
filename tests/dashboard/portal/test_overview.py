"""The overview: a period's numbers, never two currencies in one sum, and what to do first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from affiliates.models import Affiliate
from dashboard.periods import DayPeriod, chosen, last_days
from payouts.ledger.booking import book_changes
from tests.dashboard.portal_pages import signed_in, words, world_of
from tests.factories import LedgerEntryFactory, PercentRuleFactory
from tracking.models import ALL_LINKS, ClickDay

DAY = timedelta(days=1)


def test_counts_clicks_conversions_and_commission(ana: Affiliate) -> None:
    world = world_of(ana)
    world.click()
    world.click(is_bot=True)
    world.click(is_duplicate=True)
    world.conversion()
    world.conversion(status="pending")
    world.conversion(status="rejected")
    book_changes()

    overview = signed_in(ana).get("/").context["overview"]

    assert (overview.clicks.now, overview.click_counts.bots, overview.click_counts.duplicates) == (3, 1, 1)
    assert overview.by_status == {"pending": 1, "approved": 1, "rejected": 1}
    assert [(each.currency, each.now) for each in overview.earned] == [("EUR", Decimal(120))]
    assert overview.pending == [("EUR", Decimal(120))]


def test_adds_up_links_of_its_own_from_the_rollups(ana: Affiliate, ben: Affiliate) -> None:
    mine, bens = world_of(ana).link, world_of(ben).link
    day = datetime.now(UTC).date() - 3 * DAY
    ClickDay.objects.create(link_number=mine.pk, day=day, clicks=50, bots=4, duplicates=6)
    for other in (bens.pk, ALL_LINKS):
        ClickDay.objects.create(link_number=other, day=day, clicks=900, bots=0, duplicates=0)

    context = signed_in(ana).get("/").context

    counted = context["overview"].click_counts
    assert (counted.clicks, counted.bots, counted.duplicates) == (50, 4, 6)
    assert [(top.link, top.figures.clicks) for top in context["top_links"]] == [(mine, 50)]


def test_never_adds_currencies(ana: Affiliate) -> None:
    world_of(ana).conversion()
    world_of(ana, rule=PercentRuleFactory, currency="USD").conversion(currency="USD", revenue=Decimal("10"))
    book_changes()

    response = signed_in(ana).get("/")

    earned = {each.currency: each.now for each in response.context["overview"].earned}
    assert earned == {"EUR": Decimal("120"), "USD": Decimal("2.5")}
    assert "120.00 EUR" in words(response)
    assert "2.50 USD" in words(response)


def test_compares_with_the_days_before(ana: Affiliate) -> None:
    world = world_of(ana)
    for _ in range(3):
        world.click(ago=DAY)
    for _ in range(2):
        world.click(ago=9 * DAY)

    overview = signed_in(ana).get("/?days=7").context["overview"]

    assert (overview.clicks.now, overview.clicks.before, overview.clicks.percent) == (3, 2, 50)


def test_shows_30_days_unless_one_of_the_choices_is_asked_for(ana: Affiliate) -> None:
    client = signed_in(ana)

    assert [client.get(f"/?days={days}").context["overview"].period.days for days in ("7", "90", "8", "x", "")] == [
        7,
        90,
        30,
        30,
        30,
    ]


def test_the_chart_has_a_value_for_each_day(ana: Affiliate) -> None:
    world = world_of(ana)
    world.click(ago=2 * DAY)
    world.conversion(ago=DAY)
    book_changes()

    chart = signed_in(ana).get("/?days=7").context["overview"].chart

    assert len(chart["days"]) == 7
    assert sum(chart["clicks"]) == 1
    assert sum(chart["conversions"]["approved"]) == 1
    (commission,) = chart["commission"]
    assert (commission["currency"], sorted(commission["amounts"])[-1]) == ("EUR", "120.00")


def test_days_begin_at_midnight_where_the_reader_is() -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    period = last_days(7, now=datetime(2026, 11, 20, 11, 0, tzinfo=UTC), zone=zone)

    assert str(period.last_on) == "2026-11-21"
    assert period.starts_at.astimezone(UTC) == datetime(2026, 11, 14, 10, 0, tzinfo=UTC)


def test_a_day_with_a_clock_change_is_still_one_day() -> None:
    zone = ZoneInfo("Europe/Berlin")
    day = DayPeriod(datetime(2026, 10, 25, tzinfo=UTC).date(), datetime(2026, 10, 25, tzinfo=UTC).date(), zone)

    assert day.ends_at.astimezone(UTC) - day.starts_at.astimezone(UTC) == timedelta(hours=25)
    assert day.before().ends_at == day.starts_at


def test_the_period_before_is_as_long_and_adjoins() -> None:
    period = chosen("7", now=datetime(2026, 11, 20, 12, 0, tzinfo=UTC), zone=ZoneInfo("UTC"))

    assert (period.before().days, period.before().ends_at) == (7, period.starts_at)


def test_names_the_readers_zone(ana: Affiliate) -> None:
    assert "Times in Asia/Kolkata (UTC+05:30)" in words(signed_in(ana, time_zone="Asia/Kolkata").get("/"))


def test_an_unknown_zone_falls_back_to_utc(ana: Affiliate) -> None:
    assert "Times in UTC" in words(signed_in(ana, time_zone="Atlantis/Capital").get("/"))


def test_shows_a_new_affiliate_the_first_steps(ana: Affiliate) -> None:
    client = signed_in(ana)
    assert "0 of 3 done" in words(client.get("/"))

    world = world_of(ana)
    assert "2 of 3 done" in words(client.get("/"))

    world.conversion()
    assert "First steps" not in words(client.get("/"))


def test_lists_the_busiest_links_and_the_latest_conversions(ana: Affiliate) -> None:
    world = world_of(ana)
    world.click()
    world.conversion()
    book_changes()

    context = signed_in(ana).get("/").context

    (top,) = context["top_links"]
    assert (top.figures.clicks, top.figures.conversions, top.figures.commission) == (1, 1, [("EUR", Decimal(120))])
    ((_, earned),) = context["recent"]
    assert earned == [("EUR", Decimal(120))]


def test_the_balance_is_the_ledgers(ana: Affiliate) -> None:
    LedgerEntryFactory(affiliate=ana, amount=Decimal("10.5"))
    LedgerEntryFactory(affiliate=ana, amount=Decimal("-3"), kind="payment")
    LedgerEntryFactory(affiliate=ana, amount=Decimal(700), currency="JPY")

    text = words(signed_in(ana).get("/"))

    assert "7.50 EUR" in text
    assert "700 JPY" in text
