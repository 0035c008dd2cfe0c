"""A conversion by signature is completed when the click's row comes out of the spool."""

from datetime import timedelta

import pytest

from conversions.models import Conversion, Postback, RiskReview, Trace
from conversions.risk.late_clicks import complete_by_signature
from tests.conversions.sending import NOW, send
from tests.factories import ClickFactory
from tests.payouts.tampering import triggers_off
from tracking.click_id import codec

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def early(world):
    """A click ID whose row is still in the spool, and its conversion."""
    made = codec.new(link_number=world.ana_link.pk, at=NOW - timedelta(hours=1))
    send(click_id=made.text, event_type="purchase", txid="1")
    return made


def drain(world, made, **fields):
    given = {"marked_at": NOW + timedelta(minutes=30), **fields}
    ClickFactory(id=made.uuid, link=world.ana_link, clicked_at=made.made_at, **given)


def test_its_evidence_becomes_the_row_and_the_trace_says_so(world, early):
    assert complete_by_signature(now=LATER) == 0
    drain(world, early)
    assert complete_by_signature(now=LATER) == 1
    row = Conversion.objects.get()
    assert (row.evidence, row.status, row.booked_at) == ("row", "approved", None)
    last = Trace.objects.latest("pk")
    assert (last.postback, last.conversion, last.outcome) == (Postback.objects.get(), row, "accepted")
    assert "its row is there now" in str(last.steps)
    assert complete_by_signature(now=LATER) == 0


def test_waits_for_the_marks_of_the_click(world, early):
    drain(world, early, marked_at=None)
    assert complete_by_signature(now=LATER) == 0


def test_a_bots_click_is_found_out(world, early):
    with triggers_off(Conversion):
        Conversion.objects.update(status="pending", reason="awaits_approval")
    drain(world, early, is_bot=True)
    complete_by_signature(now=LATER)
    row = Conversion.objects.get()
    assert (row.status, row.reason) == ("pending", "risk_review")
    assert not RiskReview.objects.get().is_late


def test_a_bots_click_that_is_approved_already_stands_in_the_queue(world, early):
    drain(world, early, is_bot=True)
    complete_by_signature(now=LATER)
    assert RiskReview.objects.get().is_late


def test_what_is_missing_for_a_month_has_expired(world, early):
    drain(world, early)
    assert complete_by_signature(now=NOW + timedelta(days=31)) == 0
