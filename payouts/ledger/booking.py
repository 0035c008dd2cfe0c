"""The ledger: amounts owed, booked as append-only lines.

A conversion's row is its own outbox: every change of its commission clears `booked_at`. Booking reads these rows,
prices them in their current state, and appends the difference between the amount owed and the amount in the ledger.
Approval, reversal, correction, a new plan version and a lost task all take this path.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.ledger.chain import Draft, append
from payouts.ledger.owed import Slot, Subject, booked_amounts, differences_of, slot_of
from payouts.ledger.pricing_groups import PricingGroup, TimeSpan, lineage, lock_accounts, spans, with_facts, within
from payouts.models import LedgerEntry
from payouts.plans.price_books import keep_versions, price_book
from payouts.pricing import PriceBook, PricedConversion, Quote, plain, price_all
from records.money import MAX_AMOUNT, PLACES, places, round_money

Kind = LedgerEntry.Kind

# The Conversion fields that hold each field of an Event, in the same order.
EVENT_COLUMNS = (
    "pk",
    "affiliate_id",
    "goal__offer_id",
    "goal_id",
    "status",
    "kept",
    "currency",
    "occurred_at",
    "customer_id",
    "volume",
    "deductions",
    "click_id",
)


class AdjustmentRefused(ValueError):
    """The adjustment cannot be booked; nothing was. The message says how to fix it."""


class ZeroAmount(AdjustmentRefused):
    """An entry moves money; an amount of zero does not."""


class UnknownCurrency(AdjustmentRefused):
    """The currency is not supported for amounts."""


class Due(NamedTuple):
    """A conversion as it was priced, and the public ID that its entries are sealed with."""

    event: PricedConversion
    public_id: str


def book_changes(*, limit: int = 1000, now: datetime | None = None) -> int:
    """Bring the ledger up to date with conversions that changed.

    Append only what is owed minus what is already booked, so a second run does nothing. Rows another
    worker holds are skipped: any number may run at once. One transaction: a crash books all or nothing.
    If a plan depends on earlier events, the other events of the same account are priced as well and their differences
    booked; one worker at a time processes such an account. Entries get the time `now`, or the clock's after their chain
    was locked. Twelve queries for any `limit`. Return how many conversions were processed.
    """
    with transaction.atomic():
        keep_versions()
        due = take_due(limit)
        if not due:
            return 0
        concerned, quotes = price_together(due, lock=True)
        booked = booked_amounts("conversion", [row.event.id for row in concerned])
        append(differences(concerned, quotes, booked), now=now)
        taken = Conversion.objects.filter(pk__in=[row.event.id for row in due])
        taken.update(booked_at=now or timezone.now())
    return len(due)


def take_due(limit: int) -> list[Due]:
    """Lock up to `limit` conversions that are due for booking, skipping rows that another worker has locked."""
    rows = Conversion.objects.filter(booked_at=None, is_test=False).order_by("pk")
    return read_events(rows.select_for_update(skip_locked=True, of=("self",), no_key=True)[:limit])


def read_events(rows: QuerySet[Conversion]) -> list[Due]:
    """The facts that the price of these conversions depends on, in the order of the query."""
    rows = rows.annotate(kept=F("revenue") - F("refunded"))
    return [
        Due(PricedConversion(*facts), public_id) for *facts, public_id in rows.values_list(*EVENT_COLUMNS, "public_id")
    ]


def event_of(row: Conversion) -> PricedConversion:
    """The facts of one conversion, which is loaded together with its goal."""
    return PricedConversion(
        row.pk,
        row.affiliate_id,
        row.goal.offer_id,
        row.goal_id,
        row.status,
        row.remaining_revenue,
        row.currency,
        row.occurred_at,
        row.customer_id,
        row.volume,
        row.deductions,
        row.click_id,
    )


def quote_all(events: Sequence[PricedConversion]) -> dict[int, Quote]:
    """Price a batch by conversion ID, in a constant number of queries for any size."""
    quotes = price_together([Due(event, "") for event in events])[1]
    return {event.id: quotes[event.id] for event in events}


def price_together(
    due: Sequence[Due], *, lock: bool = False, book: PriceBook | None = None
) -> tuple[list[Due], dict[int, Quote]]:
    """Price a batch together with the other events that its accounts' rules depend on.

    Return all priced conversions, and their quotes by conversion ID. `lock` locks these accounts before they are read,
    until the transaction ends. `book` replaces the plans in force.
    """
    events = [row.event for row in due]
    if book is None:
        book = price_book(
            offer_ids={event.offer_id for event in events}, affiliate_ids={event.affiliate_id for event in events}
        )
    wanted = spans(events, book)
    if wanted:
        if lock:
            lock_accounts(wanted)
        due = _with_neighbours(due, wanted)
        events = [row.event for row in due]
    family = lineage(book, {event.affiliate_id for event in events})
    return list(due), price_all(with_facts(events, book), book, family)


def _with_neighbours(due: Sequence[Due], wanted: Mapping[PricingGroup, TimeSpan]) -> list[Due]:
    """The batch, followed by the other approved conversions of its accounts."""
    rows = Conversion.objects.filter(within(wanted), status=Conversion.Status.APPROVED, is_test=False).order_by("pk")
    known = {row.event.id for row in due}
    return [*due, *(row for row in read_events(rows) if row.event.id not in known)]


def differences(
    due: Iterable[Due], quotes: Mapping[int, Quote], booked: Mapping[int, Mapping[Slot, Decimal]]
) -> list[Draft]:
    """Owed minus booked for these conversions: commission where more is owed, a reversal where less is."""
    drafts: list[Draft] = []
    for event, public_id in due:
        quote, subject = (
            quotes[event.id],
            Subject(event.occurred_at, conversion=(event.id, public_id)),
        )
        owed = {slot_of(line): line for line in quote.lines}
        drafts += differences_of(subject, owed, booked.get(event.id, {}), reason=quote.reason)
    return drafts


def adjust(
    *, affiliate: Affiliate, amount: Decimal, currency: str, arithmetic: str, actor: User, now: datetime
) -> LedgerEntry:
    """Book a manual correction, up or down. The affiliate sees the reason (`arithmetic`); operators also see who made
    it (`actor`).

    Raise `ZeroAmount`, `UnknownCurrency`, or `AdjustmentRefused` for an amount with more decimals than the currency has
    or too large to store, and for a missing or over-long explanation.
    """
    words = _explained(arithmetic)
    _check_amount(amount, currency)
    draft = Draft(affiliate.pk, Kind.ADJUSTMENT, amount, currency, words, occurred_at=now, actor_id=actor.pk)
    with transaction.atomic():
        return append([draft], now=now)[0]


def _explained(arithmetic: str) -> str:
    words = " ".join(arithmetic.split())
    if not words or not words.isprintable():
        raise AdjustmentRefused("Say why, in plain words: the affiliate reads it beside the amount.")
    if len(words) > 300:
        raise AdjustmentRefused(f"The explanation is {len(words) - 300} characters too long.")
    return words


def _check_amount(amount: Decimal, currency: str) -> None:
    if currency not in PLACES:
        raise UnknownCurrency(f"{currency!r} is not a supported currency; give a code such as EUR.")
    if not amount.is_finite() or abs(amount) >= MAX_AMOUNT:
        raise AdjustmentRefused(f"{amount} is not an amount that can be stored.")
    if not amount:
        raise ZeroAmount("An adjustment of zero moves no money; give an amount above or below it.")
    if amount != round_money(amount, currency):
        raise AdjustmentRefused(
            f"{plain(amount)} has more decimals than {currency} is counted in ({places(currency)})."
        )
