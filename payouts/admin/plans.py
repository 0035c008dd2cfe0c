"""Commission plans, their versions and rules. Versions are only ever added."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.access.operators import operator
from conversions.models import Goal
from payouts.admin.consents import agreed_shown
from payouts.admin.money_rights import CommissionByPermission, shows_commission
from payouts.admin.rows_field import put_rows
from payouts.admin.version_form import VersionForm, edited
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanVersion
from payouts.plans.examples import ExampleRefused, goals_of, stored_examples
from payouts.plans.linter import GAP, findings
from payouts.plans.price_books import terms_of_rule
from payouts.pricing.examples import example_words
from payouts.pricing.rule_words import pays_words
from records.translation import gettext_lazy as _
from records.translation import in_english
from web.panel import (
    PanelAdmin,
    ReachableFilter,
    RecordAdmin,
    column,
    label,
    link_to,
    long_code,
    moment,
    once,
    rows_of,
    stacked,
    when,
)


def rule_words(rule: CommissionRule) -> str:
    """`First deposit (FTD): 120.00 EUR`, `Deposit: 25 % of revenue`."""
    joined = gettext(" (together with the others)") if rule.is_component else ""
    return f"{rule.goal_name}: {pays_words(terms_of_rule(rule))}{joined}".replace("every goal", "Every goal", 1)


def examples_shown(version: PlanVersion, goals: Mapping[str, Goal]) -> SafeString | str:
    """The version's worked examples in words."""
    found = stored_examples(list(version.examples.all()), goals)
    lines = ((example.name, " ".join(example_words(example))) for example in found)
    return format_html_join("", "<div><b>{}</b>: {}</div>", lines) or "–"


def _version_shown(version: PlanVersion, goals: Mapping[str, Goal], in_force: bool) -> SafeString:
    """A version in words: start, author and reason, what it pays, and its examples."""
    by = gettext(" · by {created_by}").format(created_by=version.created_by) if version.created_by else ""
    examples = examples_shown(version, goals)
    return format_html(
        '<div class="aff-version-shown"><p><b>v{}</b> · {}from {}{}</p>{}<ul>{}</ul>{}</div>',
        version.number,
        gettext("in force · ") if in_force else "",
        moment(version.effective_from),
        by,
        format_html('<p class="aff-muted">{}</p>', version.note) if version.note else "",
        format_html_join("", "<li>{}</li>", ((rule_words(rule),) for rule in version.rules.all())),
        format_html('<div class="aff-muted">For example {}</div>', examples) if version.examples.all() else "",
    )


def version_in_force(plan: CommissionPlan) -> PlanVersion | None:
    """The newest version that has begun; reads versions that were fetched with the plan."""
    now = timezone.now()
    begun = [version for version in plan.versions.all() if version.effective_from <= now]
    return max(begun, key=lambda version: version.effective_from, default=None)


def plan_words(plan: CommissionPlan) -> SafeString | str:
    """What the plan pays now."""
    version = version_in_force(plan)
    if version is None:
        return gettext("No version is in force: nothing is earned.")
    return stacked(map(rule_words, version.rules.all()))


def with_rules(plans: "QuerySet[CommissionPlan]") -> "QuerySet[CommissionPlan]":
    """The plans with their versions and rules, three queries in all."""
    rules = Prefetch("rules", CommissionRule.objects.select_related("goal"))
    return plans.prefetch_related(
        Prefetch("versions", PlanVersion.objects.prefetch_related(rules).select_related("created_by"))
    )


def _draft_of(plan: CommissionPlan, public_id: str | None) -> DraftVersion | None:
    """The plan's open draft by its ID; None where none is asked for."""
    if not public_id:
        return None
    draft = get_object_or_404(DraftVersion.objects.select_related("plan__offer"), plan=plan, public_id=public_id)
    if not draft.is_open:
        raise Http404(gettext("The draft is {state} already.").format(state=draft.get_state_display().lower()))
    return draft


