"""Personal fields go early, whole months late; nothing is lost by stopping, by waiting or by doing it twice."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import psycopg
import pytest
from django.db import connection

from records.advisory_locks import Lock
from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect
from tests.tracking.storage import is_cleared, make_month, names, own_months, partition, personal_click, personal_fields
from tracking import tasks
from tracking.click_id import codec
from tracking.models import Click
from tracking.retention import expiry
from tracking.retention import personal_fields as fields
from tracking.retention.expiry import RetentionBusy, clear_personal, drop_expired, personal_cutoff, rows_cutoff
from tracking.retention.personal_fields import ClearingState, NotCleared, compact, personal_state

pytestmark = pytest.mark.django_db(transaction=True)

JULY, AUGUST, SEPTEMBER = (datetime(2019, month, 1, tzinfo=UTC) for month in (7, 8, 9))
MIDDLE = datetime(2019, 7, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def july():
    """The name of the partition for July 2019."""
    with own_months():
        make_month(2019, 8)
        yield make_month(2019, 7)


def state(name, before):
    return personal_state(partition(name), before=before)


def test_personal_fields_go_at_their_age_and_not_before(july):
    old, young = personal_click(MIDDLE - timedelta(milliseconds=1)), personal_click(MIDDLE)
    assert clear_personal(before=MIDDLE) == (1, True)
    assert is_cleared(old)
    assert personal_fields(young) == ("203.0.113.7", young.user_agent, "https://forum.example/", young.visitor)


def test_everything_else_of_the_click_stays(july):
    marks = {"country": "DE", "device": "phone", "is_duplicate": True, "marked_at": MIDDLE}
    click = personal_click(JULY + DAY, aff_click_id="t-1", source="mail", sub10="x", **marks)
    clear_personal(before=MIDDLE)
    before, after = vars(click), vars(Click.objects.get(pk=click.pk))
    assert {name for name in after if name != "_state" and before[name] != after[name]} == set(fields.PERSONAL)


def test_each_personal_field_alone_is_reason_enough(july):
    empty = {"ip": None, "user_agent": "", "referrer": "", "visitor": None}
    whole = vars(personal_click(MIDDLE + DAY))
    clicks = [personal_click(JULY + DAY, **{**empty, name: whole[name]}) for name in fields.PERSONAL]
    assert clear_personal(before=MIDDLE) == (4, True)
    assert all(is_cleared(click) for click in clicks)


def test_clearing_twice_finds_nothing_and_a_late_click_is_found_again(july):
    personal_click(JULY + DAY)
    assert clear_personal(before=SEPTEMBER) == (1, True)
    assert clear_personal(before=SEPTEMBER) == (0, True)
    late = personal_click(JULY + DAY)  # out of a spool that was away for long
    assert clear_personal(before=SEPTEMBER) == (1, True)
    assert is_cleared(late)


def test_clicks_of_no_month_are_cleared_too():
    click = personal_click(datetime(2007, 5, 5, tzinfo=UTC))
    assert clear_personal(before=JULY) == (1, True)
    assert is_cleared(click)


def test_a_click_without_marks_keeps_what_its_marks_need(july, caplog):
    click = personal_click(JULY + DAY, marked_at=None)
    assert clear_personal(before=MIDDLE) == (0, True)
    assert not is_cleared(click)
    assert state(july, MIDDLE) is ClearingState.DUE
    expiry.apply(now=MIDDLE + 90 * DAY, seconds=60)
    assert "clicks_not_cleared" in caplog.text
    Click.objects.update(marked_at=MIDDLE)
    assert clear_personal(before=MIDDLE) == (1, True)


def test_a_run_that_is_stopped_goes_on_where_it_was(july, monkeypatch):
    monkeypatch.setattr(fields, "BATCH", 2)
    link = TrackingLinkFactory()
    clicks = [personal_click(JULY + timedelta(hours=n), link) for n in range(5)]
    assert clear_personal(before=MIDDLE, seconds=0) == (2, False)
    assert [is_cleared(click) for click in clicks] == [True, True, False, False, False]
    assert clear_personal(before=MIDDLE) == (3, True)
    assert all(is_cleared(click) for click in clicks)


def test_clicks_of_the_same_millisecond_are_no_end_of_a_batch(july, monkeypatch):
    monkeypatch.setattr(fields, "BATCH", 2)
    link = TrackingLinkFactory()
    clicks = [personal_click(JULY + DAY, link) for _ in range(7)]
    answers = []
    assert clear_personal(before=MIDDLE, progress=lambda *step: answers.append(step)) == (7, True)
    assert all(is_cleared(click) for click in clicks)
    assert answers == [(july, done, 7) for done in (2, 4, 6, 7)]


def test_a_click_that_someone_holds_is_left_for_the_next_run(july):
    personal_click(JULY + DAY)
    assert clear_personal(before=MIDDLE) == (1, True)
    held, free = personal_click(JULY + DAY), personal_click(JULY + 2 * DAY)
    with connect() as other, other.transaction():
        other.execute("SELECT 1 FROM tracking_click WHERE id = %s FOR UPDATE", [held.pk])
        assert clear_personal(before=MIDDLE) == (1, True)
    assert not is_cleared(held)
    assert is_cleared(free)
    assert clear_personal(before=MIDDLE) == (1, True)


def test_an_index_that_was_left_half_made_is_made_anew(july):
    link = TrackingLinkFactory()
    click = personal_click(JULY + DAY, link)
    personal_click(JULY + DAY, link)
    with connect() as line, pytest.raises(psycopg.errors.UniqueViolation):
        line.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {july}_personal ON {july} (link_id)")
    assert fields._index(partition(july))[0] is False
    assert state(july, MIDDLE) is ClearingState.DUE
    assert clear_personal(before=MIDDLE) == (2, True)
    assert fields._index(partition(july))[0] is True
    assert is_cleared(click)


def test_states_show_what_is_left_to_do(july):
    assert state(july, MIDDLE) is ClearingState.KEPT
    personal_click(JULY + DAY)
    personal_click(MIDDLE + DAY)
    assert [state(july, before) for before in (None, JULY, MIDDLE)] == [
        ClearingState.KEPT,
        ClearingState.KEPT,
        ClearingState.DUE,
    ]
    clear_personal(before=MIDDLE)
    assert [state(july, before) for before in (None, MIDDLE, AUGUST)] == [
        ClearingState.KEPT,
        ClearingState.PARTLY,
        ClearingState.DUE,
    ]
    clear_personal(before=AUGUST)
    assert [state(july, before) for before in (None, JULY, AUGUST)] == [ClearingState.CLEARED] * 3


def fill(name, number):
    """So many clicks over July, as long as real ones, by SQL; then bytes of the month's rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tracking_click (id, link_id, clicked_at, ip, user_agent, referrer, visitor, marked_at)
            SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '00000001' ||
                    substr(md5(n::text), 1, 12))::uuid,
                   1, t, '203.0.113.7', repeat('a browser ', 12), repeat('a page ', 8), md5(n::text)::uuid, t
            FROM (SELECT n, timestamptz '2019-07-01Z' + n * interval '1 minute' AS t FROM generate_series(1, %s) n) s
            """,
            [number],
        )
    return rows_size(name)


def rows_size(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [name])
        return cursor.fetchone()[0]


def test_a_month_does_not_grow_by_being_cleared(july, monkeypatch):
    """Without the VACUUMs the cleared rows would come on top: a third as much again."""
    monkeypatch.setattr(fields, "BATCH", 500)
    monkeypatch.setattr(fields, "VACUUM_AFTER", 500)
    monkeypatch.setattr(fields, "INDEX_SIZE", 8192)
    size = fill(july, 20_000)
    assert clear_personal(before=AUGUST) == (20_000, True)
    assert rows_size(july) < 1.2 * size
    assert fields._index(partition(july)) == (True, 8192)
    compact(partition(july))
    assert rows_size(july) < 0.6 * size
    assert Click.objects.count() == 20_000


def test_what_is_left_to_do_is_found_without_reading_the_month(july, monkeypatch):
    monkeypatch.setattr(fields, "INDEX_SIZE", 8192)
    size = fill(july, 20_000)
    clear_personal(before=JULY + 12 * DAY)
    before = JULY + 11 * DAY
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        query = "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_all_tables WHERE relname = %s"
        cursor.execute(query, [july])
        (blocks,) = cursor.fetchone()
        for _ in range(20):
            assert state(july, before) is ClearingState.PARTLY
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute(query, [july])
        assert cursor.fetchone()[0] - blocks < size / 8192


def test_only_a_cleared_month_is_rewritten(july):
    personal_click(JULY + DAY)
    with pytest.raises(NotCleared, match=july):
        compact(partition(july))


def test_one_run_at_a_time(july):
    click = personal_click(JULY + DAY)
    with connect() as other:
        other.execute("SELECT pg_advisory_lock(%s, 0)", [Lock.RETENTION])
        with pytest.raises(RetentionBusy, match="Another run"):
            clear_personal(before=MIDDLE)
        with pytest.raises(RetentionBusy):
            list(drop_expired(before=SEPTEMBER))
        assert expiry.apply(now=SEPTEMBER, seconds=60)
        # Closing a connection gives its locks back only when the server has noticed.
        other.execute("SELECT pg_advisory_unlock_all()")
    assert not is_cleared(click)
    assert july in names()
    assert clear_personal(before=MIDDLE) == (1, True)
    assert clear_personal(before=MIDDLE) == (0, True)  # the lock was given back


def test_a_transaction_that_is_open_for_long_puts_it_off_and_no_more(july, monkeypatch):
    """A backup that holds a snapshot: the index of a new month has to wait for it."""
    monkeypatch.setattr(expiry, "LOCK_WAIT", "100ms")
    click = personal_click(JULY + DAY)
    with connect() as backup, backup.transaction():
        backup.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        backup.execute("SELECT count(*) FROM tracking_click")
        with pytest.raises(RetentionBusy, match="open for longer"):
            clear_personal(before=MIDDLE)
        assert not expiry.apply(now=MIDDLE + 90 * DAY, seconds=60)
    assert expiry.apply(now=MIDDLE + 90 * DAY, seconds=60)
    assert is_cleared(click)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_months_are_dropped_when_all_of_them_is_old_enough(july):
    expired, kept = personal_click(JULY + DAY), personal_click(AUGUST + DAY)
    assert [(drop.name, drop.refusal) for drop in drop_expired(before=AUGUST + DAY)] == [(july, "")]
    assert list(Click.objects.values_list("pk", flat=True)) == [kept.pk]
    assert codec.parse(codec.text_of(expired.pk)).uuid == expired.pk  # its ID proves itself as before


def test_a_month_that_cannot_go_does_not_keep_the_others(july):
    personal_click(JULY + DAY, marked_at=None)
    july_drop, august_drop = drop_expired(before=SEPTEMBER)
    assert "without marks" in july_drop.refusal
    assert august_drop.refusal == ""
    assert july in names()
    assert "tracking_click_y2019m08" not in names()


def test_a_dry_run_drops_nothing_and_shows_the_same(july):
    personal_click(JULY + DAY, marked_at=None)
    personal_click(datetime(2007, 5, 5, tzinfo=UTC))
    reported = list(drop_expired(before=SEPTEMBER, dry_run=True))
    assert names() >= {july, "tracking_click_y2019m08"}
    assert Click.objects.count() == 2
    assert [drop.name for drop in drop_expired(before=SEPTEMBER)] == [drop.name for drop in reported]


def test_the_default_partition_is_cleaned_by_rows(monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    link, old = TrackingLinkFactory(), datetime(2007, 5, 5, tzinfo=UTC)
    for n in range(5):
        personal_click(old + n * DAY, link)
    unmarked = personal_click(old, link, marked_at=None)
    young = personal_click(datetime(2007, 6, 6, tzinfo=UTC), link)
    deleted, refused = drop_expired(before=datetime(2007, 6, 6, tzinfo=UTC))
    assert (deleted.name, deleted.rows, deleted.refusal) == ("tracking_click_default", 5, "")
    assert "1 expired clicks without marks" in refused.refusal
    assert set(Click.objects.values_list("pk", flat=True)) == {unmarked.pk, young.pk}


def test_cutoffs_are_whole_days_and_calendar_months_and_zero_keeps_for_ever(settings):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = 90, 36
    now = datetime(2028, 2, 29, 3, 20, tzinfo=UTC)
    assert personal_cutoff(now) == datetime(2027, 12, 1, 3, 20, tzinfo=UTC)
    assert rows_cutoff(now) == datetime(2025, 2, 28, 3, 20, tzinfo=UTC)
    settings.CLICK_PERSONAL_DAYS = settings.CLICK_ROW_MONTHS = 0
    assert personal_cutoff(now) is rows_cutoff(now) is None


def test_the_nightly_run_drops_and_clears_by_the_settings(july, settings):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = 10, 1
    dropped, cleared = personal_click(JULY + DAY), personal_click(AUGUST + DAY)
    kept = personal_click(SEPTEMBER - 2 * DAY)
    assert expiry.apply(now=SEPTEMBER, seconds=60)
    assert not Click.objects.filter(pk=dropped.pk).exists()
    assert is_cleared(cleared)
    assert not is_cleared(kept)


def test_nothing_is_touched_where_everything_is_kept_for_ever(july, settings):
    settings.CLICK_PERSONAL_DAYS = settings.CLICK_ROW_MONTHS = 0
    click = personal_click(JULY + DAY)
    assert expiry.apply(now=datetime(2100, 1, 1, tzinfo=UTC), seconds=60)
    assert not is_cleared(click)


@pytest.mark.parametrize(("finished", "sent"), [(True, 0), (False, 1)])
def test_the_task_comes_back_until_all_is_done(monkeypatch, finished, sent):
    again = Mock()
    monkeypatch.setattr(tasks.expiry, "apply", lambda **_: finished)
    monkeypatch.setattr(tasks.apply_retention, "apply_async", again)
    tasks.apply_retention()
    assert again.call_count == sent


def test_beat_knows_the_task(settings):
    assert settings.CELERY_BEAT_SCHEDULE["retention"]["task"] == tasks.apply_retention.name
