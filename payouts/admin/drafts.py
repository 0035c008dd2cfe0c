"""Drafts of plan versions, and affiliates' answers to them."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from affiliates.models import Affiliate, User
from payouts.admin.money_rights import CommissionByPermission, shows_commission
from payouts.admin.what_if_jobs import TryDraft, may_try, what_if_path
from payouts.models import DraftVersion, PlanConsent
from payouts.plan_changes.consent_requests import ConsentStanding, ask_for_consent, owners_to_remind, standings
from payouts.plan_changes.consents import ConsentRefused, affected_by, record
from payouts.plan_changes.drafts import publish_draft, withdraw_draft
from payouts.plan_changes.what_if_jobs import effect_on
from payouts.plan_changes.what_if_report import changes_of, difference_words
from payouts.plans.documents import PlanRefused
from payouts.rights import HIDDEN
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.cells import NOTHING
from web.panel import (
    PUBLIC_ID,
    ConfirmForm,
    ReachableFilter,
    RecordAdmin,
    column,
    label,
    label_column,
    link_to,
    long_code,
    moment,
    once,
    question,
    rows_of,
    stacked,
    when,
)

TONES = {"open": "info", "published": "success", "withdrawn": "danger"}
ANSWERS = {"accepted": "success", "declined": "danger"}
DIGEST = column(_("Digest"), "digest", long_code)


class OpenDraft(ConfirmForm):
    """An action on a draft that is still open."""

    @classmethod
    def fits(cls, row: DraftVersion) -> bool:
        return row.is_open


class RetroactiveDraft(OpenDraft):
    """An action on a draft that would reprice past events."""

    @classmethod
    def fits(cls, row: DraftVersion) -> bool:
        return row.is_open and row.effective_from < timezone.now()


class AskForConsent(RetroactiveDraft):
    title, submit = _("Ask for consent"), _("Ask")
    explanation = _(
        "Every affiliate whose events the draft prices again is asked in its portal: old and new terms in words, and "
        "what it means for its own money. Owners who have not answered get an e-mail. Asking again reminds "
        "them and computes the amounts again."
    )

    def describe(self, row: DraftVersion) -> str:
        number = len(affected_by(row.plan, row.effective_from, timezone.now()))
        return ngettext("{number} affiliate concerned", "{number} affiliates concerned", number).format(number=number)

    def perform(self, *, actor: User, now: datetime) -> str:
        [draft] = self.rows
        try:
            ask_for_consent(draft=draft, actor=actor, now=now)
        except PlanRefused as error:
            raise ValidationError(str(error)) from error
        text = format_lazy(
            _(
                "The terms of {offer} are to change for events since {effective_from:%Y-%m-%d}. Read in "
                "your portal what that means for your money, and accept or decline. Without your consent they "
                "do not change."
            ),
            offer=draft.plan.offer,
            effective_from=draft.effective_from,
        )
        for address in owners_to_remind(draft, now):
            EmailMessage(_("Your consent to a change of terms"), text, to=[address]).send(fail_silently=True)
        return format_lazy(
            _("The affiliates concerned are asked for their consent to draft {draft}."), draft=draft.public_id
        )


class RecordConsent(RetroactiveDraft):
    title, submit = _("Record an answer"), _("Record")
    explanation = _(
        "For an answer that an affiliate gave elsewhere, such as in a letter. The record has your name and "
        "cannot be changed or deleted; a later answer is added to it."
    )
    affiliate = forms.ModelChoiceField(Affiliate.objects.none(), widget=UnfoldAdminSelectWidget, label=_("Affiliate"))
    answer = forms.ChoiceField(choices=PlanConsent.Answer.choices, widget=UnfoldAdminSelectWidget, label=_("Answer"))
    evidence = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("How and when the affiliate answered, and who for it."),
        label=_("Evidence"),
    )
    evidence_file = forms.CharField(
        required=False,
        max_length=500,
        label=_("File or link"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Where the proof is stored: the name of the file, or a link to it."),
    )
    digest = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        [draft] = rows
        concerned = affected_by(draft.plan, draft.effective_from, timezone.now())
        self.fields["affiliate"].queryset = Affiliate.objects.filter(pk__in=concerned).order_by("name")  # type: ignore[attr-defined]
        # The answer is to the terms that the page showed, not to what they are when the form arrives.
        self.fields["digest"].initial = draft.digest

    def perform(self, *, actor: User, now: datetime) -> str:
        [draft] = self.rows
        given = self.cleaned_data
        try:
            kept = record(
                draft=draft,
                digest=given["digest"],
                affiliate=given["affiliate"],
                accepts=given["answer"] == PlanConsent.Answer.ACCEPTED,
                operator=actor,
                evidence=given["evidence"],
                evidence_file=given["evidence_file"],
                now=now,
            )
        except ConsentRefused as error:
            raise ValidationError(str(error)) from error
        return format_lazy(_("Recorded for draft {draft}: {kept}."), draft=draft.public_id, kept=kept)


class PublishDraft(OpenDraft):
    title, submit = _("Publish the draft"), _("Publish")
    explanation = _(
        "It becomes the plan's next version and cannot be changed. Booked events that it covers are priced again, and "
        "the ledger follows by lines of difference."
    )

    def perform(self, *, actor: User, now: datetime) -> str:
        [draft] = self.rows
        try:
            version = publish_draft(draft=draft, actor=actor, now=now)
        except PlanRefused as error:
            raise ValidationError([ValidationError(problem) for problem in error.problems]) from error
        return format_lazy(
            _("{version} is in force from {moment}."), version=version, moment=moment(version.effective_from)
        )


class WithdrawDraft(OpenDraft):
    title, submit, tone = _("Withdraw the draft"), _("Withdraw"), "danger"
    explanation = _("It can no longer be published; the draft and the answers to it stay on record.")

    def perform(self, *, actor: User, now: datetime) -> str:
        [draft] = self.rows
        try:
            withdraw_draft(draft=draft, now=now)
        except PlanRefused as error:
            raise ValidationError(str(error)) from error
        return format_lazy(_("Draft {draft} was withdrawn."), draft=draft.public_id)


@admin.register(DraftVersion)
class DraftVersionAdmin(CommissionByPermission, RecordAdmin):
    """Drafts of versions. The page lists the affiliates whose consent is needed and their answers."""

    list_display = ("shown_id", "plan_link", "begins", "state_label", "note", "created_by")
    list_display_links = ("shown_id",)
    list_filter = (("state", ChoicesCheckboxFilter), ("plan", ReachableFilter))
    related = ("plan__offer", "plan__affiliate", "created_by", "asked_by", "version")
    search_fields = ("public_id", "plan__name", "plan__offer__name")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("shown_id", "state_label"),
        ("plan_link", "begins"),
        "terms",
        "effect",
        "consents",
        "note",
        ("created_by", "changed_at"),
        "digest_shown",
    )
    actions_detail = ("rewrite", "try_draft", "ask_for_consent", "record_consent", "publish", "withdraw")
    shown_id = PUBLIC_ID
    state_label = label_column(_("State"), "state", TONES)
    try_draft = question(TryDraft, description=_("What if"), icon="query_stats", permission="try")
    ask_for_consent = question(AskForConsent, description=_("Ask for consent"), icon="handshake")
    record_consent = question(RecordConsent, description=_("Record an answer"), icon="edit_document")
    publish = question(PublishDraft, description=_("Publish"), icon="check", variant=ActionVariant.PRIMARY)
    withdraw = question(WithdrawDraft, description=_("Withdraw"), icon="block", variant=ActionVariant.DANGER)
    plan_link = column(_("Plan"), "plan", link_to)
    begins = column(_("From"), "effective_from", when)
    digest_shown = DIGEST

    def get_actions_detail(self, request: HttpRequest, object_id: object) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = super().get_actions_detail(request, object_id)
        return [
            each for each in offered if not each.action_name.endswith("rewrite") or (row is not None and row.is_open)
        ]

    def has_try_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return may_try(request)

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return what_if_path(form) or super()._after(request, form)

    @action(description=_("Change"), icon="edit", permissions=["decide"])
    def rewrite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(DraftVersion, pk=object_id)
        address = reverse("admin:payouts_commissionplan_new_version", args=[row.plan_id])
        return HttpResponseRedirect(f"{address}?draft={row.public_id}")

    @display(description=_("What each goal pays"))
    @once
    def terms(self, row: DraftVersion) -> SafeString:
        lines = (
            (each.goal, each.before, each.after if each.is_changed else gettext("the same")) for each in changes_of(row)
        )
        return rows_of(
            (gettext("Goal"), gettext("In force"), gettext("New")), lines, empty=gettext("The draft has no rules.")
        )

    @display(description=_("What it moves"))
    @once
    def effect(self, row: DraftVersion) -> SafeString | str:
        found = effect_on(row)
        if found is None:
            return gettext("Not computed yet: use “Ask for consent”, or “What if” for another period.")
        link = link_to(found, gettext("By affiliate"))
        return format_html(gettext("{}, computed {}"), link, moment(found.finished_at))

    @display(description=_("Consent"))
    @once
    def consents(self, row: DraftVersion) -> SafeString | str:
        if row.version:
            return format_html(gettext("Published as {}."), link_to(row.version))
        if row.effective_from >= timezone.now():
            return gettext("It begins later: no event is priced again, and no consent is needed.")
        found = standings(row, timezone.now())
        accepted = sum(each.has_accepted for each in found)
        asked = (
            gettext("Asked {moment} by {asked_by}.").format(moment=moment(row.asked_at), asked_by=row.asked_by)
            if row.asked_at
            else gettext("No affiliate was asked yet.")
        )
        message = gettext(
            "{accepted} of {number_of_found} concerned have accepted. {asked} Needed only where one loses."
        ).format(accepted=accepted, number_of_found=len(found), asked=asked)
        table = rows_of(
            (gettext("Affiliate"), gettext("Answer"), gettext("Its money")),
            ((*_answer(each), money) for each, money in zip(found, _money(row, found), strict=True)),
            empty=gettext("No affiliate has events since then that the draft prices again."),
        )
        return format_html('<p>{}</p><div class="aff-gap">{}</div>', message, table)


def _answer(standing: ConsentStanding) -> tuple[SafeString | str, SafeString | str]:
    """Who, and what it answered; in few columns, for narrow pages."""
    given = standing.consent
    if given is None:
        return link_to(standing.affiliate), label(gettext("No answer"), "warning")
    evidence = f": {given.evidence}" if given.evidence else ""
    how = f"{given.get_source_display()}{evidence} ({given.answered_by})"
    shown = label(given.get_answer_display(), ANSWERS[given.answer])
    return link_to(standing.affiliate), format_html(
        "<div>{}</div><div>{}</div><div>{}</div>", shown, link_to(given, moment(given.answered_at)), how
    )


def _money(row: DraftVersion, found: list[ConsentStanding]) -> list[SafeString | str]:
    """The draft's effect on each affiliate's earnings, from the what-if shown in the consent request."""
    if not shows_commission(row):
        return [HIDDEN] * len(found)
    effect = effect_on(row)
    lines = effect.lines.all() if effect else ()
    words: dict[int, list[str]] = {}
    for line in lines:
        difference = difference_words(line.before, line.after, line.currency)
        expected = difference_words(line.expected_before, line.expected_after, line.currency)
        both = (
            difference
            if difference == expected
            else gettext("{difference} ({expected} with what is pending)").format(
                difference=difference, expected=expected
            )
        )
        words.setdefault(line.affiliate_id, []).append(both)
    return [format_html_join(", ", "{}", ((each,) for each in words.get(s.affiliate.pk, ["–"]))) for s in found]


@admin.register(PlanConsent)
class PlanConsentAdmin(CommissionByPermission, RecordAdmin):
    """Answers of affiliates to drafts, as they were given."""

    list_display = ("answered", "affiliate", "answer_label", "draft", "source", "answered_by")
    list_display_links = ("answered",)
    list_filter = (("answer", ChoicesCheckboxFilter), ("affiliate", ReachableFilter))
    list_select_related = ("affiliate", "draft__plan", "answered_by")
    search_fields = ("affiliate__name", "digest", "evidence")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("affiliate", "answer_label"),
        "draft",
        ("source", "answered_by"),
        ("answered_at", "address"),
        ("evidence", "evidence_file"),
        "answer_detail",
        "digest_shown",
    )
    answer_label = label_column(_("Answer"), "answer", ANSWERS)
    answered = column(_("Answered"), "answered_at", when)
    digest_shown = DIGEST

    @display(description=_("What was shown"))
    def answer_detail(self, row: PlanConsent) -> SafeString | str:
        terms = [f"{each['goal']}: {each['before']} → {each['after']}" for each in row.shown.get("terms", ())]
        money = row.shown.get("money", ())
        lines = [*terms, *(money if shows_commission(row) else [HIDDEN] * bool(money))]
        return stacked(lines) or NOTHING
