"""Postbacks that name a click ID of the platform that was used before."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversions.models import Conversion, CustomerLock, Touch, Trace
from tests.conversions.sending import NOW, outcome, send, send_all
from tests.factories import TrackingLinkFactory
from tracking.click_id import codec
from tracking.models import LegacyClickID


def imported(link, foreign_id="OT-77", *, ago=timedelta(days=2), source="OldTracker"):
    at = NOW - ago
    made = codec.new(link_number=link.pk, at=at)
    return LegacyClickID.objects.create(
        source=source, foreign_id=foreign_id, link=link, clicked_at=at, click_id=made.uuid
    )


def test_is_attributed_to_the_links_affiliate(world):
    row = imported(world.ben_link)
    assert outcome(send(click_id="OT-77", event_type="purchase", txid="1")) == (200, "accepted", "ok")
    made = Conversion.objects.get()
    assert (made.affiliate, made.link, made.evidence, made.click_id) == (
        *(world.ben, world.ben_link, "legacy", row.click_id),
    )
    assert "imported from OldTracker" in str(Trace.objects.get().steps)


def test_the_window_goes_by_the_time_that_was_imported(world):
    imported(world.ana_link, ago=timedelta(days=31))
    assert send(click_id="OT-77", event_type="purchase", txid="1").body["reason"] == "outside_window"


def test_without_a_transaction_id_click_and_goal_decide(world):
    imported(world.ana_link)
    imported(world.ana_link, "OT-78")
    answers = [send(click_id=text, event_type="purchase").body["outcome"] for text in ("OT-77", "OT-77", "OT-78")]
    assert answers == ["accepted", "duplicate", "accepted"]


def test_locks_the_customer_and_leaves_a_touch(world):
    row = imported(world.ana_link)
    send(click_id="OT-77", event_type="registration", customer_id="c-1", txid="r")
    assert CustomerLock.objects.get().click_id == Touch.objects.get().click_id == row.click_id
    send(event_type="deposit", customer_id="c-1", txid="d", revenue="5")
    assert {c.affiliate for c in Conversion.objects.all()} == {world.ana}


def test_another_advertisers_imported_id_is_unknown(world):
    imported(TrackingLinkFactory())
    assert outcome(send(click_id="OT-77", event_type="purchase", txid="1")) == (404, "unknown_click", "unknown_click")


def test_of_one_text_from_two_platforms_the_later_click_is_meant(world):
    imported(world.ben_link, source="B", ago=timedelta(days=1))
    imported(world.ana_link, source="A", ago=timedelta(days=3))
    send(click_id="OT-77", event_type="purchase", txid="1")
    assert Conversion.objects.get().affiliate == world.ben


def test_costs_one_query_for_any_number(world):
    def count(number):
        ids = [f"X-{number}-{n}" for n in range(number)]
        for text in ids:
            imported(world.ana_link, text)
        with CaptureQueriesContext(connection) as queries:
            send_all([{"click_id": text, "event_type": "purchase", "txid": text} for text in ids])
        return len(queries)

    assert count(1) == count(30)


@pytest.mark.parametrize("text", ["OT-78", "ot-77", "{click_id}"])
def test_what_was_not_imported_is_unknown(world, text):
    imported(world.ana_link)
    assert send(click_id=text, event_type="purchase", txid="1").http_status in (404, 422)
