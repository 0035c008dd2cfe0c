"""Click IDs of another platform: what is imported, what is refused and named, and that a repeat is harmless."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import TrackingLinkFactory
from tracking.click_id.codec import ClickID
from tracking.legacy import clicks
from tracking.models import Click, LegacyClickID

pytestmark = pytest.mark.django_db
AT = "2026-09-01T12:00:00Z"


@pytest.fixture
def link():
    return TrackingLinkFactory(code="ana-old")


@pytest.fixture
def run(tmp_path):
    def run(text, *, source="OldTracker", encoding="utf-8", **options):
        path = tmp_path / "clicks.csv"
        path.write_bytes(text.encode(encoding))
        out, err = StringIO(), StringIO()
        failure = ""
        try:
            call_command("import_clicks", str(path), source=source, stdout=out, stderr=err, **options)
        except CommandError as error:
            failure = str(error)
        return out.getvalue(), err.getvalue(), failure

    return run


def test_a_row_becomes_a_click_id_of_the_link_and_its_time(link, run):
    out, _, failure = run(f"click_id,link,clicked_at,aff_click_id,sub1,sub10\nOT-77,ANA-OLD,{AT},a1,news,b\n")
    assert (failure, out) == ("", "1 rows: 1 imported, 0 there before, 0 with errors.\n")
    row = LegacyClickID.objects.get()
    assert (row.source, row.foreign_id, row.link, row.aff_click_id) == ("OldTracker", "OT-77", link, "a1")
    assert row.sub_ids == {"sub1": "news", "sub10": "b"}
    known = ClickID(row.click_id)
    assert (known.link_number, known.made_at) == (link.pk, datetime(2026, 9, 1, 12, tzinfo=UTC))
    assert not Click.objects.exists()


def test_the_same_file_again_changes_nothing(link, run):
    text = f"click_id,link,clicked_at\nA,ana-old,{AT}\nB,ana-old,{AT}\n"
    run(text)
    before = list(LegacyClickID.objects.values_list("pk", "click_id"))
    assert run(text)[0] == "2 rows: 0 imported, 2 there before, 0 with errors.\n"
    assert list(LegacyClickID.objects.values_list("pk", "click_id")) == before


def test_one_text_of_two_platforms_is_two_ids(link, run):
    run(f"click_id,link,clicked_at,source\nA,ana-old,{AT},One\nA,ana-old,{AT},Two\n", source="")
    assert set(LegacyClickID.objects.values_list("source", flat=True)) == {"One", "Two"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"A,nobody,{AT}", "no tracking link nobody"),
        (f",ana-old,{AT}", "click_id is empty"),
        ("A,ana-old,yesterday", "clicked_at yesterday is not a time"),
        ("A,ana-old,2999-01-01T00:00:00Z", "lies in the future"),
        ("A,ana-old,12", "before 2000"),
        ("A,ana-old", "more or fewer values"),
        (f"A,ana-old,{AT},x", "more or fewer values"),
        (f"{'x' * 256},ana-old,{AT}", "click_id has 256 characters"),
        (f"A\x00B,ana-old,{AT}", "NUL"),
        (f'"A"x,ana-old,{AT}', "not CSV"),
    ],
)
def test_a_faulty_row_is_named_with_its_line_and_the_others_are_imported(link, run, row, message):
    out, err, failure = run(f"click_id,link,clicked_at\ngood1,ana-old,{AT}\n{row}\ngood2,ana-old,{AT}\n")
    assert "1 rows were skipped" in failure
    assert err.startswith("line 3: ")
    assert message in err
    assert "2 imported" in out
    assert set(LegacyClickID.objects.values_list("foreign_id", flat=True)) == {"good1", "good2"}


@pytest.mark.parametrize("again", [f"A,ben-old,{AT}", "A,ana-old,2026-09-02T12:00:00Z"])
def test_the_same_id_with_another_link_or_time_is_a_problem_in_one_file_and_in_two(link, run, again):
    TrackingLinkFactory(code="ben-old")
    first = f"click_id,link,clicked_at\nA,ana-old,{AT}\n"
    assert "there with another link or time: ana-old" in run(f"{first}{again}\n")[1]
    assert "there with another link or time: ana-old" in run(f"click_id,link,clicked_at\n{again}\n")[1]
    assert LegacyClickID.objects.get().link == link


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "click_id, link, clicked_at is missing"),
        ("click_id,clicked_at\n", "link is missing"),
        ("click_id,link,clicked_at,colour\n", "Unknown column colour"),
        ("click_id,link,link,clicked_at\n", "named twice"),
    ],
)
def test_a_file_without_the_columns_is_refused_whole(run, text, message):
    assert message in run(text)[2]


def test_says_that_a_source_is_needed(run):
    assert "--source" in run("click_id,link,clicked_at\n", source="")[2]


def test_says_that_there_is_no_such_file():
    with pytest.raises(CommandError, match=r"nothing\.csv cannot be read: No such file"):
        call_command("import_clicks", "nothing.csv", source="x")


def test_bytes_that_are_no_utf8_are_named(link, run):
    _, err, failure = run(f"click_id,link,clicked_at\nÄ,ana-old,{AT}\n", encoding="latin-1")
    assert "UTF-8" in err + failure


def test_dry_run_judges_all_and_stores_nothing(link, run):
    out, err, failure = run(f"click_id,link,clicked_at\nA,ana-old,{AT}\nB,nobody,{AT}\n", dry_run=True)
    assert "1 would be imported" in out
    assert "line 3" in err
    assert failure
    assert not LegacyClickID.objects.exists()


def test_a_spreadsheets_byte_order_mark_and_seconds_are_read(link, run):
    assert run("\ufeffclick_id,link,clicked_at\nA,ana-old,1788264000\nB,ana-old,1788264000500\n")[2] == ""
    times = list(LegacyClickID.objects.order_by("foreign_id").values_list("clicked_at", flat=True))
    assert times == [datetime(2026, 9, 1, 12, tzinfo=UTC), datetime(2026, 9, 1, 12, 0, 0, 500000, tzinfo=UTC)]


def test_many_batches_cost_three_queries_each(link, run, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(clicks, "BATCH", 10)
    rows = "".join(f"A{n},ana-old,{AT}\n" for n in range(30))
    with django_assert_max_num_queries(3 * 5):
        assert "30 imported" in run(f"click_id,link,clicked_at\n{rows}")[0]
    assert LegacyClickID.objects.count() == 30
