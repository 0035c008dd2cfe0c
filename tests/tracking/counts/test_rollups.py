"""Sums of clicks: added as clicks get their marks, each once, and the same when they are made again from the clicks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from tests.factories import ClickFactory, TrackingLinkFactory
from tests.tracking.storage import make_month, own_months, run
from tests.tracking.traffic import make_clicks
from tracking.counts import rollups
from tracking.counts.rollups import ClicksGone
from tracking.marks import mark_clicks, mark_waiting
from tracking.models import ALL_LINKS, Click, ClickAudience, ClickDay, ClickHour
from tracking.retention.expiry import drop_expired

pytestmark = pytest.mark.django_db

NOW = timezone.now()
TODAY = NOW.astimezone(UTC).date()
YESTERDAY = datetime.combine(TODAY - timedelta(days=1), time(), UTC)
ROLLUPS = (ClickHour, ClickDay, ClickAudience)


def sums(model):
    fields = [field.attname for field in model._meta.local_concrete_fields]
    return sorted(model.objects.values_list(*fields))


def all_sums():
    return [sums(model) for model in ROLLUPS]


def forget_sums():
    for model in ROLLUPS:
        model.objects.all().delete()


def rollup(*arguments):
    return run("rollup", *arguments)


def click(at, **fields):
    return ClickFactory(clicked_at=at, ip="84.112.3.4", **fields)


def test_a_marked_click_is_in_every_sum_of_its_link_and_of_all_links():
    made = click(YESTERDAY + timedelta(hours=5, minutes=59))
    mark_clicks(now=NOW)
    for number in (ALL_LINKS, made.link_id):
        hour = ClickHour.objects.get(link_number=number)
        assert (hour.hour, hour.clicks, hour.bots, hour.duplicates) == (YESTERDAY + timedelta(hours=5), 1, 0, 0)
        day = ClickDay.objects.get(link_number=number)
        assert (day.day, day.clicks, day.bots, day.duplicates) == (YESTERDAY.date(), 1, 0, 0)
        audience = ClickAudience.objects.get(link_number=number)
        assert (audience.day, audience.country, audience.device, audience.clicks) == (day.day, "AT", "desktop", 1)


def test_a_click_without_marks_is_in_none():
    click(YESTERDAY)
    assert all_sums() == [[], [], []]


def test_bots_and_duplicates_are_distinguished_and_a_bots_repeat_is_a_bot():
    link = TrackingLinkFactory()
    for second in range(3):
        click(YESTERDAY + timedelta(seconds=second), link=link)
        click(YESTERDAY + timedelta(seconds=second), link=link, user_agent="curl/8")
    mark_clicks(now=NOW)
    day = ClickDay.objects.get(link_number=link.pk)
    assert (day.clicks, day.bots, day.duplicates) == (6, 3, 2)
    assert Click.objects.filter(is_bot=True, is_duplicate=True).count() == 2


def test_a_late_click_lands_in_its_own_hour():
    link = TrackingLinkFactory()
    click(YESTERDAY + timedelta(hours=20), link=link)
    mark_clicks(now=NOW)
    click(YESTERDAY + timedelta(hours=3), link=link)
    mark_clicks(now=NOW + timedelta(days=1))
    hours = dict(ClickHour.objects.filter(link_number=link.pk).values_list("hour", "clicks"))
    assert hours == {YESTERDAY + timedelta(hours=20): 1, YESTERDAY + timedelta(hours=3): 1}


def test_hours_and_days_are_utc_wherever_the_database_thinks_it_is():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kolkata'")
        click(YESTERDAY + timedelta(hours=23, minutes=15))
        mark_clicks(now=NOW)
        assert rollups.compare(day=YESTERDAY.date()) == 0
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
    assert set(ClickHour.objects.values_list("hour", flat=True)) == {YESTERDAY + timedelta(hours=23)}
    assert set(ClickDay.objects.values_list("day", flat=True)) == {YESTERDAY.date()}


def test_a_run_that_breaks_off_leaves_neither_mark_nor_sum():
    made = click(YESTERDAY)

    @transaction.atomic
    def break_off():
        assert mark_clicks(now=NOW)[0] == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert Click.objects.get(pk=made.pk).marked_at is None
    assert all_sums() == [[], [], []]


def test_made_again_from_the_clicks_the_sums_are_identical():
    links = [TrackingLinkFactory() for _ in range(3)]
    make_clicks(links=links, since=YESTERDAY - timedelta(days=2), until=YESTERDAY + timedelta(days=1), number=400)
    mark_waiting(now=NOW, seconds=60, batch=37)
    make_clicks(links=links, since=YESTERDAY - timedelta(days=1), until=YESTERDAY, number=50, seed=2)  # late ones
    mark_waiting(now=NOW, seconds=60, batch=1000)
    kept = all_sums()
    assert [len(each) for each in kept] == [len(set(each)) for each in kept]
    assert sum(day.clicks for day in ClickDay.objects.filter(link_number=ALL_LINKS)) == Click.objects.count() > 450
    assert rollup("--check")[0] == 0
    forget_sums()
    code, output = rollup("--rebuild")
    assert (code, all_sums()) == (0, kept)
    assert "rebuilt" in output


@pytest.fixture
def added():
    """A day's sums that are right."""
    made = click(YESTERDAY + timedelta(hours=1))
    mark_clicks(now=NOW)
    return made


def break_by_change():
    ClickHour.objects.filter(link_number=ALL_LINKS).update(clicks=9)


