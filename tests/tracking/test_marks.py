"""What is found out about a click within seconds of it."""

import uuid
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings as defaults
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.asgi_client import visit
from tests.factories import ClickFactory, TrackingLinkFactory, new_click_uuid
from tracking import tasks
from tracking.marks import UnmarkedClick, duplicates_among, mark_clicks, mark_waiting
from tracking.models import Click
from tracking.visitors.identity import is_new, new_visitor

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 "
    "Mobile/15E148 Safari/604.1"
)
AUSTRIA = "84.112.3.4"


@pytest.fixture
def link(db):
    return TrackingLinkFactory()


def click(link, seconds=0.0, *, cookie=None, **fields):
    """A click so many seconds after NOW. `cookie` is the visitor who brought one; None is given one by this click."""
    at = NOW + timedelta(seconds=seconds)
    pk = new_click_uuid(link_id=link.pk, at=at)
    visitor = cookie or UUID(new_visitor(pk.int >> 80))
    return ClickFactory(id=pk, link=link, clicked_at=at, **{"visitor": visitor, "ip": AUSTRIA, **fields})


def marked(*clicks):
    mark_clicks(now=NOW)
    found = Click.objects.in_bulk([each.pk for each in clicks])
    return [found[each.pk] for each in clicks]


def duplicates(*clicks):
    return [each.is_duplicate for each in marked(*clicks)]


def test_a_click_gets_all_its_marks(link):
    [found] = marked(click(link, user_agent=IPHONE))
    assert (found.country, found.asn, found.is_data_centre) == ("AT", 8412, False)
    assert (found.device, found.os, found.browser) == ("phone", "iOS", "Mobile Safari")
    assert (found.is_bot, found.is_duplicate, found.marked_at) == (False, False, NOW)


def test_a_bot_in_a_data_centre_is_marked_and_kept(link):
    [found] = marked(click(link, user_agent="python-requests/2.32", ip="5.9.0.1"))
    assert (found.is_bot, found.device, found.is_data_centre, found.country) == (True, "bot", True, "DE")


def test_a_click_without_an_agent_is_a_bots_but_one_whose_agent_was_cleared_is_not(link):
    silent, cleared = marked(click(link, user_agent=""), click(link, user_agent="", ip=None, visitor=None))
    assert (silent.is_bot, silent.device) == (True, "bot")
    assert (cleared.is_bot, cleared.device, cleared.country, cleared.asn) == (False, "", "", None)
    assert cleared.marked_at == NOW


def test_nothing_else_of_the_click_changes(link):
    before = click(link, aff_click_id="t-1", sub3="x", source="mail", referrer="https://forum.example/")
    [after] = marked(before)
    marks = {"marked_at", "country", "device", "is_bot", "is_duplicate", "os", "browser", "asn", "is_data_centre"}
    known = {field.attname for field in Click._meta.fields} - marks
    assert {name: getattr(after, name) for name in known} == {name: getattr(before, name) for name in known}


def test_marks_are_set_once(link):
    first = click(link)
    mark_clicks(now=NOW)
    assert mark_clicks(now=NOW + timedelta(hours=1))[0] == 0
    assert Click.objects.get(pk=first.pk).marked_at == NOW


def test_more_clicks_than_a_batch_are_all_marked(link):
    for number in range(25):
        click(link, number)
    assert mark_waiting(now=NOW, seconds=60, batch=10) == 25
    assert not Click.objects.filter(marked_at=None).exists()


def test_a_run_ends_when_its_time_is_over(link):
    for number in range(5):
        click(link, number)
    assert mark_waiting(now=NOW, seconds=-1, batch=2) == 2


def test_the_task_marks_what_waits(link):
    click(link)
    assert tasks.mark_clicks() == 1
    assert {entry["task"] for entry in defaults.CELERY_BEAT_SCHEDULE.values()} >= {tasks.mark_clicks.name}


def test_marks_cost_the_same_queries_for_one_click_and_for_many(link, django_assert_num_queries):
    click(link)
    with django_assert_num_queries(5):  # savepoint, take, look around, write, release
        mark_clicks(now=NOW)
    for number in range(40):
        click(link, number, user_agent=f"curl/{number}")
    with django_assert_num_queries(5):
        mark_clicks(now=NOW)


