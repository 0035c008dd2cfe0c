"""Drafts of plan versions, what affiliates say to them, and what-ifs."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter
from unfold.decorators import display

from affiliates.panel import RecordAdmin, labelled, link_to, when
from payouts.admin.plans import rule_words
from payouts.drafts import rules_of
from payouts.models import DraftVersion, PlanConsent, WhatIf

TONES = {"open": "info", "published": "success", "withdrawn": "danger"}
ANSWERS = {"accepted": "success", "declined": "danger"}
STATES = {"waiting": "warning", "running": "info", "done": "success", "failed": "danger"}


@admin.register(DraftVersion)
class DraftVersionAdmin(RecordAdmin):
    """Versions that are being written; the page says who must agree, and who has."""

    list_display = ("shown_id", "plan_link", "begins", "state_label", "note", "created_by")
    list_display_links = ("shown_id",)
    list_filter = (("state", ChoicesCheckboxFilter), ("plan", AutocompleteSelectFilter))
    list_select_related = ("plan", "created_by")
    search_fields = ("public_id", "plan__name", "plan__offer__name")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("shown_id", "state_label"), "plan_link", "begins", "pays", "note", ("created_by", "changed_at"))
    readonly_fields = ("shown_id", "state_label", "plan_link", "begins", "pays")
    state_label = labelled("state", TONES, description="State")

    @display(description="Plan")
    def plan_link(self, row: DraftVersion) -> SafeString | str:
        return link_to(row.plan)

    @display(description="From")
    def begins(self, row: DraftVersion) -> SafeString | str:
        return when(row.effective_from)

    @display(description="Pays")
    def pays(self, row: DraftVersion) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((rule_words(rule),) for rule in rules_of(row)))


@admin.register(PlanConsent)
class PlanConsentAdmin(RecordAdmin):
    """Answers of affiliates to drafts, as they were given."""

    list_display = ("answered", "affiliate", "answer_label", "draft", "source", "answered_by")
    list_display_links = ("answered",)
    list_filter = (("answer", ChoicesCheckboxFilter), ("affiliate", AutocompleteSelectFilter))
    list_select_related = ("affiliate", "draft__plan", "answered_by")
    search_fields = ("affiliate__name", "digest", "evidence")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("affiliate", "answer_label"),
        ("draft", "digest"),
        ("source", "answered_by"),
        ("answered_at", "address"),
        ("evidence", "evidence_file"),
    )
    readonly_fields = ("answer_label",)
    answer_label = labelled("answer", ANSWERS, description="Answer")

    @display(description="Answered")
    def answered(self, row: PlanConsent) -> SafeString | str:
        return when(row.answered_at)


@admin.register(WhatIf)
class WhatIfAdmin(RecordAdmin):
    """What-ifs that were asked for."""

    list_display = ("shown_id", "tried", "begins", "ends", "state_label", "asked_by")
    list_display_links = ("shown_id",)
    list_filter = (("state", ChoicesCheckboxFilter),)
    list_select_related = ("asked_by",)
    search_fields = ("public_id", "tried")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("shown_id", "state_label"), "tried", ("starts_at", "ends_at"), ("asked_by", "asked_at"), "error")
    readonly_fields = ("shown_id", "state_label")
    state_label = labelled("state", STATES, description="State")

    @display(description="From")
    def begins(self, row: WhatIf) -> SafeString | str:
        return when(row.starts_at)

    @display(description="Until before")
    def ends(self, row: WhatIf) -> SafeString | str:
        return when(row.ends_at)
