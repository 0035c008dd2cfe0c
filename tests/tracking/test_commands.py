"""The commands that keep clicks: what they say, what they do, and with which exit code."""

import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from records.advisory_locks import Lock
from records.periods import months_after
from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect, make_row
from tests.tracking.retention.test_erasure import row_of
from tests.tracking.storage import is_cleared, make_month, names, own_months, personal_click, run
from tracking.capture import spool
from tracking.click_id.codec import text_of
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _months():
    with own_months():
        yield


@pytest.fixture
def link():
    return TrackingLinkFactory()


@pytest.fixture
def directory(settings):
    return settings.SPOOL_DIR


@pytest.fixture
def away(monkeypatch):
    """A database that does not answer the commands that drain."""

    def refuse():
        raise psycopg.OperationalError("connection refused")

    for command in ("spool", "erase_visitor"):
        monkeypatch.setattr(f"tracking.management.commands.{command}.connect", refuse)


def wait_on_disk(directory: Path, rows: list[bytes], *, seconds: int = 0) -> None:
    writer = spool.Spool(directory)
    writer.append(rows)
    writer.close()
    (path,) = directory.glob("*.spool")
    path.rename(path.with_name(f"{time.time_ns() - seconds * 10**9:020d}-1.spool"))


# --- spool


def test_an_empty_spool_is_well(directory):
    code, output = run("spool")
    assert (code, "segments 0" in output) == (0, True)


@pytest.mark.parametrize(("seconds", "code"), [(5, 0), (61, 1)])
def test_clicks_may_wait_a_minute(directory, link, seconds, code):
    wait_on_disk(directory, [make_row(link.pk)], seconds=seconds)
    found, output = run("spool")
    assert found == code
    assert f"segments 1, {sum(path.stat().st_size for path in directory.iterdir())} bytes" in output
    assert f"waits for {seconds} s" in output


def test_drain_writes_what_waits_and_keeps_what_is_refused(directory, link):
    wait_on_disk(directory, [make_row(link.pk), make_row(link.pk, sub1="x" * 300)], seconds=500)
    code, output = run("spool", "--drain")
    assert code == 1
    assert "Drained 2 clicks" in output
    assert "Files in quarantine: 1" in output
    assert Click.objects.count() == 1


def test_a_refused_click_is_listed_and_tried_again(directory, link):
    bad, good = personal_click(timezone.now(), link), personal_click(timezone.now(), link)
    Click.objects.all().delete()
    spool.quarantine(directory, row_of(bad, sub1="x" * 300), "too long, it said")
    code, output = run("spool", "--list-quarantine")
    assert code == 1
    assert f"click {text_of(bad.pk)}: too long, it said" in output
    spool.quarantine(directory, row_of(good), "the disk of the database was full")
    code, output = run("spool", "--retry-quarantine")
    assert code == 1
    assert "Written: 1. Still refused: 1." in output
    assert f"click {text_of(bad.pk)}: still refused: value too long" in output
    assert Click.objects.get().pk == good.pk
    next((directory / spool.QUARANTINE).glob("*.refused")).unlink()
    assert run("spool")[0] == 0


def test_a_damaged_segment_is_reported(directory, link):
    wait_on_disk(directory, [make_row(link.pk), make_row(link.pk)])
    (path,) = directory.glob("*.spool")
    os.truncate(path, path.stat().st_size - 3)
    code, output = run("spool", "--drain", "--list-quarantine")
    assert code == 1
    assert "damaged. Its complete clicks are in the database" in output
    assert Click.objects.count() == 1


def test_with_the_database_away_nothing_leaves_the_disk(directory, link, away):
    wait_on_disk(directory, [make_row(link.pk)])
    code, output = run("spool", "--drain")
    assert code == 1
    assert "they stay on disk: connection refused" in output
    assert spool.state(directory).segments == 1


def test_a_spool_that_cannot_be_read_is_not_well(directory):
    directory.parent.mkdir(exist_ok=True)
    directory.write_text("")
    code, output = run("spool")
    assert code == 1
    assert "cannot be used" in output


# --- partitions


def test_months_are_listed_with_what_became_of_their_personal_fields(settings):
    run("partitions", "--make-ahead", "3")
    now = timezone.now()
    old = months_after(now, -12)
    name = make_month(old.year, old.month)
    personal_click(old)
    run("partitions", "--trim")
    code, output = run("partitions")
    assert code == 0
    lines = {line.split()[0]: line for line in output.splitlines() if line.startswith("tracking_click_")}
    assert lines.keys() == names()
    assert lines[name].endswith("cleared")
    assert lines[f"tracking_click_y{now:%Ym%m}"].endswith("kept")
    ahead = months_after(now, 2)
    assert lines[f"tracking_click_y{ahead:%Ym%m}"].endswith("ahead")
    assert "(CLICK_PERSONAL_DAYS)" in output


