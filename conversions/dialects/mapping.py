"""How a request of another platform is read: its names for our fields, its words and its units."""

import json
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from conversions import values
from conversions.dialects.item_lines import ItemLines, total_of
from conversions.dialects.paths import is_path
from records.money import PLACES

# The most digits before or after the point of an amount: 1e999999 written out would be a million digits.
MOST_PLACES = 30

Pairs = list[tuple[str, str]]
DEDUCTIONS, MONEY = values.DEDUCTIONS, values.MONEY


class MappedValue(NamedTuple):
    """The value of one of our fields: name and value as sent, and the value in our words and units.

    The name is empty for a value that was not sent: it comes from the mapping or the advertiser.
    """

    ours: str
    name: str
    sent: str
    value: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """A sender's names for our fields; the first name that was sent counts. Names and words ignore case.

    `fields` goes from our name (`click_id`, `txid`, `event_type`, `payout`, `revenue`, `currency`, `status`,
    `timestamp`, `customer_id`, `coupon`) to the sender's. `minor_units` means that 12.50 is sent as 1250. `statuses`
    and `goals` translate words; a word that is not listed stays as sent, and a goal of "" is the advertiser's default
    goal. `defaults` holds, in our words, the value of a field that was not sent; for a field without a name it always
    applies. `sums` names fields whose value is a list of amounts, separated by |. `time_format` is the form of times
    (as for strptime; empty: ISO 8601 or seconds since 1970), `time_zone` the zone of times without one. `tokens` are
    the sender's own names for the token. `version` counts the changes of a mapping that an operator defined.
    """

    name: str
    fields: Dictionary[str, tuple[str, ...]]
    minor_units: bool = False
    statuses: Dictionary[str, str] = field(default_factory=dict)
    goals: Dictionary[str, str] = field(default_factory=dict)
    defaults: Dictionary[str, str] = field(default_factory=dict)
    sums: frozenset[str] = frozenset()
    time_format: str = ""
    time_zone: str = "UTC"
    tokens: tuple[str, ...] = ()
    version: int = 0
    # Words that stand for the time of receipt, in small letters.
    now_words: frozenset[str] = frozenset()
    # Parameters that list, separated by commas, the sender's words for a status of ours, by name in small letters.
    status_lists: Dictionary[str, str] = field(default_factory=dict)
    # The order as numbered lines, read where no revenue was sent.
    lines: ItemLines | None = None
    # A negative revenue takes back that much of a known sale.
    negative_is_refund: bool = False
    # What takes back names no goal: the sale is found by its transaction. What names no affiliate is no error.
    finds_sales: bool = False
    # Words of events that wait for the customer's first one, which names the click.
    later: frozenset[str] = frozenset()
    # Parameters whose value is a JSON object as text, in small letters: its members are read like parameters.
    documents: frozenset[str] = frozenset()
    # Names that say the currency of their amount, in small letters, and names whose whole numbers are hundredths.
    currencies: Dictionary[str, str] = field(default_factory=dict)
    cents: frozenset[str] = frozenset()
    # A parameter and its value, in small letters, that make the event a test.
    test_when: tuple[str, str] | None = None

    @property
    def is_native(self) -> bool:
        return self.name == NATIVE.name

    @property
    def rule(self) -> str:
        """The mapping's name in the trace."""
        return f"{self.name}, version {self.version}" if self.version else self.name

    @property
    def names(self) -> frozenset[str]:
        """Every name that is read, as the sender writes it."""
        return frozenset(name for names in self.fields.values() for name in names)

    @property
    def folded_names(self) -> frozenset[str]:
        """Every name that is read, in small letters."""
        return frozenset(name.lower() for names in self.fields.values() for name in names) | self.documents

    @property
    def paths(self) -> tuple[str, ...]:
        """The names that lead into nested JSON: `data.object.id`."""
        return tuple(name for names in self.fields.values() for name in names if is_path(name))

    def shown(self, ours: str) -> str:
        """The sender's name for a field."""
        names = self.fields.get(ours)
        return names[0] if names else ours

    def translate(self, sent: Pairs, *, goal: str = "", currency: str = "") -> Pairs:
        """The pairs under our names, in our words and units; parameters without a meaning here are left out.

        `goal` is the goal of an event that names none, `currency` that of amounts without one.
        """
        if self.is_native:
            return sent
        return [(each.ours, each.value) for each in self.read(sent, goal=goal, currency=currency)]

    def read(self, sent: Pairs, *, goal: str = "", currency: str = "") -> list[MappedValue]:
        """Like `translate`, with the origin of each value."""
        by_name: dict[str, Pairs] = {}
        for name, value in [*sent, *self._members(sent)] if self.documents else sent:
            by_name.setdefault(name.strip().lower(), []).append((name, value))
        found = [(ours, *pair) for ours, names in self.fields.items() for pair in _first(by_name, names)]
        found += self._of_lines(by_name, found)
        ours_by_name = {ours: value for ours, _, value in reversed(found)}
        known = ours_by_name.get("currency") or self.defaults.get("currency") or currency
        statuses = {**self.statuses, **self._taught_statuses(by_name)} if self.status_lists else self.statuses
        readings = [
            MappedValue(ours, name, value, self._word(ours, value, known, statuses)) for ours, name, value in found
        ]
        readings = self._by_name_of_amount(readings) if self.currencies or self.cents else readings
        readings = self._as_refund(readings) if self.negative_is_refund else readings
        readings = [each for each in readings if each.ours != "event_type" or each.value]
        there = {each.ours for each in readings}
        for ours, value in {"event_type": goal, **self.defaults}.items():
            if value and ours not in there:
                readings.append(MappedValue(ours, "", "", value))
        return readings

    def _of_lines(self, by_name: dict[str, Pairs], found: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """The revenue that the lines of the order add up to, unless the sender named it."""
        if self.lines is None or any(ours == "revenue" for ours, _, _ in found):
            return []
        total = total_of(self.lines, {name: pairs[0][1] for name, pairs in by_name.items()})
        return [("revenue", *total)] if total else []

    def _taught_statuses(self, by_name: dict[str, Pairs]) -> dict[str, str]:
        """The words that the request itself names for each status."""
        return {
            word.strip().lower(): ours
            for name, ours in self.status_lists.items()
            for _, listed in by_name.get(name, ())
            for word in listed.split(",")
            if word.strip()
        }

    def _members(self, sent: Pairs) -> Pairs:
        """The plain members of the JSON objects that were sent as text; numbers stay as they were written."""
        found: Pairs = []
        for name, value in sent:
            if name.strip().lower() in self.documents:
                try:
                    members = json.loads(value, parse_float=str, parse_int=str, parse_constant=str)
                except (ValueError, RecursionError):
                    continue
                if isinstance(members, dict):
                    found += [pair for pair in members.items() if isinstance(pair[1], str)]
        return found

    def _by_name_of_amount(self, readings: list[MappedValue]) -> list[MappedValue]:
        """The amount and its currency as the name of the amount says: `event_revenue_usd` is in dollars."""
        amount = next((each for each in readings if each.ours == "revenue" and each.name), None)
        if amount is None:
            return readings
        name = amount.name.strip().lower()
        whole = amount.value.removeprefix("-").isdigit() and len(amount.value) <= MOST_PLACES
        if name in self.cents and whole:
            cents = f"{Decimal(amount.value).scaleb(-2):f}"
            readings = [each._replace(value=cents) if each is amount else each for each in readings]
        if currency := self.currencies.get(name):
            others = [each for each in readings if each.ours != "currency"]
            readings = [*others, MappedValue("currency", amount.name, amount.sent, currency)]
        return readings

    @staticmethod
    def _as_refund(readings: list[MappedValue]) -> list[MappedValue]:
        """A negative revenue as the refund of the sale; a status beside it says nothing more."""
        back = next((each for each in readings if each.ours == "revenue" and each.value.startswith("-")), None)
        if back is None:
            return readings
        refund = back._replace(ours="refund", value=back.value.removeprefix("-"))
        return [refund, *(each for each in readings if each is not back and each.ours != "status")]

    def _word(self, ours: str, value: str, currency: str, statuses: Dictionary[str, str]) -> str:
        text = value.strip()
        if ours == "status":
            return statuses.get(text.lower(), text)
        if ours == "event_type":
            return self.goals.get(text.lower(), text)
        if ours in MONEY:
            return self._amount(ours, text, currency.upper())
        return text

    def _amount(self, ours: str, text: str, currency: str) -> str:
        """The amount in whole units; an unreadable one is left to the parser, which reports the error."""
        try:
            parts = [Decimal(part) for part in text.split("|")] if ours in self.sums else [Decimal(text)]
        except InvalidOperation:
            return text
        if not all(part.is_finite() and abs(part.adjusted()) <= MOST_PLACES for part in parts):
            return text
        total = sum(parts, Decimal(0))
        if self.minor_units:
            total = total.scaleb(-PLACES.get(currency, 2))
        elif ours not in self.sums:
            return text
        return f"{total:f}"


def _first(by_name: dict[str, Pairs], names: tuple[str, ...]) -> Pairs:
    """The pairs of the first of these names that has a value."""
    for name in names:
        pairs = [pair for pair in by_name.get(name.lower(), ()) if pair[1].strip()]
        if pairs:
            return pairs
    return []


NATIVE = Mapping(
    name="native",
    fields={
        "click_id": ("click_id",),
        "txid": ("txid", "transaction_id", "event_id"),
        "event_type": ("event_type", "goal_id"),
        "payout": ("payout",),
        "revenue": ("revenue",),
        "currency": ("currency",),
        "status": ("status",),
        "timestamp": ("timestamp",),
        "customer_id": ("customer_id",),
        "coupon": ("coupon",),
    },
)
# Every name that is read; the documented one of each field comes first.
NAMES: dict[str, tuple[str, ...]] = {
    **NATIVE.fields,
    "volume": ("volume", "lots"),
    "refund": ("refund",),
    "refund_id": ("refund_id",),
    **{name: (name,) for name in DEDUCTIONS},
}
