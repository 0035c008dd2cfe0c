"""Errors on the senders' side, of slips.toml: requests that are refused, each with the answer that says why."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

from dashboard.demo import credentials
from dashboard.demo.clock import length
from dashboard.demo.data import OFFER, SLIPS, Spec
from dashboard.demo.journeys import DemoRequest

Fields = dict[str, str]
CHANGES: dict[str, Callable[[str], str]] = {
    # The last character changed, as a careless hand does.
    "forged": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    "cut": lambda text: text[:32],
    "thousands": lambda text: f"{text.partition('.')[0]},000",
    "negative": lambda text: f"-{text}",
    "more": lambda text: f"{Decimal(text) + 10}",
}


def spoiled(slip: Spec, fields: Fields) -> Fields:
    """The fields of a right request with the slip in them."""
    names = slip.get("rename", {})
    found = {names.get(name, name): value for name, value in fields.items() if name not in slip.get("drop", ())}
    changed = {name: CHANGES[how](found[name]) for name, how in slip.get("change", {}).items()}
    return {**found, **changed, **slip.get("set", {})}


def slips(rng: Random, sent: Sequence[DemoRequest], *, scale: float) -> list[DemoRequest]:
    """Broken copies of requests: each kind of error on a day of its own."""
    whole = [one for one in sent if {"click_id", "revenue", "timestamp"} <= one.fields.keys()]
    whole.sort(key=lambda one: one.at)
    found = []
    for slip in SLIPS["slips"]:
        times = 1 + round(slip.get("often", 4) * scale)
        start = rng.randrange(max(1, len(whole) - times))
        found += [_spoil(slip, one) for one in whole[start : start + times]]
    # The newest requests were wrong at first, so that there is something to look at on the day itself.
    return found + [_spoil(slip, one) for one, slip in zip(whole[-4:], SLIPS["slips"][:16:4], strict=False)]


def _spoil(slip: Spec, one: DemoRequest) -> DemoRequest:
    token = slip.get("token")
    if token == "of another":  # noqa: S105 - the name of a slip
        names = list(OFFER)
        another = OFFER[names[names.index(one.offer) - 1]]
        token = credentials.advertiser_token(another["advertiser"])
    return replace(one, fields=spoiled(slip, one.fields), token=token, at=one.at + length(slip.get("after", "")))
