"""Conversions: found by any ID, explained to the last step, and nothing shown that is not the affiliate's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient

from affiliates.models import Affiliate, User
from conversions.lifecycle import status as lifecycle
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from payouts.ledger.booking import book_changes
from tests.dashboard.portal_pages import World, main_rows, rows_of, signed_in, words, world_of
from tests.factories import (
    AffiliateMemberFactory,
    CustomerFactory,
    GoalFactory,
    PercentRuleFactory,
    PostbackFactory,
    StatusChangeFactory,
    TraceFactory,
    TrackingLinkFactory,
)
from tracking.click_id.codec import text_of


@pytest.fixture
def world(ana: Affiliate) -> World:
    return world_of(ana)


def listed(world: World, query: str = "") -> list[Conversion]:
    rows = signed_in(world.affiliate).get(f"/conversions/?{query}").context["rows"]
    return [row.conversion for row in rows]


def page(conversion: Conversion) -> HttpResponse:
    return signed_in(conversion.affiliate).get(f"/conversions/{conversion.public_id}/")


@pytest.mark.parametrize("status", Conversion.Status.values)
def test_filters_by_status(world: World, status: str) -> None:
    rows = {each: world.conversion(status=each) for each in Conversion.Status.values}

    assert listed(world, f"status={status}") == [rows[status]]


def test_filters_by_offer_and_kind_of_goal(world: World) -> None:
    other = world_of(world.affiliate)
    first, second = world.conversion(), other.conversion()
    third = world.conversion(goal=GoalFactory(offer=world.offer, kind="registration", code="reg"))

    assert listed(world, f"offer={other.offer.public_id}") == [second]
    assert listed(world, "goal=registration") == [third]
    assert set(listed(world, "goal=ftd")) == {first, second}


def test_filters_by_days_where_the_reader_is(world: World) -> None:
    client = signed_in(world.affiliate, time_zone="Asia/Tokyo")
    late = world.conversion(occurred_at=datetime(2026, 10, 31, 15, 30, tzinfo=UTC))
    world.conversion(occurred_at=datetime(2026, 10, 31, 14, 30, tzinfo=UTC))

    rows = client.get("/conversions/?since=2026-11-01&until=2026-11-01").context["rows"]

    assert [row.conversion for row in rows] == [late]


def test_says_when_the_days_are_the_wrong_way_round(world: World) -> None:
    world.conversion()

    response = signed_in(world.affiliate).get("/conversions/?since=2026-11-02&until=2026-11-01")

    assert "The last day is before the first." in words(response)


def test_finds_a_click_id_and_a_part_of_a_transaction_id(world: World) -> None:
    click = world.click()
    by_click = world.conversion(click_id=click.pk, transaction_id="ORD-111")
    world.conversion(transaction_id="ORD-222")

    assert listed(world, f"q={text_of(click.pk)}") == [by_click]
    assert listed(world, f"q={text_of(click.pk).upper()}") == [by_click]
    assert listed(world, "q=111") == [by_click]
    assert listed(world, f"q={by_click.public_id}") == [by_click]
    assert listed(world, "q=333") == []


def test_distinguishes_a_forged_click_id_from_an_empty_result(world: World) -> None:
    text = text_of(world.click().pk)
    forged = ("1" if text[0] == "0" else "0") + text[1:]

    assert "not genuine" in words(signed_in(world.affiliate).get(f"/conversions/?q={forged}"))


def test_sorts_by_what_the_heading_says(world: World) -> None:
    old, new = world.conversion(ago=timedelta(days=2)), world.conversion(status="pending")

    assert listed(world) == [new, old]
    assert listed(world, "sort=occurred_at") == [old, new]
    assert listed(world, "sort=-status") == [new, old]
    assert listed(world, "sort=revenue") == [new, old]


def test_headings_show_the_order(world: World) -> None:
    world.conversion()

    html = signed_in(world.affiliate).get("/conversions/?sort=status&status=approved").content.decode()

    assert 'aria-sort="ascending"' in html
    assert "?sort=-status&amp;status=approved" in html


def test_pages_and_answers_htmx_with_the_rows_alone(world: World) -> None:
    for _ in range(51):
        world.conversion()
    client = signed_in(world.affiliate)

    assert main_rows(client.get("/conversions/")) == 50
    response = client.get("/conversions/?page=2", headers={"hx-request": "true", "hx-target": "listing"})
    assert main_rows(response) == 1
    assert "<html" not in response.content.decode()


def test_a_page_that_is_restored_from_history_is_whole(world: World) -> None:
    headers = {"hx-request": "true", "hx-target": "listing", "hx-history-restore-request": "true"}

    assert "<html" in signed_in(world.affiliate).get("/conversions/", headers=headers).content.decode()


def test_says_what_to_do_when_there_is_nothing(world: World) -> None:
    assert "No conversions yet" in words(signed_in(world.affiliate).get("/conversions/"))
    assert "No conversion matches" in words(signed_in(world.affiliate).get("/conversions/?status=pending"))


def test_every_rejection_carries_its_reason_in_the_list(world: World) -> None:
    world.conversion(status="rejected", reason=Reason.OUTSIDE_WINDOW)

    assert str(Reason.OUTSIDE_WINDOW.label) in words(signed_in(world.affiliate).get("/conversions/"))


def test_exports_what_is_filtered(world: World) -> None:
    click = world.click(sub1="@header")
    world.conversion(click_id=click.pk, transaction_id="T-1", status="approved")
    world.conversion(status="rejected", reason=Reason.FRAUD)
    book_changes()
    client = signed_in(world.affiliate, time_zone="Europe/Berlin")

    (row,) = rows_of(client.get("/conversions/export/?status=approved"))

    assert (row["transaction_id"], row["click_id"], row["link"]) == ("T-1", text_of(click.pk), world.link.code)
    assert (row["commission"], row["sub1"]) == ("120.00 EUR", "'@header")
    assert datetime.fromisoformat(row["occurred_at"]).utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    (rejected,) = rows_of(client.get("/conversions/export/?status=rejected"))
    assert (rejected["reason"], rejected["reason_text"]) == ("fraud", "Fraud")


def test_exports_more_rows_than_are_read_at_once(world: World) -> None:
    Conversion.objects.bulk_create(
        Conversion(
            advertiser=world.offer.advertiser,
            goal=world.goal,
            affiliate=world.affiliate,
            evidence="row",
            dedupe_key=f"k{number}",
            currency="EUR",
            status="pending",
            reason=Reason.AWAITS_APPROVAL,
            occurred_at=datetime.now(UTC),
            received_at=datetime.now(UTC),
        )
        for number in range(1_203)
    )

    rows = rows_of(signed_in(world.affiliate).get("/conversions/export/"))

    assert len({row["id"] for row in rows}) == 1_203


def test_exports_the_same_from_an_asynchronous_server(world: World) -> None:
    world.conversion(transaction_id="T-1")
    client = AsyncClient()
    user = AffiliateMemberFactory(affiliate=world.affiliate).user
    client.force_login(user, "affiliates.roles.backend.RoleBackend")

    async def download() -> str:
        response: Any = await client.get("/conversions/export/")
        assert response.is_async
        return b"".join([chunk async for chunk in response.streaming_content]).decode()

    assert "T-1" in async_to_sync(download)()


def test_shows_the_history_with_reasons_and_notes(world: World, olga: User) -> None:
    conversion = world.conversion(status="pending", reason=Reason.AWAITS_APPROVAL)
    StatusChangeFactory(conversion=conversion)
    lifecycle.change_status(
        conversion_ids=[conversion.pk],
        to=Conversion.Status.REJECTED,
        reason=Reason.FRAUD,
        source=StatusChange.Source.OPERATOR,
        now=datetime.now(UTC),
        actor=olga,
        note="Three accounts on one card.",
    )

    text = words(page(conversion))

    assert "Waiting for an operator's approval." in text
    assert "Rejected by an operator" in text
    assert "An operator found fraud" in text
    assert "Three accounts on one card." in text
    assert "Olga" not in text


def test_shows_the_arithmetic_of_each_line_and_the_sum(world: World, olga: User) -> None:
    conversion = world.conversion()
    book_changes()
    assert "Flat 120.00 EUR for First deposit (FTD)" in words(page(conversion))

    lifecycle.change_status(
        conversion_ids=[conversion.pk],
        to=Conversion.Status.REJECTED,
        reason=Reason.REVERSED,
        source=StatusChange.Source.POSTBACK,
        now=datetime.now(UTC),
    )
    book_changes()

    text = words(page(conversion))
    assert "−120.00 EUR" in text
    assert "Sum in EUR 0.00 EUR" in text


def test_says_what_a_pending_one_would_earn(world: World) -> None:
    assert "Once approved it earns 120.00 EUR" in words(page(world.conversion(status="pending")))


def test_says_why_an_approved_one_earns_nothing(world: World) -> None:
    conversion = world.conversion(goal=GoalFactory(offer=world.offer, code="reg"))
    book_changes()

    assert "has no rule for this goal" in words(page(conversion))


def test_shows_click_facts_and_labels(world: World) -> None:
    click = world.click(sub1="header", aff_click_id="vol-1", country="DE", device="mobile")

    text = words(page(world.conversion(click_id=click.pk)))

    for expected in (text_of(click.pk), "sub1 header", "aff_click_id vol-1", "DE · mobile"):
        assert expected in text


def test_a_click_that_is_no_longer_stored_is_proved_by_its_id(world: World) -> None:
    click = world.click()
    conversion = world.conversion(click_id=click.pk, evidence="signature")
    click.delete()

    assert "the signature in the click ID proves it" in words(page(conversion))


def test_masks_the_customer(world: World) -> None:
    customer = CustomerFactory(advertiser=world.offer.advertiser, customer_id="player-4711")
    conversion = world.conversion(customer=customer)

    response = page(conversion)

    assert "player-4711" not in response.content.decode()
    assert "pl••••11" in words(response)


def test_hides_the_revenue_under_a_flat_rule(world: World) -> None:
    assert "77.31" not in words(page(world.conversion(revenue=Decimal("77.31"))))


def test_shows_the_revenue_that_the_commission_is_a_share_of(ana: Affiliate) -> None:
    world = world_of(ana, rule=PercentRuleFactory)

    assert "Revenue 77.31 EUR" in words(page(world.conversion(revenue=Decimal("77.31"))))


def traced(conversion: Conversion, *steps: dict[str, Any]) -> str:
    postback = PostbackFactory(advertiser=conversion.advertiser, ip="198.51.100.77")
    whole = [{"result": "passed", "rule": "", "input": {}, "note": "", **step} for step in steps]
    TraceFactory(conversion=conversion, postback=postback, steps=whole)
    return page(conversion).content.decode()


def test_shows_the_steps_of_the_decision(world: World) -> None:
    conversion = world.conversion()
    html = traced(
        conversion,
        {
            "step": "find_click",
            "result": "found",
            "rule": "signature",
            "input": {"link": world.link.code},
            "note": "Mine.",
        },
        {"step": "attribute", "rule": "window of 30 days", "note": "The event came 2 h after the click."},
        {"step": "decide", "result": "approved", "note": "Approved at once."},
    )

    for text in (
        "Click found",
        "Mine.",
        "window of 30 days",
        "The event came 2 h after the click.",
        "Approved at once.",
    ):
        assert text in html


def test_never_names_senders_tokens_or_other_affiliates(world: World, ben: Affiliate) -> None:
    rival = TrackingLinkFactory(enrollment__affiliate=ben, enrollment__offer=world.offer)
    html = traced(
        world.conversion(),
        {"step": "receive", "note": "From 198.51.100.77."},
        {
            "step": "authenticate",
            "rule": "token 12",
            "input": {"ip": "198.51.100.77"},
            "note": "198.51.100.77 is allowed.",
        },
        {
            "step": "find_click",
            "result": "found",
            "rule": "signature",
            "input": {"link": rival.code, "click_id": "rivals-click"},
            "note": f"Click through link {rival.code}.",
        },
        {"step": "find_click", "result": "found", "rule": "coupon", "note": "The coupon belongs to Ben."},
        {"step": "attribute", "result": "locked", "note": "The customer stays with Ana; this click was Ben's."},
        {"step": "attribute", "result": "taken over", "note": "The customer passes from Ben to Ana."},
        {"step": "deduplicate", "input": {"key": "ben-key"}, "note": "Ben's key."},
        {
            "step": "qualify",
            "rule": "minimum revenue 20.00 EUR",
            "input": {"revenue": "77.31"},
            "note": "77.31 EUR is enough.",
        },
        {"step": "unheard_of", "rule": "Ben's rule", "note": "Ben's note."},
    )

    for secret in ("198.51.100.77", "token 12", "Ben", rival.code, "rivals-click", "ben-key", "77.31"):
        assert secret not in html
    for text in ("The customer is locked to you", "The coupon is yours", "passes to you", "minimum revenue 20.00 EUR"):
        assert text in html


def test_shows_the_revenue_steps_to_who_is_paid_a_share(ana: Affiliate) -> None:
    world = world_of(ana, rule=PercentRuleFactory)

    html = traced(
        world.conversion(), {"step": "qualify", "input": {"revenue": "77.31"}, "note": "77.31 EUR is enough."}
    )

    assert "77.31 EUR is enough." in html


def test_says_when_a_waiting_one_is_approved_by_itself(world: World) -> None:
    at = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
    conversion = world.conversion(status="pending", reason=Reason.AWAITS_DELAY, approve_at=at)

    assert "approved automatically on 24 Dec 2026, 18:00" in words(page(conversion))


@pytest.mark.parametrize("is_test", [True, False])
def test_a_test_conversion_is_marked_and_promises_nothing(world: World, is_test: bool) -> None:
    conversion = world.conversion(status="pending", reason=Reason.AWAITS_DELAY, is_test=is_test)

    html = page(conversion).content.decode()

    assert (">Test</span>" in html) is is_test
    assert ("never counted or paid" in words(page(conversion))) is is_test
    assert ("<span>if approved</span>" in html) is not is_test
    assert ("Once approved it earns" in html) is not is_test
    rows = signed_in(world.affiliate).get("/conversions/").content.decode()
    assert (">Test</span>" in rows) is is_test


def test_a_customers_event_without_click_is_explained(world: World) -> None:
    conversion = world.conversion(link=None, click_id=None, evidence="coupon")

    assert "There was no click: it was credited to you by a coupon code." in words(page(conversion))
