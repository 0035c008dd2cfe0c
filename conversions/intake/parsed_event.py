"""The event that was read from a request, and the document in which it is stored beside the request."""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tracking.click_id.codec import ClickID

# The form of the stored document.
VERSION = 1


@dataclass(slots=True)
class ParsedEvent:
    """The values of a request, parsed and checked. Absent values are empty or None."""

    click_text: str = ""
    click: ClickID | None = None
    transaction_id: str = ""
    goal_code: str = ""
    payout: Decimal | None = None
    revenue: Decimal | None = None
    volume: Decimal | None = None
    deductions: dict[str, str] = field(default_factory=dict)
    # The amount refunded on a known sale, with the sender's own ID of the refund.
    refund: Decimal | None = None
    refund_id: str = ""
    # The refund is all that went back of the sale so far.
    is_refund_total: bool = False
    currency: str = ""
    status: str = ""
    occurred_at: datetime | None = None
    customer_id: str = ""
    # The customer's country, two upper-case letters.
    country: str = ""
    coupon: str = ""
    fingerprint: str = ""
    # Parameters that no rule reads, by name: the advertiser's own labels.
    extras: dict[str, str] = field(default_factory=dict)


_NAMES = tuple(each.name for each in fields(ParsedEvent))
_AMOUNTS = frozenset({"payout", "revenue", "volume", "refund"})


def as_document(event: ParsedEvent) -> dict[str, Any]:
    """The event as JSON: amounts as text, the time in UTC, the click as UUID. Absent values are left out."""
    document: dict[str, Any] = {"version": VERSION}
    for name in _NAMES:
        value = getattr(event, name)
        if value is not False and value not in (None, "", {}):
            document[name] = _as_json(value)
    return document


def _as_json(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case ClickID():
            return str(value.uuid)
        case _:
            return value


def from_document(document: dict[str, Any]) -> ParsedEvent | None:
    """The event of a stored document; None without one, or for a version that this code does not know."""
    if document.get("version") != VERSION:
        return None
    values = {name: value for name, value in document.items() if name in _NAMES}
    for name in _AMOUNTS & values.keys():
        values[name] = Decimal(values[name])
    if "occurred_at" in values:
        values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
    if "click" in values:
        values["click"] = ClickID(UUID(values["click"]))
    return ParsedEvent(**values)