def test_a_month_that_is_getting_old_is_cleared_in_part(settings):
    cutoff = months_after(timezone.now(), -13).replace(day=15)
    settings.CLICK_PERSONAL_DAYS = (timezone.now() - cutoff).days
    name = make_month(cutoff.year, cutoff.month)
    first = cutoff.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    old, young = personal_click(first), personal_click(months_after(first, 1) - timedelta(milliseconds=1))
    run("partitions", "--trim")
    assert (is_cleared(old), is_cleared(young)) == (True, False)
    code, output = run("partitions")
    assert any(line.startswith(name) and line.endswith("cleared in part") for line in output.splitlines())


def test_a_month_that_is_missing_is_a_problem(monkeypatch):
    far = timezone.now() + timedelta(days=2000)
    monkeypatch.setattr("tracking.management.commands.partitions.timezone.now", lambda: far)
    code, output = run("partitions")
    assert code == 1
    assert f"no partition for {far:%Y-%m}" in output
    assert f"no partition for {months_after(far, 1):%Y-%m}" in output
    assert run("partitions", "--make-ahead", "1") == (
        0,
        f"Made 2 new partitions; clicks up to {months_after(far, 1):%Y-%m} have theirs.\n",
    )
    assert "no partition" not in run("partitions")[1]


def test_what_was_forgotten_for_days_is_a_problem(settings):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = 90, 36
    run("partitions", "--make-ahead", "1")
    now = timezone.now()
    personal_click(now - timedelta(days=91))  # due since yesterday: the night's run has it
    assert run("partitions")[0] == 0
    personal_click(now - timedelta(days=93))
    expired = months_after(now, -40)
    name = make_month(expired.year, expired.month)
    code, output = run("partitions")
    assert code == 1
    assert "should be cleared by now. Start worker and beat" in output
    assert f"{name} should be dropped by now." in output
    assert run("partitions", "--drop-expired", "--trim")[0] == 0
    assert run("partitions")[0] == 0
    assert name not in names()


def test_trying_first_shows_the_number_and_changes_nothing(settings):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = 90, 36
    now = timezone.now()
    clicks = [personal_click(now - timedelta(days=days)) for days in (100, 95, 80)]
    expired = months_after(now, -40)
    name = make_month(expired.year, expired.month)
    code, output = run("partitions", "--drop-expired", "--trim", "--dry-run")
    assert code == 0
    assert "Would clear 2 clicks" in output
    assert f"Would drop {name}" in output
    assert name in names()
    assert not any(is_cleared(click) for click in clicks)
    code, output = run("partitions", "--drop-expired", "--trim")
    assert code == 0
    assert "Cleared 2 clicks" in output
    assert f"Dropped {name}" in output
    assert [is_cleared(click) for click in clicks] == [True, True, False]


def test_clicks_without_marks_make_the_command_fail(settings):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = 90, 36
    expired = months_after(timezone.now(), -40)
    name = make_month(expired.year, expired.month)
    personal_click(expired.replace(day=2), marked_at=None)
    code, output = run("partitions", "--drop-expired", "--trim")
    assert code == 1
    assert f"{name} is kept" in output
    assert "Clicks without marks keep their personal fields" in output


def test_zero_keeps_for_ever_and_says_so(settings):
    settings.CLICK_PERSONAL_DAYS = settings.CLICK_ROW_MONTHS = 0
    click = personal_click(months_after(timezone.now(), -60))
    code, output = run("partitions", "--drop-expired", "--trim")
    assert code == 0
    assert output.count("for ever") == 2
    assert not is_cleared(click)
    assert run("partitions")[1].count("for ever") == 2


def test_a_cleared_month_is_rewritten_on_request():
    old = months_after(timezone.now(), -12)
    make_month(old.year, old.month)
    personal_click(old)
    month = f"{old:%Y-%m}"
    code, output = run("partitions", "--compact", month)
    assert code == 1
    assert "is not cleared of personal fields yet" in output
    run("partitions", "--trim")
    code, output = run("partitions", "--compact", month)
    assert code == 0
    assert "now" in output


def test_a_month_in_use_is_not_waited_for():
    old = months_after(timezone.now(), -12)
    name = make_month(old.year, old.month)
    personal_click(old)
    run("partitions", "--trim")
    with connect() as report, report.transaction():
        report.execute(f"SELECT count(*) FROM {name}")
        code, output = run("partitions", "--compact", f"{old:%Y-%m}")
    assert code == 1
    assert f"{name} is in use" in output


