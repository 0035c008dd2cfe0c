"""The queue of affiliates' appeals: their arguments against a rejection, who answers, and until when."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.lifecycle.appeals import AppealRefused, dismiss, uphold
from conversions.lifecycle.operator_decisions import DecisionRefused
from conversions.lifecycle.status import StatusNotAllowed
from conversions.models import Appeal
from web.cells import NOTHING
from web.panel import ConfirmForm, RecordAdmin, code, label, link_to, question, when
from web.panel.confirm import note_field

TONES = {"open": "warning", "upheld": "success", "dismissed": "default"}


class AnswerAppeals(ConfirmForm):
    """An operator's answer, with a note for the affiliate."""

    done: ClassVar[str]
    note = note_field(required=True, help_text="Why, in a few words. The affiliate reads it.")

    @classmethod
    def fits(cls, row: Appeal) -> bool:
        return row.state == Appeal.State.OPEN

    def describe(self, row: Appeal) -> str:
        return f"{row.conversion.affiliate} · {row.conversion.get_reason_display()} · “{row.words}”"

    def perform(self, *, actor: User, now: datetime) -> str:
        refused: list[str] = []
        for row in self.rows:
            try:
                self.answer(conversion_id=row.pk, note=self.cleaned_data["note"], actor=actor, now=now)
            except (AppealRefused, DecisionRefused, StatusNotAllowed) as error:
                refused.append(str(error))
        if len(refused) == len(self.rows):
            raise ValidationError(f"Nothing was changed. {' '.join(refused)}")
        return " ".join([f"{len(self.rows) - len(refused)} {self.done}.", *refused])

    def answer(self, **given: Any) -> Appeal:
        raise NotImplementedError


class UpholdAppeals(AnswerAppeals):
    title, submit, done = "Uphold", "Uphold", "upheld"
    explanation = "The conversion is approved on appeal; its commission is booked within seconds."

    def answer(self, **given: Any) -> Appeal:
        return uphold(**given)


class DismissAppeals(AnswerAppeals):
    title, submit, tone, done = "Dismiss", "Dismiss", "danger", "dismissed"
    explanation = "The rejection stands. The affiliate cannot appeal against it again."

    def answer(self, **given: Any) -> Appeal:
        return dismiss(**given)


class AppealStateFilter(DropdownFilter):
    """The queue shows open appeals by default."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        late = [("overdue", "Past its deadline")]
        return [("open", "Open"), *late, ("upheld", "Upheld"), ("dismissed", "Dismissed"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Appeal]") -> "QuerySet[Appeal]":
        chosen = {
            "overdue": Q(state="open", due_at__lt=timezone.now()),
            "upheld": Q(state="upheld"),
            "dismissed": Q(state="dismissed"),
            "all": Q(),
        }
        return queryset.filter(chosen.get(self.value() or "open", Q(state="open")))


@admin.register(Appeal)
class AppealAdmin(RecordAdmin):
    """Appeals against rejections; the one due first comes first."""

    list_display = ("named", "who", "rejection", "text_shown", "owner", "due", "state_label")
    list_display_links = ("named",)
    list_filter = (
        AppealStateFilter,
        ("owner", AutocompleteSelectFilter),
        ("conversion__goal__offer", AutocompleteSelectFilter),
        ("conversion__affiliate", AutocompleteSelectFilter),
    )
    list_select_related = ("conversion__goal__offer", "conversion__affiliate", "owner", "appealed_by", "resolved_by")
    search_fields = ("conversion__public_id__exact", "conversion__transaction_id__exact")
    search_help_text = "Conversion ID (cv_…) or transaction ID"
    ordering = ("due_at", "pk")
    sortable_by = ()
    actions = ("uphold", "dismiss")
    actions_detail = ("trace", "uphold", "dismiss")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("conversion_link", "state_label"),
                    ("affiliate", "offer"),
                    "rejection",
                    "words",
                    "evidence",
                    ("appealed_by", "opened_at"),
                    ("owner", "due"),
                    ("resolved_by", "resolved_at"),
                    "note",
                )
            },
        ),
    )
    readonly_fields = ("conversion_link", "state_label", "affiliate", "offer", "rejection", "evidence", "due")
    uphold = question(UpholdAppeals, description="Uphold", icon="check", variant=ActionVariant.PRIMARY)
    dismiss = question(DismissAppeals, description="Dismiss", icon="close")

    def has_decide_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Upholding approves a conversion."""
        return super().has_decide_permission(request, obj) and request.user.has_perm("conversions.change_conversion")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Appeal]":
        rows: QuerySet[Appeal] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        public_id = Appeal.objects.values_list("conversion__public_id", flat=True).get(pk=int(object_id))
        return HttpResponseRedirect(reverse("trace:conversion", args=[public_id]))

    @display(description="Conversion", header=True)
    def named(self, row: Appeal) -> list[object]:
        return [row.conversion.goal.name, code(row.conversion.public_id)]

    @display(description="Conversion")
    def conversion_link(self, row: Appeal) -> SafeString | str:
        return link_to(row.conversion)

    @display(description="Affiliate and offer", header=True)
    def who(self, row: Appeal) -> list[object]:
        return [link_to(row.conversion.affiliate), row.conversion.goal.offer.name]

    @display(description="Affiliate")
    def affiliate(self, row: Appeal) -> SafeString | str:
        return link_to(row.conversion.affiliate)

    @display(description="Offer")
    def offer(self, row: Appeal) -> SafeString | str:
        return link_to(row.conversion.goal.offer)

    @display(description="Conversion is")
    def rejection(self, row: Appeal) -> str:
        return f"{row.conversion.get_status_display()}: {row.conversion.get_reason_display().lower()}"

    @display(description="The affiliate says")
    def text_shown(self, row: Appeal) -> SafeString:
        return format_html('<span class="aff-clip" title="{}">{}</span>', row.words, row.words)

    @display(description="Evidence")
    def evidence(self, row: Appeal) -> SafeString | str:
        """The evidence may be on another site, which must not learn the address of this page."""
        if not row.evidence_url:
            return NOTHING
        link = '<a class="text-link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'
        return format_html(link, row.evidence_url, row.evidence_url)

    @display(description="Answer until")
    def due(self, row: Appeal) -> SafeString | str:
        return when(row.due_at)

    @display(description="State")
    def state_label(self, row: Appeal) -> SafeString:
        if row.state == Appeal.State.OPEN and row.due_at < timezone.now():
            return label("Past its deadline", "danger")
        return label(row.get_state_display(), TONES[row.state])
