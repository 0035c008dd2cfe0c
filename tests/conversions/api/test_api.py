"""The REST API's offers, conversions with an operator's decisions, and postbacks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from affiliates.models import Affiliate, Offer, User
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from tests.factories import (
    AdvertiserFactory,
    ConversionFactory,
    CustomerFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    OperatorFactory,
    PostbackFactory,
    TraceFactory,
    TrackingLinkFactory,
    new_click_uuid,
)
from tests.rest import client_of, problems, results
from tracking.click_id.codec import text_of

JSON = "application/json"
PENDING = {"status": "pending", "reason": Reason.AWAITS_APPROVAL}


class TestOffers:
    def test_an_affiliate_sees_active_ones_and_its_own(self, ana: Affiliate, ben: Affiliate) -> None:
        for name, status in (("Open", "active"), ("Ended, mine", "ended"), ("Ended", "ended"), ("Draft", "draft")):
            OfferFactory(name=name, status=status)
        EnrollmentFactory(
            affiliate=ana, offer=Offer.objects.get(name="Ended, mine"), status="blocked", note="Brand ads"
        )
        EnrollmentFactory(affiliate=ben, offer=Offer.objects.get(name="Ended"))
        EnrollmentFactory(affiliate=ben, offer=Offer.objects.get(name="Open"))
        rows = {row["name"]: row for row in results(client_of(ana), "offers")}
        assert set(rows) == {"Open", "Ended, mine"}
        assert rows["Open"]["enrollments"] == []
        (own,) = rows["Ended, mine"]["enrollments"]
        assert (own["affiliate"]["name"], own["status"], own["note"]) == ("Ana", "blocked", "Brand ads")

    def test_carry_their_active_goals(self, ana: Affiliate) -> None:
        offer = OfferFactory(attribution_window=timedelta(days=30))
        GoalFactory(offer=offer, code="deposit", position=2, minimum_revenue=Decimal("20"))
        GoalFactory(offer=offer, code="signup", position=1)
        GoalFactory(offer=offer, code="old", is_active=False)
        one = client_of(ana).get(f"/api/v1/offers/{offer.public_id}/").json()
        assert [goal["code"] for goal in one["goals"]] == ["signup", "deposit"]
        assert [goal["minimum_revenue"] for goal in one["goals"]] == [None, "20.00"]
        assert one["attribution_window"] == "P30DT00H00M00S"

    def test_show_where_visitors_go_to_operators_only(self, ana: Affiliate, olga: User) -> None:
        OfferFactory()
        (shown,) = results(client_of(olga), "offers")
        assert shown["destination_url"].startswith("https://casino.example/")
        (hidden,) = results(client_of(ana), "offers")
        assert not {"destination_url", "fallback_url"} & hidden.keys()

    def test_take_the_same_queries_however_many(self, ana: Affiliate, django_assert_num_queries: Any) -> None:
        client = client_of(ana)
        client.get("/api/v1/me/")
        for _ in range(2):
            for _ in range(3):
                EnrollmentFactory(affiliate=ana, offer=GoalFactory().offer)
            with django_assert_num_queries(6):
                results(client, "offers")


@pytest.fixture
def conversion(ana: Affiliate) -> Conversion:
    """A pending conversion of Ana's."""
    goal = GoalFactory(code="ftd")
    return ConversionFactory(
        goal=goal,
        affiliate=ana,
        link=TrackingLinkFactory(enrollment__affiliate=ana, enrollment__offer=goal.offer),
        customer=CustomerFactory(advertiser=goal.offer.advertiser, customer_id="player-77"),
        transaction_id="tx-77",
        payout=Decimal("12.5"),
        **PENDING,
    )


