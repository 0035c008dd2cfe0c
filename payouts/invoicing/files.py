"""Invoices as data: JSON with all their content, CSV with a row for each line."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from decimal import Decimal
from typing import Any

from payouts.models import Invoice
from payouts.pricing import plain
from records.money import round_money
from records.spreadsheet_cells import csv_text

FORMAT = "affidavit-invoice/1"
PARTY = ("name", "address", "country", "vat_number", "registration")
COLUMNS = (
    *("number", "kind", "issued_on", "corrects", "statement", "period_starts", "period_ends"),
    *(f"{side}_{name}" for side in ("supplier", "recipient") for name in PARTY),
    *("line", "ledger_lines", "net", "vat_percent", "vat", "gross", "currency", "tax_rule"),
)


def invoice_data(invoice: Invoice) -> dict[str, Any]:
    """The content of the document; amounts are texts, times ISO 8601 in UTC."""
    statement, currency = invoice.statement, invoice.currency
    local = None
    if invoice.local_vat is not None and invoice.local_rate is not None:
        local = {
            "vat": f"{round_money(invoice.local_vat, invoice.local_currency):f}",
            "currency": invoice.local_currency,
            "rate": plain(invoice.local_rate),
            "rate_day": str(invoice.local_rate_day),
            "rate_source": invoice.local_rate_source,
        }
    return {
        "format": FORMAT,
        "number": invoice.number,
        "kind": invoice.kind,
        "issued_on": f"{invoice.issued_at.astimezone(UTC):%Y-%m-%d}",
        "corrects": invoice.original.number if invoice.original else None,
        "statement": statement.number,
        "period_starts": f"{statement.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "period_ends": f"{statement.ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "supplier": invoice.seller,
        "recipient": invoice.buyer,
        "lines": invoice.lines,
        "currency": currency,
        **{name: f"{round_money(getattr(invoice, name), currency):f}" for name in ("net", "vat", "gross")},
        "vat_percent": plain(invoice.percent),
        "vat_in_local_currency": local,
        "tax_rule": invoice.rule,
        "notes": invoice.notes,
    }


def invoice_csv(invoices: Iterable[Invoice]) -> str:
    """A row for each line of these documents; their VAT adds up to the document's."""
    rows = (row for invoice in invoices for row in _csv_rows(invoice))
    return csv_text([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)])


def _csv_rows(invoice: Invoice) -> Iterator[dict[str, Any]]:
    facts = invoice_data(invoice)
    for side in ("supplier", "recipient"):
        facts |= {f"{side}_{name}": facts[side][name] for name in PARTY}
    for line in invoice.lines:
        net, vat = Decimal(line["net"]), Decimal(line["vat"])
        amounts = {"net": net, "vat": vat, "gross": net + vat}
        yield facts | amounts | {"line": line["text"], "ledger_lines": line["entries"]}
