"""Statements."""

from datetime import UTC, timedelta
from typing import Any

from django.urls import reverse

from dashboard.portal.filters import StatementFilters
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import earnings as queries
from payouts.lists.statements import STATEMENTS
from payouts.models import Statement
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import PAGE, Column, Columns, Dress
from web.lists.html import day


def page_of_statement(statement: Statement) -> str:
    return reverse("portal:statement", args=[statement.number])


def period_words(statement: Statement) -> str:
    """First and last day of a closed period, in UTC, in which periods are cut."""
    last = statement.ends_at - timedelta(microseconds=1)
    return f"{day(statement.starts_at.astimezone(UTC).date())} – {day(last.astimezone(UTC).date())}"


class StatementList(PortalList):
    name, title = "statements", _("Statements")
    count_of = ngettext_lazy("%(shown)s statement", "%(shown)s statements", "number")
    section = _("Earnings")
    lead = _("A statement closes a period. It is never changed afterwards; corrections are lines of the next one.")
    columns = Columns(
        Column("period", read=period_words, places=PAGE, after="number", dress=Dress(css="text-nowrap")),
        base=STATEMENTS,
        dress={
            "number": Dress(link=page_of_statement, is_main=True),
            "closing": Dress(css="fw-bold"),
            "payout_status": Dress(empty=_("Carried over")),
        },
    )
    filters = StatementFilters
    order = "-number"
    template = "portal/earnings/list.html"
    no_match = Empty("search", _("No statement matches"), _("Choose other days or another currency."))
    nothing = Empty(
        "file-text",
        _("No statements yet"),
        _("The operator closes a period, usually each month; its statement then stays here permanently."),
        "portal:earnings",
        _("See the open account"),
        quiet=True,
    )

    def records(self) -> Any:
        return queries.statements_of(self.affiliate)
