"""The REST API's links and clicks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from affiliates.models import Affiliate, Enrollment, User
from tests.factories import (
    AffiliateMemberFactory,
    ClickFactory,
    EnrollmentFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tests.rest import client_of, client_with, problems, results
from tracking.click_id.codec import parse
from tracking.models import TrackingLink

JSON = "application/json"


@pytest.fixture
def access(ana: Affiliate) -> Enrollment:
    """Ana's approved access to an offer."""
    return EnrollmentFactory(affiliate=ana)


@pytest.fixture
def link(access: Enrollment) -> TrackingLink:
    return TrackingLinkFactory(enrollment=access, name="Newsletter")


class TestLinks:
    def test_are_listed_with_the_address_to_publish(self, ana: Affiliate, link: TrackingLink) -> None:
        (row,) = results(client_of(ana), "links")
        assert row["url"] == f"http://testserver/c/{link.code}"
        assert (row["code"], row["name"], row["is_active"]) == (link.code, "Newsletter", True)
        assert row["offer"]["id"] == link.enrollment.offer.public_id

    def test_an_affiliate_makes_one(self, ana: Affiliate, access: Enrollment) -> None:
        sent = {"offer": access.offer.public_id, "name": "Spring", "destination_url": "https://casino.example/spring"}
        response = client_of(ana).post("/api/v1/links/", sent, content_type=JSON)
        assert response.status_code == 201, response.text
        made = TrackingLink.objects.get(code=response.json()["code"])
        assert (made.enrollment, made.name, made.destination_url) == (access, "Spring", sent["destination_url"])
        assert response.json()["url"].endswith(f"/c/{made.code}")

    @pytest.mark.parametrize(("asked", "given"), [("Spring-26", "spring-26"), (" spring ", "spring")])
    def test_gets_the_code_that_is_asked_for(self, ana: Affiliate, access: Enrollment, asked: str, given: str) -> None:
        sent = {"offer": access.offer.public_id, "code": asked}
        response = client_of(ana).post("/api/v1/links/", sent, content_type=JSON)
        assert (response.status_code, response.json()["code"]) == (201, given)
        assert response.json()["url"].endswith(f"/c/{given}")

    def test_gets_a_random_code_for_an_empty_one(self, ana: Affiliate, access: Enrollment) -> None:
        sent = {"offer": access.offer.public_id, "code": ""}
        response = client_of(ana).post("/api/v1/links/", sent, content_type=JSON)
        assert len(response.json()["code"]) == 7

    @pytest.mark.parametrize(
        ("code", "words"), [("TAKEN", "This code is taken"), ("a b", "lower-case letters"), ("x" * 41, "at most 40")]
    )
    def test_is_refused_with_a_code_that_it_cannot_have(
        self, ana: Affiliate, ben: Affiliate, access: Enrollment, code: str, words: str
    ) -> None:
        TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ben), code="taken")
        response = client_of(ana).post(
            "/api/v1/links/", {"offer": access.offer.public_id, "code": code}, content_type=JSON
        )
        assert (response.status_code, set(problems(response))) == (400, {"code"})
        assert words in problems(response)["code"]

    @pytest.mark.parametrize("status", ["pending", "rejected", "blocked"])
    def test_needs_an_approved_offer(self, ana: Affiliate, access: Enrollment, status: str) -> None:
        Enrollment.objects.update(status=status)
        response = client_of(ana).post("/api/v1/links/", {"offer": access.offer.public_id}, content_type=JSON)
        assert "not approved" in problems(response)["offer"]
        assert not TrackingLink.objects.exists()

    def test_is_not_made_for_a_rivals_offer(self, ana: Affiliate, ben: Affiliate) -> None:
        theirs = EnrollmentFactory(affiliate=ben)
        response = client_of(ana).post("/api/v1/links/", {"offer": theirs.offer.public_id}, content_type=JSON)
        assert set(problems(response)) == {"offer"}

    def test_is_not_made_in_a_rivals_name(self, ana: Affiliate, ben: Affiliate) -> None:
        offer = OfferFactory()
        for affiliate in (ana, ben):
            EnrollmentFactory(affiliate=affiliate, offer=offer)
        sent = {"offer": offer.public_id, "affiliate": ben.public_id}
        assert set(problems(client_of(ana).post("/api/v1/links/", sent, content_type=JSON))) == {"affiliate"}

    def test_who_acts_for_several_says_for_which(self, ana: Affiliate, ben: Affiliate, access: Enrollment) -> None:
        from affiliates.access.api_keys import make_api_key

        user = AffiliateMemberFactory(affiliate=ana).user
        AffiliateMemberFactory(affiliate=ben, user=user)
        client = client_with(make_api_key(user=user, name="both")[1])
        sent = {"offer": access.offer.public_id}
        message = problems(client.post("/api/v1/links/", sent, content_type=JSON))["affiliate"]
        assert ana.public_id in message
        assert ben.public_id in message
        sent["affiliate"] = ana.public_id
        assert client.post("/api/v1/links/", sent, content_type=JSON).status_code == 201

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("https://elsewhere.example/", "only leads to casino.example"),
            ("javascript:alert(1)", "full address"),
            ("https://casino.example/{unknown}", "Unknown macro"),
        ],
    )
    def test_leads_only_where_the_offer_allows(self, ana: Affiliate, access: Enrollment, url: str, words: str) -> None:
        sent = {"offer": access.offer.public_id, "destination_url": url}
        response = client_of(ana).post("/api/v1/links/", sent, content_type=JSON)
        assert words in problems(response)["destination_url"]

    def test_is_renamed_and_switched_off(self, ana: Affiliate, link: TrackingLink) -> None:
        sent = {"name": "Old newsletter", "is_active": False, "code": "mine", "destination_url": "https://x.example"}
        response = client_of(ana).patch(f"/api/v1/links/{link.code}/", sent, content_type=JSON)
        assert response.status_code == 200
        before = link.code
        link.refresh_from_db()
        assert (link.name, link.is_active) == ("Old newsletter", False)
        assert (link.code, link.destination_url) == (before, "")

    def test_of_a_suspended_affiliate_can_be_read_only(self, ana: Affiliate, link: TrackingLink) -> None:
        Affiliate.objects.update(status="suspended")
        client = client_of(ana)
        refused = client.patch(f"/api/v1/links/{link.code}/", {"name": "x"}, content_type=JSON)
        assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
        new = client.post("/api/v1/links/", {"offer": link.enrollment.offer.public_id}, content_type=JSON)
        assert new.status_code == 409
        assert len(results(client, "links")) == 1

    def test_of_a_rival_is_not_found(self, ben: Affiliate, link: TrackingLink) -> None:
        client = client_of(ben)
        assert results(client, "links") == []
        assert client.get(f"/api/v1/links/{link.code}/").status_code == 404
        assert client.patch(f"/api/v1/links/{link.code}/", {"name": "x"}, content_type=JSON).status_code == 404

    def test_are_read_but_not_made_by_operators(self, olga: User, link: TrackingLink) -> None:
        client = client_of(olga)
        assert len(results(client, "links")) == 1
        response = client.patch(f"/api/v1/links/{link.code}/", {"name": "x"}, content_type=JSON)
        assert (response.status_code, response.json()["error"]) == (403, "permission_denied")

    def test_are_filtered(self, ana: Affiliate, link: TrackingLink) -> None:
        other = TrackingLinkFactory(enrollment__affiliate=ana, is_active=False)
        client = client_of(ana)
        assert [row["code"] for row in results(client, "links", is_active="false")] == [other.code]
        by_offer = results(client, "links", offer=link.enrollment.offer.public_id)
        assert [row["code"] for row in by_offer] == [link.code]
        assert results(client, "links", offer="of_22222222") == []

    def test_take_the_same_queries_however_many(
        self, ana: Affiliate, access: Enrollment, django_assert_num_queries: Any
    ) -> None:
        client = client_of(ana)
        client.get("/api/v1/me/")
        for _ in range(2):
            TrackingLinkFactory.create_batch(5, enrollment=access)
            TrackingLinkFactory(enrollment__affiliate=ana)
            with django_assert_num_queries(4):
                results(client, "links")


