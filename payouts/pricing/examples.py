"""Worked examples: the commission of a version's rules for invented events, by the same functions that book.

An example has one version and one affiliate with parents on every level. Rules are named by their position in the
version, counted from 1, because an example is checked before the rules have IDs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from payouts.pricing.engine import price_all
from payouts.pricing.facts import (
    APPROVED,
    MOST_LEVELS,
    CommissionLine,
    Family,
    PricedClicks,
    PricedConversion,
    PricedEvent,
    PricingRule,
    Quote,
)
from payouts.pricing.terms import PlanTerms, VersionTerms
from payouts.pricing.words import exact
from records.periods import BEGINNING
from records.words import counted, plain

EVENT, MONTH = "event", "month"
AFFILIATE, OFFER = 0, 0
PARENTS = tuple(range(1, MOST_LEVELS + 1))


@dataclass(frozen=True, slots=True)
class ExampleEvent:
    """An event that happens `times` times. An `is_history` event counts, but its commission is not compared."""

    goal_id: int
    goal_name: str
    occurred_at: datetime
    revenue: Decimal | None = None
    currency: str = ""
    volume: Decimal | None = None
    country: str = ""
    subs: Mapping[str, str] = field(default_factory=dict)
    customer: str = ""
    customer_since: datetime | None = None
    deductions: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    is_clicks: bool = False
    is_history: bool = False


class ExpectedSlot(NamedTuple):
    """The key of an expected amount: an event by its position, or a month such as `2026-10`.

    `rule` counts from 1; `to` is 0 for the affiliate itself, else the level of the parent.
    """

    part: str
    rule: int
    to: int
    currency: str


@dataclass(frozen=True, slots=True)
class Example:
    """A named list of events; `by` says whether its lines are summed up by event or by month (UTC)."""

    name: str
    by: str
    events: tuple[ExampleEvent, ...]
    expected: Mapping[ExpectedSlot, Decimal]


@dataclass(frozen=True, slots=True)
class ExampleOutcome:
    """The amounts of the events, with the arithmetic of each, and by part the reason why it earns nothing."""

    amounts: Mapping[ExpectedSlot, Decimal]
    arithmetic: Mapping[ExpectedSlot, str]
    reasons: Mapping[str, str]


def work_out(example: Example, rules: Sequence[PricingRule]) -> ExampleOutcome:
    """Price the example's events by the rules, in their order."""
    numbered = tuple(replace(rule, id=number) for number, rule in enumerate(rules, 1))
    plan = PlanTerms(0, "The plan", (VersionTerms(0, 1, BEGINNING, numbered),))
    happened = list(_happened(example))
    family = {AFFILIATE: Family("the affiliate", PARENTS)}
    quotes = price_all([event for _, event in happened], {(OFFER, None): plan}, family)
    amounts: dict[ExpectedSlot, Decimal] = defaultdict(Decimal)
    words: dict[ExpectedSlot, list[str]] = defaultdict(list)
    reasons: dict[str, str] = {}
    for place, event in happened:
        if example.events[place - 1].is_history:
            continue
        part = str(place) if example.by == EVENT else f"{event.occurred_at:%Y-%m}"
        for slot, line in _slots(part, quotes[event.id]):
            amounts[slot] += line.amount
            words[slot].append(line.arithmetic)
        if quotes[event.id].reason:
            reasons[part] = quotes[event.id].reason
    shown = {slot: _joined(texts, amounts[slot], slot.currency) for slot, texts in words.items()}
    return ExampleOutcome({slot: amount for slot, amount in amounts.items() if amount}, shown, reasons)


def _happened(example: Example) -> Iterator[tuple[int, PricedEvent]]:
    """The events one by one, each with the position of the example's event that it repeats."""
    customers = {name: number for number, name in enumerate({event.customer: 1 for event in example.events}, 1)}
    since: dict[str, datetime] = {}
    for event in example.events:
        since[event.customer] = min(since.get(event.customer, event.occurred_at), event.occurred_at)
    number = 0
    for place, each in enumerate(example.events, 1):
        for _ in range(each.times):
            number += 1
            if each.is_clicks:
                yield place, _clicks(number, each)
            else:
                yield place, _conversion(number, each, customers, since)


def _clicks(number: int, each: ExampleEvent) -> PricedClicks:
    count = int(each.volume or 0)
    return PricedClicks(number, AFFILIATE, OFFER, each.occurred_at, count, country=each.country, subs=each.subs)


