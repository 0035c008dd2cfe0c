"""How a request of another platform is read: its names for our fields, its words and its units."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from records.money import PLACES

# The most digits before or after the point of an amount: 1e999999 written out would be a million digits.
MOST_PLACES = 30

Pairs = list[tuple[str, str]]
# Deductions from the gross for a share of net revenue, in the event's currency.
DEDUCTIONS = ("bonus", "winnings", "chargebacks", "fees", "tax")
MONEY = ("payout", "revenue", "refund", *DEDUCTIONS)


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
        return frozenset(name.lower() for names in self.fields.values() for name in names)

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
        for name, value in sent:
            by_name.setdefault(name.strip().lower(), []).append((name, value))
        found = [(ours, *pair) for ours, names in self.fields.items() for pair in _first(by_name, names)]
        ours_by_name = {ours: value for ours, _, value in reversed(found)}
        known = ours_by_name.get("currency") or self.defaults.get("currency") or currency
        readings = [MappedValue(ours, name, value, self._word(ours, value, known)) for ours, name, value in found]
        readings = [each for each in readings if each.ours != "event_type" or each.value]
        there = {each.ours for each in readings}
        for ours, value in {"event_type": goal, **self.defaults}.items():
            if value and ours not in there:
                readings.append(MappedValue(ours, "", "", value))
        return readings

    def _word(self, ours: str, value: str, currency: str) -> str:
        text = value.strip()
        if ours == "status":
            return self.statuses.get(text.lower(), text)
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
