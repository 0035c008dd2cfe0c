"""The amounts of statements to invoice: their commission, split into new commission and corrections of invoices."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Q, Sum

from payouts.models import Invoice, Invoicing, LedgerEntry, Statement

ZERO = Decimal(0)

Kind = LedgerEntry.Kind
# VAT is what an invoice makes, not what it is for.
NOT_INVOICED = [*LedgerEntry.PAYING, Kind.VAT]

Account = tuple[int, str]
"""An affiliate's number and a currency."""


class StatementPart(NamedTuple):
    """Lines of a statement that belong together: of a goal, or an adjustment for itself.

    `original` is the invoice that these lines correct: the one on which their conversions stood first.
    """

    statement_id: int
    original: int | None
    text: str
    entries: int
    net: Decimal


# A correction is a line for a conversion, or a day's clicks, that has a line in an earlier statement that was invoiced.
_PARTS = """
    SELECT statement_id, original_id, text, count(*), sum(amount)
    FROM (
        SELECT statement.id AS statement_id, original.id AS original_id, entry.amount, entry.sequence,
               offer.name AS offer, goal.position, goal.name AS goal, goal.id AS goal_id,
               coalesce(offer.name || ': ' || coalesce(goal.name, 'Clicks'), _WORDS_) AS text,
               CASE WHEN offer.id IS NULL THEN entry.sequence END AS alone
        FROM payouts_statement AS statement
        JOIN payouts_ledgerentry AS entry
          ON entry.affiliate_id = statement.affiliate_id AND entry.currency = statement.currency
         AND entry.sequence BETWEEN statement.first_sequence AND statement.last_sequence
        LEFT JOIN conversions_conversion AS conversion ON conversion.id = entry.conversion_id
        LEFT JOIN conversions_goal AS goal ON goal.id = conversion.goal_id
        LEFT JOIN payouts_billedclicks AS clicks ON clicks.id = entry.clicks_id
        LEFT JOIN affiliates_offer AS offer ON offer.id = coalesce(goal.offer_id, clicks.offer_id)
        LEFT JOIN LATERAL (
            SELECT invoice.id
            FROM payouts_ledgerentry AS before
            JOIN payouts_statement AS earlier
              ON earlier.affiliate_id = before.affiliate_id AND earlier.currency = before.currency
             AND before.sequence BETWEEN earlier.first_sequence AND earlier.last_sequence
            JOIN payouts_invoice AS invoice ON invoice.statement_id = earlier.id AND invoice.kind = 'invoice'
            WHERE (before.conversion_id = entry.conversion_id OR before.clicks_id = entry.clicks_id)
              AND before.affiliate_id = entry.affiliate_id
              AND before.currency = entry.currency AND before.sequence < statement.first_sequence
            ORDER BY before.sequence
            LIMIT 1
        ) AS original ON true
        WHERE statement.id = ANY(%s) AND entry.kind <> ALL(%s)
    ) AS line
    GROUP BY statement_id, original_id, goal_id, offer, position, goal, text, alone
    ORDER BY statement_id, offer, position, goal, min(sequence)
""".replace(
    # As `LedgerEntry.words`: without the operator's name that adjustments of earlier versions end with.
    "_WORDS_",
    r"""
               CASE WHEN entry.kind = 'adjustment' AND entry.actor_id IS NULL
                    THEN regexp_replace(entry.arithmetic, ' \(by [^()]*\)$', '') ELSE entry.arithmetic END""",
)


def parts_of(statement_ids: Collection[int]) -> dict[int, list[StatementPart]]:
    """The lines of these statements in groups, without payments and VAT; one query."""
    found: dict[int, list[StatementPart]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [list(statement_ids), [str(kind) for kind in NOT_INVOICED]])
        for row in cursor.fetchall():
            found[row[0]].append(StatementPart(*row))
    return found


class Open(NamedTuple):
    """An invoice and what is left of it after its credit notes: before VAT, VAT, VAT in the country's currency."""

    invoice: Invoice
    net: Decimal
    vat: Decimal
    local_vat: Decimal | None


def open_invoices(accounts: Collection[Account]) -> dict[Account, list[Open]]:
    """The invoices of these accounts of which something is left, the newest first; at most one query."""
    affiliates = {affiliate_id for affiliate_id, _ in accounts}
    rows = (
        Invoice.objects.filter(kind=Invoice.Kind.INVOICE, affiliate__in=affiliates)
        .annotate(
            credited=Sum("credit_notes__net"),
            credited_vat=Sum("credit_notes__vat"),
            credited_local=Sum("credit_notes__local_vat"),
        )
        .filter(Q(credited=None) | Q(credited__gt=-F("net")))
        .order_by("-issued_at", "-id")
    )
    found: dict[Account, list[Open]] = defaultdict(list)
    for row in rows:
        local = None if row.local_vat is None else row.local_vat + (row.credited_local or ZERO)
        left = Open(row, row.net + (row.credited or ZERO), row.vat + (row.credited_vat or ZERO), local)
        found[row.affiliate_id, row.currency].append(left)
    return found


def carried(statements: Sequence[Statement]) -> dict[Account, Decimal]:
    """Negative commission of these accounts' earlier statements that no document covers; one query."""
    rows = (
        Invoicing.objects.filter(affiliate__in={each.affiliate_id for each in statements})
        .values_list("affiliate_id", "currency")
        .annotate(left=Sum(F("earned") - F("documented")))
        .order_by()
    )
    return {(affiliate_id, currency): left for affiliate_id, currency, left in rows}
