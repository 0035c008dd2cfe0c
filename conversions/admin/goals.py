"""Goals, alone and on their offer's page."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display

from affiliates.admin import OfferAdmin
from affiliates.models import Offer
from conversions.admin.forms import GoalForm
from conversions.models import Goal, QualificationRule
from conversions.qualification.waits import RULES as WITH_RULES
from conversions.qualification.words import all_words
from conversions.qualification_kinds.base import UNUSED
from conversions.qualification_kinds.table import help_of
from records.translation import gettext_lazy as _
from records.words import duration_words
from web.panel import DaysField, ListField, PanelAdmin, PanelInline, ReachableFilter, code, column, link_to

RULES = (
    ("approval", "approval_delay"),
    ("once_per_customer", "needs_customer_id"),
    ("needs_revenue", "minimum_revenue"),
    ("dedupe_by", "dedupe_window"),
    ("attribution_window", "attribution_window_minimum"),
)


def approval_words(goal: Goal) -> str:
    """`after 14 days`, `at once`, `by hand`."""
    if goal.approval == Goal.Approval.AFTER_DELAY and goal.approval_delay:
        return gettext("after {duration}").format(duration=duration_words(goal.approval_delay))
    return gettext("at once") if goal.approval == Goal.Approval.AT_ONCE else gettext("by hand")


class QualificationRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The columns of all kinds; the help text of each names the kinds that use it."""

    within = DaysField(required=False, label=_("Within"))
    countries = ListField(
        base_field=QualificationRule._meta.get_field("countries").base_field,
        label=_("Countries"),
        help_text="",
        capitals=True,
    )

    class Meta:
        model = QualificationRule
        fields = ("kind", *UNUSED)
        help_texts: ClassVar = {"kind": _("Each kind uses the fields that name it; the others stay empty.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in UNUSED:
            self.fields[name].help_text = help_of(name)


class RuleInline(PanelInline):
    """Further rules that an event must meet, beyond those of the goal itself; all of them must be met."""

    model = QualificationRule
    form = QualificationRuleForm
    fk_name = "goal"
    verbose_name_plural = _("qualification rules")
    fields = (
        "kind",
        ("other_goal", "within"),
        ("amount", "factor"),
        "countries",
        ("at_least", "at_most"),
        ("number", "over_cap"),
        ("scope", "period"),
    )

    def get_formset(self, request: HttpRequest, obj: Goal | None = None, **kwargs: Any) -> Any:
        """Offer only goals of the same offer."""
        self._goal = obj
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        goal = getattr(self, "_goal", None)
        if db_field.name == "other_goal":
            kwargs["queryset"] = Goal.objects.filter(offer=goal.offer_id) if goal else Goal.objects.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Goal)
class GoalAdmin(PanelAdmin):
    form = GoalForm
    list_display = ("name", "shown_code", "offer_link", "kind", "approved", "rules", "is_active", "position")
    list_filter = (
        ("offer", ReachableFilter),
        ("kind", ChoicesCheckboxFilter),
        ("approval", ChoicesCheckboxFilter),
        ("is_active", BooleanRadioFilter),
    )
    list_select_related = ("offer",)
    search_fields = ("name", "code", "offer__name")
    sortable_by = ("name", "shown_code", "position")
    autocomplete_fields = ("offer",)
    inlines = (RuleInline,)
    fieldsets = (
        (None, {"fields": ("offer", ("name", "code"), ("kind", "position"), "is_active")}),
        (_("Rules"), {"fields": RULES}),
    )
    shown_code = column(_("Code"), "code", code, ordering="code")
    offer_link = column(_("Offer"), "offer", link_to, ordering="offer__name")
    approved = column(_("Approved"), approval_words)

    def get_readonly_fields(self, request: HttpRequest, obj: Goal | None = None) -> tuple[str, ...]:
        """A goal keeps its offer; once it has conversions also the code that senders use."""
        if obj is None:
            return ()
        return ("offer", "code") if obj.conversions.exists() else ("offer",)

    @display(description=_("Rules"))
    def rules(self, row: Goal) -> str:
        parts = [
            gettext("needs customer_id") if row.needs_customer_id else "",
            gettext("needs revenue") if row.needs_revenue else "",
            *all_words(row),
        ]
        return ", ".join(part for part in parts if part) or "–"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Goal]":
        rows: QuerySet[Goal] = super().get_queryset(request)
        return rows.prefetch_related(WITH_RULES)


class GoalInline(PanelInline):
    """An offer's goals in the order of its funnel."""

    model = Goal
    related = ("offer",)
    form = GoalForm
    fields = (("name", "code"), ("kind", "position"), "is_active", *RULES)
    show_change_link = True
    collapsible = True


admin.site.unregister(Offer)


@admin.register(Offer)
class OfferWithGoalsAdmin(OfferAdmin):
    """An offer together with the events that it counts."""

    inlines = (GoalInline, *OfferAdmin.inlines)
