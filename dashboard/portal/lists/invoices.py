"""Invoices and credit notes."""

from typing import Any

from django.urls import reverse

from dashboard.portal.filters import InvoiceFilters
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import billing as queries
from payouts.lists.invoices import INVOICES
from payouts.models import Invoice
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import PAGE, Column, Columns, Dress


def page_of_statement(invoice: Invoice) -> str:
    return reverse("portal:statement", args=[invoice.statement.number])


class InvoiceList(PortalList):
    name, title = "invoices", _("Invoices")
    count_of = ngettext_lazy("%(shown)s document", "%(shown)s documents", "number")
    section = _("Earnings")
    lead = _("Invoices for your commission, written in your name. You do not need to write any yourself.")
    columns = Columns(
        Column(
            "download",
            read="number",
            places=PAGE,
            dress=Dress(
                template="portal/earnings/cells/download_of_invoice.html", has_label=False, heading_is_hidden=True
            ),
        ),
        base=INVOICES,
        dress={
            "number": Dress(
                template="portal/earnings/cells/number_of_invoice.html", lines=("kind", "original"), is_main=True
            ),
            "statement": Dress(link=page_of_statement),
            "vat": Dress(template="portal/earnings/cells/vat_of_invoice.html", lines=("percent",)),
            "gross": Dress(css="fw-bold"),
        },
    )
    filters = InvoiceFilters
    order = "-issued_at"
    template = "portal/earnings/invoices.html"
    no_match = Empty("search", _("No document matches"), _("Choose other days, another kind or another currency."))
    nothing = Empty(
        "file-text",
        _("No invoices yet"),
        _("When a period is closed, the invoice for what you earned in it is written in your name and appears here."),
        "portal:billing",
        _("See your billing details"),
        quiet=True,
    )

    def records(self) -> Any:
        return queries.invoices_of(self.affiliate)

    def more(self) -> dict[str, Any]:
        return {"lacks": queries.billing_lacks(self.affiliate)}
