"""Parked postbacks: what they need, until when, and what an operator may do about it."""

from collections import Counter
from datetime import datetime

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.intake import expire_parked, try_parked
from conversions.models import ParkedPostback, Postback
from records.words import counted
from tracking.click_id.pasted import narrowed
from web.panel import ConfirmForm, DayRangeFilter, RecordAdmin, code, label, link_to, question, when
from web.panel.confirm import note_field

TONES = {"customer": "info", "sale": "warning", "link": "danger"}


def awaited(row: ParkedPostback) -> str:
    """The missing event in words: a sale by its goal and transaction."""
    return row.awaited.replace("|", " · ")


class DecideParked(ConfirmForm):
    def describe(self, row: ParkedPostback) -> str:
        return f"{row.advertiser} · {row.get_waits_for_display().lower()} {awaited(row)}"

    def became(self) -> str:
        """The result for the chosen rows: `2 accepted, 1 still waits`."""
        chosen = [row.pk for row in self.rows]
        still = set(ParkedPostback.objects.filter(pk__in=chosen).values_list("pk", flat=True))
        outcomes = dict(Postback.objects.filter(pk__in=chosen).values_list("pk", "outcome"))
        counts = Counter("still waiting" if pk in still else outcomes.get(pk, "gone") for pk in chosen)
        return ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.most_common())


class TryParked(DecideParked):
    title, submit = "Try now", "Try now"
    explanation = (
        "They are decided at once rather than at their next try, with all others that wait for the same. What is "
        "still not there is waited for as before."
    )

    def perform(self, *, actor: User, now: datetime) -> str:
        try_parked([row.pk for row in self.rows], now=now)
        return f"Tried again: {self.became()}."


class ExpireParked(DecideParked):
    title, submit, tone = "Give up", "Give up", "danger"
    explanation = (
        "They wait no longer, and repeats of the same go with them. What they wait for may still come: then a request "
        "is decided by it, never thrown away. Afterwards one can be decided again from the list of postbacks."
    )
    note = note_field(required=True, label="Reason", help_text="Why, in a few words. It stands in the trace.")

    def perform(self, *, actor: User, now: datetime) -> str:
        expire_parked([row.pk for row in self.rows], by=str(actor), note=self.cleaned_data["note"], now=now)
        return f"Given up: {self.became()}. Reason: {self.cleaned_data['note']}"


@admin.register(ParkedPostback)
class ParkedPostbackAdmin(RecordAdmin):
    """Parked postbacks, the oldest first. A row is deleted once it is decided; the postback and its trace stay."""

    list_display = ("postback_shown", "advertiser_link", "waits_label", "awaited_shown", "wait", "next_try")
    list_display_links = ("postback_shown",)
    list_filter = (
        ("waits_for", ChoicesCheckboxFilter),
        ("advertiser", AutocompleteSelectFilter),
        ("is_repeat", BooleanRadioFilter),
        ("parked_at", DayRangeFilter),
        ("expires_at", DayRangeFilter),
    )
    list_select_related = ("postback", "advertiser")
    search_fields = ("awaited",)
    search_help_text = "Postback ID (pb_…), transaction ID, or what is awaited, in full"
    ordering = ("parked_at", "postback")
    sortable_by = ()
    actions = ("try_now", "give_up")
    actions_detail = ("trace", "try_now", "give_up")
    try_now = question(TryParked, description="Try now", icon="play_arrow")
    give_up = question(ExpireParked, description="Give up", icon="block", variant=ActionVariant.DANGER)
    fields = (
        *(("postback_shown", "advertiser"), ("waits_label", "awaited_shown"), ("occurred_at", "since")),
        *(("next_try", "until"), "is_repeat"),
    )
    readonly_fields = ("postback_shown", "waits_label", "awaited_shown", "since", "next_try", "until")

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[ParkedPostback]", search_term: str
    ) -> tuple["QuerySet[ParkedPostback]", bool]:
        """Exact texts only."""
        term = narrowed(search_term)
        if not term:
            return queryset, False
        named = Q(postback__public_id=term) | Q(postback__transaction_id=term)
        return queryset.filter(named | Q(awaited=term)), False

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        """Go back to the list if the row is gone."""
        if form.rows and not ParkedPostback.objects.filter(pk=form.rows[0].pk).exists():
            return reverse("admin:conversions_parkedpostback_changelist")
        return super()._after(request, form)

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        public_id = Postback.objects.values_list("public_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("trace:postback", args=[public_id]))

    @display(description="Postback")
    def postback_shown(self, row: ParkedPostback) -> SafeString | str:
        return code(row.postback.public_id)

    @display(description="Advertiser")
    def advertiser_link(self, row: ParkedPostback) -> SafeString | str:
        return link_to(row.advertiser)

    @display(description="Waits for")
    def waits_label(self, row: ParkedPostback) -> SafeString:
        return label(row.get_waits_for_display(), TONES[row.waits_for])

    @display(description="Which")
    def awaited_shown(self, row: ParkedPostback) -> SafeString | str:
        return code(awaited(row))

    @display(description="Since, until")
    def wait(self, row: ParkedPostback) -> SafeString:
        return format_html("<span>{}<br>{}</span>", when(row.parked_at), when(row.expires_at))

    @display(description="Since")
    def since(self, row: ParkedPostback) -> SafeString | str:
        return when(row.parked_at)

    @display(description="Next try")
    def next_try(self, row: ParkedPostback) -> SafeString | str:
        if row.is_repeat:
            return "With the one that it repeats"
        tried = f"{counted(row.tries, 'try', 'tries')} so far"
        at = "Due now" if row.next_try_at <= timezone.now() else when(row.next_try_at)
        return format_html("<span>{}<br>{}</span>", at, tried)

    @display(description="Given up at")
    def until(self, row: ParkedPostback) -> SafeString | str:
        return when(row.expires_at)