class TestConversions:
    def test_show_customer_and_revenue_to_operators_only(
        self, ana: Affiliate, olga: User, conversion: Conversion
    ) -> None:
        (shown,) = results(client_of(olga), "conversions")
        assert (shown["customer_id"], shown["revenue"], shown["payout"]) == ("player-77", "80.00", "12.50")
        (hidden,) = results(client_of(ana), "conversions")
        assert not {"customer_id", "revenue", "payout"} & hidden.keys()
        assert hidden["id"] == conversion.public_id
        assert (hidden["status"], hidden["reason"], hidden["commission"]) == ("pending", "awaits_approval", [])

    def test_of_a_rival_are_not_found(self, ben: Affiliate, conversion: Conversion) -> None:
        client = client_of(ben)
        assert results(client, "conversions") == []
        assert results(client, "conversions", transaction_id="tx-77") == []
        assert client.get(f"/api/v1/conversions/{conversion.public_id}/").status_code == 404

    def test_are_filtered(self, ana: Affiliate, conversion: Conversion) -> None:
        ConversionFactory(affiliate=ana)
        client = client_of(ana)
        for query in (
            {"status": "pending"},
            {"reason": "awaits_approval"},
            {"goal": "ftd"},
            {"offer": conversion.goal.offer.public_id},
            {"transaction_id": "tx-77"},
            {"link": conversion.link.code if conversion.link else ""},
        ):
            assert [row["id"] for row in results(client, "conversions", **query)] == [conversion.public_id], query
        assert len(results(client, "conversions", status=["pending", "approved"])) == 2

    def test_are_found_by_the_clicks_text(self, ana: Affiliate, conversion: Conversion) -> None:
        click = new_click_uuid(link_id=1, at=datetime.now(UTC))
        Conversion.objects.update(click_id=click)
        client = client_of(ana)
        (row,) = results(client, "conversions", click_id=text_of(click))
        assert row["click_id"] == text_of(click)
        assert "genuine" in problems(client.get("/api/v1/conversions/", {"click_id": "abc"}))["click_id"]

    def test_only_operators_ask_for_a_customer(self, ana: Affiliate, olga: User, conversion: Conversion) -> None:
        assert len(results(client_of(olga), "conversions", customer_id="player-77")) == 1
        refused = client_of(ana).get("/api/v1/conversions/", {"customer_id": "player-77"})
        assert set(problems(refused)) == {"customer_id"}
        assert "customer_id" not in problems(refused)["customer_id"]

    def test_are_those_received_and_those_that_happened_in_a_period(self, ana: Affiliate) -> None:
        day = datetime(2026, 11, 2, 12, tzinfo=UTC)
        late = ConversionFactory(affiliate=ana, occurred_at=day - timedelta(days=5), received_at=day)
        ConversionFactory(affiliate=ana, occurred_at=day + timedelta(days=2))
        client = client_of(ana)
        received = results(client, "conversions", **{"from": "2026-11-02", "to": "2026-11-03"})
        assert [row["id"] for row in received] == [late.public_id]
        query = {"occurred_from": "2026-10-28", "occurred_to": "2026-10-29"}
        assert [row["id"] for row in results(client, "conversions", **query)] == [late.public_id]

    def test_take_the_same_queries_however_many(self, olga: User, django_assert_num_queries: Any) -> None:
        client = client_of(olga)
        client.get("/api/v1/me/")
        for _ in range(2):
            ConversionFactory.create_batch(4)
            with django_assert_num_queries(3):
                results(client, "conversions")


def decide(client: Any, conversion: Conversion, what: str, **text: str) -> Any:
    return client.post(f"/api/v1/conversions/{conversion.public_id}/{what}/", text, content_type=JSON)


