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
from django.utils.translation import gettext, ngettext
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.intake import expire_parked, try_parked
from conversions.models import ParkedPostback, Postback
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from tracking.click_id.pasted import narrowed
from web.panel import (
    ConfirmForm,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    code,
    column,
    label_column,
    link_to,
    question,
    when,
)
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
        counts = Counter(
            gettext("still waiting") if pk in still else outcomes.get(pk, gettext("gone")) for pk in chosen
        )
        return ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.most_common())


class TryParked(DecideParked):
    title, submit = _("Try now"), _("Try now")
    explanation = _(
        "They are decided now instead of at their next attempt, with all others that wait for the same event. "
        "A request whose event is still missing stays parked."
    )

    def perform(self, *, actor: User, now: datetime) -> str:
        try_parked([row.pk for row in self.rows], now=now)
        return format_lazy(_("Tried again: {became}."), became=self.became())


class ExpireParked(DecideParked):
    title, submit, tone = _("Let expire"), _("Let expire"), "danger"
    explanation = _(
        "They stop waiting, and so do repeats of the same request. If the missing event has arrived meanwhile, "
        "the request is decided with it instead. An expired request can be decided again from the list of "
        "postbacks."
    )
    note = note_field(required=True, label=_("Reason"), help_text=_("Why, in a few words; shown in the trace."))

    def perform(self, *, actor: User, now: datetime) -> str:
        expire_parked([row.pk for row in self.rows], by=str(actor), note=self.cleaned_data["note"], now=now)
        return format_lazy(
            _("Expired: {became}. Reason: {cleaned_data}"),
            became=self.became(),
            cleaned_data=self.cleaned_data["note"],
        )


@admin.register(ParkedPostback)
class ParkedPostbackAdmin(RecordAdmin):
    """Parked postbacks, the oldest first. A row is deleted once it is decided; the postback and its trace stay."""

    list_display = ("postback_shown", "advertiser_link", "waits_label", "awaited_shown", "wait", "next_try")
    list_display_links = ("postback_shown",)
    list_filter = (
        ("waits_for", ChoicesCheckboxFilter),
        ("advertiser", ReachableFilter),
        ("is_repeat", BooleanRadioFilter),
        ("parked_at", DayRangeFilter),
        ("expires_at", DayRangeFilter),
    )
    list_select_related = ("postback", "advertiser")
    search_fields = ("awaited",)
    search_help_text = _("Postback ID (pb_…), transaction ID, or what is awaited, in full")
    ordering = ("parked_at", "postback")
    sortable_by = ()
    actions = ("try_now", "give_up")
    actions_detail = ("trace", "try_now", "give_up")
    try_now = question(TryParked, description=_("Try now"), icon="play_arrow")
    give_up = question(ExpireParked, description=_("Let expire"), icon="block", variant=ActionVariant.DANGER)
    fields = (
        *(("postback_shown", "advertiser"), ("waits_label", "awaited_shown"), ("occurred_at", "since")),
        *(("next_try", "until"), "is_repeat"),
    )
    postback_shown = column(_("Postback"), "postback.public_id", code)
    advertiser_link = column(_("Advertiser"), "advertiser", link_to)
    waits_label = label_column(_("Waits for"), "waits_for", TONES)
    awaited_shown = column(_("Which"), awaited, code)
    wait = column(
        _("Since, until"), lambda row: format_html("<span>{}<br>{}</span>", when(row.parked_at), when(row.expires_at))
    )
    since = column(_("Since"), "parked_at", when)
    until = column(_("Expires at"), "expires_at", when)

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

    @action(description=_("Whole story"), icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The parked row may be decided and gone meanwhile; its postback stays."""
        public_id = Postback.objects.values_list("public_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("trace:postback", args=[public_id]))

    @display(description=_("Next try"))
    def next_try(self, row: ParkedPostback) -> SafeString | str:
        if row.is_repeat:
            return gettext("With the one that it repeats")
        tried = ngettext("{number} attempt so far", "{number} attempts so far", row.tries).format(number=row.tries)
        at = gettext("Due now") if row.next_try_at <= timezone.now() else when(row.next_try_at)
        return format_html("<span>{}<br>{}</span>", at, tried)
