"""Keys, errors, limits and filters as every resource of the REST API has them; and affiliates."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.access.api_keys import make_api_key
from affiliates.models import Affiliate, AffiliateMember, ApiKey, User
from tests.factories import (
    AffiliateFactory,
    AffiliateMemberFactory,
    EnrollmentFactory,
    OperatorFactory,
    TrackingLinkFactory,
)
from tests.rest import client_of, client_with, problems, results
from web.rest import body
from web.rest.fields import amount_text


def error(response: Any) -> tuple[int, str]:
    answer = response.json()
    assert set(answer) == {"error", "message", "problems"}
    assert answer["message"]
    return response.status_code, answer["error"]


class TestKeys:
    def test_without_a_key_the_answer_says_how_to_send_one(self, db: None) -> None:
        response = Client().get("/api/v1/links/")
        assert error(response) == (401, "not_authenticated")
        assert "Authorization: Bearer afk_" in response.json()["message"]
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("sent", ["Bearer afk_made-up", "Bearer", "Bearer one two", "Bearer \xe9"])
    def test_a_wrong_key_is_refused(self, db: None, sent: str) -> None:
        response = Client(headers={"Authorization": sent}).get("/api/v1/links/")
        assert error(response) == (401, "authentication_failed")

    def test_a_revoked_key_is_refused(self, ana: Affiliate) -> None:
        client = client_of(ana)
        ApiKey.objects.update(revoked_at=timezone.now())
        assert error(client.get("/api/v1/links/")) == (401, "authentication_failed")

    def test_a_key_ends_with_its_user(self, ana: Affiliate) -> None:
        client = client_of(ana)
        User.objects.update(is_active=False)
        assert error(client.get("/api/v1/links/")) == (401, "authentication_failed")

    def test_a_key_sees_nothing_once_its_user_has_left_the_affiliate(self, ana: Affiliate) -> None:
        client = client_of(ana)
        AffiliateMember.objects.all().delete()
        assert error(client.get("/api/v1/links/")) == (403, "permission_denied")

    def test_a_key_notes_its_use(self, ana: Affiliate) -> None:
        results(client_of(ana), "links")
        assert ApiKey.objects.get().last_used_at is not None

    def test_me_names_an_affiliate_and_its_key(self, ana: Affiliate) -> None:
        answer = client_of(ana).get("/api/v1/me/").json()
        assert answer["role"] == "affiliate"
        assert answer["affiliates"] == [{"id": ana.public_id, "name": "Ana"}]
        assert answer["key"]["name"] == "script"

    def test_me_names_an_operator(self, olga: User) -> None:
        answer = client_of(olga).get("/api/v1/me/").json()
        assert (answer["role"], answer["email"], answer["affiliates"]) == ("operator", olga.email, [])

    def test_an_operators_key_bound_to_an_affiliate_is_no_operators_key(self, olga: User, ana: Affiliate) -> None:
        client = client_with(make_api_key(user=olga, name="as Ana", affiliate=ana)[1])
        assert client.get("/api/v1/me/").json()["role"] == "affiliate"
        assert error(client.get("/api/v1/affiliates/")) == (403, "permission_denied")

    def test_a_session_reaches_as_far_as_its_user(self, ana: Affiliate, ben: Affiliate) -> None:
        client = Client()
        client.force_login(AffiliateMemberFactory(affiliate=ana).user)
        assert client.get("/api/v1/me/").json()["affiliates"] == [{"id": ana.public_id, "name": "Ana"}]

    def test_a_session_needs_the_csrf_token_to_write(self, ana: Affiliate) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(AffiliateMemberFactory(affiliate=ana).user)
        assert error(client.post("/api/v1/links/", {}, content_type="application/json")) == (403, "permission_denied")


class TestOperators:
    def test_see_affiliates(self, olga: User, ana: Affiliate, ben: Affiliate) -> None:
        client = client_of(olga)
        assert [row["name"] for row in results(client, "affiliates")] == ["Ben", "Ana"]
        one = client.get(f"/api/v1/affiliates/{ana.public_id}/").json()
        assert (one["id"], one["status"], one["country"], one["parent"]) == (ana.public_id, "active", "DE", None)

    def test_need_the_permission_to_view_what_they_read(self, ana: Affiliate) -> None:
        response = client_of(OperatorFactory()).get("/api/v1/affiliates/")
        assert error(response) == (403, "permission_denied")
        assert "affiliates.view_affiliate" in response.json()["message"]

    def test_filter_affiliates_by_one_or_more_statuses(self, olga: User, ana: Affiliate) -> None:
        for status in ("pending", "closed"):
            AffiliateFactory(name=status, status=status)
        client = client_of(olga)
        assert [row["name"] for row in results(client, "affiliates", status="closed")] == ["closed"]
        both = results(client, "affiliates", status=["pending", "closed"])
        assert [row["name"] for row in both] == ["closed", "pending"]

    def test_an_affiliate_list_takes_the_same_queries_however_long(
        self, olga: User, django_assert_num_queries: Any
    ) -> None:
        client = client_of(olga)
        client.get("/api/v1/me/")
        for _ in range(2):
            AffiliateFactory.create_batch(5, parent=AffiliateFactory())
            with django_assert_num_queries(2):
                results(client, "affiliates")


class TestErrors:
    def test_a_parameter_that_is_not_known_is_refused(self, olga: User) -> None:
        answer = problems(client_of(olga).get("/api/v1/affiliates/?statsu=active&from=2026-11-01"))
        assert list(answer) == ["statsu"]
        assert "country, cursor, from, page_size, status, to" in answer["statsu"]

    def test_a_parameter_sent_twice_is_refused(self, olga: User) -> None:
        assert problems(client_of(olga).get("/api/v1/affiliates/?country=DE&country=AT")) == {
            "country": "Sent more than once; send it once."
        }

    def test_all_problems_are_reported_at_once(self, olga: User) -> None:
        response = client_of(olga).get("/api/v1/affiliates/?status=happy&from=yesterday")
        assert set(problems(response)) == {"status", "from"}
        assert response.json()["error"] == "invalid"
        assert "2 problems" in response.json()["message"]
        assert "2026-11-01T00:00:00Z" in problems(response)["from"]
        assert "pending, active, suspended, closed" in problems(response)["status"]

    def test_one_row_takes_no_parameters(self, olga: User, ana: Affiliate) -> None:
        response = client_of(olga).get(f"/api/v1/affiliates/{ana.public_id}/?country=AT")
        assert list(problems(response)) == ["country"]

    @pytest.mark.parametrize("address", ["/api/", "/api/v1/afiliates/", "/api/v2/links/", "/api/v1/links/%00/"])
    def test_an_unknown_address_is_answered_in_json(self, db: None, address: str) -> None:
        assert error(Client().get(address)) == (404, "not_found")

    def test_an_unknown_id_is_not_found(self, olga: User) -> None:
        assert error(client_of(olga).get("/api/v1/affiliates/af_22222222/")) == (404, "not_found")

    def test_a_wrong_method_is_refused(self, olga: User) -> None:
        response = client_of(olga).delete("/api/v1/affiliates/")
        assert error(response) == (405, "method_not_allowed")

    def test_a_body_that_is_not_json_is_refused(self, ana: Affiliate) -> None:
        client = client_of(ana)
        assert error(client.post("/api/v1/links/", "{", content_type="application/json")) == (400, "parse_error")
        form = client.post("/api/v1/links/", {"name": "x"})
        assert error(form) == (415, "unsupported_media_type")
        assert "application/json" in form.json()["message"]

    def test_a_parameter_that_says_nothing_is_refused(self, olga: User) -> None:
        """A script's empty variable must not read everything."""
        for text in ("country=", "country=%20", "from=", "country=D%00E", "country=D%0AE"):
            response = client_of(olga).get(f"/api/v1/affiliates/?{text}")
            assert list(problems(response)) == [text.partition("=")[0]]

    @pytest.mark.parametrize(
        "moment", ["0431-12-24T10:07:33-19:51", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"]
    )
    def test_a_moment_that_no_clock_shows_breaks_nothing(self, olga: User, moment: str) -> None:
        response = client_of(olga).get("/api/v1/affiliates/", {"from": moment})
        assert response.status_code in (200, 400)

    def test_a_body_of_half_characters_is_refused(self, ana: Affiliate) -> None:
        client = client_of(ana)
        half, whole = '{"name": "x", "offer": "\\ud800"}', '{"name": "\\ud83d\\ude00", "offer": "of_22222222"}'
        assert error(client.post("/api/v1/links/", half, content_type="application/json")) == (400, "parse_error")
        assert list(problems(client.post("/api/v1/links/", whole, content_type="application/json"))) == ["offer"]

    def test_a_body_without_end_or_bottom_is_refused(self, ana: Affiliate, monkeypatch: pytest.MonkeyPatch) -> None:
        client = client_of(ana)
        deep = client.post("/api/v1/links/", "[" * 100_000, content_type="application/json")
        assert error(deep) == (400, "parse_error")
        monkeypatch.setattr(body, "LIMIT", 1024)
        large = client.post("/api/v1/links/", {"name": "x" * 1024}, content_type="application/json")
        assert error(large) == (413, "too_large")

    def test_a_request_to_an_unknown_address_is_reported_so(self, db: None) -> None:
        client = Client(enforce_csrf_checks=True)
        assert error(client.post("/api/v1/no-such/", {}, content_type="application/json")) == (404, "not_found")

    def test_a_number_is_no_text_and_a_word_no_yes(self, ana: Affiliate) -> None:
        link = TrackingLinkFactory(enrollment__affiliate=ana)
        sent = {"name": 12345678901234567890, "is_active": "no"}
        response = client_of(ana).patch(f"/api/v1/links/{link.code}/", sent, content_type="application/json")
        assert problems(response) == {"name": "Not a valid string.", "is_active": "Send true or false."}

    def test_an_address_that_is_none_is_refused(self, ana: Affiliate) -> None:
        enrollment = EnrollmentFactory(affiliate=ana, offer__deep_link_hosts=["shop.example"])
        for url in ("http://[", "https://shop.example:x/", "https://shop.example:99999/{click_id}"):
            sent = {"offer": enrollment.offer.public_id, "destination_url": url}
            response = client_of(ana).post("/api/v1/links/", sent, content_type="application/json")
            assert list(problems(response)) == ["destination_url"]

    def test_a_server_error_is_answered_in_json_with_the_request_id(
        self, olga: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError("an unforeseen error")

        monkeypatch.setattr("affiliates.api.AffiliateViewSet.get_queryset", broken)
        client = client_of(olga)
        client.raise_request_exception = False
        response = client.get("/api/v1/affiliates/", headers={"X-Request-Id": "asked-4711"})
        assert error(response) == (500, "server_error")
        assert "asked-4711" in response.json()["message"]
        assert "unforeseen error" not in response.text

    def test_a_database_that_is_away_is_reported_as_such(self, olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.db import OperationalError

        def away(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr("affiliates.api.AffiliateViewSet.get_queryset", away)
        response = client_of(olga).get("/api/v1/affiliates/")
        assert error(response) == (503, "try_again")
        assert response["Retry-After"] == "2"


class TestPages:
    def test_following_next_gives_every_row_once(self, olga: User) -> None:
        made = {each.public_id for each in AffiliateFactory.create_batch(7)}
        client, seen = client_of(olga), []
        address = "/api/v1/affiliates/?page_size=3"
        for _ in range(3):
            page = client.get(address).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
        assert address is None
        assert (len(seen), set(seen)) == (7, made)

    @pytest.mark.parametrize("size", ["0", "1001", "many", "-1", "", "0000000010000000", "²", "9" * 5000])
    def test_a_page_has_1_to_1000_rows(self, olga: User, size: str) -> None:
        assert list(problems(client_of(olga).get(f"/api/v1/affiliates/?page_size={size}"))) == ["page_size"]

    @pytest.mark.parametrize("cursor", ["cD1hYmM=", "cD0wMDAwMDAwMA==", "x", "", "ä", "%00"])
    def test_a_made_up_cursor_is_refused(self, olga: User, cursor: str) -> None:
        response = client_of(olga).get(f"/api/v1/affiliates/?cursor={cursor}")
        assert set(problems(response)) == {"cursor"}

    def test_previous_leads_back(self, olga: User) -> None:
        AffiliateFactory.create_batch(5)
        client = client_of(olga)
        first = client.get("/api/v1/affiliates/?page_size=2").json()
        second = client.get(first["next"]).json()
        assert first["previous"] is None
        assert client.get(second["previous"]).json()["results"] == first["results"]


class TestLimit:
    def test_holds_a_key_back_and_says_for_how_long(self, ana: Affiliate, ben: Affiliate, settings: Any) -> None:
        settings.API_REQUESTS_PER_MINUTE = 3
        client, statuses = client_of(ana), []
        # Seven requests lie in at most two minutes, of which one then has four.
        for _ in range(7):
            response = client.get("/api/v1/me/")
            statuses.append(response.status_code)
            if response.status_code == 429:
                assert error(response) == (429, "throttled")
                assert 0 <= int(response["Retry-After"]) <= 60
        assert 429 in statuses
        assert client_of(ben).get("/api/v1/me/").status_code == 200

    def test_is_off_at_zero(self, ana: Affiliate, settings: Any) -> None:
        settings.API_REQUESTS_PER_MINUTE = 0
        client = client_of(ana)
        assert {client.get("/api/v1/me/").status_code for _ in range(5)} == {200}

    def test_holds_no_one_back_while_redis_is_away(self, ana: Affiliate, settings: Any) -> None:
        settings.API_REQUESTS_PER_MINUTE = 1
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            }
        }
        client = client_of(ana)
        assert {client.get("/api/v1/me/").status_code for _ in range(3)} == {200}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("80", "EUR", "80.00"),
        ("80.12500000", "EUR", "80.125"),
        ("1500.00000000", "JPY", "1500"),
        ("0E-8", "KWD", "0.000"),
        ("-0.00000001", "BTC", "-0.00000001"),
        ("1000000", "JPY", "1000000"),
    ],
)
def test_amounts_are_text_with_the_currencys_places(amount: str, currency: str, text: str) -> None:
    from decimal import Decimal

    assert amount_text(Decimal(amount), currency) == text


def test_an_answer_is_json_whatever_is_asked_for(ana: Affiliate) -> None:
    response = client_of(ana).get("/api/v1/me/", headers={"Accept": "text/html"})
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content)
