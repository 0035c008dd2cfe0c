"""Links: the list, and the busiest ones on the overview."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from dashboard import periods
from dashboard.portal.access import Portal
from dashboard.portal.filters import LinkFilterForm
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import links as queries
from dashboard.portal.queries.links import LinkRow
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from tracking.lists.links import LINKS, with_urls
from web.lists import EXPORT, PAGE, Amounts, Column, Columns, Dress, Number


def page_of_link(row: LinkRow) -> str:
    return reverse("portal:link", args=[row.link.code])


def recent(portal: Portal) -> periods.DayPeriod:
    return periods.last_days(periods.DEFAULT, now=timezone.now(), zone=portal.zone)


class LinkList(PortalList):
    name, title = "links", _("Links")
    count_of = ngettext_lazy("%(shown)s link", "%(shown)s links", "number")
    lead = _("One for each place where you promote an offer. Numbers are of the last 30 days.")
    columns = Columns(
        Column("clicks_30d", Number(), _("Clicks"), read="figures.clicks", places=PAGE | EXPORT, after="url"),
        Column(
            "conversions_30d",
            Number(),
            _("Conversions"),
            read="figures.conversions",
            places=PAGE | EXPORT,
            after="clicks_30d",
        ),
        Column(
            "commission_30d",
            Amounts(),
            _("Commission"),
            read="figures.commission",
            places=PAGE | EXPORT,
            after="conversions_30d",
        ),
        base=LINKS,
        at="link",
        dress={
            "name": Dress(link=page_of_link, is_main=True),
            "offer": Dress(css="cell-offer"),
            "url": Dress(template="portal/links/cells/url.html", css="cell-wide cell-address", has_label=False),
            "created_at": Dress(css="text-secondary text-nowrap cell-extra"),
        },
    )
    filters = LinkFilterForm
    order = "-created_at"
    template = "portal/links/links.html"
    no_match = Empty("search", _("No link matches"), _("Remove some filters or search for another name."))
    nothing = Empty(
        "link",
        _("No links yet"),
        _("A link leads visitors to an offer and counts each click for you."),
        "portal:new_link",
        _("Make your first link"),
    )
    not_enrolled = Empty(
        "link",
        _("No links yet"),
        _("Links are made for offers that you have access to. Apply for one first."),
        "portal:offers",
        _("See the offers"),
    )

    def records(self) -> Any:
        return with_urls(queries.links_of(self.affiliate))

    def rows(self, records: list[Any]) -> list[LinkRow]:
        return queries.rows(self.affiliate, records, recent(self.portal))

    def more(self) -> dict[str, Any]:
        return {"has_enrollment": queries.linkable(self.affiliate).exists()}

    @property
    def empty(self) -> Empty:
        may_make = self.form.is_filtered or queries.linkable(self.affiliate).exists()
        return super().empty if may_make else self.not_enrolled


BUSIEST = Columns(
    base=LinkList.columns,
    only=("name", "offer", "clicks_30d", "conversions_30d", "commission_30d"),
    dress={
        "name": Dress(link=page_of_link, lines=("offer",), is_main=True),
        "clicks_30d": Dress(unit="clicks"),
        "conversions_30d": Dress(unit="conv."),
    },
)
