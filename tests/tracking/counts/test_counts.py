"""Counts from the rollups are those that counting the clicks one by one gives."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.factories import ClickFactory, TrackingLinkFactory
from tests.tracking.traffic import make_clicks
from tracking.counts import reading
from tracking.counts.reading import ClickCounts
from tracking.marks import mark_clicks, mark_waiting
from tracking.models import Click, ClickAudience, ClickDay, ClickHour

# Clocks in Berlin go forward on the 29th.
SINCE, UNTIL = datetime(2026, 3, 27, 5, 20, tzinfo=UTC), datetime(2026, 3, 31, 17, 40, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"]


@pytest.fixture
def links(db):
    """Three links with five days of clicks; a tenth of those has no marks yet."""
    links = [TrackingLinkFactory() for _ in range(3)]
    made = make_clicks(links=links, since=SINCE, until=UNTIL, number=500)
    mark_clicks(now=UNTIL, limit=len(made) * 9 // 10)
    assert Click.objects.filter(marked_at=None).count() > 40
    return links


def one_by_one(key, links=None, since=SINCE - timedelta(days=9), until=UNTIL + timedelta(days=9)):
    found = defaultdict(ClickCounts)
    for click in Click.objects.all():
        if since <= click.clicked_at < until and (links is None or click.link_id in links):
            found[key(click)] += ClickCounts(1, int(click.is_bot), int(click.is_duplicate and not click.is_bot))
    return dict(found)


def without_zeros(found):
    return {key: value for key, value in found.items() if value != ClickCounts()}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("some", [False, True])
def test_days_of_any_time_zone(links, zone, some, django_assert_num_queries):
    zone = ZoneInfo(zone)
    chosen = [links[0].pk, links[2].pk] if some else None
    with django_assert_num_queries(1):
        found = reading.by_day(first_on=date(2026, 3, 26), last_on=date(2026, 4, 2), zone=zone, links=chosen)
    assert list(found) == [date(2026, 3, 26) + timedelta(days=number) for number in range(8)]
    assert without_zeros(found) == one_by_one(lambda click: click.clicked_at.astimezone(zone).date(), chosen)


def test_hours(links, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = reading.by_hour(since=SINCE, until=UNTIL)
    assert list(found)[:2] == [SINCE, datetime(2026, 3, 27, 6, tzinfo=UTC)]
    assert len(found) == 5 * 24 - 5 - 6
    hours = one_by_one(lambda click: max(click.clicked_at.replace(minute=0, second=0, microsecond=0), SINCE))
    assert without_zeros(found) == hours


SPANS = [
    (SINCE, UNTIL),
    (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)),
    (datetime(2026, 3, 28, tzinfo=ZoneInfo("Asia/Kolkata")), datetime(2026, 3, 31, tzinfo=ZoneInfo("Asia/Kolkata"))),
    (datetime(2026, 3, 28, 12, 30, 1, 500_000, tzinfo=UTC), datetime(2026, 3, 28, 12, 59, tzinfo=UTC)),
    (datetime(2026, 3, 28, 9, 30, tzinfo=UTC), datetime(2026, 3, 28, 23, 10, tzinfo=UTC)),
]


@pytest.mark.parametrize(("since", "until"), SPANS)
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize(
    ("count", "key"),
    [
        (reading.by_link, lambda click: click.link_id),
        (reading.by_country, lambda click: click.country),
        (reading.by_device, lambda click: click.device),
    ],
)
def test_shares_of_any_period(links, since, until, some, count, key, django_assert_num_queries):
    chosen = [links[1].pk] if some else None
    with django_assert_num_queries(1):
        found = count(since=since, until=until, links=chosen)
    assert found == one_by_one(key, chosen, since, until)


@pytest.mark.parametrize(("since", "until"), SPANS)
def test_the_sum_of_any_period(links, since, until, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = reading.total(since=since, until=until)
    assert found == one_by_one(lambda click: None, None, since, until).get(None, ClickCounts())


@pytest.mark.django_db
@settings(deadline=None, max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 8 * 24 * 12), min_size=2, max_size=6, unique=True))
def test_periods_of_any_moments(links, five_minutes):
    moments = [SINCE - timedelta(days=1, minutes=20) + timedelta(minutes=5 * each) for each in sorted(five_minutes)]
    for found, since, until in zip(reading.by_moments(moments=moments), moments, moments[1:], strict=False):
        assert found == one_by_one(lambda click: None, None, since, until).get(None, ClickCounts())


def test_clicks_without_marks_count_at_once_and_once(db):
    click = ClickFactory(clicked_at=SINCE, user_agent="curl/8", ip="84.112.3.4")
    period = {"since": SINCE - timedelta(days=2), "until": UNTIL}
    assert reading.total(**period) == ClickCounts(clicks=1)
    assert reading.by_country(**period) == reading.by_device(**period) == {"": ClickCounts(clicks=1)}
    mark_waiting(now=UNTIL, seconds=9)
    assert reading.total(**period) == ClickCounts(clicks=1, bots=1)
    assert reading.by_country(**period) == {"AT": ClickCounts(clicks=1, bots=1)}
    assert reading.by_device(**period) == {"bot": ClickCounts(clicks=1, bots=1)}
    assert reading.by_link(**period) == {click.link_id: ClickCounts(clicks=1, bots=1)}


def test_whole_hours_and_days_are_read_from_the_rollups(links):
    """So a period whose clicks were dropped meanwhile keeps its figures."""
    mark_waiting(now=UNTIL, seconds=9)
    period = {"since": datetime(2026, 3, 27, tzinfo=UTC), "until": datetime(2026, 4, 1, tzinfo=UTC)}
    reads = (reading.total, reading.by_link, reading.by_country, reading.by_device)
    before = [read(**period) for read in reads]
    berlin = {"first_on": date(2026, 3, 27), "last_on": date(2026, 3, 31), "zone": ZoneInfo("Europe/Berlin")}
    days = reading.by_day(**berlin)
    Click.objects.all().delete()
    assert [read(**period) for read in reads] == before
    assert reading.by_day(**berlin) == days
    for model in (ClickHour, ClickDay, ClickAudience):
        model.objects.all().delete()
    assert reading.total(**period) == ClickCounts()


def test_no_links_have_no_clicks(links):
    assert reading.total(since=SINCE, until=UNTIL, links=[]) == ClickCounts()
    assert reading.by_link(since=SINCE, until=UNTIL, links=[]) == {}


def test_what_is_neither_bot_nor_duplicate_is_unique():
    assert (ClickCounts(9, 3, 2) + ClickCounts(1, 0, 0)).unique == 5
