"""Columns of an invoice or credit note."""

from affiliates.api import AffiliateName
from records.translation import gettext_lazy as _
from web.lists import API, EXPORT, Choice, Column, Columns, Decimals, Moment, Money, Named, Reference

INVOICES = Columns(
    Column("number"),
    Column("kind", Choice()),
    Column("affiliate", Named(AffiliateName), places=API),
    Column("statement", Reference(), "For statement", read="statement.number", help=_("The statement's number.")),
    Column(
        "original",
        Reference(),
        read="original.number",
        nullable=True,
        help=_("The invoice that a credit note corrects."),
    ),
    Column("issued_at", Moment("day"), "Issued", sorts=("issued_at", "pk")),
    Column("currency", places=EXPORT | API),
    Column("net", Money(), "Before VAT", sorts=("net", "pk")),
    Column("percent", Decimals(), "VAT rate", help=_("The VAT rate in percent.")),
    Column("vat", Money(), "VAT"),
    Column("gross", Money(), "Total", sorts=("gross", "pk")),
    Column("local_vat", Money("local_currency"), nullable=True, places=API),
    Column("local_currency", places=API),
)
