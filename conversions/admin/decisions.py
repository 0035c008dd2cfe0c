"""Confirmation pages to approve or reject conversions: those on hold are approved only when ticked."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, ngettext
from unfold.widgets import UnfoldAdminRadioSelectWidget

from affiliates.models import User
from conversions.decisions.held import LABELS, held_of, held_words
from conversions.lifecycle.operator_decisions import APPROVALS, REJECTIONS
from conversions.lifecycle.status import StatusNotAllowed, change_status
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from conversions.risk.reviews import close_reviews
from records.money import format_money
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ChoosingForm, Keys, Worth, left_words
from web.panel.confirm import note_field

Status = Conversion.Status


class DecideConversions(ChoosingForm):
    """Approve or reject, with one of the reasons that an operator may give."""

    counts = _("revenue")
    to: ClassVar[Conversion.Status]
    done: ClassVar[str]
    # The statuses that each reason fits; a reason that reverses a decision needs a note.
    reasons: ClassVar[dict[Reason, frozenset[str]]]

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        there = {row.status for row in rows} - {self.to}
        offered = [reason for reason, sources in self.reasons.items() if there & sources] or list(self.reasons)
        if data is not None and len(offered) < len(self.reasons):
            # A row may have changed since the page was shown: `clean` checks whether the reason fits.
            offered += [reason for reason in self.reasons if reason not in offered]
        self.fields["reason"] = forms.ChoiceField(
            choices=[(reason.value, reason.label) for reason in offered],
            initial=offered[0].value,
            widget=UnfoldAdminRadioSelectWidget,
            help_text=_("Shown in the status history, which the affiliate can see."),
        )
        self.order_fields([*(name for name in self.fields if name.startswith("with_")), "reason", "note"])

    @classmethod
    def fits(cls, row: Conversion) -> bool:
        return row.status != cls.to

    def describe(self, row: Conversion) -> str:
        money = (
            format_money(row.remaining_revenue, row.currency)
            if row.remaining_revenue is not None
            else gettext("no revenue")
        )
        return f"{row.affiliate} · {row.goal.name} · {money} · {row.get_status_display()}"

    def worth(self, row: Conversion) -> Worth:
        revenue = [(row.remaining_revenue, row.currency)] if row.remaining_revenue is not None and row.currency else []
        return Worth(str(row.affiliate), revenue)

    def kind_of(self, row: Conversion) -> str:
        return f"{row.get_status_display()}: {row.get_reason_display()}"

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "reason" not in given:
            return given
        reason = Reason(given["reason"])
        if problem := self._misfit(reason, self.sorted_out(self.rows)[0]):
            self.add_error("reason", problem)
        if reason != Reason.OPERATOR_APPROVED and not given.get("note") and "note" not in self.errors:
            self.add_error(
                "note", gettext("Say why in a few words: the affiliate can read it, and someone may ask for it later.")
            )
        return given

    def _misfit(self, reason: Reason, rows: Iterable[Conversion]) -> str:
        """The rows that the reason does not fit; rows with the status already are left alone anyway."""
        wrong = [row for row in rows if row.status != self.to and row.status not in self.reasons[reason]]
        if not wrong:
            return ""
        names = ", ".join(f"{row.public_id} ({row.get_status_display().lower()})" for row in wrong[:5])
        more = gettext(" and {number_of_wrong} more").format(number_of_wrong=len(wrong) - 5) if len(wrong) > 5 else ""
        return gettext("“{reason}” does not fit {names}{more}. Decide them separately.").format(
            reason=reason.label, names=names, more=more
        )

    @transaction.atomic
    def perform(self, *, actor: User, now: datetime) -> str:
        """Check the rows again under their locks: they may have been decided or held while the page was open."""
        reason, note = Reason(self.cleaned_data["reason"]), self.cleaned_data["note"]
        locked = Conversion.objects.select_for_update(of=("self",)).select_related("affiliate", "goal")
        rows = list(locked.filter(pk__in=[row.pk for row in self.rows]).order_by("pk"))
        chosen, left = self.sorted_out(rows)
        if problem := self._misfit(reason, chosen):
            raise ValidationError(format_lazy(_("Nothing was changed. {problem}"), problem=problem))
        if left and not chosen:
            raise ValidationError(
                format_lazy(_("Nothing was {done}. {left_words}"), done=self.done, left_words=left_words(left))
            )
        changing = [row.pk for row in chosen if row.status != self.to]
        count = self._change(changing, reason, note, actor, now)
        self.rows = chosen
        number = ngettext("{number} conversion", "{number} conversions", count).format(number=count)
        text = f"{number} {self.done}: {reason.label.lower()}"
        if already := len(chosen) - count:
            text += "; " + ngettext("{number} unchanged", "{number} unchanged", already).format(number=already)
        self.log_words = f"{text}. Note: {note}" if note else f"{text}."
        return f"{self.log_words} {left_words(left)}".strip()

    def _change(self, ids: list[int], reason: Reason, note: str, actor: User, now: datetime) -> int:
        source = StatusChange.Source.OPERATOR
        try:
            count = change_status(
                conversion_ids=ids, to=self.to, reason=reason, source=source, now=now, actor=actor, note=note
            )
        except StatusNotAllowed as error:
            raise ValidationError(gettext("Nothing was changed. {error}").format(error=error)) from error
        close_reviews(conversion_ids=ids, approved=self.to == Status.APPROVED, actor=actor, now=now)
        return count


class ApproveConversions(DecideConversions):
    """Of several, those on hold need a tick. One that was chosen by itself is approved as it is."""

    title, submit, to, done = _("Approve"), _("Approve"), Status.APPROVED, _("approved")
    explanation = _("The commission is booked to the affiliate's ledger within seconds.")
    reasons = APPROVALS
    ticks: ClassVar[dict[str, str]] = {kind.value: label for kind, label in LABELS.items()}
    note = note_field(required=False, help_text=_("Required on appeal. The affiliate can read it."))

    def keys_of(self, rows: Sequence[Conversion]) -> dict[int, Keys]:
        if len(self.rows) <= 1:
            return {}
        held = held_of([row for row in rows if row.status != self.to])
        return {pk: {kind.value: words for kind, words in found.items()} for pk, found in held.items()}

    def kind_of(self, row: Conversion) -> str:
        if len(self.rows) > 1:
            return super().kind_of(row)
        held = held_of([row]).get(row.pk) if row.status != self.to else None
        return f"{super().kind_of(row)}{f' ({held_words(held)})' if held else ''}"


class RejectConversions(DecideConversions):
    """Needs no ticks: a rejection pays nothing, and the groups name conversions that were approved before."""

    title, submit, tone, to, done = _("Reject"), _("Reject"), "danger", Status.REJECTED, _("rejected")
    explanation = _("Commission that was booked is taken back by a reversal in the ledger; nothing is deleted.")
    reasons = REJECTIONS
    note = note_field(required=True, help_text=_("Why, in a few words. The affiliate can read it."))

    def keys_of(self, rows: Sequence[Conversion]) -> dict[int, Keys]:
        return {}
