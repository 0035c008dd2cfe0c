"""Payouts."""

from typing import Any

from django.urls import reverse

from dashboard.portal.filters import PayoutFilters
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import earnings as queries
from payouts.lists.payouts import PAYOUTS
from payouts.models import Payout
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import Columns, Dress


def page_of_statement(payout: Payout) -> str:
    return reverse("portal:statement", args=[payout.statement.number])


class PayoutList(PortalList):
    name, title = "payouts", _("Payouts")
    count_of = ngettext_lazy("%(shown)s payout", "%(shown)s payouts", "number")
    section = _("Earnings")
    lead = _("Money that is on its way to you, or has arrived.")
    columns = Columns(
        base=PAYOUTS,
        dress={
            "id": Dress(has_label=False),
            "statement": Dress(link=page_of_statement),
            "amount": Dress(
                template="portal/earnings/cells/amount_of_payout.html", lines=("vat", "fee", "sent_amount", "rate_day")
            ),
            "status": Dress(template="portal/earnings/cells/status_of_payout.html"),
        },
    )
    filters = PayoutFilters
    order = "-created_at"
    template = "portal/earnings/list.html"
    no_match = Empty("search", _("No payout matches"), _("Choose other days, another status or another currency."))
    nothing = Empty(
        "building-bank",
        _("No payouts yet"),
        _("A statement with a large enough balance in your favour leads to a payout."),
        "portal:statements",
        _("See the statements"),
        quiet=True,
    )

    def records(self) -> Any:
        return queries.payouts_of(self.affiliate)
