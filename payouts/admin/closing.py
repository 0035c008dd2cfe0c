"""The progress of closes of periods, and the errors of those that failed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRefresh
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from payouts.admin.forms import CloseAgain
from payouts.models import Anchor, CloseFailure, PeriodClose, Statement
from records.translation import gettext_lazy as _
from web.panel import (
    ConfirmForm,
    DayRangeFilter,
    RecordAdmin,
    RecordTable,
    column,
    label_column,
    link_to,
    list_link,
    long_code,
    question,
    when,
)

TONES = {"waiting": "warning", "running": "info", "done": "success", "failed": "danger"}


def close_path(form: ConfirmForm) -> str | None:
    """The page of the close that the form requested."""
    asked = getattr(form, "asked", None)
    return reverse("admin:payouts_periodclose_change", args=[asked.pk]) if asked else None


class FailureTable(RecordTable):
    """Affiliates that could not be closed: why, and what to do about it."""

    model = CloseFailure
    verbose_name_plural = _("Affiliates that could not be closed")
    fields = ("affiliate_link", "why", "remedy", "time")
    related = ("affiliate",)
    show_change_link = False
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    time = column(_("Time"), "at", when)


@admin.register(PeriodClose)
class PeriodCloseAdmin(RecordAdmin):
    """Closes of periods; the page of a running one refreshes itself."""

    list_display = ("period", "state_label", "figures", "asked", "asked_by", "finished")
    list_display_links = ("period",)
    list_filter = (("state", ChoicesCheckboxFilter), ("ends_at", DayRangeFilter))
    related = ("asked_by",)
    search_fields = ("asked_by__email",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("period", "state_label"),
        "progress",
        ("asked_by", "asked_at"),
        ("started_at", "finished_at"),
        "statements",
        "anchors",
        "error",
    )
    inlines = (FailureTable,)
    actions_detail = ("again",)
    again = question(CloseAgain, description=_("Go on"), icon="resume", variant=ActionVariant.PRIMARY)
    state_label = label_column(_("State"), "state", TONES)
    period = column(_("Period"), lambda row: gettext("Before {ends_at:%Y-%m-%d}").format(ends_at=row.ends_at))
    asked = column(_("Asked"), "asked_at", when)
    finished = column(_("Ended"), "finished_at", when)

    def get_inlines(self, request: HttpRequest, obj: PeriodClose | None = None) -> Any:
        return self.inlines if obj and obj.failed else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page itself; for a refresh after the close has ended, an instruction to reload the whole page."""
        renews = getattr(request, "htmx", False)
        row = self.get_object(request, object_id) if renews else None
        if row and not row.is_open:
            return HttpResponseClientRefresh()
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return answer

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return close_path(form) or super()._after(request, form)

    @display(description=_("Affiliates"))
    def figures(self, row: PeriodClose) -> str:
        if not row.total:
            return gettext("None yet") if row.is_open else gettext("None had anything to close")
        failed = gettext(", {failed:,} failed").format(failed=row.failed) if row.failed else ""
        return gettext("{done:,} of {total:,}{failed}").format(done=row.done, total=row.total, failed=failed)

    @display(description=_("Affiliates"))
    def progress(self, row: PeriodClose) -> SafeString | str:
        text: str = self.figures(row)
        if not row.total:
            return text
        return format_html(
            '<progress class="aff-bar" value="{}" max="{}">{}</progress> {}', row.done, row.total, text, text
        )

    @display(description=_("Statements of this period"))
    def statements(self, row: PeriodClose) -> SafeString | str:
        number = Statement.objects.filter(ends_at=row.ends_at).count()
        day = f"{timezone.localtime(row.ends_at):%Y-%m-%d}"
        filters: dict[str, Any] = {"ends_at_from": day, "ends_at_to": day}
        return list_link("admin:payouts_statement_changelist", f"{number:,}", **filters)

    @display(description=_("Anchors"))
    def anchors(self, row: PeriodClose) -> SafeString | str:
        """Each anchor that names statements of this period, with its hash, day and a link to its line."""
        found = Anchor.objects.filter(statements__statement__ends_at=row.ends_at).distinct().order_by("number")[:10]
        lines = [
            (reverse("anchors"), anchor.number - 1, anchor.number, when(anchor.made_at), long_code(anchor.hash))
            for anchor in found
        ]
        return format_html_join(
            "", '<p><a class="text-link" href="{}?after={}">Anchor {}</a> of {}: {}</p>', lines
        ) or (gettext("None yet") if row.is_open else gettext("No statement of this period is anchored"))
