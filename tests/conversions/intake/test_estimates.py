"""The amounts of an event that its sender reported as pending are an estimate until the sender approves it."""

from decimal import Decimal
from typing import Any

import pytest

from conversions.models import Conversion, StatusChange
from tests.conversions.sending import World, outcome, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def pending(world: World) -> dict[str, Any]:
    """A sale that was reported as pending with 10 EUR."""
    sale = {"click_id": world.click(), "txid": "1", "event_type": "purchase", "currency": "EUR"}
    assert outcome(send(**sale, revenue="10", status="pending")) == (200, "accepted", "sent_pending")
    return sale


def test_the_approval_brings_the_amount_that_counts(pending: dict[str, Any]) -> None:
    assert outcome(send(**pending, revenue="12.50", status="approved")) == (200, "updated", "status_updated")
    row = Conversion.objects.get()
    assert (row.status, row.revenue, row.booked_at) == ("approved", Decimal("12.50"), None)
    assert StatusChange.objects.latest("pk").to_status == "approved"


def test_the_same_approval_again_is_a_duplicate(pending: dict[str, Any]) -> None:
    for _ in range(2):
        answer = send(**pending, revenue="12.50", status="approved")
    assert outcome(answer)[1] == "duplicate"
    assert Conversion.objects.get().revenue == Decimal("12.50")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"currency": "USD", "revenue": "12", "status": "approved"}, "currency EUR, not USD"),
        ({"revenue": "12", "status": "pending"}, "revenue 10.00, not 12.00"),
        ({"revenue": "12"}, "revenue 10.00, not 12.00"),
    ],
)
def test_another_currency_or_no_approval_is_a_conflict(
    pending: dict[str, Any], changes: dict[str, str], why: str
) -> None:
    answer = send(**{**pending, **changes})
    assert outcome(answer) == (409, "conflict", "transaction_conflict")
    assert why in answer.body["message"]
    assert Conversion.objects.get().revenue == 10


def test_an_approved_amount_is_no_estimate(world: World, pending: dict[str, Any]) -> None:
    send(**pending, revenue="12", status="approved")
    assert outcome(send(**pending, revenue="15", status="approved"))[1] == "conflict"
    assert Conversion.objects.get().revenue == 12


def test_an_amount_below_the_goals_minimum_is_for_a_person(world: World, pending: dict[str, Any]) -> None:
    world.purchase.minimum_revenue = Decimal(8)
    world.purchase.save()
    assert outcome(send(**pending, revenue="5", status="approved"))[1] == "conflict"
    assert Conversion.objects.get().status == "pending"
