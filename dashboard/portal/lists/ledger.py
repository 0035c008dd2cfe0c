"""The lines of the account, and those that a statement covers."""

from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from dashboard.portal.access import Portal
from dashboard.portal.filters import LedgerFilterForm, StatementLineFilters
from dashboard.portal.lists.base import Empty, PortalList
from dashboard.portal.queries import earnings as queries
from dashboard.portal.queries.billing import invoices_of
from dashboard.portal.queries.earnings import LedgerRow
from dashboard.portal.queries.objects import statement_for
from payouts.lists.ledger import LEDGER
from payouts.queries import earnings
from records.translation import gettext_lazy as _
from records.translation import ngettext_lazy
from web.lists import PAGE, Column, Columns, Dress, Money

DRESS = {
    "sequence": Dress(css="text-secondary"),
    "arithmetic": Dress(template="portal/earnings/cells/arithmetic.html", css="cell-wide", has_label=False),
    "hash": Dress(css="cell-extra"),
}


class LedgerList(PortalList):
    name, title = "earnings", _("Earnings")
    count_of = ngettext_lazy("%(shown)s line", "%(shown)s lines", "number")
    lead = _("Your account, line by line. Lines are only ever added, never changed.")
    columns = Columns(
        Column("balance", Money("entry.currency"), places=PAGE, after="amount", dress=Dress(css="text-secondary")),
        base=LEDGER,
        at="entry",
        dress=DRESS,
    )
    filters = LedgerFilterForm
    order = "-sequence"
    # The order in which the lines are sealed.
    export_order = "sequence"
    template = "portal/earnings/earnings.html"
    no_match = Empty("search", _("No line matches"), _("Choose other days or another kind."))
    nothing = Empty(
        "coins",
        _("Nothing is booked yet"),
        _("The first approved conversion writes the first line of your account."),
        "portal:conversions",
        _("See your conversions"),
    )
    note = "portal/earnings/_note.html"

    def records(self) -> Any:
        return queries.entries_of(self.affiliate)

    @cached_property
    def page_rows(self) -> list[LedgerRow]:
        return queries.with_balances(self.affiliate, list(self.page))

    def rows(self, records: list[Any]) -> list[LedgerRow]:
        """For an export, which has no column of balances."""
        return [LedgerRow(entry, entry.amount) for entry in records]

    @property
    def file(self) -> str:
        return "ledger.csv"

    def more(self) -> dict[str, Any]:
        return {"money": earnings(self.affiliate), "due": queries.due_by_currency(self.affiliate)}


class StatementLines(PortalList):
    """The lines that one statement covers, oldest first. Raise Http404 for a statement of another affiliate."""

    name = "statement"
    count_of = ngettext_lazy("%(shown)s line", "%(shown)s lines", "number")
    columns = Columns(base=LEDGER, dress=DRESS)
    order = "sequence"
    filters = StatementLineFilters
    template = "portal/earnings/statement.html"
    no_match = LedgerList.no_match
    nothing = Empty("file-text", _("No lines"), _("Nothing was booked in this currency in the period."))

    def __init__(self, portal: Portal, query: QueryDict, number: str) -> None:
        super().__init__(portal, query)
        self.statement = statement_for(portal.affiliate, number)

    def records(self) -> Any:
        return queries.statement_lines(self.statement)

    @property
    def export_url(self) -> str:
        return reverse("portal:statement_export", args=[self.statement.number])

    @property
    def file(self) -> str:
        return f"statement-{self.statement.number}.csv"

    def more(self) -> dict[str, Any]:
        documents = invoices_of(self.affiliate).filter(statement=self.statement).order_by("id")
        totals = queries.totals_by_kind(self.records())
        return {"statement": self.statement, "totals": totals, "documents": documents}
