"""The facts of an event by name, as text. Corrections and conflicts compare them."""

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal

from conversions.dialects.mapping import DEDUCTIONS
from conversions.intake.parsed_event import ParsedEvent
from conversions.models import Conversion
from conversions.values import fact_in_words

AMOUNTS = frozenset({"revenue", "payout", "volume", *DEDUCTIONS, "currency"})


def facts_of(event: ParsedEvent) -> dict[str, str]:
    """The facts of an event; absent values are left out."""
    amounts = {"revenue": event.revenue, "payout": event.payout, "volume": event.volume}
    others = {
        "currency": event.currency,
        "time": event.occurred_at.astimezone(UTC).isoformat() if event.occurred_at else "",
        "country": event.country,
        "click_id": str(event.click.uuid) if event.click else "",
        "customer_id": event.customer_id,
        "coupon": event.coupon.lower(),
        "status": event.status,
    }
    return plain_amounts(amounts, event.deductions) | {name: value for name, value in others.items() if value}


def changes_of(before: ParsedEvent, after: ParsedEvent) -> str:
    """Describe how two readings of one request differ; empty if they are the same."""
    old, new = ({**facts_of(event), **_others(event)} for event in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return in_words(old, new, names)


def in_words(before: dict[str, str], after: dict[str, str], names: Iterable[str]) -> str:
    """`revenue 5.00 → 50.00; country not given → GB`: each fact before and after."""
    now = after.get("currency", "") or before.get("currency", "")
    was = before.get("currency", "") or now

    def change(name: str) -> str:
        old, new = before.get(name, ""), after.get(name, "")
        return f"{name} {fact_in_words(name, old, was)} → {fact_in_words(name, new, now)}"

    return "; ".join(map(change, names))


def _others(event: ParsedEvent) -> dict[str, str]:
    """The values of an event that a correction cannot change."""
    refund = {"refund": event.refund} if event.refund is not None else {}
    named = {"txid": event.transaction_id, "event_type": event.goal_code, "refund_id": event.refund_id}
    return plain_amounts(dict(refund), {}) | {name: value for name, value in named.items() if value}


def amounts_of(row: Conversion) -> dict[str, str]:
    """The amounts of a conversion as facts of a correction: names and plain decimals."""
    amounts = {"revenue": row.revenue, "payout": row.payout, "volume": row.volume}
    return plain_amounts(amounts, row.deductions) | {"currency": row.currency}


def plain_amounts(amounts: dict[str, Decimal | None], deductions: dict[str, str]) -> dict[str, str]:
    """Amounts by name as plain decimals: `12.5`; absent ones are left out."""
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    given |= {name: Decimal(text) for name, text in deductions.items()}
    return {name: f"{amount.normalize():f}" for name, amount in given.items()}
