"""Postbacks as received, the decisions about them, and examples for senders."""

import json
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
    RadioFilter,
)
from unfold.decorators import action, display

from conversions.admin.files import ImportEvents
from conversions.admin.forms import ReplayPostbacks
from conversions.intake.write.answer import stored_answer
from conversions.models import ParkedPostback, Postback, Trace
from conversions.reasons.codes import Reason
from records.words import counted
from tracking.admin.clicks import click_key
from tracking.click_id.codec import text_of
from tracking.click_id.pasted import narrowed
from web.cells import NOTHING
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ExportColumns,
    RecordAdmin,
    code,
    labelled,
    link_to,
    once,
    question,
    rows_of,
    when,
)

OUTCOME_TONES = {
    "": "warning",
    "accepted": "success",
    "updated": "success",
    "duplicate": "info",
    "held": "warning",
    "rejected": "danger",
    "invalid": "danger",
    "unauthorized": "danger",
    "forbidden": "danger",
    "unknown_click": "danger",
    "conflict": "danger",
}


def parked_of(row: Postback) -> ParkedPostback | None:
    """The parked row of a postback, if there is one."""
    return getattr(row, "parked", None)


def _address(text: str) -> str:
    """The IP address in the text; empty for any other text."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


class DecidedFilter(RadioFilter):
    """Postbacks that were stored but not decided yet: left by a crash, decided by the sweep."""

    title = "decision"
    parameter_name = "decided"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not decided yet"), ("yes", "Decided")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Postback]") -> "QuerySet[Postback]":
        if self.value() in ("yes", "no"):
            return queryset.filter(decided_at__isnull=self.value() == "no")
        return queryset


IN_VAIN = (Reason.CUSTOMER_NEVER_CAME, Reason.SALE_NEVER_CAME, Reason.CLICK_NEVER_CAME)


class ParkedFilter(RadioFilter):
    """Postbacks that are parked, and those that expired."""

    title = "parked"
    parameter_name = "parked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("in_vain", "Waited in vain")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Postback]") -> "QuerySet[Postback]":
        if self.value() == "waiting":
            return queryset.filter(parked__isnull=False)
        return queryset.filter(reason__in=IN_VAIN) if self.value() == "in_vain" else queryset


class PostbackColumns(ExportColumns):
    advertiser = Field(attribute="advertiser__name", column_name="advertiser")
    conversion = Field(attribute="conversion__public_id", column_name="conversion_id")
    click = Field(column_name="click_id")
    sent = Field(column_name="parameters")

    class Meta:
        model = Postback
        fields = (
            *("public_id", "received_at", "endpoint", "method", "advertiser", "ip", "outcome", "reason"),
            *("click", "transaction_id", "conversion", "sent"),
        )
        export_order = fields

    def dehydrate_click(self, row: Postback) -> str:
        return text_of(row.click_id) if row.click_id else ""

    def dehydrate_sent(self, row: Postback) -> str:
        return urlencode([tuple(pair) for pair in row.parameters])


@admin.register(Postback)
class PostbackAdmin(BoundedExport, RecordAdmin):
    """Postbacks as received, with the decision in force."""

    resource_classes = (PostbackColumns,)
    export_related = ("advertiser", "conversion")
    list_display = (
        "time",
        "named",
        "outcome_label",
        "why",
        "advertiser_link",
        "http_status",
        "click_shown",
    )
    list_display_links = ("time", "named")
    list_filter = (
        ("outcome", ChoicesCheckboxFilter),
        DecidedFilter,
        ParkedFilter,
        ("reason", ChoicesDropdownFilter),
        ("advertiser", AutocompleteSelectFilter),
        ("endpoint", ChoicesCheckboxFilter),
        ("received_at", DayRangeFilter),
    )
    list_select_related = ("advertiser", "parked")
    search_fields = ("public_id",)
    search_help_text = "Postback ID (pb_…), transaction ID, click ID, or the sender's IP address"
    ordering = ("-id",)
    sortable_by = ()
    actions = ("replay",)
    actions_list = ("import_events",)
    actions_detail = ("trace", "replay")
    replay = question(ReplayPostbacks, description="Decide again", icon="replay")
    import_events = question(ImportEvents, description="Import from a file", icon="upload_file")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_id", "received_at"),
                    ("outcome_label", "reason"),
                    ("http_status", "decided_at"),
                    ("advertiser", "conversion"),
                    ("click_shown", "transaction_id"),
                    ("waits_for", "expires"),
                )
            },
        ),
        (
            "As it was sent",
            {
                "fields": (
                    ("endpoint", "mapping"),
                    ("method", "is_secure"),
                    ("path", "ip"),
                    "sent",
                    "headers_shown",
                    "body",
                )
            },
        ),
        ("As it was answered", {"fields": ("answered",)}),
    )
    readonly_fields = (
        "shown_id",
        "outcome_label",
        "http_status",
        "click_shown",
        "sent",
        "headers_shown",
        "answered",
        "waits_for",
        "expires",
    )
    outcome_label = labelled("outcome", OUTCOME_TONES, description="Outcome")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Postback]":
        rows: QuerySet[Postback] = super().get_queryset(request)
        traces = Trace.objects.order_by("id").only("postback_id", "http_status")
        return rows.prefetch_related(Prefetch("traces", queryset=traces, to_attr="answers"))

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Postback]", search_term: str
    ) -> tuple["QuerySet[Postback]", bool]:
        """Exact IDs only, each by its own index."""
        term = narrowed(search_term)
        if not term:
            return queryset, False
        found = Q(public_id=term) | Q(transaction_id=term)
        if address := _address(term):
            found |= Q(ip=address)
        if key := click_key(term):
            found |= Q(click_id=key)
        return queryset.filter(found), False

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        public_id = Postback.objects.values_list("public_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("trace:postback", args=[public_id]))

    @display(description="Received")
    def time(self, row: Postback) -> SafeString | str:
        return when(row.received_at)

    @display(description="Postback and transaction", header=True)
    def named(self, row: Postback) -> list[object]:
        return [code(row.public_id), code(row.transaction_id) if row.transaction_id else "no transaction ID"]

    @display(description="Postback ID")
    def shown_id(self, row: Postback) -> SafeString | str:
        return code(row.public_id)

    @display(description="Reason")
    def why(self, row: Postback) -> SafeString:
        label = row.get_reason_display() or "Not decided yet"
        shown = format_html('<span class="aff-clip" title="{}">{}</span>', label, label)
        parked = parked_of(row)
        return format_html("{}<br>until {}", shown, when(parked.expires_at)) if parked else shown

    @display(description="Waiting for")
    def waits_for(self, row: Postback) -> SafeString | str:
        parked = parked_of(row)
        if parked is None:
            return NOTHING
        return format_html("{}: {}", parked.get_waits_for_display(), code(parked.awaited.replace("|", " ")))

    @display(description="Given up at")
    def expires(self, row: Postback) -> SafeString | str:
        parked = parked_of(row)
        if parked is None:
            return NOTHING
        tried = f"{counted(parked.tries, 'try', 'tries')} so far, next"
        return format_html("{} ({} {})", when(parked.expires_at), tried, when(parked.next_try_at))

    @display(description="Advertiser")
    def advertiser_link(self, row: Postback) -> SafeString | str:
        return link_to(row.advertiser) if row.advertiser else "Not known"

    @display(description="HTTP")
    def http_status(self, row: Any) -> int | str:
        return row.answers[-1].http_status if row.answers else "–"

    @display(description="Click ID")
    def click_shown(self, row: Postback) -> SafeString | str:
        return code(text_of(row.click_id)) if row.click_id else "–"

    @display(description="Parameters")
    def sent(self, row: Postback) -> SafeString:
        pairs = ((code(name), value) for name, value in row.parameters)
        return rows_of(("Name", "Value"), pairs, empty="The request had no parameters.")

    @display(description="Headers kept")
    def headers_shown(self, row: Postback) -> SafeString:
        return rows_of(("Name", "Value"), ((code(k), v) for k, v in row.headers.items()), empty="None.")

    @display(description="Answer")
    @once
    def answered(self, row: Any) -> SafeString | str:
        if not row.answers:
            return "Not decided yet; the sweep takes it up within a minute."
        decision = stored_answer(row)
        text = json.dumps(decision.body, indent=2, ensure_ascii=False)
        return format_html('<pre class="aff-pre">HTTP {}\n{}</pre>', decision.http_status, text)


@admin.register(Trace)
class TraceAdmin(RecordAdmin):
    """Decisions with their steps; the trace page shows the whole story around one."""

    list_display = ("time", "postback_link", "conversion_link", "outcome_label", "reason", "http_status")
    list_display_links = ("time",)
    list_filter = (("outcome", ChoicesCheckboxFilter), ("reason", ChoicesDropdownFilter))
    list_select_related = ("postback", "conversion")
    search_fields = ("postback__public_id__exact", "conversion__public_id__exact")
    search_help_text = "Postback ID (pb_…) or conversion ID (cv_…)"
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("postback", "conversion"),
        ("decided_at", "http_status"),
        ("outcome", "reason"),
        "problems_shown",
        "steps_shown",
    )
    readonly_fields = ("problems_shown", "steps_shown")
    outcome_label = labelled("outcome", OUTCOME_TONES, description="Outcome")

    @display(description="Time")
    def time(self, row: Trace) -> SafeString | str:
        return when(row.decided_at)

    @display(description="Postback")
    def postback_link(self, row: Trace) -> SafeString | str:
        return link_to(row.postback)

    @display(description="Conversion")
    def conversion_link(self, row: Trace) -> SafeString | str:
        return link_to(row.conversion)

    @display(description="Problems")
    def problems_shown(self, row: Trace) -> SafeString:
        lines = ((code(p.get("field")), p.get("message", ""), p.get("remedy", "")) for p in row.problems)
        return rows_of(("Field", "What is wrong", "How to fix it"), lines, empty="None.")

    @display(description="Steps")
    def steps_shown(self, row: Trace) -> SafeString:
        lines = (
            (
                step.get("step", ""),
                step.get("result", ""),
                step.get("rule", ""),
                ", ".join(f"{name}={value}" for name, value in (step.get("input") or {}).items()),
                step.get("note", ""),
            )
            for step in row.steps
        )
        return rows_of(("Step", "Result", "Rule", "Input", "Note"), lines, empty="No steps were kept.")
