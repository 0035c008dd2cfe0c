"""The funnel: people goal by goal, of those who clicked in a period; to operators all, to affiliates their own."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from conversions.models import Goal
from dashboard.funnel.figures import funnel
from tests.conversions.sending import NOW, World, send
from tests.factories import AffiliateMemberFactory, SuperuserFactory
from tests.rest import client_of
from tracking.counts.rollups import rebuild

pytestmark = pytest.mark.django_db
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def world():
    world = World()
    Goal.objects.filter(code="purchase").delete()
    world.goal("kyc", kind="kyc")
    for position, code in enumerate(("registration", "kyc", "ftd", "deposit")):
        Goal.objects.filter(code=code).update(position=position)
    return world


def journey(world, customer, *events, link=None, country="DE", ago=timedelta(hours=10)):
    """A click and so many events, an hour after one another."""
    cid = world.click(link, ago=ago, country=country, marked_at=NOW)
    rebuild(day=(NOW - ago).date())
    for hours, code in enumerate(events, start=1):
        at = (NOW - ago + timedelta(hours=hours)).isoformat()
        fields = {"txid": f"{customer}-{code}-{hours}", "customer_id": customer, "revenue": "50", "timestamp": at}
        send(click_id=cid, event_type=code, **fields)


def counted(found):
    return found.clicks, [(step.code, step.number, step.followed, step.dropped) for step in found.steps]


def test_counts_people_and_drop_off_goal_by_goal(world):
    journey(world, "a", "registration", "kyc", "ftd", "deposit", "deposit")
    journey(world, "b", "registration", "kyc")
    journey(world, "c", "registration", "ftd", link=world.ben_link)
    journey(world, "d")
    found = funnel(offer=world.offer, since=SINCE, until=UNTIL)
    assert counted(found) == (
        4,
        [("registration", 3, 3, 1), ("kyc", 2, 2, 1), ("ftd", 2, 1, 1), ("deposit", 1, 1, 1)],
    )
    assert [step.rate for step in found.steps] == [0.75, 2 / 3, 0.5, 0.5]
    assert found.steps[3].overall == 0.25
    assert [step.median for step in found.steps[:2]] == [timedelta(hours=1), timedelta(hours=1)]
    assert [(cohort.on, cohort.numbers) for cohort in found.cohorts] == [(date(2026, 10, 12), [3, 2, 2, 1])]


def test_narrowed_by_affiliate_country_and_time_of_the_click(world):
    journey(world, "a", "registration")
    journey(world, "b", "registration", link=world.ben_link, country="FR")
    journey(world, "old", "registration", ago=timedelta(days=20))
    alone = {"offer": world.offer, "since": SINCE, "until": UNTIL}
    assert counted(funnel(**alone, affiliate=world.ben))[1][0] == ("registration", 1, 1, 0)
    assert counted(funnel(**alone, country="DE"))[1][0] == ("registration", 1, 1, 0)
    assert funnel(**alone, country="DE").clicks == 1
    assert counted(funnel(**alone))[1][0] == ("registration", 2, 2, 0)


def test_rejected_events_and_bots_do_not_count(world):
    journey(world, "a", "registration", "ftd")
    world.click(is_bot=True, marked_at=NOW)
    rebuild(day=NOW.date())
    send(txid="a-ftd-2", event_type="ftd", status="rejected")
    found = funnel(offer=world.offer, since=SINCE, until=UNTIL)
    assert counted(found)[0] == 1
    assert found.steps[2].number == 0


def test_an_empty_offer_has_no_rates(world):
    found = funnel(offer=world.offer, since=SINCE, until=UNTIL)
    assert [(step.rate, step.overall, step.median) for step in found.steps] == [(None, None, None)] * 4


class TestApi:
    @pytest.fixture
    def filled(self, world):
        journey(world, "a", "registration")
        journey(world, "b", "registration", link=world.ben_link)
        return {"offer": world.offer.public_id, "since": "2026-10-01", "until": "2026-10-31"}

    def test_an_operator_sees_all_an_affiliate_its_own(self, world, filled):
        olga = client_of(SuperuserFactory())
        assert olga.get("/api/v1/funnel", filled).json()["steps"][0]["number"] == 2
        ben = {**filled, "affiliate": world.ben.public_id}
        assert olga.get("/api/v1/funnel", ben).json()["steps"][0]["number"] == 1
        own = client_of(world.ana).get("/api/v1/funnel", filled).json()
        assert own["clicks"] == 1
        assert own["steps"][0] == {
            "code": "registration", "name": "Registration", "number": 1, "followed": 1, "dropped": 0,
            "rate": "1.0000", "overall": "1.0000", "median_seconds": 3600,
        }  # fmt: skip

    def test_an_affiliate_cannot_ask_for_a_rival(self, world, filled):
        answer = client_of(world.ana).get("/api/v1/funnel", {**filled, "affiliate": world.ben.public_id})
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "wrong", [{"offer": "of_x"}, {"since": "soon"}, {"until": "2026-09-01"}, {"country": "GER"}, {"odd": "1"}]
    )
    def test_says_what_is_wrong(self, world, filled, wrong):
        answer = client_of(world.ana).get("/api/v1/funnel", {**filled, **wrong})
        assert answer.status_code == (404 if "offer" in wrong else 400)


def test_pages_open_with_numbers(client, world):
    journey(world, "a", "registration", "kyc")
    client.force_login(SuperuserFactory())
    page = client.get(reverse("funnel"), {"offer": world.offer.public_id, "since": "2026-10-01", "until": "2026-10-31"})
    assert "100 %" in page.content.decode()
    assert client.get(reverse("funnel"), {"since": "x", "country": "zz", "affiliate": "nobody"}).status_code == 200
    client.force_login(AffiliateMemberFactory(affiliate=world.ana).user)
    own = client.get(reverse("portal:funnel"), {"offer": world.offer.public_id, "since": "2026-10-01",
                                                "until": "2026-10-31"})  # fmt: skip
    assert "Registration" in own.content.decode()
    assert client.get(reverse("funnel")).status_code == 403


@pytest.mark.parametrize(
    "days", [{"since": "0001-01-01"}, {"until": "0001-01-01"}, {"since": "9999-12-31", "until": "9999-12-31"}]
)
def test_days_that_no_click_can_have_are_refused(world, days, olga):
    response = client_of(olga).get("/api/v1/funnel/", {"offer": world.offer.public_id, **days})
    assert {problem["field"] for problem in response.json()["problems"]} >= days.keys() - {"until"}
    assert response.status_code == 400
