"""Errors on the senders' side: requests that are refused, each with the answer that says why."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from dashboard.demo.program import credentials
from dashboard.demo.program.offers import CASINO, CHALLENGE, OFFERS, SHOP
from dashboard.demo.visitors.journeys import DemoRequest

Fields = dict[str, str]
ADVERTISERS = {offer.name: offer.advertiser for offer in OFFERS}
# The casino's engineers send with the shop's token, and so on.
NEXT = {CASINO: SHOP, SHOP: CHALLENGE, CHALLENGE: CASINO}


def _with(**changes: str) -> Callable[[Fields], Fields]:
    return lambda fields: {**fields, **changes}


def _without(*names: str) -> Callable[[Fields], Fields]:
    return lambda fields: {name: value for name, value in fields.items() if name not in names}


def _renamed(old: str, new: str) -> Callable[[Fields], Fields]:
    return lambda fields: {new if name == old else name: value for name, value in fields.items()}


def _changed(name: str, change: Callable[[str], str]) -> Callable[[Fields], Fields]:
    return lambda fields: {**fields, name: change(fields[name])}


def forged(click_text: str) -> str:
    """The click ID with its last character changed, as a careless hand does."""
    return click_text[:-1] + ("0" if click_text[-1] != "0" else "1")


# The broken request, mostly sent before the right one: the sender reads the answer and fixes it.
SPOILED: tuple[Callable[[Fields], Fields], ...] = (
    _with(click_id="{click_id}"),
    _with(click_id="#clickid#"),
    _changed("click_id", forged),
    _changed("click_id", lambda text: text[:32]),
    _changed("revenue", lambda text: f"{text.partition('.')[0]},000"),
    _changed("revenue", lambda text: f"-{text}"),
    _renamed("click_id", "cid"),
    _renamed("txid", "tid"),
    _renamed("event_type", "type"),
    _without("event_type"),
    _without("click_id", "customer_id"),
    _with(event_type="first_order"),
    _with(currency="EURO"),
    _with(status="confirmed"),
    _with(timestamp="20.11.26"),
    _with(click_id="{click_id}", revenue="x", currency="??", event_type="sale"),
    lambda fields: {**_without("click_id")(fields), "customer_id": "LF-unknown"},
)


def mishaps(rng: Random, sent: Sequence[DemoRequest], *, scale: float) -> list[DemoRequest]:
    """Broken copies of requests: each kind of error on a day of its own, and wrong tokens."""
    whole = [one for one in sent if {"click_id", "revenue", "timestamp"} <= one.fields.keys() and not one.token]
    found = []
    for spoil in SPOILED:
        for one in _bad_day(rng, whole, 1 + round(4 * scale)):
            found.append(replace(one, fields=spoil(one.fields)))
    for one in _bad_day(rng, whole, 1 + round(5 * scale)):
        found.append(replace(one, token="aft_rotated-last-year"))  # noqa: S106 - a token that is refused
        found.append(replace(one, token=""))
        found.append(replace(one, token=credentials.advertiser_token(ADVERTISERS[NEXT[one.offer]])))
    found += _lately(whole)
    for one in _bad_day(rng, whole, 1 + round(6 * scale)):
        other = {**one.fields, "revenue": f"{Decimal(one.fields['revenue']) + 10}"}
        found.append(replace(one, fields=other, at=one.at + timedelta(minutes=50)))
    return found


def _lately(sent: Sequence[DemoRequest]) -> list[DemoRequest]:
    """The newest requests were wrong at first, so that there is something to look at on the day itself."""
    newest = sorted(sent, key=lambda one: one.at)[-4:]
    return [replace(one, fields=spoil(one.fields)) for one, spoil in zip(newest, SPOILED[::4], strict=False)]


def _bad_day(rng: Random, sent: Sequence[DemoRequest], times: int) -> Sequence[DemoRequest]:
    """Requests that follow each other, somewhere in the time shown."""
    start = rng.randrange(max(1, len(sent) - times))
    ordered = sorted(sent, key=lambda one: one.at)
    return ordered[start : start + times]
