"""The facts that a request sends about an event, by name, as text: what corrections and conflicts compare."""

from datetime import UTC
from decimal import Decimal

from conversions.dialects.mapping import DEDUCTIONS
from conversions.intake.parsed_event import ParsedEvent, from_document
from conversions.models import Conversion, Postback

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
    return _plain(amounts, event.deductions) | {name: value for name, value in others.items() if value}


def facts_sent(row: Postback) -> dict[str, str]:
    """The facts that a stored request sent, as they were read on receipt."""
    facts = facts_of(event_of(row))
    return facts | {"click_id": str(row.click_id)} if row.click_id else facts


def event_of(row: Postback) -> ParsedEvent:
    """The event that was read from a stored request; one without values if it never was."""
    return from_document(row.event) if row.event else ParsedEvent()


def changes_of(before: ParsedEvent, after: ParsedEvent) -> str:
    """In words, where one request was read as two different events; empty if they are the same."""
    old, new = ({**facts_of(event), **_others(event)} for event in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return "; ".join(f"{name} {old.get(name, 'not given')} → {new.get(name, 'not given')}" for name in names)


def _others(event: ParsedEvent) -> dict[str, str]:
    """What makes an event besides the facts that a correction may change."""
    refund = {"refund": event.refund} if event.refund is not None else {}
    named = {"txid": event.transaction_id, "event_type": event.goal_code, "refund_id": event.refund_id}
    return _plain(dict(refund), {}) | {name: value for name, value in named.items() if value}


def amounts_of(row: Conversion) -> dict[str, str]:
    """The amounts of a conversion as facts of a correction: names and plain decimals."""
    amounts = {"revenue": row.revenue, "payout": row.payout, "volume": row.volume}
    return _plain(amounts, row.deductions) | {"currency": row.currency}


def _plain(amounts: dict[str, Decimal | None], deductions: dict[str, str]) -> dict[str, str]:
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    given |= {name: Decimal(text) for name, text in deductions.items()}
    return {name: f"{amount.normalize():f}" for name, amount in given.items()}
