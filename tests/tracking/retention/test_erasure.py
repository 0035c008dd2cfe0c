"""One visitor's data, wherever clicks lie: found, cleared, and refused where it would not be whole."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest

from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect
from tests.tracking.storage import is_cleared, make_month, own_months, personal_click
from tracking.capture import quarantine, spool
from tracking.capture.clicks import format_row
from tracking.capture.quarantine import RefusedClick, refused_clicks, retry
from tracking.models import SUB_IDS, Click
from tracking.retention.erasure import CannotErase, Whose, check_files, check_marks, erase, find
from tracking.retention.expiry import clear_personal
from tracking.retention.personal_fields import PERSONAL

pytestmark = pytest.mark.django_db

JULY, AUGUST = datetime(2019, 7, 1, tzinfo=UTC), datetime(2019, 8, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOME, ELSEWHERE = "198.51.100.4", "198.51.101.4"


@pytest.fixture
def link():
    make_month(2019, 7)
    make_month(2019, 8)
    return TrackingLinkFactory()


def test_all_clicks_of_a_visitor_are_cleared_in_every_month(link):
    visitor = uuid4()
    moments = (JULY + DAY, AUGUST + DAY, datetime(2007, 5, 5, tzinfo=UTC))
    mine = [personal_click(at, link, visitor=visitor, referrer="") for at in moments]
    others = [personal_click(at, link) for at in moments]
    erased = list(erase(Whose(visitor=visitor)))
    assert [(each.partition, each.clicks, each.first) for each in erased] == [
        ("tracking_click_y2019m07", 1, moments[0]),
        ("tracking_click_y2019m08", 1, moments[1]),
        ("tracking_click_default", 1, moments[2]),
    ]
    assert erased[0].fields == {"ip": 1, "user_agent": 1, "referrer": 0, "visitor": 1}
    assert all(is_cleared(click) for click in mine)
    assert not any(is_cleared(click) for click in others)
    assert list(erase(Whose(visitor=visitor))) == []


def test_what_the_click_is_counted_by_stays(link):
    click = personal_click(JULY, link, country="DE", aff_click_id="t-1", source="mail", is_duplicate=True)
    list(erase(Whose(click=click.pk)))
    before, after = vars(click), vars(Click.objects.get(pk=click.pk))
    assert {name for name in after if name != "_state" and before[name] != after[name]} == set(PERSONAL)


def test_finding_changes_nothing(link):
    click = personal_click(JULY, link)
    (found,) = find(Whose(visitor=click.visitor))
    assert (found.clicks, found.first, found.last) == (1, JULY, JULY)
    assert not is_cleared(click)


def test_one_click_alone(link):
    visitor = uuid4()
    meant, other = (personal_click(JULY, link, visitor=visitor) for _ in range(2))
    list(erase(Whose(click=meant.pk)))
    assert (is_cleared(meant), is_cleared(other)) == (True, False)


def test_an_address_is_another_persons_on_another_day(link):
    before, first, last, after = (
        personal_click(at, link, ip=HOME)
        for at in (JULY - timedelta(milliseconds=1), JULY, AUGUST - timedelta(milliseconds=1), AUGUST)
    )
    erased = list(erase(Whose(network=ip_network(HOME), since=JULY, until=AUGUST)))
    assert [each.clicks for each in erased] == [2]
    assert [is_cleared(each) for each in (before, first, last, after)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("network", "addresses", "meant"),
    [
        ("198.51.100.0/24", (HOME, ELSEWHERE), (True, False)),
        ("2001:db8:1:2::/64", ("2001:db8:1:2::7", "2001:db8:1:3::7"), (True, False)),
        ("::/0", (HOME, "2001:db8::1"), (False, True)),
    ],
)
def test_a_network_stands_for_the_addresses_of_one_line(link, network, addresses, meant):
    clicks = [personal_click(JULY, link, ip=ip) for ip in addresses]
    list(erase(Whose(network=ip_network(network))))
    assert tuple(is_cleared(click) for click in clicks) == meant


def test_no_one_means_no_one_rather_than_everybody(link):
    click = personal_click(JULY, link)
    with pytest.raises(ValueError, match="whose"):
        list(erase(Whose()))
    assert not is_cleared(click)


@pytest.mark.django_db(transaction=True)
def test_months_that_are_cleared_already_are_passed_over_and_reported():
    with own_months():
        make_month(2019, 7)
        visitor = uuid4()
        personal_click(JULY, visitor=visitor)
        clear_personal(before=AUGUST)
        answers = []
        assert list(erase(Whose(visitor=visitor), progress=lambda *step: answers.append(step))) == []
        assert answers[-1][1] == answers[-1][2] == len(answers)


def test_a_click_without_marks_is_waited_for(link):
    """Cleared before it is looked at, a person would pass for a bot."""
    click = personal_click(JULY, link, marked_at=None)
    with pytest.raises(CannotErase, match="1 of these clicks have no marks"):
        check_marks(Whose(visitor=click.visitor))
    assert list(erase(Whose(visitor=click.visitor))) == []
    assert not is_cleared(click)
    check_marks(Whose(visitor=uuid4()))


def row_of(click: Click, **changed: str) -> bytes:
    return format_row(
        raw_id=click.pk.bytes,
        milliseconds=click.pk.int >> 80,
        link_number=click.link_id,
        ip=click.ip,
        visitor=click.visitor,
        texts=["agent", "", "", "", changed.get("sub1", ""), *[""] * (len(SUB_IDS) - 1)],
    )


def test_files_and_rows_are_searched_by_the_same_rule(link, tmp_path):
    """Every way to say whose, against every click: what the database finds, a file of the same click is found by."""
    visitor = uuid4()
    ips, times = (HOME, ELSEWHERE, "2001:db8::1", None), (JULY, JULY + DAY, AUGUST)
    clicks = [personal_click(at, link, ip=ip, visitor=who) for ip in ips for at in times for who in (visitor, None)]
    periods = [(None, None), (JULY + DAY, None), (None, JULY + DAY), (JULY, AUGUST)]
    whose = [
        *({"visitor": visitor}, {"network": ip_network(HOME)}, {"network": ip_network("198.51.100.0/23")}),
        *({"network": ip_network("2001:db8::/32")}, {"click": clicks[0].pk}),
    ]
    for meant in (Whose(**who, since=since, until=until) for who in whose for since, until in periods):
        in_files = sum(meant.includes(RefusedClick(tmp_path, "", row_of(click))) for click in clicks)
        assert in_files == sum(each.clicks for each in find(meant))


def refuse(directory, click, **changed):
    spool.quarantine(directory, row_of(click, **changed), "value too long\nfor sub1")


def test_a_refused_click_of_the_visitor_stands_in_the_way_another_ones_does_not(link, tmp_path):
    click = personal_click(JULY, link, ip=HOME)
    refuse(tmp_path, click)
    for whose in (Whose(visitor=click.visitor), Whose(network=ip_network(HOME)), Whose(click=click.pk)):
        with pytest.raises(CannotErase, match=r"refused: \d+-\d+\.refused in .*--retry-quarantine"):
            check_files(whose, tmp_path)
    check_files(Whose(visitor=uuid4()), tmp_path)
    check_files(Whose(network=ip_network(HOME), since=AUGUST), tmp_path)


def test_clicks_that_wait_on_disk_stand_in_the_way(link, tmp_path):
    writer = spool.Spool(tmp_path)
    writer.append([row_of(personal_click(JULY, link))])
    with pytest.raises(CannotErase, match="Clicks wait in"):
        check_files(Whose(visitor=uuid4()), tmp_path)
    writer.close()


def test_a_damaged_segment_stands_in_the_way(link, tmp_path):
    (tmp_path / spool.QUARANTINE).mkdir()
    (tmp_path / spool.QUARANTINE / "1-1.spool.damaged").write_bytes(b"CLK1")
    with pytest.raises(CannotErase, match=r"1-1\.spool\.damaged .* delete it"):
        check_files(Whose(visitor=uuid4()), tmp_path)


def test_a_spool_that_cannot_be_read_is_not_an_empty_one(tmp_path):
    (tmp_path / "spool").write_text("")  # not a directory
    with pytest.raises(OSError, match="Not a directory"):
        check_files(Whose(visitor=uuid4()), tmp_path / "spool")


def test_a_refused_click_shows_its_reason_and_its_values(link, tmp_path):
    click = personal_click(JULY, link, ip=HOME)
    refuse(tmp_path, click, sub1="x" * 300)
    (refused,) = refused_clicks(tmp_path)
    assert (refused.reason, refused.key) == ("value too long for sub1", click.pk)
    assert refused.values["ip"] == HOME
    assert refused.values["visitor"] == str(click.visitor)
    assert refused.values["sub1"] == "x" * 300
    assert "sub2" not in refused.values


@pytest.mark.parametrize("row", [b"", b"\n", b"no click\n", b"\xff\xfe\t\t\n", b"zz" * 16 + b"\t\\N\n"])
def test_a_file_that_cannot_be_read_as_a_click_may_be_anybodys(tmp_path, row):
    spool.quarantine(tmp_path, row, "who knows")
    (refused,) = refused_clicks(tmp_path)
    assert refused.key is None
    with pytest.raises(CannotErase, match="may be this visitor's"):
        check_files(Whose(visitor=uuid4(), since=JULY), tmp_path)


@pytest.mark.django_db(transaction=True)
def test_refused_clicks_are_written_when_the_database_takes_them(tmp_path):
    link = TrackingLinkFactory()
    known, new = personal_click(AUGUST, link, ip=HOME), personal_click(AUGUST, link, ip=HOME)
    Click.objects.filter(pk=new.pk).delete()
    for click, changed in ((known, {}), (new, {}), (new, {"sub1": "x" * 300})):
        refuse(tmp_path, click, **changed)
    assert [(click.key, "too long" in why) for click, why in retry(tmp_path, connect)] == [
        (known.pk, False),
        (new.pk, False),
        (new.pk, True),
    ]
    assert Click.objects.count() == 2
    assert len(list(refused_clicks(tmp_path))) == 1
    assert quarantine.damaged_segments(tmp_path) == []