class TestDecisions:
    def test_an_operator_approves(self, olga: User, conversion: Conversion) -> None:
        response = decide(client_of(olga), conversion, "approve")
        assert response.status_code == 200, response.text
        assert (response.json()["status"], response.json()["reason"]) == ("approved", "operator_approved")
        conversion.refresh_from_db()
        assert (conversion.status, conversion.booked_at) == ("approved", None)
        change = StatusChange.objects.get()
        assert (change.actor, change.source, change.from_status) == (olga, "operator", "pending")

    def test_approving_again_changes_nothing(self, olga: User, conversion: Conversion) -> None:
        client = client_of(olga)
        for _ in range(2):
            assert decide(client, conversion, "approve").json()["status"] == "approved"
        assert StatusChange.objects.count() == 1

    def test_an_operator_rejects_with_a_reason_and_a_note(self, olga: User, conversion: Conversion) -> None:
        response = decide(client_of(olga), conversion, "reject", reason="fraud", note="Ten accounts, one card")
        assert (response.json()["status"], response.json()["reason"]) == ("rejected", "fraud")
        assert StatusChange.objects.get().note == "Ten accounts, one card"

    @pytest.mark.parametrize(
        ("text", "field"),
        [({"reason": "fraud"}, "note"), ({"note": "Why"}, "reason"), ({"reason": "ok", "note": "Why"}, "reason")],
    )
    def test_a_rejection_needs_a_reason_and_a_note(
        self, olga: User, conversion: Conversion, text: dict[str, str], field: str
    ) -> None:
        assert set(problems(decide(client_of(olga), conversion, "reject", **text))) == {field}
        assert not StatusChange.objects.exists()

    def test_a_reason_must_fit_the_status(self, olga: User, conversion: Conversion) -> None:
        response = decide(client_of(olga), conversion, "reject", reason="reversed", note="Chargeback")
        assert (response.status_code, response.json()["error"]) == (409, "conflict")
        assert "pending" in response.json()["message"]
        assert not StatusChange.objects.exists()

    def test_an_appeal_needs_a_note(self, olga: User, conversion: Conversion) -> None:
        client = client_of(olga)
        decide(client, conversion, "reject", reason="fraud", note="Looks odd")
        assert decide(client, conversion, "approve").status_code == 409
        appealed = decide(client, conversion, "approve", note="Papers checked")
        assert (appealed.json()["status"], appealed.json()["reason"]) == ("approved", "appeal")

    @pytest.mark.parametrize("what", ["approve", "reject"])
    def test_are_not_an_affiliates_to_make(self, ana: Affiliate, conversion: Conversion, what: str) -> None:
        response = decide(client_of(ana), conversion, what, reason="fraud", note="x")
        assert (response.status_code, response.json()["error"]) == (403, "permission_denied")
        conversion.refresh_from_db()
        assert conversion.status == "pending"

    def test_need_the_permission_to_change_conversions(self, conversion: Conversion) -> None:
        reader = OperatorFactory()
        reader.user_permissions.add(Permission.objects.get(codename="view_conversion"))
        client = client_of(reader)
        assert len(results(client, "conversions")) == 1
        response = decide(client, conversion, "approve")
        assert response.status_code == 403
        assert "conversions.change_conversion" in response.json()["message"]


class TestPostbacks:
    def test_show_the_request_and_its_decisions(self, olga: User) -> None:
        row = PostbackFactory(parameters=[["txid", "t1"], ["token", "•••"]], outcome="accepted", reason="ok")
        TraceFactory(postback=row)
        client = client_of(olga)
        (listed,) = results(client, "postbacks")
        assert listed["parameters"] == [["txid", "t1"], ["token", "•••"]]
        assert "decisions" not in listed
        one = client.get(f"/api/v1/postbacks/{row.public_id}/").json()
        assert [decision["steps"][0]["step"] for decision in one["decisions"]] == ["receive"]

    def test_never_show_the_tokens_digest(self, olga: User) -> None:
        row = PostbackFactory(token_digest="d1" * 32)
        assert "d1d1" not in client_of(olga).get(f"/api/v1/postbacks/{row.public_id}/").text

    def test_are_for_operators_only(self, ana: Affiliate) -> None:
        row = PostbackFactory()
        client = client_of(ana)
        assert client.get("/api/v1/postbacks/").status_code == 403
        assert client.get(f"/api/v1/postbacks/{row.public_id}/").status_code == 403

    def test_are_filtered(self, olga: User) -> None:
        advertiser = AdvertiserFactory()
        row = PostbackFactory(
            advertiser=advertiser, outcome="invalid", reason="bad_amount", transaction_id="t9", endpoint="pixel"
        )
        PostbackFactory(outcome="accepted", reason="ok")
        client = client_of(olga)
        for query in (
            {"outcome": "invalid"},
            {"reason": "bad_amount"},
            {"advertiser": advertiser.public_id},
            {"transaction_id": "t9"},
            {"endpoint": "pixel"},
        ):
            assert [found["id"] for found in results(client, "postbacks", **query)] == [row.public_id], query

    def test_take_the_same_queries_however_many(self, olga: User, django_assert_num_queries: Any) -> None:
        client = client_of(olga)
        client.get("/api/v1/me/")
        for _ in range(2):
            for _ in range(4):
                PostbackFactory(conversion=ConversionFactory())
            with django_assert_num_queries(2):
                results(client, "postbacks")