@admin.register(CommissionPlan)
class CommissionPlanAdmin(PanelAdmin):
    list_display = ("name", "offer_link", "for_whom", "version", "pays")
    list_filter = (("offer", ReachableFilter), ("affiliate", ReachableFilter))
    list_select_related = ("offer", "affiliate")
    search_fields = ("name", "offer__name", "affiliate__name")
    ordering = ("offer__name", "-affiliate_id")
    sortable_by = ("name",)
    autocomplete_fields = ("offer", "affiliate")
    actions_detail = ("new_version",)
    readonly_fields = ("versions_shown", "drafts_shown")
    offer_link = column(_("Offer"), "offer", link_to, ordering="offer__name")
    for_whom = column(_("For"), "affiliate", link_to, empty=_("All affiliates"))
    pays = column(_("Pays now"), plan_words)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CommissionPlan]":
        return with_rules(super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: CommissionPlan | None = None) -> Any:
        return (
            ("name", ("offer", "affiliate"), "versions_shown", "drafts_shown")
            if obj
            else ("offer", "affiliate", "name")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: CommissionPlan | None = None) -> tuple[str, ...]:
        return ("versions_shown", "drafts_shown", "offer", "affiliate") if obj else ()

    def response_add(
        self, request: HttpRequest, obj: CommissionPlan, post_url_continue: str | None = None
    ) -> HttpResponse:
        """A plan without a version pays nothing, so the next page asks for the rules."""
        messages.success(request, gettext("{obj} was created. Now define what it pays.").format(obj=obj))
        return HttpResponseRedirect(reverse("admin:payouts_commissionplan_new_version", args=[obj.pk]))

    @action(description=_("New version"), icon="add", permissions=["decide"], variant=ActionVariant.PRIMARY)
    def new_version(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The editor of a version; `draft` in the address names the draft that is changed.

        The posted `part` selects the action: publish, save as a draft, render the preview alone, or render the editor
        again with a row added or removed or an example worked out. An htmx request gets only that part back.
        """
        plan = get_object_or_404(CommissionPlan.objects.select_related("offer", "affiliate"), pk=object_id)
        draft = _draft_of(plan, request.GET.get("draft"))
        if request.method != "POST":
            return self._editor(request, VersionForm(plan, draft=draft))
        part = request.POST.get("part", "publish")
        if part in ("publish", "draft"):
            return self._decided(request, VersionForm(plan, request.POST, draft=draft), part)
        if part == "preview":
            return self._editor(request, VersionForm(plan, request.POST, draft=draft), previewed=True)
        posted = edited(request.POST, part)
        if part.startswith("work-out-"):
            posted = self._worked_out(request, plan, posted, part.removeprefix("work-out-"))
        return self._editor(request, VersionForm(plan, posted, checked=False, draft=draft))

    def _decided(self, request: HttpRequest, form: VersionForm, part: str) -> HttpResponse:
        if form.is_valid():
            actor, now = operator(request), timezone.now()
            if part == "draft":
                draft = form.keep(actor=actor, now=now)
                if draft:
                    messages.success(
                        request,
                        gettext("The draft {draft} is saved. It is not in force yet.").format(draft=draft.public_id),
                    )
                    return HttpResponseRedirect(f"{request.path}?draft={draft.public_id}")
            elif version := form.publish(actor=actor, now=now):
                return self._published(request, form.plan, version)
        return self._editor(request, form)

    def _worked_out(self, request: HttpRequest, plan: CommissionPlan, posted: QueryDict, key: str) -> QueryDict:
        """The posted data, with an example's expected lines filled in from the rules."""
        try:
            lines = VersionForm(plan, posted).worked_out(key, timezone.now())
        except ExampleRefused as error:
            messages.error(request, str(error))
            return posted
        put_rows(posted, f"example-{key}-expected", lines)
        return posted

    def _editor(self, request: HttpRequest, form: VersionForm, *, previewed: bool = False) -> HttpResponse:
        is_part = bool(request.headers.get("HX-Request"))
        context = {
            **({} if is_part else self.admin_site.each_context(request)),
            "title": gettext("New version of {plan}").format(plan=form.plan),
            "opts": self.opts,
            "original": form.plan,
            "plan": form.plan,
            "form": form,
            "draft": form.draft,
            "preview": form.preview(timezone.now()) if previewed else None,
            "media": self.media + form.media,
        }
        name = "new_version.html" if not is_part else "_preview.html" if previewed else "_editor.html"
        response = TemplateResponse(request, f"admin/payouts/commissionplan/{name}", context)
        if is_part and not previewed:
            # The preview follows the rows.
            response["HX-Trigger-After-Settle"] = "version-changed"
        return response

    def _published(self, request: HttpRequest, plan: CommissionPlan, version: PlanVersion) -> HttpResponse:
        message = gettext("Version {number} is in force from {moment}.").format(
            number=version.number, moment=moment(version.effective_from)
        )
        LogEntry.objects.log_actions(operator(request).pk, [plan], CHANGE, change_message=in_english(message))
        messages.success(request, message)
        rules = list(version.rules.select_related("goal"))
        for finding in findings(plan, rules, effective_from=version.effective_from):
            if finding.kind == GAP:
                messages.warning(request, finding.words)
        return HttpResponseRedirect(reverse("admin:payouts_commissionplan_change", args=[plan.pk]))

    @display(description=_("Version"))
    def version(self, row: CommissionPlan) -> SafeString:
        current = version_in_force(row)
        return label(f"v{current.number}", "success") if current else label(gettext("None in force"), "danger")

    @display(description=_("Versions"))
    def versions_shown(self, row: CommissionPlan) -> SafeString | str:
        current, goals = version_in_force(row), goals_of(row.offer_id)
        # Only here: the list of plans shows no examples.
        prefetch_related_objects(list(row.versions.all()), "examples")
        blocks = ((_version_shown(version, goals, version == current),) for version in row.versions.all())
        shown = format_html_join("", "{}", blocks)
        return shown or gettext("No version yet: the plan pays nothing. Use “New version”.")

    @display(description=_("Open drafts"))
    def drafts_shown(self, row: CommissionPlan) -> SafeString:
        editor = reverse("admin:payouts_commissionplan_new_version", args=[row.pk])
        drafts = DraftVersion.objects.filter(plan=row, state=DraftVersion.State.OPEN).select_related("created_by")
        lines = (
            (
                format_html('<a class="text-link" href="{}?draft={}">{}</a>', editor, draft.public_id, draft.public_id),
                moment(draft.effective_from),
                draft.note or "–",
                draft.created_by or "–",
                link_to(draft, gettext("What it changes, and who has agreed")),
            )
            for draft in drafts.order_by("-pk")
        )
        return rows_of(
            (gettext("Draft"), gettext("From"), gettext("Note"), gettext("By"), gettext("Consent")),
            lines,
            empty=gettext("None."),
        )


def consent_shown(row: PlanVersion) -> SafeString | str:
    """Why the version may begin in the past, with the money that the page's reader may see."""
    return agreed_shown(row, with_commission=shows_commission(row))


@admin.register(PlanVersion)
class PlanVersionAdmin(CommissionByPermission, RecordAdmin):
    list_display = ("plan_link", "number", "begins", "pays", "note", "created_by")
    list_display_links = ("number",)
    list_select_related = ("plan", "created_by")
    list_filter = (("plan", ReachableFilter),)
    search_fields = ("plan__name", "plan__offer__name")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("plan", "number"),
        ("effective_from", "created_at"),
        "pays",
        "for_example",
        "agreed",
        "note",
        "created_by",
        "digest_shown",
    )
    plan_link = column(_("Plan"), "plan", link_to)
    begins = column(_("From"), "effective_from", when)
    pays = column(_("Pays"), lambda row: stacked(map(rule_words, row.rules.all())))
    digest_shown = column(_("Digest"), "digest", long_code)
    agreed = column(_("Consent"), once(consent_shown))
    for_example = column(_("For example"), lambda row: examples_shown(row, goals_of(row.plan.offer_id)))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PlanVersion]":
        rows: QuerySet[PlanVersion] = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("rules", CommissionRule.objects.select_related("goal")))


@admin.register(CommissionRule)
class CommissionRuleAdmin(RecordAdmin):
    list_display = ("words", "kind", "version_link", "offer_link")
    list_filter = (("kind", ChoicesCheckboxFilter), ("version__plan", ReachableFilter))
    list_select_related = ("goal", "version__plan__offer")
    search_fields = ("goal__name", "goal__code", "version__plan__name")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("version", "goal"), "kind", "words")
    words = column(_("Rule"), rule_words)
    version_link = column(_("Version"), "version", link_to)
    offer_link = column(_("Offer"), "version.plan.offer", link_to)