def test_a_second_run_at_the_same_time_is_refused():
    with connect() as other:
        other.execute("SELECT pg_advisory_lock(%s, 0)", [Lock.RETENTION])
        code, output = run("partitions", "--trim")
    assert code == 1
    assert "Another run" in output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dry-run"], "say which of them"),
        (["--dry-run", "--trim", "--make-ahead", "2"], "say which of them"),
        (["--make-ahead", "-1"], "0 (this month only) to 120"),
        (["--make-ahead", "9999"], "0 (this month only) to 120"),
        (["--compact", "May"], "'May' is not a month"),
        (["--compact", "1999-01"], "no partition for 1999-01"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(arguments, says):
    code, output = run("partitions", *arguments)
    assert code == 1
    assert says in output


# --- erase_visitor


def test_erasing_shows_first_and_does_it_with_yes(link, caplog):
    now = timezone.now()
    mine = [personal_click(now - timedelta(days=days), link, visitor=None, ip="198.51.100.4") for days in (0, 1)]
    other = personal_click(now, link)
    code, output = run("erase_visitor", "--ip", "198.51.100.4")
    assert code == 0
    assert "ip 2, user_agent 2, referrer 2" in output or output.count("ip 1, user_agent 1, referrer 1") == 2
    assert "Nothing was changed" in output
    assert not any(is_cleared(click) for click in mine)
    code, output = run("erase_visitor", "--ip", "198.51.100.4", "--yes", "--note", "request 7")
    assert code == 0
    assert "Cleared 2 clicks" in output
    assert all(is_cleared(click) for click in mine)
    assert not is_cleared(other)
    assert "visitor_erased" in caplog.text
    assert "request 7" in caplog.text
    assert "198.51.100.4" not in caplog.text
    assert "nothing to clear" in run("erase_visitor", "--ip", "198.51.100.4", "--yes")[1]


def test_days_are_whole_days(link):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    clicks = [personal_click(noon - timedelta(days=days), link, ip="198.51.100.4") for days in (3, 2, 1)]
    day = f"{noon - timedelta(days=2):%Y-%m-%d}"
    run("erase_visitor", "--ip", "198.51.100.4", "--from", day, "--to", day, "--yes")
    assert [is_cleared(click) for click in clicks] == [False, True, False]
    moment = (noon - timedelta(days=1)).isoformat()
    assert "nothing to clear" in run("erase_visitor", "--ip", "198.51.100.4", "--to", moment, "--from", day, "--yes")[1]


def test_a_click_leads_to_all_of_its_visitor(link):
    click = personal_click(timezone.now(), link)
    for given in (text_of(click.pk), text_of(click.pk).upper(), str(click.pk)):
        assert f"erase_visitor --visitor {click.visitor.hex}" in run("erase_visitor", "--click", given)[1]
    assert run("erase_visitor", "--visitor", click.visitor.hex, "--yes")[0] == 0
    assert is_cleared(click)


def test_clicks_on_disk_are_drained_first_and_then_wait_for_their_marks(directory, link):
    click = personal_click(timezone.now(), link)
    Click.objects.all().delete()
    wait_on_disk(directory, [row_of(click)])
    assert "files of the spool" in run("erase_visitor", "--visitor", click.visitor.hex)[1]
    code, output = run("erase_visitor", "--visitor", click.visitor.hex, "--yes")
    assert code == 1
    assert "Nothing was cleared. 1 of these clicks have no marks yet" in output
    assert Click.objects.get().visitor == click.visitor
    Click.objects.update(marked_at=timezone.now())
    assert run("erase_visitor", "--visitor", click.visitor.hex, "--yes")[0] == 0
    assert is_cleared(click)


def test_with_clicks_in_another_process_hands_nothing_is_cleared(directory, link):
    click = personal_click(timezone.now(), link)
    living = spool.Spool(directory)
    living.append([make_row(link.pk)])
    code, output = run("erase_visitor", "--visitor", click.visitor.hex, "--yes")
    living.close()
    assert code == 1
    assert "Nothing was cleared. Clicks wait in" in output
    assert not is_cleared(click)
    assert run("erase_visitor", "--visitor", click.visitor.hex, "--yes")[0] == 0


def test_with_the_database_away_while_draining_nothing_is_cleared(directory, link, away):
    click = personal_click(timezone.now(), link)
    wait_on_disk(directory, [make_row(link.pk)])
    code, output = run("erase_visitor", "--visitor", click.visitor.hex, "--yes")
    assert code == 1
    assert "could not be drained" in output
    assert not is_cleared(click)


def test_addresses_that_are_stored_cut_are_explained(settings):
    settings.CLICK_IP_TRUNCATE = True
    assert "CLICK_IP_TRUNCATE" in run("erase_visitor", "--ip", "198.51.100.4")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "required"),
        (["--visitor", uuid4().hex, "--ip", "::1"], "not allowed with"),
        (["--visitor", "zz"], "not a visitor cookie"),
        (["--visitor", ""], "not a visitor cookie"),
        (["--ip", "casino.example"], "neither an address nor a network"),
        (["--ip", "198.51.100.4/24"], "neither an address nor a network"),
        (["--click", "06dndml8"], "not a genuine click ID"),
        (["--ip", "::1", "--from", "yesterday"], "is not a time"),
        (["--ip", "::1", "--from", "2026-02-02", "--to", "2026-02-01"], "is not before"),
    ],
)
def test_no_one_is_erased_by_mistake(link, arguments, says):
    click = personal_click(timezone.now(), link, ip="198.51.100.4")
    code, output = run("erase_visitor", *arguments, "--yes")
    assert code != 0
    assert says in output
    assert not is_cleared(click)


def test_no_lock_wait_is_left_behind_by_any_of_them():
    """A command's settings of its session must not stay with the connection that Django keeps."""
    run("partitions", "--trim", "--drop-expired")
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