class TestDuplicates:
    """The setting's default is 30 seconds."""

    def test_the_same_cookie_again_within_the_time(self, link):
        ana = uuid.uuid4()
        assert duplicates(*(click(link, at, cookie=ana) for at in (0, 30, 60.5, 62))) == [False, True, False, True]

    def test_the_cookie_that_an_earlier_click_gave(self, link):
        first = click(link)
        assert duplicates(first, click(link, 5, cookie=first.visitor, ip="1.1.1.1")) == [False, True]

    def test_another_link_is_another_matter(self, link):
        ana = uuid.uuid4()
        assert duplicates(click(link, cookie=ana), click(TrackingLinkFactory(), 1, cookie=ana)) == [False, False]

    def test_two_people_at_one_address_who_both_have_cookies(self, link):
        assert duplicates(click(link, cookie=uuid.uuid4()), click(link, 1, cookie=uuid.uuid4())) == [False, False]

    def test_without_cookies_the_same_address_and_agent(self, link):
        assert duplicates(click(link), click(link, 20), click(link, 51)) == [False, True, False]

    def test_clicks_from_before_there_were_cookies(self, link):
        assert duplicates(click(link, visitor=None), click(link, 1, visitor=None)) == [False, True]

    @pytest.mark.parametrize("other", [{"ip": "84.112.3.5"}, {"user_agent": IPHONE}, {"ip": None}])
    def test_without_cookies_another_address_or_agent_is_another_visitor(self, link, other):
        assert duplicates(click(link), click(link, 1, **other)) == [False, False]

    def test_someone_without_a_cookie_is_not_the_one_who_has_one(self, link):
        assert duplicates(click(link, cookie=uuid.uuid4()), click(link, 1)) == [False, False]

    def test_an_earlier_click_that_has_its_marks_already(self, link):
        ana = uuid.uuid4()
        marked(click(link, cookie=ana))
        assert duplicates(click(link, 3, cookie=ana)) == [True]

    def test_an_earlier_click_that_comes_late_is_none_and_changes_nothing(self, link):
        ana = uuid.uuid4()
        [later] = marked(click(link, 10, cookie=ana))
        assert duplicates(click(link, 0, cookie=ana), later) == [False, False]

    def test_old_clicks_out_of_a_spool_are_compared_with_those_of_their_time(self, link):
        ana, day = uuid.uuid4(), 86_400
        marked(click(link, -day, cookie=ana))
        clicks = [click(link, -day + 10, cookie=ana), click(link, -day / 2, cookie=ana), click(link, 0, cookie=ana)]
        assert duplicates(*clicks, click(link, 7, cookie=ana)) == [True, False, False, True]

    def test_the_time_is_a_setting(self, link, settings):
        settings.CLICK_DUPLICATE_SECONDS = 5
        assert duplicates(click(link), click(link, 6)) == [False, False]

    def test_nought_marks_none(self, link, settings):
        settings.CLICK_DUPLICATE_SECONDS = 0
        ana = uuid.uuid4()
        assert duplicates(click(link, cookie=ana), click(link, cookie=ana)) == [False, False]


waiting = st.builds(
    lambda milliseconds, link, visitor, ip, agent, chance: UnmarkedClick(
        id=str(uuid.UUID(int=milliseconds << 80 | link << 48 | chance)),
        link=link,
        visitor=None
        if visitor is None
        else str(new_visitor(milliseconds))
        if visitor == 0
        else str(uuid.UUID(int=visitor)),
        ip=ip,
        user_agent=agent,
    ),
    st.integers(10**12, 10**12 + 60_000),
    st.integers(1, 2),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from(["x", "y"]),
    st.integers(0, 2**48 - 1),
)


@given(st.lists(waiting, unique_by=lambda each: each.id), st.data())
def test_duplicates_are_those_that_a_look_at_every_pair_finds(clicks, data):
    batch = data.draw(st.lists(st.sampled_from(clicks), unique=True)) if clicks else []

    def is_same(one, other):
        cookie = one.visitor and one.visitor == other.visitor
        bare = not one.brought_cookie and not other.brought_cookie
        return cookie or (bare and one.ip and (one.ip, one.user_agent) == (other.ip, other.user_agent))

    expected = {
        later.id
        for later in batch
        for earlier in clicks
        if earlier.id < later.id and earlier.link == later.link
        if later.milliseconds - earlier.milliseconds <= 30_000 and is_same(earlier, later)
    }
    found = duplicates_among(batch, clicks, seconds=30)
    assert found & {each.id for each in batch} == expected


def test_the_redirect_gives_visitors_an_id_that_shows_its_age(transactional_db):
    code = TrackingLinkFactory().code

    async def twice(client):
        [given] = [each for each in (await client.get(f"/c/{code}")).cookies if each.startswith("aff_visitor=")]
        await client.get(f"/c/{code}", headers={"cookie": given.partition(";")[0]})

    visit(twice)
    first, second = Click.objects.order_by("pk")
    assert is_new(str(first.visitor), str(first.pk))
    assert not is_new(str(second.visitor), str(second.pk))
    assert first.visitor == second.visitor
    assert first.visitor.version == 7
