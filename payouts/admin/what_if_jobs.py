"""What-ifs in the panel: requests, progress and results."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRefresh
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from affiliates.access.operators import operator
from affiliates.models import User
from payouts.admin.what_if_page import report_of
from payouts.models import CommissionPlan, DraftVersion, PlanVersion, WhatIf
from payouts.plan_changes.what_if_jobs import WhatIfRefused, ask_of_draft, ask_what_if
from payouts.plan_changes.what_if_report import csv_rows
from payouts.plans.documents import PlanRefused
from payouts.rights import VIEW_LEDGER, sees_commission
from records.spreadsheet_cells import csv_text
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import PUBLIC_ID, ConfirmForm, RecordAdmin, column, label_column, link_to, question, when

STATES = {"waiting": "warning", "running": "info", "done": "success", "failed": "danger"}
MOST_OFFERED = 200


class TryForm(ConfirmForm):
    """A past period, in days of UTC."""

    permission = "payouts.change_whatif"
    title, submit = _("What if"), _("Show")
    explanation = _(
        "Events of the period are priced by the terms in force and by these, with the functions that book. Nothing is "
        "written to the ledger."
    )
    asked: WhatIf | None = None
    starts_on = forms.DateField(label=_("From"), widget=UnfoldAdminSingleDateWidget, help_text=_("The first day, UTC."))
    ends_on = forms.DateField(
        label=_("Until before"),
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("The first day that is no longer in the period. A day that is not over ends now."),
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        today = timezone.now().astimezone(UTC).date()
        this_month = today.replace(day=1)
        last_month = (this_month.replace(month=this_month.month - 1) if this_month.month > 1 else None) or (
            this_month.replace(year=this_month.year - 1, month=12)
        )
        self.fields["starts_on"].initial, self.fields["ends_on"].initial = last_month, this_month

    def period(self) -> tuple[datetime, datetime]:
        first, last = (datetime.combine(self.cleaned_data[name], time(), UTC) for name in ("starts_on", "ends_on"))
        return first, last

    def ask(self, actor: User, now: datetime) -> WhatIf:
        raise NotImplementedError

    def perform(self, *, actor: User, now: datetime) -> str:
        try:
            self.asked = self.ask(actor, now)
        except (PlanRefused, WhatIfRefused) as error:
            raise ValidationError(str(error)) from error
        if self.asked.is_open:
            return format_lazy(
                _("{asked_total:,} events will be compared; this page shows the progress."),
                asked_total=self.asked.total,
            )
        return format_lazy(_("{asked_total:,} events were compared."), asked_total=self.asked.total)


class TryVersion(TryForm):
    """A draft or a published version, tried on a past period."""

    field_order = ("tried", "starts_on", "ends_on")
    tried = forms.ChoiceField(label=_("Terms to try"), widget=UnfoldAdminSelectWidget)

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        drafts = DraftVersion.objects.filter(state=DraftVersion.State.OPEN).select_related("plan__offer")[:MOST_OFFERED]
        versions = PlanVersion.objects.select_related("plan__offer").order_by("-pk")[:MOST_OFFERED]
        self.fields["tried"].choices = [  # type: ignore[attr-defined]
            (gettext("Drafts"), [(f"draft-{each.pk}", f"{_plan_words(each.plan)}: {each}") for each in drafts]),
            (gettext("Versions"), [(f"version-{each.pk}", f"{_plan_words(each.plan)}: {each}") for each in versions]),
        ]

    def ask(self, actor: User, now: datetime) -> WhatIf:
        kind, _, pk = self.cleaned_data["tried"].partition("-")
        first, last = self.period()
        if kind == "draft":
            draft = DraftVersion.objects.select_related("plan__offer").get(pk=pk)
            return ask_of_draft(draft, first, last, actor=actor, now=now)
        version = PlanVersion.objects.select_related("plan__offer").get(pk=pk)
        rules = list(version.rules.select_related("goal"))
        return ask_what_if(
            plan=version.plan, rules=rules, tried=str(version), starts_at=first, ends_at=last, actor=actor, now=now
        )


class TryDraft(TryForm):
    """This draft, tried on a past period."""

    title = _("What if this draft had been in force")

    def ask(self, actor: User, now: datetime) -> WhatIf:
        [draft] = self.rows
        return ask_of_draft(draft, *self.period(), actor=actor, now=now)


def _plan_words(plan: CommissionPlan) -> str:
    return plan.offer.name


def may_try(request: HttpRequest) -> bool:
    """Whether the operator may request a what-if: it adds a row and shows commission."""
    user = operator(request)
    reached = user.affiliates_within("payouts.change_whatif", VIEW_LEDGER)
    return user.has_perm("payouts.change_whatif") and sees_commission(user) and reached is None


def what_if_path(form: ConfirmForm) -> str | None:
    """The page of the what-if that the form requested."""
    asked = getattr(form, "asked", None)
    return reverse("admin:payouts_whatif_change", args=[asked.pk]) if asked else None


def period_words(row: WhatIf) -> str:
    """`2026-10-01 to 2026-10-31`; with times where it does not go from midnight to midnight. UTC."""
    starts, ends = row.starts_at.astimezone(UTC), row.ends_at.astimezone(UTC)
    if starts.time() == ends.time() == time():
        last: date = date.fromordinal(ends.date().toordinal() - 1)
        return gettext("{starts:%Y-%m-%d} to {last:%Y-%m-%d} UTC").format(starts=starts, last=last)
    return gettext("{starts:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC").format(starts=starts, ends=ends)


@admin.register(WhatIf)
class WhatIfAdmin(RecordAdmin):
    """What-ifs, for operators who may view commission; the page of a running one refreshes itself."""

    list_display = ("shown_id", "tried", "offer", "period", "state_label", "asked_by", "asked")
    list_display_links = ("shown_id",)
    list_filter = (("state", ChoicesCheckboxFilter),)
    related = ("plan__offer", "plan__affiliate", "draft", "asked_by")
    search_fields = ("public_id", "tried", "plan__offer__name")
    ordering = ("-id",)
    sortable_by = ()
    actions_list = ("try_version",)
    actions_detail = ("download",)
    fields = (("what", "state_label"), ("period", "plan_link"), "progress", ("asked_by", "asked_at"), "error")
    shown_id = PUBLIC_ID
    state_label = label_column(_("State"), "state", STATES)
    try_version = question(
        TryVersion, description=_("Try a version"), icon="query_stats", variant=ActionVariant.PRIMARY, permission="try"
    )
    what = column(_("Tried"), lambda row: link_to(row.draft, row.tried) if row.draft else row.tried)
    offer = column(_("Offer"), "plan.offer.name")
    period = column(_("Events of"), period_words)
    asked = column(_("Asked"), "asked_at", when)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(super().has_view_permission(request, obj)) and sees_commission(operator(request))

    def has_try_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return may_try(request)

    def get_fields(self, request: HttpRequest, obj: WhatIf | None = None) -> Any:
        fields = self.fields if obj and obj.error else self.fields[:-1]
        return [each for each in fields if each != "progress" or (obj and obj.is_open)]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page itself; for a refresh after the end, an instruction to reload the whole page."""
        row = self.get_object(request, object_id)
        if row and getattr(request, "htmx", False) and not row.is_open:
            return HttpResponseClientRefresh()
        report = report_of(row) if row and row.state == WhatIf.State.DONE else None
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "report": report}
        )
        return answer

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return what_if_path(form) or super()._after(request, form)

    @action(description=_("CSV"), icon="download", permissions=["view"])
    def download(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        row = get_object_or_404(WhatIf, pk=object_id)
        return StreamingHttpResponse(
            (csv_text([line]) for line in csv_rows(row)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="what-if-{row.public_id}.csv"'},
        )

    @display(description=_("Plan"))
    def plan_link(self, row: WhatIf) -> SafeString | str:
        whose = (
            gettext("{affiliate} alone").format(affiliate=row.plan.affiliate)
            if row.plan.affiliate
            else gettext("all affiliates without a plan of their own")
        )
        return format_html("{} · {} · {}", link_to(row.plan), row.plan.offer, whose)

    @display(description=_("Progress"))
    def progress(self, row: WhatIf) -> SafeString | str:
        message = gettext("{done:,} of {total:,} events").format(done=row.done, total=row.total)
        return format_html(
            '<progress class="aff-bar" value="{}" max="{}">{}</progress> {}', row.done, row.total or 1, message, message
        )
