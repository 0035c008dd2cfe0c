"""What an operator changes holds for the next postbacks in every process, a second later at most."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from affiliates.models import Advertiser, AdvertiserSecret, Affiliate, Enrollment
from conversions.intake import reference_cache
from conversions.models import Goal
from tests.conversions.sending import TOKEN, World
from tests.factories import GoalFactory
from tests.servers import Web, database_url, running

pytestmark = pytest.mark.django_db(transaction=True)
# A second is the promise.
PROMISED = 1.0


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(tmp_path):
    web = Web(log=tmp_path / "web.log", env={"DATABASE_URL": database_url()})
    with running(web):
        yield web


class Sender:
    """Sends each time a new transaction, over a new connection: one or the other process takes it."""

    def __init__(self, world, web):
        self.web, self.cid, self.number = web, web.click(world.ana_link.code), 0

    def reasons(self, times=16):
        found = set()
        for _ in range(times):
            self.number += 1
            given = {"token": TOKEN, "click_id": self.cid, "txid": f"t{self.number}", "event_type": "purchase"}
            found.add(self.web.postback(**given).json["reason"])
        return found


def test_every_change_of_terms_reaches_every_process(world, web):
    sender = Sender(world, web)
    assert sender.reasons() == {"ok"}  # Both processes have everything in memory now.

    changes = [
        (Goal.objects.filter(pk=world.purchase.pk), {"is_active": False}, "unknown_goal"),
        (Goal.objects.filter(pk=world.purchase.pk), {"is_active": True, "approval": "by_hand"}, "awaits_approval"),
        (Affiliate.objects.filter(pk=world.ana.pk), {"status": "suspended"}, "affiliate_closed"),
        (Affiliate.objects.filter(pk=world.ana.pk), {"status": "active"}, "awaits_approval"),
        (Enrollment.objects.filter(affiliate=world.ana), {"status": "blocked"}, "affiliate_closed"),
        (Enrollment.objects.filter(affiliate=world.ana), {"status": "approved"}, "awaits_approval"),
        (Advertiser.objects.filter(pk=world.advertiser.pk), {"is_active": False}, "advertiser_inactive"),
        (Advertiser.objects.filter(pk=world.advertiser.pk), {"is_active": True}, "awaits_approval"),
        (AdvertiserSecret.objects.all(), {"revoked_at": timezone.now()}, "revoked_token"),
        (AdvertiserSecret.objects.all(), {"revoked_at": None}, "awaits_approval"),
    ]
    for rows, change, reason in changes:
        rows.update(**change)
        time.sleep(PROMISED)
        assert sender.reasons() == {reason}, change


def test_what_is_new_is_known_at_once(world, web):
    sender = Sender(world, web)
    assert sender.reasons() == {"ok"}
    GoalFactory(offer=world.offer, code="wire", name="Wire")
    time.sleep(PROMISED)
    answers = [
        web.postback(token=TOKEN, click_id=sender.cid, txid=f"w{n}", event_type="wire").json["reason"]
        for n in range(16)
    ]
    assert set(answers) == {"ok"}


def test_a_change_that_no_one_can_learn_of_holds_as_well(world, web):
    """The lines of all listeners are cut again and again: terms are read anew for each batch meanwhile."""
    sender = Sender(world, web)
    assert sender.reasons() == {"ok"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        assert cursor.rowcount >= 2
    Goal.objects.filter(pk=world.purchase.pk).update(is_active=False)
    time.sleep(PROMISED)
    assert sender.reasons() == {"unknown_goal"}


def test_nothing_is_kept_where_no_one_listens(world):
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            for kept, key in (
                (reference_cache.tokens, "x"),
                (reference_cache.goals, world.advertiser.pk),
                (reference_cache.links, 1),
            ):
                kept.many([key])
        asked.append(len(queries))
    assert asked[0] == asked[1] >= 3