class TestClicks:
    def test_carry_the_click_id_as_text(self, ana: Affiliate, link: TrackingLink) -> None:
        click = ClickFactory(link=link, sub1="banner", aff_click_id="t-1")
        (row,) = results(client_of(ana), "clicks")
        genuine = parse(row["id"])
        assert genuine is not None
        assert genuine.uuid == click.pk
        assert (row["link"], row["sub1"], row["aff_click_id"]) == (link.code, "banner", "t-1")

    def test_show_address_and_browser_to_operators_only(self, ana: Affiliate, olga: User, link: TrackingLink) -> None:
        ClickFactory(link=link)
        (shown,) = results(client_of(olga), "clicks")
        assert shown["ip"] == "203.0.113.7"
        assert "Firefox" in shown["user_agent"]
        (hidden,) = results(client_of(ana), "clicks")
        assert not {"ip", "user_agent"} & hidden.keys()

    def test_are_filtered_by_label_link_and_offer(self, ana: Affiliate, link: TrackingLink) -> None:
        ClickFactory(link=link, sub1="a")
        ClickFactory(link__enrollment__affiliate=ana, sub1="b")
        client = client_of(ana)
        for query in ({"sub1": "a"}, {"link": link.code}, {"offer": link.enrollment.offer.public_id}):
            assert [row["sub1"] for row in results(client, "clicks", **query)] == ["a"]

    def test_are_those_of_a_half_open_period(self, ana: Affiliate, link: TrackingLink) -> None:
        start = datetime(2026, 11, 1, tzinfo=UTC)
        for name, at in (("before", -1), ("first", 0), ("last", 59), ("after", 60)):
            ClickFactory(link=link, sub1=name, clicked_at=start + timedelta(seconds=at))
        query = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:01:00Z"}
        assert [row["sub1"] for row in results(client_of(ana), "clicks", **query)] == ["last", "first"]

    def test_are_the_last_30_days_unless_set_otherwise(self, ana: Affiliate, link: TrackingLink) -> None:
        now = datetime.now(UTC)
        ClickFactory(link=link, sub1="new", clicked_at=now)
        ClickFactory(link=link, sub1="old", clicked_at=now - timedelta(days=31))
        client = client_of(ana)
        assert [row["sub1"] for row in results(client, "clicks")] == ["new"]
        since = (now - timedelta(days=40)).strftime("%Y-%m-%d")
        assert [row["sub1"] for row in results(client, "clicks", **{"from": since})] == ["new", "old"]
        assert results(client, "clicks", **{"from": "0001-01-01", "to": "1969-01-01"}) == []

    def test_come_page_by_page_newest_first(self, ana: Affiliate, link: TrackingLink) -> None:
        start = datetime.now(UTC) - timedelta(hours=1)
        for number in range(5):
            ClickFactory(link=link, sub1=str(number), clicked_at=start + timedelta(minutes=number))
        client, seen = client_of(ana), []
        address = "/api/v1/clicks/?page_size=2"
        while address:
            page = client.get(address).json()
            seen += [row["sub1"] for row in page["results"]]
            address = page["next"]
        assert seen == ["4", "3", "2", "1", "0"]

    def test_come_page_by_page_over_several_links_and_back(self, ana: Affiliate) -> None:
        links = TrackingLinkFactory.create_batch(3, enrollment__affiliate=ana)
        start = datetime.now(UTC) - timedelta(hours=1)
        for number in range(9):
            link = links[2] if number > 6 else links[number % 2]
            ClickFactory(link=link, sub1=str(number), clicked_at=start + timedelta(minutes=number))
        client, pages = client_of(ana), []
        address = "/api/v1/clicks/?page_size=4"
        while address:
            page = client.get(address).json()
            pages.append("".join(row["sub1"] for row in page["results"]))
            address, back = page["next"], page["previous"]
        assert pages == ["8765", "4321", "0"]
        assert [row["sub1"] for row in client.get(back).json()["results"]] == list("4321")

    @pytest.mark.parametrize("name", ["link", "offer", "affiliate", "sub1"])
    def test_refuse_a_filter_that_is_no_text(self, ana: Affiliate, name: str) -> None:
        assert set(problems(client_of(ana).get(f"/api/v1/clicks/?{name}=%00"))) == {name}

    def test_refuse_a_made_up_cursor(self, ana: Affiliate) -> None:
        assert set(problems(client_of(ana).get("/api/v1/clicks/?cursor=cD1hYmM="))) == {"cursor"}

    def test_of_a_rival_are_not_seen(self, ben: Affiliate, link: TrackingLink) -> None:
        ClickFactory(link=link)
        client = client_of(ben)
        assert results(client, "clicks") == []
        assert results(client, "clicks", link=link.code) == []

    def test_take_the_same_queries_however_many(
        self, ana: Affiliate, link: TrackingLink, django_assert_num_queries: Any
    ) -> None:
        client = client_of(ana)
        client.get("/api/v1/me/")
        for _ in range(2):
            ClickFactory.create_batch(5, link=link)
            ClickFactory(link__enrollment__affiliate=ana)
            with django_assert_num_queries(5):
                results(client, "clicks")
