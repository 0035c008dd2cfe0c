"""Conversions: the list, and the newest ones on the overview."""

from typing import Any

from django.urls import reverse

from dashboard.portal.filters import ConversionFilterForm
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import conversions as queries
from dashboard.portal.queries.conversions import ConversionRow
from payouts.lists.conversions import EARNING_CONVERSIONS
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import EXPORT, PAGE, Column, Columns, Dress, Text


def page_of_conversion(row: Any) -> str:
    return reverse("portal:conversion", args=[row.conversion.public_id])


def page_of_link(row: Any) -> str:
    return reverse("portal:link", args=[row.conversion.link.code])


STATUS = Dress(
    template="portal/conversions/cells/status.html",
    lines=("is_test", "reason_text"),
    css="cell-status",
    has_label=False,
)


class ConversionList(PortalList):
    name, title = "conversions", _("Conversions")
    count_of = ngettext_lazy("%(shown)s conversion", "%(shown)s conversions", "number")
    lead = _("Every event that was reported for you, with its status. Open one to see why.")
    columns = Columns(
        Column("sub1", Text(24), "sub1", places=PAGE | EXPORT, after="link", dress=Dress(css="cell-extra")),
        base=EARNING_CONVERSIONS,
        at="conversion",
        dress={
            "goal": Dress(link=page_of_conversion, lines=("offer",), is_main=True),
            "status": STATUS,
            "link": Dress(link=page_of_link),
        },
    )
    filters = ConversionFilterForm
    order = "-occurred_at"
    no_match = Empty(
        "search",
        _("No conversion matches"),
        _("Remove some filters, or search for the whole click ID or a part of the transaction ID."),
    )
    nothing = Empty(
        "target-arrow",
        _("No conversions yet"),
        _(
            "When one of your visitors registers, deposits or buys, the advertiser reports it and it appears "
            "here, with every reason."
        ),
        "portal:links",
        _("Go to your links"),
    )

    def records(self) -> Any:
        return queries.conversions_of(self.affiliate)

    def rows(self, records: list[Any]) -> list[ConversionRow]:
        return queries.rows(records)


NEWEST = Columns(
    base=ConversionList.columns,
    only=("goal", "offer", "occurred_at", "status", "commission"),
    dress={
        "goal": Dress(link=page_of_conversion, lines=("offer", "occurred_at"), is_main=True),
        "status": Dress(template="portal/conversions/cells/badges.html"),
    },
)
