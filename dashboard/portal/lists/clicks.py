"""Clicks: the list, and the newest ones on a link's page."""

from functools import cached_property
from typing import Any, ClassVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from dashboard.portal.filters import ClickFilterForm
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import clicks as queries
from dashboard.portal.queries.clicks import ClickRow
from records.translation import gettext_lazy as _
from tracking.click_id import codec
from tracking.lists.clicks import CLICKS, LABELS
from web.lists import PAGE, Column, Columns, Dress, Number
from web.lists.html import day
from web.lists.sorting import Sorting


def page_of_link(row: ClickRow) -> str:
    return reverse("portal:link", args=[row.click.link.code])


def conversions_of(row: ClickRow) -> str:
    return f"{reverse('portal:conversions')}?{urlencode({'q': row.text})}"


class ClickList(PortalList):
    """Newest first, a page at a time by click ID: neither counted nor sorted otherwise, as there are many."""

    name, title = "clicks", _("Clicks")
    lead = _("Every click on your links, newest first, with the labels it carried.")
    columns = Columns(
        Column(
            "labels",
            read="sub_ids",
            places=PAGE,
            dress=Dress(template="portal/clicks/cells/labels.html", lines=LABELS, css="cell-labels", has_label=False),
        ),
        Column("conversions", Number(), places=PAGE, dress=Dress(link=conversions_of, hides_zero=True)),
        base=CLICKS,
        at="click",
        dress={
            "clicked_at": Dress(
                template="portal/clicks/cells/clicked_at.html", lines=("is_bot", "is_duplicate"), has_label=False
            ),
            "id": Dress(template="portal/clicks/cells/id.html", css="cell-wide", has_label=False),
            "link": Dress(link=page_of_link),
            "country": Dress(
                template="portal/clicks/cells/country.html", lines=("device",), css="text-nowrap cell-extra"
            ),
        },
    )
    filters: ClassVar[Any] = ClickFilterForm
    pager = "portal/clicks/_pager.html"
    no_match = Empty("search", _("No click matches"), _("Choose other days, another link, or clear the filters."))
    nothing = Empty(
        "pointer",
        _("No clicks in the last 30 days"),
        _("Copy one of your links and open it: the click is listed here within seconds."),
        "portal:links",
        _("Go to your links"),
    )

    def records(self) -> Any:
        return queries.clicks_of(self.affiliate)

    def sorting(self, order: str = "") -> Sorting:
        return Sorting("-clicked_at", ("-pk",))

    @cached_property
    def page(self) -> queries.ClickPage:
        found = self.form.apply(self.records())
        before, after = _key(self.query.get("before")), _key(self.query.get("after"))
        return queries.page(self.affiliate, found, before=before, after=after)

    @cached_property
    def page_rows(self) -> list[ClickRow]:
        return self.page.rows

    def rows(self, records: list[Any]) -> list[ClickRow]:
        """For an export, which has no column of conversions."""
        return [ClickRow(click, 0) for click in records]

    @property
    def count_words(self) -> str:
        period = cast(ClickFilterForm, self.form).period(default_days=ClickFilterForm.DAYS)
        return f"{day(period.first_on)} – {day(period.last_on)}"


CLICKS_OF_A_LINK = Columns(
    base=ClickList.columns,
    only=[column.name for column in ClickList.columns if column.name != "link"],
)


def _key(text: str | None) -> UUID | None:
    """The key in the address of a page; a broken one means the first page."""
    genuine = codec.parse(text) if text else None
    return genuine.uuid if genuine else None
