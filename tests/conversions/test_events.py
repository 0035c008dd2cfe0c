"""Each thing that happens to a conversion is an event, once, in the transaction that makes it happen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversions.events import KINDS
from conversions.lifecycle.appeals import appeal, dismiss, uphold
from conversions.lifecycle.operator_decisions import approve, reject
from conversions.models import Appeal, Conversion
from conversions.reasons.codes import Reason
from records.models import Event
from tests.conversions.sending import World, send, send_all
from tests.factories import OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db


def deposit(world: World, revenue: str = "50", **fields: Any) -> dict[str, Any]:
    given = {"click_id": world.click(), "event_type": "ftd", "txid": "F-1", "customer_id": "carl", "currency": "EUR"}
    return {**given, "revenue": revenue, **fields}


def sent(world: World, revenue: str = "50", **fields: Any) -> Conversion:
    send(**deposit(world, revenue, **fields))
    return Conversion.objects.get()


def appealed(world: World) -> Appeal:
    row = sent(world, "5")
    return appeal(conversion=row, words="I object", evidence_url="", user=UserFactory(), now=row.received_at)


def corrected(world: World, status: str = "") -> None:
    fields = deposit(world, "5")
    send(**fields)
    send(**{**fields, "revenue": "50", **({"status": status} if status else {})})


def refunded(world: World) -> None:
    click = world.click()
    send(click_id=click, event_type="purchase", txid="P", revenue="100", currency="EUR", status="approved")
    send(click_id=click, event_type="purchase", txid="P", refund="20", currency="EUR")


def rejected(row: Conversion) -> bool:
    given = {"reason": Reason.FRAUD, "note": "Fraud", "actor": OperatorFactory(), "now": timezone.now()}
    return reject(conversion_id=row.pk, **given)


def answered(answer: Callable[..., object]) -> Callable[[World], object]:
    return lambda world: answer(
        conversion_id=appealed(world).pk, actor=OperatorFactory(), note="Seen", now=timezone.now()
    )


CAUSES: dict[str, Callable[[World], object]] = {
    "conversion.created": sent,
    "conversion.approved": lambda world: approve(
        conversion_id=sent(world, status="pending").pk, actor=OperatorFactory(), now=timezone.now()
    ),
    "conversion.rejected": lambda world: rejected(sent(world)),
    "conversion.pending": lambda world: corrected(world, "pending"),
    "conversion.updated": corrected,
    "conversion.refunded": refunded,
    "appeal.opened": appealed,
    "appeal.upheld": answered(uphold),
    "appeal.dismissed": answered(dismiss),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event_is_written_once(kind: str) -> None:
    CAUSES[kind](World())
    assert Event.objects.filter(kind=kind).count() == 1


def test_an_event_names_its_conversion_and_affiliate_and_has_exact_amounts() -> None:
    world = World()
    row = sent(world, "50.10")
    event = Event.objects.get(kind="conversion.created")
    assert (event.subject_id, event.affiliate_id) == (row.pk, world.ana.pk)
    assert event.data == {
        "status": "approved", "reason": "ok", "goal": row.goal_id, "revenue": "50.1", "currency": "EUR",
        "is_test": False,
    }  # fmt: skip


def test_a_duplicate_is_no_event() -> None:
    fields = deposit(World())
    send(**fields)
    send(**fields)
    assert Event.objects.filter(kind__startswith="conversion").count() == 1


def test_a_batch_of_conversions_has_an_event_for_each_in_their_order() -> None:
    world = World()
    send_all([{**deposit(world), "txid": f"F-{number}", "customer_id": f"c-{number}"} for number in range(20)])
    rows = list(Conversion.objects.order_by("id").values_list("id", flat=True))
    events = Event.objects.filter(kind="conversion.created").order_by("id")
    assert len(rows) == 20
    assert [event.subject_id for event in events] == rows


def test_what_is_rolled_back_leaves_no_event() -> None:
    row = sent(World())
    with transaction.atomic():
        rejected(row)
        assert Event.objects.filter(kind="conversion.rejected").exists()
        transaction.set_rollback(True)
    assert not Event.objects.filter(kind="conversion.rejected").exists()


def test_a_decision_and_its_reversal_are_two_events_in_order() -> None:
    row = sent(World())
    rejected(row)
    approve(conversion_id=row.pk, actor=OperatorFactory(), note="A mistake", now=timezone.now())
    kinds = Event.objects.filter(subject_id=row.pk, kind__startswith="conversion").order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == [
        "conversion.created", "conversion.rejected", "conversion.approved",
    ]  # fmt: skip
