"""Every decision can be followed: all steps to the one that stopped it, each refusal with its rule and inputs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from conversions.intake import Received, intake
from conversions.intake.case import Problem
from conversions.intake.pipeline import JUDGE, READ, WRITE
from conversions.models import Conversion, Postback, Trace
from conversions.reasons.codes import Reason
from tests.conversions.sending import NOW, World, received, send
from tests.factories import AdvertiserFactory, EnrollmentFactory, OfferFactory, TrackingLinkFactory
from tests.traces import gaps_of

pytestmark = pytest.mark.django_db

MONEY = {"revenue": "50", "currency": "EUR"}


def sale(world: World, **fields: Any) -> Received:
    return received({"click_id": world.click(), "event_type": "purchase", "txid": "T", **MONEY, **fields})


def of_another(world: World) -> Received:
    enrollment = EnrollmentFactory(offer=OfferFactory(advertiser=AdvertiserFactory()))
    return sale(world, click_id=world.click(TrackingLinkFactory(enrollment=enrollment)))


def switched_off(world: World) -> Received:
    world.advertiser.is_active = False
    world.advertiser.save()
    return sale(world)


def from_elsewhere(world: World) -> Received:
    world.advertiser.sender_networks = ["192.0.2.0/24"]
    world.advertiser.save()
    return sale(world)


def other_money(world: World) -> Received:
    first = sale(world)
    intake([first], now=NOW)
    fields = dict(first.parameters) | {"revenue": "60"}
    return received(fields)


def corrected(world: World) -> Received:
    first = sale(world, event_type="ftd", customer_id="Carl", revenue="5")
    intake([first], now=NOW)
    return received(dict(first.parameters) | {"revenue": "50"})


def back_to_life(world: World) -> Received:
    first = dict(sale(world).parameters)
    intake([received(first)], now=NOW)
    intake([received(first | {"status": "rejected"})], now=NOW)
    return received(first | {"status": "approved"})


def second_first(world: World) -> Received:
    send(click_id=world.click(), event_type="ftd", txid="F1", customer_id="Carl", **MONEY)
    return sale(world, event_type="ftd", txid="F2", customer_id="Carl")


def too_much_back(world: World) -> Received:
    intake([sale(world)], now=NOW)
    return received({"txid": "T", "event_type": "purchase", "refund": "80", "currency": "EUR"})


def unreadable(world: World) -> Received:
    row = sale(world)
    row.problem = Problem(Reason.UNREADABLE, "body", "The body is no JSON.")
    return row


def repeated(world: World) -> Received:
    first = sale(world)
    intake([first], now=NOW)
    return first


CORPUS: dict[Reason, Callable[[World], Received]] = {
    Reason.OK: sale,
    Reason.DUPLICATE: repeated,
    Reason.CORRECTED: corrected,
    Reason.SENT_PENDING: lambda world: sale(world, status="pending"),
    Reason.WAITING_FOR_SALE: lambda world: sale(world, status="rejected"),
    Reason.OUTSIDE_WINDOW: lambda world: sale(world, click_id=world.click(ago=timedelta(days=900))),
    Reason.BEFORE_CLICK: lambda world: sale(world, timestamp=(NOW - timedelta(days=2)).isoformat()),
    Reason.NOT_FIRST: second_first,
    Reason.BELOW_MINIMUM: lambda world: sale(world, event_type="ftd", customer_id="Carl", revenue="5"),
    Reason.WAITING_FOR_CUSTOMER: lambda world: sale(world, click_id=None, customer_id="Nobody"),
    Reason.PIXEL_NOT_ALLOWED: lambda world: received({"event_type": "purchase"}, endpoint=Postback.Endpoint.PIXEL),
    Reason.BAD_TOKEN: lambda world: sale(world, token="wrong"),
    Reason.ADVERTISER_INACTIVE: switched_off,
    Reason.SENDER_NOT_ALLOWED: from_elsewhere,
    Reason.HTTPS_REQUIRED: lambda world: received({"event_type": "purchase"}, is_secure=False),
    Reason.WRONG_ADVERTISER: of_another,
    Reason.UNREADABLE: unreadable,
    Reason.INVALID_REQUEST: lambda world: sale(world, revenue="twelve", currency="EURO"),
    Reason.MISSING_CLICK_ID: lambda world: sale(world, click_id=None),
    Reason.UNKNOWN_CLICK: lambda world: sale(world, click_id="0" * 40),
    Reason.UNRESOLVED_MACRO: lambda world: sale(world, click_id="{click_id}"),
    Reason.MISSING_GOAL: lambda world: sale(world, event_type=None),
    Reason.UNKNOWN_GOAL: lambda world: sale(world, event_type="nonsense"),
    Reason.BAD_AMOUNT: lambda world: sale(world, revenue="twelve"),
    Reason.MISSING_REVENUE: lambda world: sale(
        world, event_type="deposit", customer_id="C", revenue=None, currency=None
    ),
    Reason.BAD_CURRENCY: lambda world: sale(world, currency="EURO"),
    Reason.BAD_STATUS: lambda world: sale(world, status="perhaps"),
    Reason.BAD_TIMESTAMP: lambda world: sale(world, timestamp="yesterday"),
    Reason.MISSING_CUSTOMER: lambda world: sale(world, event_type="ftd"),
    Reason.VALUE_TOO_LONG: lambda world: sale(world, txid="x" * 300),
    Reason.TRANSACTION_CONFLICT: other_money,
    Reason.REFUND_TOO_LARGE: too_much_back,
    Reason.STATUS_NOT_ALLOWED: back_to_life,
}


@pytest.mark.parametrize("reason", CORPUS, ids=str)
def test_a_decision_can_be_followed_to_its_rule(reason: Reason, settings: Any) -> None:
    settings.REQUIRE_HTTPS = True
    [decision] = intake([CORPUS[reason](World())], now=NOW)
    trace = Trace.objects.filter(postback__public_id=decision.postback_id).latest("pk")
    conversion = Conversion.objects.filter(public_id=decision.body["conversion_id"]).first()
    given = trace.reason if conversion is None or trace.reason != Reason.OK else conversion.reason
    assert given == reason, decision.body
    assert gaps_of(trace) == []


@pytest.mark.parametrize("reason", CORPUS, ids=str)
def test_each_line_names_the_step_that_wrote_it(reason: Reason, settings: Any) -> None:
    settings.REQUIRE_HTTPS = True
    [decision] = intake([CORPUS[reason](World())], now=NOW)
    trace = Trace.objects.filter(postback__public_id=decision.postback_id).latest("pk")
    steps = [step.__name__ for step in (*READ, *JUDGE, *WRITE)]
    places = [steps.index(line["by"]) for line in trace.steps]
    assert places == sorted(places) != []


def test_a_hole_in_a_trace_is_seen() -> None:
    """The judge itself: without a step, a rule or an input it objects."""
    [decision] = intake([sale(World(), revenue="twelve")], now=NOW)
    trace = Trace.objects.get(postback__public_id=decision.postback_id)
    trace.steps[-1] |= {"rule": "", "input": {}}
    del trace.steps[0]
    assert len(gaps_of(trace)) == 2
