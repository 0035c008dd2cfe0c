"""The queue of affiliates' appeals: their arguments against a rejection, who answers, and until when."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.decorators import display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.admin import columns
from conversions.lifecycle.appeals import AppealRefused, dismiss, uphold
from conversions.lifecycle.operator_decisions import DecisionRefused
from conversions.lifecycle.status import StatusNotAllowed
from conversions.models import Appeal
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.cells import NOTHING
from web.panel import (
    ConfirmForm,
    ReachableFilter,
    RecordAdmin,
    clipped,
    column,
    label,
    one_of,
    question,
    when,
    whole_story,
)
from web.panel.confirm import note_field

TONES = {"open": "warning", "upheld": "success", "dismissed": "default"}


class AnswerAppeals(ConfirmForm):
    """An operator's answer, with a note for the affiliate."""

    done: ClassVar[str]
    note = note_field(required=True, help_text=_("Why, in a few words. The affiliate can read it."))

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
            raise ValidationError(format_lazy(_("Nothing was changed. {names}"), names=" ".join(refused)))
        return " ".join([f"{len(self.rows) - len(refused)} {self.done}.", *refused])

    def answer(self, **given: Any) -> Appeal:
        raise NotImplementedError


class UpholdAppeals(AnswerAppeals):
    title, submit, done = _("Uphold"), _("Uphold"), _("upheld")
    explanation = _("The conversion is approved on appeal; its commission is booked within seconds.")

    def answer(self, **given: Any) -> Appeal:
        return uphold(**given)


class DismissAppeals(AnswerAppeals):
    title, submit, tone, done = _("Dismiss"), _("Dismiss"), "danger", _("dismissed")
    explanation = _("The rejection stands. The affiliate cannot appeal against it again.")

    def answer(self, **given: Any) -> Appeal:
        return dismiss(**given)


# The queue: it opens with the open appeals.
AppealStateFilter = one_of(
    "state",
    {
        "open": (_("Open"), Q(state="open")),
        "overdue": (_("Past its deadline"), lambda: Q(state="open", due_at__lt=timezone.now())),
        "upheld": (_("Upheld"), Q(state="upheld")),
        "dismissed": (_("Dismissed"), Q(state="dismissed")),
        "all": (_("All"), Q()),
    },
    default="open",
)


@admin.register(Appeal)
class AppealAdmin(RecordAdmin):
    """Appeals against rejections; the one due first comes first."""

    list_display = ("named", "who", "rejection", "text_shown", "owner", "due", "state_label")
    list_display_links = ("named",)
    list_filter = (
        AppealStateFilter,
        ("owner", ReachableFilter),
        ("conversion__goal__offer", ReachableFilter),
        ("conversion__affiliate", ReachableFilter),
    )
    related = ("conversion__goal__offer", "conversion__affiliate", "owner", "appealed_by", "resolved_by")
    search_fields = ("conversion__public_id__exact", "conversion__transaction_id__exact")
    search_help_text = _("Conversion ID (cv_…) or transaction ID")
    ordering = ("due_at", "pk")
    sortable_by = ()
    actions = ("uphold", "dismiss")
    actions_detail = ("trace", "uphold", "dismiss")
    trace = whole_story("conversion", "conversion.public_id")
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
    uphold = question(UpholdAppeals, description=_("Uphold"), icon="check", variant=ActionVariant.PRIMARY)
    dismiss = question(DismissAppeals, description=_("Dismiss"), icon="close")
    named, conversion_link, who = columns.NAMED, columns.CONVERSION, columns.WHO
    affiliate, offer = columns.AFFILIATE, columns.OFFER
    rejection = column(_("Conversion is"), "conversion", columns.status_words)
    text_shown = column(_("The affiliate says"), "words", clipped)
    due = column(_("Answer until"), "due_at", when)

    def has_decide_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Upholding approves a conversion."""
        return super().has_decide_permission(request, obj) and request.user.has_perm("conversions.change_conversion")

    @display(description=_("Evidence"))
    def evidence(self, row: Appeal) -> SafeString | str:
        """The evidence may be on another site, which must not learn the address of this page."""
        if not row.evidence_url:
            return NOTHING
        link = '<a class="text-link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'
        return format_html(link, row.evidence_url, row.evidence_url)

    @display(description=_("State"))
    def state_label(self, row: Appeal) -> SafeString:
        if row.state == Appeal.State.OPEN and row.due_at < timezone.now():
            return label(gettext("Past its deadline"), "danger")
        return label(row.get_state_display(), TONES[row.state])
