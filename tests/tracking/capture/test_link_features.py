"""What a link can do beyond leading somewhere: passing parameters, targeting, schedules, hosts, looks ahead."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from affiliates.models import Offer, OfferDestination, TrackingDomain
from tests.asgi_client import visit
from tests.factories import TrackingLinkFactory
from tracking.click_id import codec
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"  # noqa: E501


@pytest.fixture
def link():
    return TrackingLinkFactory(code="ana", enrollment__offer__destination_url="https://shop.example/?cid={click_id}")


def click(headers=None, **params):
    return visit(lambda client: client.get("/c/ana", params, headers=headers))


class TestPassingThrough:
    @pytest.mark.parametrize(
        ("fields", "passed"),
        [
            ({}, {}),
            ({"pass_through": "all"}, {"utm_source": "a b", "x": "1"}),
            ({"pass_through": "listed", "pass_through_names": ["utm_source", "other"]}, {"utm_source": "a b"}),
        ],
    )
    def test_other_parameters_reach_the_destination_as_the_offer_says(self, link, fields, passed):
        Offer.objects.update(**fields)
        query = click(utm_source="a b", x="1", sub1="mine", url="https://evil.example", click_id="forged").query
        cid = query.pop("cid")
        assert len(cid) == 40
        assert query == passed

    def test_a_passed_parameter_cannot_take_the_click_ids_place(self, link):
        Offer.objects.update(pass_through="all")
        assert len(click(cid="forged").query["cid"]) == 40


class TestSchedule:
    @pytest.mark.parametrize(
        ("starts", "ends", "status"),
        [(-1, 1, 302), (None, 1, 302), (-1, None, 302), (1, 2, 410), (-2, -1, 410)],
    )
    def test_links_are_open_between_two_moments(self, link, starts, ends, status):
        now = timezone.now()
        Offer.objects.update(
            starts_at=now + timedelta(hours=starts) if starts else None,
            ends_at=now + timedelta(hours=ends) if ends else None,
        )
        assert click().status == status

    def test_a_capped_offer_is_closed_until_it_opens_by_itself(self, link):
        Offer.objects.update(capped_until=timezone.now() + timedelta(hours=1), fallback_url="https://shop.example/full")
        assert click().location == "https://shop.example/full"
        Offer.objects.update(capped_until=timezone.now() - timedelta(seconds=1))
        assert click().query["cid"]


class TestTargeting:
    def other(self, **fields):
        return OfferDestination.objects.create(
            offer=Offer.objects.get(), name=str(fields), destination_url="https://m.example/?c={click_id}", **fields
        )

    def test_a_phone_goes_to_the_destination_for_phones(self, link):
        self.other(devices=["phone"])
        assert click({"user-agent": IPHONE}).location.startswith("https://m.example/")
        assert click().location.startswith("https://shop.example/")

    def test_a_system_is_looked_at_too(self, link):
        self.other(systems=["iOS"])
        assert click({"user-agent": IPHONE}).location.startswith("https://m.example/")
        assert click().location.startswith("https://shop.example/")

    def test_destinations_that_fit_share_by_weight(self, link):
        self.other(weight=0)
        assert {click().location[:20] for _ in range(5)} == {"https://shop.example"}
        OfferDestination.objects.update(weight=1)
        assert click().location.startswith("https://m.example/")

    @pytest.mark.parametrize(("address", "status"), [("5.9.1.1", 302), ("8.8.8.8", 410), ("127.0.0.1", 302)])
    def test_visitors_from_elsewhere_are_turned_away_those_from_nowhere_known_are_not(self, link, address, status):
        Offer.objects.update(countries=["DE"])
        answer = visit(lambda client: client.get("/c/ana", client=address))
        assert answer.status == status

    def test_the_country_is_asked_to_the_destination(self, link):
        self.other(countries=["DE"])
        OfferDestination.objects.update(destination_url="https://m.example/{country}?c={click_id}")
        answer = visit(lambda client: client.get("/c/ana", client="5.9.1.1"))
        assert answer.location.startswith("https://m.example/DE?c=")


def when_connected(story):
    """A story played once the process knows from the database which hosts are ours."""

    async def whole(client):
        while client._application._hosts.domains is None:
            await asyncio.sleep(0.01)
        return await story(client)

    return visit(whole)


class TestHosts:
    def get(self, host):
        return when_connected(lambda client: client.get("/c/ana", headers={"host": host})).status

    def test_a_host_that_is_not_ours_is_not_served(self, link):
        assert self.get("evil.example") == 421
        assert not Click.objects.exists()

    def test_a_tracking_domain_serves_links_while_it_is_active(self, link):
        domain = TrackingDomain.objects.create(host="go.example")
        assert self.get("GO.example:8443") == 302
        domain.is_active = False
        domain.save()
        assert self.get("go.example") == 421


@pytest.mark.parametrize(
    "headers",
    [{"purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}, {"x-moz": "prefetch"}, {"x-purpose": "preview"}],
)
def test_what_a_browser_fetches_ahead_is_answered_and_not_counted(link, headers):
    answer = click(headers)
    assert answer.status == 302
    assert answer.headers["cache-control"].startswith("no-store")
    assert answer.cookies == []
    assert not Click.objects.exists()


class TestDirectTracking:
    """The tag on a landing page registers a click without a redirect."""

    def get(self, path, **params):
        return visit(lambda client: client.get(path, params, headers={"referer": "https://shop.example/landing"}))

    def test_a_click_is_the_same_and_the_page_gets_its_id(self, link):
        visitor = "0123456789abcdef0123456789abcdef"
        answer = self.get("/c/ana.json", sub1="x", visitor=visitor, referrer="https://blog.example/")
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
        stored = Click.objects.get()
        body = json.loads(answer.body)
        assert (body["click_id"], body["may_store"]) == (codec.text_of(stored.id), True)
        assert (stored.sub1, stored.visitor.hex, stored.referrer) == ("x", visitor, "https://blog.example/")
        assert answer.cookies == []

    def test_closed_and_unknown_links_register_nothing(self, link):
        assert self.get("/c/nosuch.json").status == 404
        assert self.get("/c/ana.xml").status == 404
        Offer.objects.update(status="paused", fallback_url="https://shop.example/closed")
        assert self.get("/c/ana.json").status == 410
        assert not Click.objects.exists()

    def test_the_tag_stays_small(self):
        assert (settings.BASE_DIR / "static/tag/affidavit.js").stat().st_size < 8192
