"""How a request of another platform is read: which of its names means which of ours, and in which words and units."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from affiliates.money import PLACES

Pairs = list[tuple[str, str]]
MONEY = ("payout", "revenue")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A platform's names for ours, the first that was sent counts. Names and words are compared case-blind.

    `fields` goes from our name (`click_id`, `txid`, `event_type`, `payout`, `revenue`, `currency`, `status`,
    `timestamp`, `customer_id`, `coupon`) to the platform's. `minor_units` says that 12.50 is sent as 1250.
    `statuses` and `goals` translate words; a word that they lack is taken as it is, a goal of "" is the
    advertiser's default goal. `sums` names fields whose value is a list of amounts, parted by |.
    """

    name: str
    fields: Dictionary[str, tuple[str, ...]]
    minor_units: bool = False
    statuses: Dictionary[str, str] = field(default_factory=dict)
    default_status: str = ""
    goals: Dictionary[str, str] = field(default_factory=dict)
    default_currency: str = ""
    sums: frozenset[str] = frozenset()

    @property
    def is_native(self) -> bool:
        return self.name == NATIVE.name

    def shown(self, ours: str) -> str:
        """The name that the sender knows a field by."""
        names = self.fields.get(ours)
        return names[0] if names else ours

    def translate(self, sent: Pairs, *, goal: str = "", currency: str = "") -> Pairs:
        """The pairs under our names, in our words and units; what has no meaning here is left out.

        `goal` is the goal of an event that names none, `currency` that of amounts without one.
        """
        if self.is_native:
            return sent
        by_name: dict[str, list[str]] = {}
        for name, value in sent:
            by_name.setdefault(name.strip().lower(), []).append(value)
        found = [(ours, value) for ours, names in self.fields.items() for value in _first(by_name, names)]
        values = dict(reversed(found))
        known = values.get("currency") or self.default_currency or currency
        pairs = [(ours, self._word(ours, value, known)) for ours, value in found]
        pairs = [(ours, value) for ours, value in pairs if ours != "event_type" or value]
        if not any(ours == "event_type" for ours, _ in pairs) and goal:
            pairs.append(("event_type", goal))
        if "status" not in values and self.default_status:
            pairs.append(("status", self.default_status))
        if "currency" not in values and self.default_currency:
            pairs.append(("currency", self.default_currency))
        return pairs

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
        """The amount in whole units; what cannot be read is left to the parser, which names the fault."""
        try:
            parts = [Decimal(part) for part in text.split("|")] if ours in self.sums else [Decimal(text)]
        except InvalidOperation:
            return text
        if not all(part.is_finite() for part in parts):
            return text
        total = sum(parts, Decimal(0))
        if self.minor_units:
            total = total.scaleb(-PLACES.get(currency, 2))
        elif ours not in self.sums:
            return text
        return f"{total:f}"


def _first(by_name: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    """The values of the first of these names that has one."""
    for name in names:
        values = [value for value in by_name.get(name.lower(), ()) if value.strip()]
        if values:
            return values
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
