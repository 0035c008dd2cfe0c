"""Goals, alone and on their offer's page."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display

from affiliates.admin import OfferAdmin
from affiliates.models import Offer
from affiliates.panel import PanelAdmin, PanelInline, code, link_to
from conversions.admin.forms import GoalForm
from conversions.models import Goal

RULES = (
    ("approval", "approval_delay"),
    ("once_per_customer", "needs_customer_id"),
    ("needs_revenue", "minimum_revenue"),
    "attribution_window",
)


def approval_words(goal: Goal) -> str:
    """`after 14 days`, `at once`, `by hand`."""
    if goal.approval == Goal.Approval.AFTER_DELAY and goal.approval_delay:
        days = goal.approval_delay.total_seconds() / 86_400
        return f"after {days:g} {'day' if days == 1 else 'days'}"
    return "at once" if goal.approval == Goal.Approval.AT_ONCE else "by hand"


@admin.register(Goal)
class GoalAdmin(PanelAdmin):
    form = GoalForm
    list_display = ("name", "shown_code", "offer_link", "kind", "approved", "rules", "is_active", "position")
    list_filter = (
        ("offer", AutocompleteSelectFilter),
        ("kind", ChoicesCheckboxFilter),
        ("approval", ChoicesCheckboxFilter),
        ("is_active", BooleanRadioFilter),
    )
    list_select_related = ("offer",)
    search_fields = ("name", "code", "offer__name")
    sortable_by = ("name", "shown_code", "position")
    autocomplete_fields = ("offer",)
    fieldsets = (
        (None, {"fields": ("offer", ("name", "code"), ("kind", "position"), "is_active")}),
        ("Rules", {"fields": RULES}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Goal | None = None) -> tuple[str, ...]:
        """A goal keeps its offer; once it has conversions also the code that senders use."""
        if obj is None:
            return ()
        return ("offer", "code") if obj.conversions.exists() else ("offer",)

    @display(description="Code", ordering="code")
    def shown_code(self, row: Goal) -> SafeString | str:
        return code(row.code)

    @display(description="Offer", ordering="offer__name")
    def offer_link(self, row: Goal) -> SafeString | str:
        return link_to(row.offer)

    @display(description="Approved")
    def approved(self, row: Goal) -> str:
        return approval_words(row)

    @display(description="Rules")
    def rules(self, row: Goal) -> str:
        said = [
            "once per customer" if row.once_per_customer else "",
            "needs customer_id" if row.needs_customer_id else "",
            "needs revenue" if row.needs_revenue else "",
            f"revenue from {row.minimum_revenue.normalize():f} {row.offer.currency}" if row.minimum_revenue else "",
        ]
        return ", ".join(part for part in said if part) or "–"


class GoalInline(PanelInline):
    """An offer's goals in the order of its funnel."""

    model = Goal
    form = GoalForm
    fields = (("name", "code"), ("kind", "position"), "is_active", *RULES)
    show_change_link = True
    collapsible = True

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Goal]":
        rows: QuerySet[Goal] = super().get_queryset(request)
        return rows.select_related("offer")


admin.site.unregister(Offer)


@admin.register(Offer)
class OfferWithGoalsAdmin(OfferAdmin):
    """An offer together with the events that it counts."""

    inlines = (GoalInline, *OfferAdmin.inlines)
