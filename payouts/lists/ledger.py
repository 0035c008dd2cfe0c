"""Columns of a line of an affiliate's account."""

from affiliates.api import AffiliateName
from payouts.models import LedgerEntry
from records.translation import gettext_lazy as _
from web.lists import API, EXPORT, Code, Column, Columns, Moment, Money, Named, Status, Text


def plan_version(entry: LedgerEntry) -> str | None:
    return str(entry.plan_version) if entry.plan_version else None


LEDGER = Columns(
    Column("affiliate", Named(AffiliateName), places=API),
    Column("sequence", heading="No.", sorts=("sequence",)),
    Column("booked_at", Moment(), "Booked"),
    Column("occurred_at", Moment(), places=EXPORT | API),
    Column("kind", Status()),
    Column("arithmetic", Text(), "How it came about", read="words", help=_("How the amount came about, in words.")),
    Column(
        "conversion",
        Code(),
        read="conversion.public_id",
        nullable=True,
        places=EXPORT | API,
        help=_("The conversion's ID."),
    ),
    Column("transaction_id", Code(), read="conversion.transaction_id", places=EXPORT),
    Column(
        "clicks",
        Code(),
        read="clicks.public_id",
        nullable=True,
        places=EXPORT | API,
        help=_("The ID of a link's clicks of a day."),
    ),
    Column("payout", Code(), read="payout.public_id", nullable=True, places=EXPORT | API, help=_("The payout's ID.")),
    Column("amount", Money()),
    Column("currency", places=EXPORT | API),
    Column(
        "plan_version",
        read=plan_version,
        nullable=True,
        places=EXPORT | API,
        help=_("The plan's name and version, such as `Standard v3`."),
    ),
    Column("previous_hash", Code(), places=EXPORT | API),
    Column("hash", Code(10), "Seal"),
)
