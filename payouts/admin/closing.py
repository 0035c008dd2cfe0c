"""How far the closes of periods are, and what stopped those that failed."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRefresh
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from payouts.admin.forms import CloseAgain
from payouts.models import Anchor, CloseFailure, PeriodClose, Statement
from web.panel import (
    ConfirmForm,
    DayRangeFilter,
    RecordAdmin,
    RecordTable,
    labelled,
    link_to,
    list_link,
    long_code,
    question,
    when,
)

TONES = {"waiting": "warning", "running": "info", "done": "success", "failed": "danger"}


def close_path(form: ConfirmForm) -> str | None:
    """The page of the close that the form has asked for."""
    asked = getattr(form, "asked", None)
    return reverse("admin:payouts_periodclose_change", args=[asked.pk]) if asked else None


class FailureTable(RecordTable):
    """Affiliates that could not be closed: why, and what to do about it."""

    model = CloseFailure
    verbose_name_plural = "Affiliates that could not be closed"
    fields = ("affiliate_link", "why", "remedy", "time")
    readonly_fields = ("affiliate_link", "time")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CloseFailure]":
        rows: QuerySet[CloseFailure] = super().get_queryset(request)
        return rows.select_related("affiliate")

    @display(description="Affiliate")
    def affiliate_link(self, row: CloseFailure) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Time")
    def time(self, row: CloseFailure) -> SafeString | str:
        return when(row.at)


@admin.register(PeriodClose)
class PeriodCloseAdmin(RecordAdmin):
    """Closes of periods; the page of one that is at work renews itself."""

    list_display = ("period", "state_label", "figures", "asked", "asked_by", "finished")
    list_display_links = ("period",)
    list_filter = (("state", ChoicesCheckboxFilter), ("ends_at", DayRangeFilter))
    list_select_related = ("asked_by",)
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
    readonly_fields = ("period", "state_label", "progress", "statements", "anchors")
    inlines = (FailureTable,)
    actions_detail = ("again",)
    again = question(CloseAgain, description="Go on", icon="resume", variant=ActionVariant.PRIMARY)
    state_label = labelled("state", TONES, description="State")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PeriodClose]":
        rows: QuerySet[PeriodClose] = super().get_queryset(request)
        return rows.select_related("asked_by")

    def get_inlines(self, request: HttpRequest, obj: PeriodClose | None = None) -> Any:
        return self.inlines if obj and obj.failed else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page itself; asked by its own renewal after the close has ended, a call to load it whole."""
        renews = getattr(request, "htmx", False)
        row = self.get_object(request, object_id) if renews else None
        if row and not row.is_open:
            return HttpResponseClientRefresh()
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return answer

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return close_path(form) or super()._after(request, form)

    @display(description="Period")
    def period(self, row: PeriodClose) -> str:
        return f"Before {row.ends_at:%Y-%m-%d}"

    @display(description="Affiliates")
    def figures(self, row: PeriodClose) -> str:
        if not row.total:
            return "None yet" if row.is_open else "None had anything to close"
        failed = f", {row.failed:,} failed" if row.failed else ""
        return f"{row.done:,} of {row.total:,}{failed}"

    @display(description="Affiliates")
    def progress(self, row: PeriodClose) -> SafeString | str:
        text: str = self.figures(row)
        if not row.total:
            return text
        return format_html(
            '<progress class="aff-bar" value="{}" max="{}">{}</progress> {}', row.done, row.total, text, text
        )

    @display(description="Statements of this period")
    def statements(self, row: PeriodClose) -> SafeString | str:
        number = Statement.objects.filter(ends_at=row.ends_at).count()
        day = f"{timezone.localtime(row.ends_at):%Y-%m-%d}"
        filters: dict[str, Any] = {"ends_at_from": day, "ends_at_to": day}
        return list_link("admin:payouts_statement_changelist", f"{number:,}", **filters)

    @display(description="Anchors")
    def anchors(self, row: PeriodClose) -> SafeString | str:
        """Each anchor that names statements of this period, with its hash, day and a link to its line."""
        found = Anchor.objects.filter(statements__statement__ends_at=row.ends_at).distinct().order_by("number")[:10]
        lines = [
            (reverse("anchors"), anchor.number - 1, anchor.number, when(anchor.made_at), long_code(anchor.hash))
            for anchor in found
        ]
        return format_html_join(
            "", '<p><a class="text-link" href="{}?after={}">Anchor {}</a> of {}: {}</p>', lines
        ) or ("None yet" if row.is_open else "No statement of this period is anchored")

    @display(description="Asked")
    def asked(self, row: PeriodClose) -> SafeString | str:
        return when(row.asked_at)

    @display(description="Ended")
    def finished(self, row: PeriodClose) -> SafeString | str:
        return when(row.finished_at)
