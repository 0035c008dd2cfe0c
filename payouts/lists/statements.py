"""Columns of a statement."""

from affiliates.api import AffiliateName
from records.translation import gettext_lazy as _
from web.lists import API, EXPORT, PAGE, Code, Column, Columns, Moment, Money, Named, Number, Status

STATEMENTS = Columns(
    Column("number", heading="Statement", sorts=("ends_at", "-number")),
    Column("affiliate", Named(AffiliateName), places=API),
    Column("currency", places=EXPORT | API),
    Column("starts_at", Moment("day"), places=EXPORT | API),
    Column("ends_at", Moment("day"), places=EXPORT | API),
    Column("opening", Money()),
    Column("earned", Money(), sorts=("earned", "pk")),
    Column("paid", Money()),
    Column("closing", Money(), sorts=("closing", "pk")),
    Column("first_sequence", Number(), places=EXPORT | API),
    Column("last_sequence", Number(), places=EXPORT | API),
    Column("chain_hash", Code(), places=EXPORT | API),
    Column("closed_at", Moment(), places=EXPORT | API),
    Column(
        "payout",
        Code(),
        read="payout.public_id",
        nullable=True,
        places=EXPORT | API,
        help=_("The ID of the payout that it made due."),
    ),
    Column("payout_status", Status(), "Payout", read="payout.status", places=PAGE | EXPORT),
)
