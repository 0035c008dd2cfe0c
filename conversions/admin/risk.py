"""The review queue, and how each offer weighs risk signals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from affiliates.models import User
from conversions.admin import columns
from conversions.decisions.held import LABELS, HeldConversions, held_of
from conversions.lifecycle.status import StatusNotAllowed
from conversions.models import Conversion, RiskPolicy, RiskReview
from conversions.reasons.codes import Reason
from conversions.risk.reviews import resolve
from conversions.risk_signals.base import SignalGroup
from conversions.risk_signals.table import SIGNALS, title_of
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from records.words import counted
from web.panel import (
    ChoosingForm,
    DaysField,
    Keys,
    PanelAdmin,
    ReachableFilter,
    RecordAdmin,
    Worth,
    column,
    label,
    left_words,
    one_of,
    question,
    when,
)
from web.panel.confirm import note_field

# What may hold a conversion besides its review.
OTHERS = (HeldConversions.RULES, HeldConversions.CAP, HeldConversions.CLOSED)


class DecideReviews(ChoosingForm):
    """Decide held conversions, with a reason that the affiliate sees."""

    counts = _("revenue")
    approves: ClassVar[bool]
    done: ClassVar[str]
    reasons: ClassVar[tuple[Reason, ...]]
    note = note_field(required=True, help_text=_("Why, in a few words. The affiliate can read it."))

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["reason"] = forms.ChoiceField(
            choices=[(reason.value, reason.label) for reason in self.reasons],
            initial=self.reasons[0].value,
            widget=UnfoldAdminRadioSelectWidget,
        )
        self.order_fields([*(name for name in self.fields if name.startswith("with_")), "reason", "note"])

    @classmethod
    def fits(cls, row: RiskReview) -> bool:
        return row.resolved_at is None

    def describe(self, row: RiskReview) -> str:
        return f"{row.conversion.affiliate} · {row.why}"

    def keys_of(self, rows: Sequence[RiskReview]) -> dict[int, Keys]:
        return {}

    def worth(self, row: RiskReview) -> Worth:
        revenue, currency = row.conversion.remaining_revenue, row.conversion.currency
        return Worth(str(row.conversion.affiliate), [(revenue, currency)] if revenue is not None and currency else [])

    def kind_of(self, row: RiskReview) -> str:
        return row.get_resolution_display() if row.resolved_at else gettext("Held for review")

    @transaction.atomic
    def perform(self, *, actor: User, now: datetime) -> str:
        reason = Reason(self.cleaned_data["reason"])
        chosen, left = self.sorted_out(self._read_anew())
        if left and not chosen:
            raise ValidationError(format_lazy(_("Nothing was changed. {left_words}"), left_words=left_words(left)))
        try:
            count = resolve(
                conversion_ids=[row.pk for row in chosen], approve=self.approves, reason=reason,
                note=self.cleaned_data["note"], actor=actor, now=now,
            )  # fmt: skip
        except StatusNotAllowed as error:
            raise ValidationError(format_lazy(_("Nothing was changed. {error}"), error=error)) from error
        self.rows = chosen
        self.log_words = f"{counted(count, 'held conversion')} {self.done}: {reason.label.lower()}."
        return f"{self.log_words} {left_words(left)}".strip()

    def _read_anew(self) -> list[RiskReview]:
        """The reviews, with their conversions locked in the usual order: by ID, before the reviews."""
        ids = [row.pk for row in self.rows]
        list(Conversion.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
        rows = RiskReview.objects.filter(pk__in=ids).select_related("conversion__affiliate", "conversion__goal")
        return list(rows.order_by("pk"))


class ApproveReviews(DecideReviews):
    title, submit, approves, done = _("Approve"), _("Approve"), True, _("approved")
    explanation = _("The conversion counts; its commission is booked within seconds.")
    reasons = (Reason.OPERATOR_APPROVED,)
    ticks: ClassVar[dict[str, str]] = {kind.value: LABELS[kind] for kind in OTHERS}

    def keys_of(self, rows: Sequence[RiskReview]) -> dict[int, Keys]:
        """Of several, conversions held by more than their review are left out unless ticked."""
        if len(self.rows) <= 1:
            return {}
        held = held_of([row.conversion for row in rows])
        keys = {pk: {kind.value: why for kind, why in found.items() if kind in OTHERS} for pk, found in held.items()}
        return {pk: found for pk, found in keys.items() if found}


class RejectReviews(DecideReviews):
    title, submit, tone, approves, done = _("Reject"), _("Reject"), "danger", False, _("rejected")
    explanation = _(
        "Conversions that were approved before the signal appeared are reversed in the ledger; nothing is deleted."
    )
    reasons = (Reason.FRAUD, Reason.OPERATOR_REJECTED)


# The queue: it opens with the open reviews.
StateFilter = one_of(
    "state",
    {
        "open": (_("Open"), Q(resolved_at=None)),
        "overdue": (_("Past its end date"), lambda: Q(resolved_at=None, held_until__lt=timezone.now())),
        "late": (_("Approved before the signal"), Q(resolved_at=None, is_late=True)),
        "all": (_("All"), Q()),
    },
    default="open",
)


@admin.register(RiskReview)
class RiskReviewAdmin(RecordAdmin):
    """Held conversions with the parts of their score; the review due first comes first."""

    list_display = ("named", "who", "points", "marks", "owner", "ends", "state")
    list_display_links = ("named",)
    list_filter = (
        StateFilter,
        ("owner", ReachableFilter),
        ("conversion__goal__offer", ReachableFilter),
        ("conversion__affiliate", ReachableFilter),
        ("resolution", ChoicesCheckboxFilter),
    )
    list_select_related = ("conversion__goal__offer", "conversion__affiliate", "owner")
    search_fields = ("conversion__public_id__exact", "conversion__transaction_id__exact")
    search_help_text = _("Conversion ID (cv_…) or transaction ID")
    ordering = ("held_until", "pk")
    sortable_by = ()
    actions = ("approve", "reject")
    actions_detail = ("approve", "reject")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("conversion_link", "affiliate_link"),
                    ("points", "state"),
                    "parts_shown",
                    ("owner", "opened_at"),
                    ("held_until", "at_end"),
                    ("resolved_by", "resolved_at"),
                )
            },
        ),
    )
    approve = question(ApproveReviews, description=_("Approve"), icon="check", variant=ActionVariant.PRIMARY)
    reject = question(RejectReviews, description=_("Reject"), icon="close")
    named, conversion_link, who = columns.NAMED, columns.CONVERSION, columns.WHO
    affiliate_link = columns.AFFILIATE
    points = column(
        _("Score"), lambda row: gettext("{score} of {threshold}").format(score=row.score, threshold=row.threshold)
    )
    marks = column(
        _("Signals"), lambda row: ", ".join(f"{title_of(part['mark'])} {part['points']}" for part in row.parts)
    )
    ends = column(_("Held until"), "held_until", when)

    @display(description=_("Parts of the score"))
    def parts_shown(self, row: RiskReview) -> SafeString:
        lines = ((title_of(part["mark"]), part["points"], part["note"]) for part in row.parts)
        return format_html("<ul>{}</ul>", format_html_join("", "<li><b>{}: {}</b> {}</li>", lines))

    @display(description=_("State"))
    def state(self, row: RiskReview) -> SafeString:
        if row.resolved_at:
            return label(row.get_resolution_display(), "default")
        if row.held_until < timezone.now():
            return label(gettext("Past its end date"), "danger")
        return (
            label(gettext("Approved before the signal"), "info")
            if row.is_late
            else label(gettext("HeldConversions"), "warning")
        )


ABOUT_POINTS = _(
    "The points of all signals are added up. At the threshold or above it, the conversion is held: the "
    "affiliate sees why and until when, and the owner decides in the queue. 0 points switch a signal off."
)


@admin.register(RiskPolicy)
class RiskPolicyAdmin(PanelAdmin):
    list_display = ("offer", "threshold", "owner", "at_end")
    list_select_related = ("offer", "owner")
    search_fields = ("offer__name",)
    autocomplete_fields = ("offer", "owner")

    def get_fieldsets(self, request: HttpRequest, obj: RiskPolicy | None = None) -> list[tuple[str | None, Any]]:
        """Each signal's points with its limits, two in a row; signals without limits share rows."""
        own = {"fields": ("offer", ("threshold", "owner"), ("hold_for", "at_end")), "description": ABOUT_POINTS}
        return [(None, own), *((group.label, {"fields": _rows(group)}) for group in SignalGroup)]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.DurationField):
            return DaysField(label=str(capfirst(db_field.verbose_name)), help_text=str(db_field.help_text))
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def _rows(group: SignalGroup) -> list[tuple[str, ...]]:
    signals = [signal for signal in SIGNALS.values() if signal.group == group]
    plain = [signal.code for signal in signals if not signal.settings]
    with_limits = [_in_pairs([signal.code, *signal.settings]) for signal in signals if signal.settings]
    return [*_in_pairs(plain), *(pair for pairs in with_limits for pair in pairs)]


def _in_pairs(names: list[str]) -> list[tuple[str, ...]]:
    return [tuple(names[n : n + 2]) for n in range(0, len(names), 2)]
