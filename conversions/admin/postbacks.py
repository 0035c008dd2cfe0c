"""Postbacks as received, the decisions about them, and examples for senders."""

import json
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from unfold.contrib.filters.admin import (
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display

from affiliates.access.masking import masked_for
from affiliates.access.operators import operator
from conversions.admin import columns
from conversions.admin.files import ImportEvents
from conversions.admin.forms import ReplayPostbacks
from conversions.intake.write.answer import stored_answer
from conversions.models import ParkedPostback, Postback, Trace
from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _
from tracking.admin.clicks import click_column, click_key
from tracking.click_id.pasted import narrowed
from web.cells import NOTHING
from web.panel import (
    PUBLIC_ID,
    BoundedExport,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    clipped,
    code,
    column,
    export_of,
    label_column,
    link_to,
    once,
    one_of,
    question,
    shown,
    table_column,
    two_lines,
    when,
    whole_story,
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


# Postbacks that are stored but not decided yet were left by a crash; the sweep decides them.
DecidedFilter = one_of(
    "decision",
    {"no": (_("Not decided yet"), Q(decided_at=None)), "yes": (_("Decided"), ~Q(decided_at=None))},
    parameter="decided",
    is_radio=True,
)
IN_VAIN = (Reason.CUSTOMER_NEVER_CAME, Reason.SALE_NEVER_CAME, Reason.CLICK_NEVER_CAME)
ParkedFilter = one_of(
    "parked",
    {"waiting": (_("Waiting"), Q(parked__isnull=False)), "in_vain": (_("Expired"), Q(reason__in=IN_VAIN))},
    is_radio=True,
)


def name_cells(pairs: Iterable[Iterable[str]]) -> Iterator[tuple[object, ...]]:
    """Names and values, for a table."""
    return ((code(name), value) for name, value in pairs)


@admin.register(Postback)
class PostbackAdmin(BoundedExport, RecordAdmin):
    """Postbacks as received, with the decision in force."""

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
        ("advertiser", ReachableFilter),
        ("endpoint", ChoicesCheckboxFilter),
        ("received_at", DayRangeFilter),
    )
    list_select_related = ("advertiser", "parked")
    search_fields = ("public_id",)
    search_help_text = _("Postback ID (pb_…), transaction ID, click ID, or the sender's IP address")
    ordering = ("-id",)
    sortable_by = ()
    actions = ("replay",)
    actions_list = ("import_events",)
    actions_detail = ("trace", "replay")
    trace = whole_story("postback", "public_id")
    replay = question(ReplayPostbacks, description=_("Decide again"), icon="replay")
    import_events = question(
        ImportEvents, description=_("Import from a file"), icon="upload_file", permission="decide_all"
    )
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
            _("As it was sent"),
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
        (_("As it was answered"), {"fields": ("answered",)}),
    )
    outcome_label = label_column(_("Outcome"), "outcome", OUTCOME_TONES)
    time = column(_("Received"), "received_at", when)
    named = two_lines(
        _("Postback and transaction"),
        PUBLIC_ID,
        shown("transaction_id", code, empty=_("no transaction ID")),
    )
    shown_id = column(_("Postback ID"), "public_id", code)
    advertiser_link = column(_("Advertiser"), "advertiser", link_to, empty=_("Not known"))
    http_status = column(_("HTTP"), lambda row: row.answers[-1].http_status if row.answers else "–")
    click_shown = click_column()
    sent = table_column(
        _("Parameters"),
        (_("Name"), _("Value")),
        lambda row: name_cells(row.parameters),
        empty=_("The request had no parameters."),
    )
    headers_shown = table_column(
        _("Headers kept"), (_("Name"), _("Value")), lambda row: name_cells(row.headers.items()), empty=_("None.")
    )
    resource_classes = (
        export_of(
            Postback,
            *("public_id", "received_at"),
            ("endpoint", "endpoint"),
            "method",
            ("advertiser", advertiser_link),
            *("ip", "outcome", "reason"),
            ("click_id", click_shown),
            "transaction_id",
            ("conversion_id", "conversion.public_id"),
            ("parameters", lambda row: urlencode([tuple(pair) for pair in row.parameters])),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Postback]":
        rows: QuerySet[Postback] = super().get_queryset(request)
        traces = Trace.objects.order_by("id").only("postback_id", "http_status")
        return rows.prefetch_related(Prefetch("traces", queryset=traces, to_attr="answers"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The answer may name affiliates, so the row has its reader."""
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.reader = operator(request)
        return row

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

    @display(description=_("Reason"))
    def why(self, row: Postback) -> SafeString:
        shown = clipped(row.get_reason_display() or gettext("Not decided yet"))
        parked = parked_of(row)
        return format_html(gettext("{}<br>until {}"), shown, when(parked.expires_at)) if parked else shown

    @display(description=_("Waiting for"))
    def waits_for(self, row: Postback) -> SafeString | str:
        parked = parked_of(row)
        if parked is None:
            return NOTHING
        return format_html("{}: {}", parked.get_waits_for_display(), code(parked.awaited.replace("|", " ")))

    @display(description=_("Expires at"))
    def expires(self, row: Postback) -> SafeString | str:
        parked = parked_of(row)
        if parked is None:
            return NOTHING
        tried = ngettext("{number} attempt so far, next", "{number} attempts so far, next", parked.tries)
        tried = tried.format(number=parked.tries)
        return format_html("{} ({} {})", when(parked.expires_at), tried, when(parked.next_try_at))

    @display(description=_("Answer"))
    @once
    def answered(self, row: Any) -> SafeString | str:
        if not row.answers:
            return gettext("Not decided yet; a sweep decides it within a minute.")
        decision = stored_answer(row)
        body = masked_for(row.reader, decision.body) if hasattr(row, "reader") else decision.body
        text = json.dumps(body, indent=2, ensure_ascii=False)
        return format_html('<pre class="aff-pre">HTTP {}\n{}</pre>', decision.http_status, text)


def step_cells(step: dict[str, Any]) -> tuple[str, ...]:
    """A step of a decision, as a row of a table."""
    given = ", ".join(f"{name}={value}" for name, value in (step.get("input") or {}).items())
    return step.get("step", ""), step.get("result", ""), step.get("rule", ""), given, step.get("note", "")


@admin.register(Trace)
class TraceAdmin(RecordAdmin):
    """Decisions with their steps; the trace page shows the whole story around one."""

    list_display = ("time", "postback_link", "conversion_link", "outcome_label", "reason", "http_status")
    list_display_links = ("time",)
    list_filter = (("outcome", ChoicesCheckboxFilter), ("reason", ChoicesDropdownFilter))
    list_select_related = ("postback", "conversion")
    search_fields = ("postback__public_id__exact", "conversion__public_id__exact")
    search_help_text = _("Postback ID (pb_…) or conversion ID (cv_…)")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("postback", "conversion"),
        ("decided_at", "http_status"),
        ("outcome", "reason"),
        "problems_shown",
        "steps_shown",
    )
    outcome_label = label_column(_("Outcome"), "outcome", OUTCOME_TONES)
    time = column(_("Time"), "decided_at", when)
    postback_link = column(_("Postback"), "postback", link_to)
    conversion_link = columns.CONVERSION
    problems_shown = table_column(
        _("Problems"),
        (_("Field"), _("What is wrong"), _("How to fix it")),
        lambda row: ((code(p.get("field")), p.get("message", ""), p.get("remedy", "")) for p in row.problems),
        empty=_("None."),
    )
    steps_shown = table_column(
        _("Steps"),
        (_("Step"), _("Result"), _("Rule"), _("Input"), _("Note")),
        lambda row: map(step_cells, row.steps),
        empty=_("No steps were stored."),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The steps without the names of affiliates beyond the reader's reach."""
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.steps = masked_for(operator(request), row.steps)
            row.problems = masked_for(operator(request), row.problems)
        return row
