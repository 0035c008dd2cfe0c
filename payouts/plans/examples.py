"""Worked examples as stored with a version: reading, checking and working them out.

**An example's events** are a list of objects, in the order in which they happen:

`goal` a goal's code, or in its place `clicks`, the number of a day's valid clicks · `on` a day `2026-10-03` or a moment
`2026-10-03T12:00Z`; without it the event happens as the version begins · `revenue` and `currency` · `volume` lots ·
`country` · `subs` `{"sub1": "fb"}` · `customer` any name, the same for the same customer · `customer_since` a day ·
`deductions` `{"bonus": "200"}` · `times` how many like it happen · `history` true for what only went before

**Its expected lines** are a list of objects: `event` the place of the event, from 1, or for an example by month the
`month` `2026-10` · `rule` the place of the rule, from 1 · `to` the level of the parent, 0 or nothing for the affiliate
· `amount` and `currency`. An event that is to earn nothing has no line. Numbers are strings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext

from conversions.models import Goal
from payouts.models import WorkedExample
from payouts.pricing import PricingRule
from payouts.pricing.examples import (
    EVENT,
    MONTH,
    PARENTS,
    Example,
    ExampleEvent,
    ExampleOutcome,
    ExpectedSlot,
    problems_of_example,
    work_out,
)
from payouts.pricing.precedence import SUB_NAMES
from records.money import PLACES

MOST_EVENTS, MOST_EXAMPLES = 5_000, 12
EVENT_NAMES = (
    "goal", "clicks", "on", "revenue", "currency", "volume", "country", "subs", "customer", "customer_since",
    "deductions", "times", "history",
)  # fmt: skip
LINE_NAMES = ("event", "month", "rule", "to", "amount", "currency")


class ExampleRefused(ValueError):
    """The example cannot be read; the message says how to fix it."""


def problems_of_examples(
    examples: Sequence[WorkedExample],
    rules: Sequence[PricingRule],
    *,
    goals: Mapping[str, Goal],
    effective_from: datetime,
) -> list[str]:
    """Every example that cannot be read or does not come out as it expects, each as a sentence."""
    found: list[str] = []
    if len(examples) > MOST_EXAMPLES:
        return [
            gettext("A version has at most {most_examples} worked examples; it was given {number_of_examples}.").format(
                most_examples=MOST_EXAMPLES, number_of_examples=len(examples)
            )
        ]
    for row in examples:
        try:
            example = read_example(row, goals=goals, effective_from=effective_from)
        except ExampleRefused as error:
            found.append(gettext("Example “{name}”: {error}").format(name=row.name, error=error))
            continue
        found += problems_of_example(example, work_out(example, rules))
    return found


def goals_of(offer_id: int) -> dict[str, Goal]:
    """The goals that examples may name, by code."""
    return {goal.code: goal for goal in Goal.objects.filter(offer=offer_id).order_by("position", "pk")}


def propose(
    row: WorkedExample, rules: Sequence[PricingRule], **context: Any
) -> tuple[list[dict[str, Any]], ExampleOutcome]:
    """The lines that the rules give, for the operator to confirm. Raise `ExampleRefused`."""
    example = read_example(row, **context)
    outcome = work_out(example, rules)
    lines = [
        {
            **({MONTH: slot.part} if example.by == MONTH else {EVENT: int(slot.part)}),
            "rule": slot.rule,
            "to": slot.to,
            "amount": str(amount),
            "currency": slot.currency,
        }
        for slot, amount in sorted(outcome.amounts.items())
    ]
    return lines, outcome


def read_example(row: WorkedExample, *, goals: Mapping[str, Goal], effective_from: datetime) -> Example:
    """The example as pricing takes it. Raise `ExampleRefused` naming the event or line that cannot be read."""
    if row.by not in (EVENT, MONTH):
        raise ExampleRefused(gettext("its lines are expected by event or by month."))
    if not isinstance(row.events, list) or not isinstance(row.expected, list):
        raise ExampleRefused(gettext("events and expected lines are lists."))
    events = tuple(
        _event(gettext("event {place}").format(place=place), each, goals, effective_from)
        for place, each in enumerate(row.events, 1)
    )
    if all(event.is_history for event in events):
        raise ExampleRefused(gettext("it needs an event that is not only history."))
    if sum(event.times for event in events) > MOST_EVENTS:
        raise ExampleRefused(
            gettext("at most {most_events} events happen in an example.").format(most_events=MOST_EVENTS)
        )
    return Example(row.name, row.by, events, dict(_lines(row, events)))


def _event(place: str, given: Any, goals: Mapping[str, Goal], effective_from: datetime) -> ExampleEvent:
    _check_names(place, given, EVENT_NAMES)
    clicks = _whole(place, given, "clicks", least=0, most=10**9, without=0)
    goal = goals.get(str(given.get("goal")))
    if bool(clicks) == bool(given.get("goal")):
        raise ExampleRefused(gettext("{place} has the code of a goal, or a number of clicks.").format(place=place))
    if goal is None and not clicks:
        raise ExampleRefused(
            gettext("{place}: the offer has no goal {get!r}; it has {names}.").format(
                place=place, get=given.get("goal"), names=", ".join(goals)
            )
        )
    currency, revenue = _text(place, given, "currency"), _number(place, given, "revenue")
    if currency and currency not in PLACES:
        raise ExampleRefused(
            gettext("{place}: {currency!r} is not a currency; give a code such as EUR.").format(
                place=place, currency=currency
            )
        )
    if revenue is not None and not currency:
        raise ExampleRefused(gettext("{place}: the revenue needs its currency.").format(place=place))
    return ExampleEvent(
        goal_id=goal.pk if goal else 0,
        goal_name=goal.name if goal else gettext("Clicks"),
        occurred_at=_moment(place, given.get("on")) or effective_from,
        revenue=revenue,
        currency=currency,
        volume=Decimal(clicks) if clicks else _number(place, given, "volume"),
        is_clicks=bool(clicks),
        country=_text(place, given, "country").upper(),
        subs=_subs(place, given.get("subs") or {}),
        customer=_text(place, given, "customer"),
        customer_since=_moment(place, given.get("customer_since")),
        deductions=_deductions(place, given.get("deductions") or {}),
        times=_whole(place, given, "times", least=1, most=MOST_EVENTS, without=1),
        is_history=bool(given.get("history")),
    )


def _lines(row: WorkedExample, events: Sequence[ExampleEvent]) -> Iterator[tuple[ExpectedSlot, Decimal]]:
    seen = set()
    for number, given in enumerate(row.expected, 1):
        place = gettext("expected line {number}").format(number=number)
        _check_names(place, given, LINE_NAMES)
        amount, currency = _number(place, given, "amount"), _text(place, given, "currency")
        if amount is None or currency not in PLACES:
            raise ExampleRefused(gettext("{place} has an amount and its currency, such as EUR.").format(place=place))
        rule = _whole(place, given, "rule", least=1, most=1000, without=1)
        level = _whole(place, given, "to", least=0, most=len(PARENTS), without=0)
        slot = ExpectedSlot(_part(place, row.by, given, events), rule, level, currency)
        if slot in seen:
            raise ExampleRefused(
                gettext("{place} is for the same as one before it; give their sum once.").format(place=place)
            )
        seen.add(slot)
        yield slot, amount


def _part(place: str, by: str, given: Mapping[str, Any], events: Sequence[ExampleEvent]) -> str:
    if by == MONTH:
        months = sorted({f"{event.occurred_at:%Y-%m}" for event in events if not event.is_history})
        if given.get(MONTH) not in months:
            raise ExampleRefused(
                gettext("{place} is for a month of the events: {names}.").format(place=place, names=", ".join(months))
            )
        return str(given[MONTH])
    places = [number for number, event in enumerate(events, 1) if not event.is_history]
    number = _whole(place, given, EVENT, least=1, most=len(events), without=places[-1])
    if number not in places:
        raise ExampleRefused(
            gettext("{place} is for an event that is not history: {names}.").format(
                place=place, names=", ".join(map(str, places))
            )
        )
    return str(number)


def _whole(place: str, given: Mapping[str, Any], name: str, *, least: int, most: int, without: int) -> int:
    number = given.get(name, without)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise ExampleRefused(
            gettext("{place}: `{name}` is a whole number from {least} to {most}; {number!r} is none.").format(
                place=place, name=name, least=least, most=most, number=number
            )
        )
    return number


def _check_names(place: str, given: Any, names: Sequence[str]) -> None:
    if not isinstance(given, Mapping):
        raise ExampleRefused(
            gettext("{place} is not an object; it has {names}.").format(place=place, names=", ".join(names))
        )
    unknown = [str(name) for name in given if name not in names]
    if unknown:
        raise ExampleRefused(
            gettext("{place} does not know {names}; it has {names_2}.").format(
                place=place, names=", ".join(unknown), names_2=", ".join(names)
            )
        )


def _number(place: str, given: Mapping[str, Any], name: str) -> Decimal | None:
    text = given.get(name)
    if text is None or text == "":
        return None
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= Decimal("1e16"):
        raise ExampleRefused(
            gettext('{place}: `{name}` is a number written as text, such as "80.00"; {text!r} is none.').format(
                place=place, name=name, text=text
            )
        )
    return number


def _moment(place: str, text: Any) -> datetime | None:
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ExampleRefused(
            gettext("{place}: {text!r} is not a day such as 2026-10-03.").format(place=place, text=text)
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(place: str, given: Mapping[str, Any], name: str) -> str:
    text = "" if given.get(name) is None else given[name]
    if not isinstance(text, str) or len(text) > 255 or not text.isprintable():
        raise ExampleRefused(
            gettext("{place}: `{name}` is a printable text of at most 255 characters.").format(place=place, name=name)
        )
    return text


def _subs(place: str, given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(
        name in SUB_NAMES and isinstance(value, str) and value.isprintable() for name, value in given.items()
    ):
        raise ExampleRefused(
            gettext("{place}: `subs` gives texts for {names}.").format(place=place, names=", ".join(SUB_NAMES))
        )
    return dict(given)


def _deductions(place: str, given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(str(name).isprintable() for name in given):
        raise ExampleRefused(gettext("{place}: `deductions` gives an amount by name.").format(place=place))
    return {str(name): str(_number(place, given, name) or 0) for name in given}


def stored_examples(rows: Iterable[WorkedExample], goals: Mapping[str, Goal]) -> list[Example]:
    """Examples of published versions, which were checked then; one whose goal has another code now is left out."""
    found = []
    for row in rows:
        try:
            found.append(read_example(row, goals=goals, effective_from=row.version.effective_from))
        except ExampleRefused:
            continue
    return found


def unsaved(document: Any) -> WorkedExample:
    """An example as a file gives it: `{"name": …, "by": "event", "events": [...], "expected": [...]}`."""
    if not isinstance(document, Mapping) or (unknown := document.keys() - {"name", "by", "events", "expected"}):
        words = (
            gettext("does not know {names}").format(names=", ".join(sorted(unknown)))
            if isinstance(document, Mapping)
            else gettext("is not an object")
        )
        raise ExampleRefused(gettext("An example {words}; it has name, by, events and expected.").format(words=words))
    name = document.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 120 or not name.isprintable():
        raise ExampleRefused(gettext("An example has a name of at most 120 characters."))
    return WorkedExample(
        name=name,
        by=document.get("by", EVENT),
        events=document.get("events", []),
        expected=document.get("expected", []),
    )
