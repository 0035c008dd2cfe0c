"""The REST API's trace: any ID leads to the whole story."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from affiliates.models import Affiliate, User
from conversions.models import Conversion, Postback, Refund
from payouts.ledger.booking import book_changes
from payouts.statements.statements import close_period
from tests.factories import (
    ClickFactory,
    ConversionFactory,
    CustomerFactory,
    GoalFactory,
    LegacyClickIDFactory,
    OperatorFactory,
    PostbackFactory,
    StatusChangeFactory,
    TraceFactory,
    TrackingLinkFactory,
    new_click_uuid,
)
from tests.payouts.deals import deal, flat
from tests.rest import client_of, problems
from tracking.click_id.codec import text_of


@pytest.fixture
def postback(ana: Affiliate) -> Postback:
    """A postback of a click of Ana's that earned her 120 EUR."""
    goal = GoalFactory()
    deal(flat(goal, "120"))
    link = TrackingLinkFactory(enrollment__affiliate=ana, enrollment__offer=goal.offer)
    click = ClickFactory(link=link, sub1="banner")
    conversion = ConversionFactory(
        goal=goal,
        affiliate=ana,
        link=link,
        click_id=click.pk,
        customer=CustomerFactory(advertiser=goal.offer.advertiser, customer_id="player-77"),
        transaction_id="order/77",
    )
    StatusChangeFactory(conversion=conversion)
    row = PostbackFactory(
        conversion=conversion, click_id=click.pk, transaction_id="order/77", outcome="accepted", reason="ok"
    )
    TraceFactory(postback=row, conversion=conversion)
    book_changes()
    return row


def story(client: Any, named: str) -> Any:
    response = client.get("/api/v1/trace/", {"id": named})
    assert response.status_code == 200, response.text
    return response.json()


def test_any_id_leads_to_the_whole_story(olga: User, postback: Postback) -> None:
    conversion = Conversion.objects.get()
    assert conversion.click_id is not None
    client = client_of(olga)
    for named in (
        text_of(conversion.click_id), postback.public_id, conversion.public_id, "order/77", "player-77",
    ):  # fmt: skip
        answer = story(client, named)
        assert answer["text"]
        (click,) = answer["clicks"]
        assert (click["id"], click["is_stored"], click["affiliate"]["name"]) == (
            text_of(conversion.click_id), True, "Ana",
        )  # fmt: skip
        assert click["labels"] == {"sub1": "banner"}
        (received,) = answer["postbacks"]
        assert received["id"] == postback.public_id
        assert received["decisions"][0]["steps"][0]["step"] == "receive"
        (counted,) = answer["conversions"]
        assert (counted["id"], counted["customer_id"]) == (conversion.public_id, "player-77")
        assert counted["commission"] == [{"currency": "EUR", "amount": "120.00"}]
        assert [change["to_status"] for change in answer["status_changes"]] == ["approved"]
        assert [entry["amount"] for entry in answer["ledger_entries"]] == ["120.00"]


def test_a_click_that_is_not_stored_is_known_by_its_signature(olga: User) -> None:
    link = TrackingLinkFactory()
    named = text_of(new_click_uuid(link_id=link.pk, at=datetime.now(UTC)))
    (click,) = story(client_of(olga), named)["clicks"]
    assert (click["id"], click["is_stored"], click["link"]) == (named, False, link.code)


def test_a_click_of_an_unknown_link_is_reported_all_the_same(olga: User) -> None:
    named = text_of(new_click_uuid(link_id=4_000_000_000, at=datetime.now(UTC)))
    (click,) = story(client_of(olga), named)["clicks"]
    assert (click["id"], click["link"], click["affiliate"], click["offer"]) == (named, None, None, None)


def test_what_names_nothing_is_not_found_with_the_reason(olga: User, postback: Postback) -> None:
    response = client_of(olga).get("/api/v1/trace/", {"id": "0" * 40})
    assert (response.status_code, response.json()["error"]) == (404, "not_found")
    assert "key number 0" in response.json()["message"]


@pytest.mark.parametrize("query", ["", "?id=", "?id=%00", f"?id={'x' * 2001}"])
def test_an_id_must_be_given(olga: User, query: str) -> None:
    assert set(problems(client_of(olga).get(f"/api/v1/trace/{query}"))) == {"id"}


def test_reading_traces_is_a_permission_of_its_own(postback: Postback) -> None:
    reader = OperatorFactory()
    client = client_of(reader)
    assert client.get("/api/v1/trace/", {"id": "order/77"}).status_code == 403
    reader.user_permissions.add(Permission.objects.get(codename="view_trace"))
    assert client.get("/api/v1/trace/", {"id": "order/77"}).status_code == 200


def test_the_money_is_followed_to_the_payout(olga: User, postback: Postback) -> None:
    end = datetime.now(UTC) + timedelta(days=2)
    close_period(ends_at=end.replace(hour=0, minute=0, second=0, microsecond=0), now=end, actor=olga)
    answer = story(client_of(olga), "order/77")
    (statement,), (payout,) = answer["statements"], answer["payouts"]
    assert (statement["earned"], statement["payout"]) == ("120.00", payout["id"])
    assert (payout["amount"], payout["affiliate"]["name"]) == ("120.00", "Ana")


def test_refunds_and_later_looks_are_reported(olga: User, postback: Postback) -> None:
    conversion = postback.conversion
    assert conversion is not None
    Conversion.objects.filter(pk=conversion.pk).update(revenue="50")
    Refund.objects.create(conversion=conversion, amount="5", refund_id="R1", occurred_at=conversion.occurred_at)
    TraceFactory(postback=None, conversion=conversion, decided_at=conversion.received_at)
    answer = story(client_of(olga), "order/77")
    (refund,), (look,) = answer["refunds"], answer["looks"]
    assert (refund["conversion"], refund["amount"], refund["currency"]) == (conversion.public_id, "5.00", "EUR")
    assert (look["conversion"], look["steps"][0]["step"]) == (conversion.public_id, "receive")


def test_an_imported_click_id_leads_to_its_story(olga: User, postback: Postback) -> None:
    conversion = postback.conversion
    assert conversion is not None
    assert conversion.click_id is not None
    LegacyClickIDFactory(foreign_id="OT/1", link=conversion.link, click_id=conversion.click_id)
    answer = story(client_of(olga), "OT/1")
    assert (answer["kind"], answer["conversions"][0]["id"]) == ("legacy click", conversion.public_id)


def test_an_id_that_names_several_things_lists_the_choices(olga: User, postback: Postback) -> None:
    ConversionFactory(customer=CustomerFactory(customer_id="order/77"))
    client = client_of(olga)
    assert [(each["id"], each["kind"]) for each in story(client, "order/77")["choices"]] == [("order/77", "customer")]
    response = client.get("/api/v1/trace/", {"id": "order/77", "kind": "customer"})
    assert (response.status_code, response.json()["kind"]) == (200, "customer")
    assert set(problems(client.get("/api/v1/trace/", {"id": "order/77", "kind": "other"}))) == {"kind"}


def test_a_long_story_takes_no_more_queries(olga: User, postback: Postback, django_assert_max_num_queries: Any) -> None:
    client = client_of(olga)
    client.get("/api/v1/me/")
    for _ in range(5):
        again = PostbackFactory(conversion=postback.conversion, click_id=postback.click_id, outcome="duplicate")
        TraceFactory(postback=again, conversion=postback.conversion)
    with django_assert_max_num_queries(16):
        assert len(story(client, "order/77")["postbacks"]) == 6