def _conversion(
    number: int, each: ExampleEvent, customers: Mapping[str, int], since: Mapping[str, datetime]
) -> PricedConversion:
    return PricedConversion(
        id=number,
        affiliate_id=AFFILIATE,
        offer_id=OFFER,
        goal_id=each.goal_id,
        status=APPROVED,
        revenue=each.revenue,
        currency=each.currency,
        occurred_at=each.occurred_at,
        customer_id=customers[each.customer] if each.customer else None,
        volume=each.volume,
        deductions=each.deductions,
        country=each.country,
        subs=each.subs,
        customer_since=each.customer_since or since[each.customer],
    )


def _slots(part: str, quote: Quote) -> Iterator[tuple[ExpectedSlot, CommissionLine]]:
    for line in quote.lines:
        yield ExpectedSlot(part, line.rule_id, line.affiliate_id, line.currency), line


def _joined(texts: Sequence[str], amount: Decimal, currency: str) -> str:
    if len(texts) == 1:
        return texts[0]
    if len(set(texts)) == 1:
        return f"{len(texts)} × ({texts[0]}) = {exact(amount, currency)}"
    shown = " + ".join(f"({each})" for each in texts[:3])
    more = f" + {len(texts) - 3} more" if len(texts) > 3 else ""
    return f"{shown}{more} = {exact(amount, currency)}"


def problems_of_example(example: Example, outcome: ExampleOutcome) -> list[str]:
    """Differences between the outcome and the example: expected and actual amounts, with the arithmetic."""
    slots = sorted(example.expected.keys() | outcome.amounts.keys())
    return [
        f"Example “{example.name}”: {_problem(example, outcome, slot)}"
        for slot in slots
        if example.expected.get(slot, Decimal(0)) != outcome.amounts.get(slot, Decimal(0))
    ]


def _problem(example: Example, outcome: ExampleOutcome, slot: ExpectedSlot) -> str:
    expected, got = example.expected.get(slot), outcome.amounts.get(slot)
    texts = exact(expected, slot.currency) if expected else "nothing"
    what = f"{part_words(example, slot.part)} was expected to earn {texts}{to_words(slot)} by rule {slot.rule}"
    if got is None:
        why = outcome.reasons.get(slot.part) or "no line of this rule, receiver and currency comes of it."
        return f"{what}, but earns nothing: {why}"
    return f"{what}, but earns {exact(got, slot.currency)}: {outcome.arithmetic[slot]}."


def to_words(slot: ExpectedSlot) -> str:
    return f" for the parent of level {slot.to}" if slot.to else ""


def part_words(example: Example, part: str) -> str:
    """`Deposit of 80.00 EUR`, `the month 2026-10`."""
    return f"the month {part}" if example.by == MONTH else event_words(example.events[int(part) - 1])


def event_words(event: ExampleEvent) -> str:
    """`Deposit of 80.00 EUR from DE`, `12 × Trade, 2.5 lots`, `340 clicks`."""
    name = counted(int(event.volume or 0), "click") if event.is_clicks else event.goal_name
    words = f"{event.times} × {name}" if event.times > 1 else name
    if event.revenue is not None:
        words += f" of {exact(event.revenue, event.currency)}"
    if event.volume is not None and not event.is_clicks:
        words += f", {plain(event.volume)} lots"
    if event.deductions:
        taken = ", ".join(f"{name} {plain(Decimal(amount))}" for name, amount in event.deductions.items())
        words += f" less {taken}"
    words += f" from {event.country}" if event.country else ""
    words += "".join(f", {name} = {value}" for name, value in event.subs.items())
    return words + (f", customer {event.customer}" if event.customer else "")


def example_words(example: Example) -> list[str]:
    """The example in words: the history, then each part with its commission."""
    before = [event_words(event) for event in example.events if event.is_history]
    texts = [f"Before: {'; '.join(before)}."] if before else []
    if example.by == MONTH:
        texts.append(f"{'; '.join(event_words(event) for event in example.events if not event.is_history)}.")
        parts = list(dict.fromkeys([f"{each.occurred_at:%Y-%m}" for each in example.events if not each.is_history]))
    else:
        parts = [str(place) for place, event in enumerate(example.events, 1) if not event.is_history]
    for part in parts:
        lines = [
            f"{exact(amount, slot.currency)}{to_words(slot)}"
            for slot, amount in example.expected.items()
            if slot.part == part and amount
        ]
        what = part_words(example, part)
        verb = "earn" if _is_plural(example, part) else "earns"
        texts.append(f"{what[:1].upper()}{what[1:]} {verb} {' and '.join(lines) or 'nothing'}.")
    return texts


def _is_plural(example: Example, part: str) -> bool:
    event = None if example.by == MONTH else example.events[int(part) - 1]
    return event is not None and (event.times > 1 or (event.is_clicks and event.volume != 1))
