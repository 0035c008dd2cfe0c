"""Deciding stored requests again: repaired settings, no double credit, dry runs that leave nothing behind."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from affiliates.access.advertiser_secrets import make_secret
from affiliates.models import AdvertiserSecret
from conversions.intake import intake
from conversions.models import Conversion, Postback, StatusChange, Trace
from conversions.replay import Replayed, replay
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.conversions.sending import NOW, World, outcome, received, send
from tests.factories import SuperuserFactory
from tests.payouts.deals import deal, flat
from tests.rest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def again(*, dry: bool = False) -> list[Replayed]:
    return replay(list(Postback.objects.all()), by="a test", now=NOW, dry=dry)


def buy(world: World, **fields: Any) -> Any:
    given = {"click_id": world.click(), "event_type": "purchase", "txid": "t1", "revenue": "50", "currency": "EUR"}
    return send(**{**given, **fields})


def test_what_was_counted_is_counted_once_and_keeps_its_decision(world: World) -> None:
    deal(flat(world.purchase, "10"))
    first = buy(world)
    cid = first.body["received"]["click_id"]
    buy(world, click_id=cid)
    buy(world, click_id=cid, status="rejected")
    book_changes(now=NOW)
    lines, outcomes = (
        LedgerEntry.objects.count(),
        list(Postback.objects.order_by("pk").values_list("outcome", "reason")),
    )
    for _ in range(2):
        assert not any(each.is_changed for each in again())
    book_changes(now=NOW)
    assert (Conversion.objects.count(), LedgerEntry.objects.count(), StatusChange.objects.count()) == (1, lines, 2)
    assert list(Postback.objects.order_by("pk").values_list("outcome", "reason")) == outcomes
    assert Trace.objects.filter(postback__public_id=first.postback_id).count() == 3
    assert Trace.objects.last().steps[0]["note"].startswith("Decided again by a test")


def fix_token(world: World) -> None:
    make_secret(advertiser=world.advertiser, kind=AdvertiserSecret.Kind.TOKEN, text="aft_registered_later")


def fix_goal(world: World) -> None:
    world.goal("upsell")


def fix_advertiser(world: World) -> None:
    world.advertiser.is_active, world.advertiser.sender_networks = True, []
    world.advertiser.save()


@pytest.mark.parametrize(
    ("fields", "spoil", "refused", "fix"),
    [
        ({"token": "aft_registered_later"}, {}, "unauthorized", fix_token),
        ({"event_type": "upsell"}, {}, "invalid", fix_goal),
        ({}, {"is_active": False}, "forbidden", fix_advertiser),
        ({}, {"sender_networks": ["192.0.2.0/24"]}, "forbidden", fix_advertiser),
    ],
)
def test_what_was_refused_for_a_wrong_setting_is_accepted_once_it_is_fixed(
    world: World, fields: dict[str, str], spoil: dict[str, Any], refused: str, fix: Any
) -> None:
    for name, value in spoil.items():
        setattr(world.advertiser, name, value)
    world.advertiser.save()
    reported = buy(world, **fields)
    assert outcome(reported)[1] == refused
    sent = Postback.objects.values("parameters", "path", "headers", "received_at").get()
    assert not again()[0].is_changed
    fix(world)
    [preview] = again(dry=True)
    assert preview.after[0] == "accepted"
    assert (Conversion.objects.count(), Postback.objects.get().outcome) == (0, refused)
    [real] = again()
    assert (real.before[0], real.after[0]) == (refused, "accepted")
    assert (Conversion.objects.count(), Postback.objects.get().outcome) == (1, "accepted")
    assert Postback.objects.values("parameters", "path", "headers", "received_at").get() == sent
    # Sent again by the advertiser meanwhile: still once.
    assert outcome(buy(world, **{**fields, "click_id": reported.body["received"]["click_id"]}))[1] == "duplicate"


def test_a_dry_run_leaves_no_trace(world: World) -> None:
    buy(world)
    traces = Trace.objects.count()
    again(dry=True)
    assert Trace.objects.count() == traces


def test_the_command_counts_and_names_what_changes(world: World) -> None:
    buy(world, event_type="upsell")
    buy(world, txid="t2")
    fix_goal(world)
    output = StringIO()
    call_command("replay_postback", "--outcome", "invalid", "--dry-run", stdout=output)
    assert "invalid (unknown_goal) → accepted (ok)" in output.getvalue()
    assert "1 of 1 postbacks would have been decided again; nothing was changed" in output.getvalue()
    call_command("replay_postback", "--from", "2020-01-01", stdout=(output := StringIO()))
    assert "accepted (ok) stays" in output.getvalue()
    assert Conversion.objects.count() == 2
    with pytest.raises(CommandError, match="pb_nobody"):
        call_command("replay_postback", "pb_nobody", stdout=output)
    with pytest.raises(CommandError, match="give a filter"):
        call_command("replay_postback", stdout=output)


def test_operators_replay_by_the_panel_and_the_api(world: World) -> None:
    reported = buy(world, event_type="upsell")
    fix_goal(world)
    row = Postback.objects.get()
    operator = SuperuserFactory()
    client = Client()
    client.force_login(operator)
    page = client.get(f"/admin/conversions/postback/{row.pk}/replay/", follow=True)
    assert "invalid → accepted" in page.content.decode()
    answer = client_of(operator).post(
        f"/api/v1/postbacks/{reported.postback_id}/replay/", {"dry_run": True}, content_type="application/json"
    )
    assert (answer.json()["after"], answer.json()["changed"]) == ("accepted", True)
    assert not Conversion.objects.exists()
    done = client.post(f"/admin/conversions/postback/{row.pk}/replay/", {"confirmed": "yes"}, follow=True)
    assert "1 decided again, 1 with another outcome" in done.content.decode()
    assert Conversion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_several_who_replay_at_once_count_it_once(world: World) -> None:
    buy(world, event_type="upsell")
    fix_goal(world)

    def work(_: int) -> None:
        try:
            again()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert Conversion.objects.count() == 1
    assert Postback.objects.get().outcome == "accepted"
    assert intake([received({"txid": "x"})], now=NOW)
