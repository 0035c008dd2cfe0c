"""An invoice or credit note as PDF: the two parties, the lines, the tax, and the wording required by law."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from reportlab.platypus import Flowable, KeepTogether

from payouts.documents.pdf_layout import (
    BODY,
    HEAD,
    SMALL,
    TITLE,
    gap,
    load_fonts,
    print_document,
    sums,
    table,
    text,
    totals,
)
from payouts.models import Invoice
from payouts.pricing import plain
from records.money import format_money
from records.translation import in_english


def invoice_pdf(invoice: Invoice) -> bytes:
    """The document as PDF; the same row gives the same bytes. `statement` and `original` are loaded with it."""
    load_fonts()
    story = [*_top(invoice), *_lines(invoice), *_tax(invoice), *_notes(invoice)]
    title = called(invoice)
    return print_document(
        story, title=title, author=invoice.buyer["name"], footer=f"{title} · {invoice.seller['name']}"
    )


def called(invoice: Invoice) -> str:
    return f"{in_english(invoice.get_kind_display())} {invoice.number}"


def _top(invoice: Invoice) -> list[Flowable]:
    statement = invoice.statement
    last_day = statement.ends_at.astimezone(UTC) - timedelta(days=1)
    facts = [
        ("Date", f"{invoice.issued_at.astimezone(UTC):%Y-%m-%d}"),
        (
            f"{'Corrected' if invoice.is_credit_note else 'Supplied'} in the period (UTC)",
            f"{statement.starts_at.astimezone(UTC):%Y-%m-%d} to {last_day:%Y-%m-%d}",
        ),
        ("Statement", statement.number),
    ]
    if invoice.original:
        facts.append(("Corrects invoice", f"{invoice.original.number}\nof {invoice.original.issued_at:%Y-%m-%d}"))
    by = f"Self-billing: written by the recipient, {invoice.buyer['name']}, in the name of the supplier."
    return [
        text(called(invoice), TITLE),
        text(by, SMALL),
        gap(6),
        sums([("Supplier", _party(invoice.seller)), ("Recipient", _party(invoice.buyer))], last=BODY),
        gap(6),
        sums(facts, last=BODY),
    ]


def _party(party: dict[str, Any]) -> str:
    """Name, address with the country, and the numbers, line by line."""
    numbers = [("VAT number", party["vat_number"]), ("Registration", party["registration"])]
    lines = [party["name"], party["address"], party["country"]]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in numbers if value)])


def _lines(invoice: Invoice) -> list[Flowable]:
    rows: list[list[object]] = [
        [line["text"], line["entries"] or "", _money(invoice, line["net"])] for line in invoice.lines
    ]
    columns = [("Commission for", 64), ("Ledger lines", 14), ("Before VAT", 22)]
    return [text("What it is for", HEAD), table(columns, rows, right=2), gap(6)]


def _money(invoice: Invoice, amount: Decimal | str) -> str:
    return format_money(Decimal(amount), invoice.currency)


def _tax(invoice: Invoice) -> list[Flowable]:
    charged = f"VAT {plain(invoice.percent)} %" if invoice.percent else "VAT"
    pairs = [
        ("Before VAT", _money(invoice, invoice.net)),
        (charged, _money(invoice, invoice.vat)),
        ("Total", _money(invoice, invoice.gross)),
    ]
    story: list[Flowable] = [totals(pairs)]
    if invoice.local_vat is not None and invoice.local_rate is not None:
        words = (
            f"VAT in {invoice.local_currency}: {format_money(invoice.local_vat, invoice.local_currency)}, at "
            f"{plain(invoice.local_rate)} {invoice.local_currency} for one {invoice.currency} "
            f"({invoice.local_rate_source}, {invoice.local_rate_day})."
        )
        story += [gap(4), text(words, SMALL)]
    return [KeepTogether(story)]


def _notes(invoice: Invoice) -> list[Flowable]:
    amount = (
        "The amount is taken from the account."
        if invoice.is_credit_note
        else "Amounts are paid by the payouts of the account, less what was agreed to be kept back."
    )
    rest = f"Each line of the ledger that this rests on stands in statement {invoice.statement.number}. {amount}"
    story: list[Flowable] = [text("Notes", HEAD), *(text(note) for note in invoice.notes)]
    return [KeepTogether([*story, gap(4), text(rest, SMALL)])]
