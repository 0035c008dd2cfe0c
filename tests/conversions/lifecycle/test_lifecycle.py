"""The database itself keeps the life of a conversion: each step follows the last, none goes without its row."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from conversions.lifecycle.status import change_status
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from tests.conversions.sending import NOW, World, send

pytestmark = pytest.mark.django_db
Status = Conversion.Status


@pytest.fixture
def row(db: None) -> Conversion:
    world = World()
    send(click_id=world.click(), txid="1", event_type="purchase", revenue="5", currency="EUR")
    return Conversion.objects.get()


def settle() -> None:
    """What happens at the end of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def move(row: Conversion, to: Status) -> None:
    source = StatusChange.Source.OPERATOR
    change_status(conversion_ids=[row.pk], to=to, reason=Reason.REVERSED, source=source, now=NOW)


def test_steps_that_say_why_may_be_several_in_one_transaction(row: Conversion) -> None:
    with transaction.atomic():
        for to in (Status.REJECTED, Status.APPROVED, Status.REJECTED):
            move(row, to)
        settle()
    assert list(row.status_changes.values_list("to_status", flat=True)) == ["approved", "rejected"] * 2


def test_a_status_does_not_change_in_silence(row: Conversion) -> None:
    Conversion.objects.update(status=Status.REJECTED)
    with pytest.raises(IntegrityError, match="without a status change"):
        settle()


def test_nor_back_again_after_one_that_was_sent(row: Conversion) -> None:
    move(row, Status.REJECTED)
    Conversion.objects.update(status=Status.APPROVED)
    with pytest.raises(IntegrityError, match="without a status change"):
        settle()


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("pending", "rejected", "does not follow the last one"),
        ("rejected", "approved", "does not follow the last one"),
        ("", "approved", "does not follow the last one"),
        ("approved", "pending", "status_change_allowed"),
        ("approved", "approved", "status_change_"),
    ],
)
def test_a_step_follows_the_last_one_and_is_allowed(row: Conversion, before: str, after: str, text: str) -> None:
    given: dict[str, Any] = {"conversion": row, "reason": "ok", "source": "operator", "at": NOW}
    with pytest.raises(IntegrityError, match=text), transaction.atomic():
        StatusChange.objects.create(from_status=before, to_status=after, **given)