def break_by_loss():
    ClickAudience.objects.filter(link_number=ALL_LINKS).delete()


def break_by_excess():
    ClickDay.objects.create(link_number=999, day=YESTERDAY.date(), clicks=1, bots=0, duplicates=0)


@pytest.mark.parametrize("break_sums", [break_by_change, break_by_loss, break_by_excess])
def test_a_wrong_sum_is_found_and_fixed(added, break_sums):
    right = all_sums()
    break_sums()
    broken = all_sums()
    code, output = rollup("--check")
    assert (code, all_sums()) == (1, broken)
    assert f"{YESTERDAY.date()}: 1 sums differ" in output
    assert rollup("--rebuild")[0] == 0
    assert all_sums() == right
    assert rollup("--check")[0] == 0


def test_only_the_days_that_are_named_are_looked_at(added):
    break_by_change()
    assert rollup("--check", "--from", str(TODAY))[0] == 0
    assert rollup("--check", "--from", str(YESTERDAY.date()), "--to", str(YESTERDAY.date()))[0] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--check", "--from", "2030-01-02", "--to", "2030-01-01"), "lies before the first"),
        (("--check", "--to", "yesterday"), "Write it as 2026-03-01"),
        ((), "one of the arguments --check --rebuild is required"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(arguments, sentence):
    code, output = rollup(*arguments)
    assert code != 0
    assert sentence in output


class TestExpiredClicks:
    """Sums outlive the clicks they were made from."""

    @pytest.mark.django_db(transaction=True)
    def test_a_rebuild_leaves_the_sums_of_dropped_clicks_alone(self, settings):
        settings.CLICK_ROW_MONTHS = 0
        with own_months():
            make_month(2019, 7)
            make_month(2019, 8)
            click(datetime(2019, 7, 3, tzinfo=UTC))
            mark_clicks(now=NOW)
            kept = all_sums()
            assert [drop.refusal for drop in drop_expired(before=datetime(2019, 8, 1, tzinfo=UTC))] == [""]
            assert not Click.objects.exists()
            code, output = rollup("--rebuild", "--from", "2019-07-01")
            assert code != 0
            assert "Give --from 2019-08-01 or a later day" in output
            assert rollup("--rebuild", "--to", "2019-08-03")[0] == 0
            assert all_sums() == kept

    @pytest.mark.django_db(transaction=True)
    def test_days_that_are_due_to_be_dropped_are_left_alone_too(self, settings):
        settings.CLICK_ROW_MONTHS = 36
        with own_months():
            make_month(2019, 7)
            now = datetime(2026, 11, 21, tzinfo=UTC)
            assert rollups.first_whole_day(now=now) == date(2023, 11, 1)
            with pytest.raises(ClicksGone):
                rollups.days(first=date(2023, 10, 31), last=None, now=now)
            settings.CLICK_ROW_MONTHS = 0
            assert rollups.first_whole_day(now=now) == date(2019, 7, 1)


@pytest.mark.django_db(transaction=True)
class TestSideBySide:
    def test_four_workers_mark_each_click_once(self):
        links = [TrackingLinkFactory() for _ in range(3)]
        number = len(make_clicks(links=links, since=YESTERDAY, until=YESTERDAY + timedelta(days=1), number=600))
        barrier = threading.Barrier(4)

        def work(_):
            barrier.wait(30)
            try:
                return mark_waiting(now=NOW, seconds=60, batch=23)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(work, range(4))) + mark_waiting(now=NOW, seconds=60) == number
        assert ClickDay.objects.get(link_number=ALL_LINKS).clicks == number
        assert rollups.compare(day=YESTERDAY.date()) == 0

    def test_a_rebuild_beside_marking_loses_and_doubles_nothing(self):
        links = [TrackingLinkFactory() for _ in range(3)]
        number = len(make_clicks(links=links, since=YESTERDAY, until=YESTERDAY + timedelta(days=1), number=300))
        done = threading.Event()

        def work():
            try:
                while mark_clicks(now=NOW, limit=7)[0]:
                    pass
            finally:
                done.set()
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            marking = pool.submit(work)
            while not done.is_set():
                ClickDay.objects.filter(link_number=ALL_LINKS).update(bots=0, duplicates=0)  # something to fix
                rollups.rebuild(day=YESTERDAY.date())
            marking.result()
        rollups.rebuild(day=YESTERDAY.date())
        assert rollups.compare(day=YESTERDAY.date()) == 0
        assert ClickDay.objects.get(link_number=ALL_LINKS).clicks == number

    def test_marking_waits_for_a_rebuild(self, monkeypatch):
        made, compare = click(YESTERDAY), rollups._differences
        reached, go_on = threading.Event(), threading.Event()

        def pause(*args):
            reached.set()
            assert go_on.wait(30)
            return compare(*args)

        def rebuild():
            try:
                rollups.rebuild(day=YESTERDAY.date())
            finally:
                connections.close_all()

        def mark():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                return mark_clicks(now=NOW)[0]

        monkeypatch.setattr(rollups, "_differences", pause)
        with ThreadPoolExecutor(1) as pool:
            rebuilding = pool.submit(rebuild)
            assert reached.wait(30)
            with pytest.raises(OperationalError, match="lock timeout"):
                mark()
            assert Click.objects.get(pk=made.pk).marked_at is None
            go_on.set()
            rebuilding.result()
        assert mark() == 1
        assert ClickDay.objects.get(link_number=ALL_LINKS).clicks == 1
