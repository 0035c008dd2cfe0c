"""Numbers of invoices: from 1 on in each year, without gaps, whoever writes at the same time."""

from django.db import connection

from payouts.models import Invoice, Issuer


def take_numbers(*, issuer: Issuer, kind: str, year: int, count: int) -> range:
    """The next `count` numbers of the year. Needs a transaction.

    The counter's row stays locked until it ends: whoever numbers at the same time waits, and a roll-back gives the
    numbers back before anybody else can see what comes after them. Take it last, after the locks of accounts.
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
