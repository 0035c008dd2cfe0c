"""Columns of a payout."""

from affiliates.api import AffiliateName
from records.translation import gettext_lazy as _
from web.lists import API, EXPORT, Code, Column, Columns, Decimals, Moment, Money, Named, Reference, Status

PAYOUTS = Columns(
    Column("id", Code(), "Payout", read="public_id"),
    Column("affiliate", Named(AffiliateName), places=API),
    Column("statement", Reference(), "For statement", read="statement.number", help=_("The statement's number.")),
    Column("amount", Money(), sorts=("amount", "pk")),
    Column("currency", places=EXPORT | API),
    Column("vat", Money(), "VAT"),
    Column("fee", Money()),
    Column("sent_amount", Money("sent_currency")),
    Column("sent_currency", places=EXPORT | API),
    Column(
        "rate",
        Decimals(),
        nullable=True,
        places=EXPORT | API,
        help=_("Units sent for one unit of the amount; null where both are in one currency."),
    ),
    Column("rate_day"),
    Column("rate_source", places=EXPORT | API),
    Column("status", Status(), sorts=("status", "-created_at", "-pk")),
    Column("created_at", Moment("day"), "Made", sorts=("created_at", "pk")),
    Column("paid_at", Moment("day"), "Paid", sorts=("paid_at", "pk")),
    Column("reference"),
)
