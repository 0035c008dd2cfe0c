"""Concerns that finance checks before a payout is sent: an affiliate without access, a missing invoice."""

from collections.abc import Collection
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from affiliates.models import Affiliate
from payouts.invoicing.readiness import InvoiceParty, TaxTreatments, sides_of, supply_day
from payouts.models import Invoicing, Issuer, Payout, Statement
from records.translation import gettext_lazy as _


class Concern(StrEnum):
    AFFILIATE = "affiliate"
    INVOICE = "invoice"


TITLES = {
    Concern.AFFILIATE: _("to affiliates that are suspended, closed or not approved yet"),
    Concern.INVOICE: _("without an invoice"),
}


def concerns_of(payouts: Collection[Payout]) -> dict[int, dict[Concern, str]]:
    """By payout, its concerns in words that follow the payout's ID. Payouts without any are left out.

    Reads the affiliates' current status. About five queries for any number of payouts.
    """
    statuses = _statuses(payouts)
    uninvoiced = _uninvoiced(payouts)
    found: dict[int, dict[Concern, str]] = {}
    for payout in payouts:
        status = Affiliate.Status(statuses[payout.affiliate_id])
        if status != Affiliate.Status.ACTIVE:
            found.setdefault(payout.pk, {})[Concern.AFFILIATE] = gettext(
                "goes to an affiliate that is {status}"
            ).format(status=status.label.lower())
        if payout.pk in uninvoiced:
            found.setdefault(payout.pk, {})[Concern.INVOICE] = uninvoiced[payout.pk]
    return found


def _statuses(payouts: Collection[Payout]) -> dict[int, str]:
    rows = Affiliate.objects.filter(pk__in={payout.affiliate_id for payout in payouts})
    return dict(rows.values_list("pk", "status"))


def _uninvoiced(payouts: Collection[Payout]) -> dict[int, str]:
    """Payouts whose statement earned something and has no invoice, where a company issues invoices at all."""
    issuer = Issuer.objects.first()
    if issuer is None:
        return {}
    without = Statement.objects.filter(pk__in={payout.statement_id for payout in payouts}, invoicing=None)
    open_ones = without.exclude(earned=0).in_bulk()
    sides, tax = sides_of({row.affiliate_id for row in open_ones.values()}), TaxTreatments(issuer)
    words: dict[int, str] = {}
    for payout in payouts:
        if statement := open_ones.get(payout.statement_id):
            side = sides.get(payout.affiliate_id, InvoiceParty())
            lacks = tax.lacks(side, statement.currency, supply_day(statement.ends_at))
            words[payout.pk] = gettext("has no invoice: {names}").format(
                names=" ".join(lacks) or gettext("it was not written yet.")
            )
    return words


def with_marks(payouts: "QuerySet[Payout]") -> "QuerySet[Payout]":
    """Add the rows that `marks` reads to a list's query."""
    invoiced = Invoicing.objects.filter(statement=OuterRef("statement"))
    open_one = Statement.objects.filter(pk=OuterRef("statement")).exclude(earned=0)
    uninvoiced = Exists(Issuer.objects.all()) & Exists(open_one) & ~Exists(invoiced)
    return payouts.select_related("affiliate", "statement", "batch").annotate(uninvoiced=uninvoiced)


def marks(payout: Payout) -> str:
    """The concerns of a payout of `with_marks` in a few words, while it is due."""
    if payout.status != Payout.Status.DUE:
        return ""
    status = Affiliate.Status(payout.affiliate.status)
    words = (
        [gettext("affiliate {status}").format(status=status.label.lower())] if status != Affiliate.Status.ACTIVE else []
    )
    return ", ".join(words + [gettext("no invoice")] * bool(getattr(payout, "uninvoiced", False)))
