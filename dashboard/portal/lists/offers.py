"""Offers, shown as cards; an export has a line for each goal and what it pays."""

from typing import Any

from django.utils import timezone

from conversions.lists.offers import GOALS, OFFERS
from dashboard.portal.filters import OfferFilterForm
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import offers as queries
from dashboard.portal.queries.offers import OfferCard
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import EXPORT, PAGE, Column, Columns, Length, Rows

GOALS_WITH_PAY = Columns(
    Column("pays", places=PAGE | EXPORT),
    Column("window_days", Length(), read="window", places=EXPORT),
    base=GOALS,
    at="goal",
)


class OfferList(PortalList):
    name, title = "offers", _("Offers")
    count_of = ngettext_lazy("%(shown)s offer", "%(shown)s offers", "number")
    lead = _("What you promote, or could, and what it pays you.")
    columns = Columns(
        Column(
            "access",
            read="enrollment.get_status_display",
            places=PAGE | EXPORT,
            sorts=("access", "name", "pk"),
        ),
        Column("goals", Rows(GOALS_WITH_PAY, "goal_"), places=EXPORT),
        base=OFFERS,
        at="offer",
    )
    filters = OfferFilterForm
    order = "access"
    size = 20
    body = "portal/offers/_cards.html"
    no_match = Empty("search", _("No offer matches"), _("Remove some filters or search for another name."))
    nothing = Empty(
        "speakerphone",
        _("No offers yet"),
        _("Offers appear here as soon as the operator opens one. Nothing to do until then."),
    )

    def records(self) -> Any:
        return queries.offers_of(self.affiliate)

    def rows(self, records: list[Any]) -> list[OfferCard]:
        return queries.cards(self.affiliate, records, now=timezone.now())

    def more(self) -> dict[str, Any]:
        return {"cards": self.page_rows}
