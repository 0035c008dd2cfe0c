"""Invoice numbers: from 1 in each year, without gaps, also with concurrent writers."""

from django.db import connection

from payouts.models import Invoice, Issuer


def take_numbers(*, issuer: Issuer, kind: str, year: int, count: int) -> range:
    """The next `count` numbers of the year. Needs a transaction.

    The counter's row stays locked until it ends: concurrent callers wait, and a roll-back returns the numbers before
    anyone can use later ones. Take this lock last, after the locks of accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO payouts_invoicecounter AS counter (issuer_id, kind, year, last) VALUES (%s, %s, %s, %s)
            ON CONFLICT (issuer_id, kind, year) DO UPDATE SET last = counter.last + EXCLUDED.last
            RETURNING last
            """,
            [issuer.pk, kind, year, count],
        )
        last: int = cursor.fetchone()[0]
    return range(last - count + 1, last + 1)


def number_text(issuer: Issuer, kind: str, year: int, sequence: int) -> str:
    """`SB-2026-000017`."""
    prefix = issuer.credit_note_prefix if kind == Invoice.Kind.CREDIT_NOTE else issuer.invoice_prefix
    return f"{prefix}{year}-{sequence:06d}"
