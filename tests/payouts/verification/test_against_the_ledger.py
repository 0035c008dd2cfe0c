"""What is booked for random plans and events, bit by bit and in small batches, is what the second one owes."""

import os
from collections import Counter

import pytest
from django.db import transaction

from payouts.models import LedgerEntry
from payouts.pricing.kinds import KINDS
from payouts.verification.verify import Verification
from tests.payouts.verification.stored_worlds import stored

pytestmark = [pytest.mark.django_db, pytest.mark.long]

STORED_WORLDS = int(os.environ.get("STORED_WORLDS", "60"))
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_random_worlds_are_booked_as_the_second_implementation_owes(part: int) -> None:
    """Every kind is among the entries: else it was not checked."""
    booked: Counter[str] = Counter()
    for number in range(part, STORED_WORLDS, PARTS):
        with transaction.atomic():
            it = stored(number)
            it.happen()
            run = Verification(affiliate=it.ana)
            assert (number, list(run.findings())) == (number, [])
            assert (run.conversions, run.due) == (len(it.world.events), 0)
            booked.update(LedgerEntry.objects.values_list("rule__kind", flat=True))
            transaction.set_rollback(True)
    assert {kind for kind in KINDS if not booked[kind]} == set()
