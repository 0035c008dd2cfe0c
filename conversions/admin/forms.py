"""Forms of the operator panel for goals and for deciding conversions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from affiliates.models import User
from conversions.lifecycle.operator_decisions import APPROVALS, REJECTIONS
from conversions.lifecycle.refunds import RefundRefused, refund
from conversions.lifecycle.status import StatusNotAllowed, change_status
from conversions.models import Conversion, Goal, Postback, RiskReview, StatusChange
from conversions.reasons.codes import Reason
from conversions.replay import CHUNK, replay
from records.money import format_money, places
from records.words import counted
from web.panel import ConfirmForm, DaysField, SecondsField
from web.panel.confirm import note_field

Status = Conversion.Status


class GoalForm(forms.ModelForm):  # type: ignore[type-arg]
    approval_delay = DaysField(required=False, help_text="For approval after a delay.")
    attribution_window = DaysField(
        required=False, help_text="In place of the offer's window; empty: the offer's holds."
    )
    attribution_window_minimum = SecondsField(
        label="Shortest time after the click",
        help_text="In place of the offer's; 0 lets every event count; empty: the offer's holds.",
    )

    dedupe_window = DaysField(
        required=False, label="Counts again after", help_text="Without a transaction ID; empty: a click counts once."
    )

    class Meta:
        model = Goal
        fields = (
            "offer",
            "name",
            "code",
            "kind",
            "position",
            "is_active",
            "approval",
            "approval_delay",
            "attribution_window",
            "attribution_window_minimum",
            "once_per_customer",
            "needs_customer_id",
            "needs_revenue",
            "minimum_revenue",
            "dedupe_by",
            "dedupe_window",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dedupe_by"].required = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("approval") == Goal.Approval.AFTER_DELAY and not given.get("approval_delay"):
            self.add_error("approval_delay", "Say after how many days the goal is approved.")
        self._check_dedupe(given)
        return given

    def _check_dedupe(self, given: dict[str, Any]) -> None:
        by, offer = given.get("dedupe_by") or Goal.DedupeBy.TRANSACTION, given.get("offer")
        given["dedupe_by"] = by
        if by == Goal.DedupeBy.CUSTOMER and not given.get("needs_customer_id"):
            self.add_error("needs_customer_id", "A goal that counts once for a customer needs to know the customer.")
        if by != Goal.DedupeBy.TRANSACTION and given.get("dedupe_window"):
            self.add_error("dedupe_window", "Only what counts for each transaction, else each click, can count again.")
        if not offer:
            return
        same = Goal.objects.filter(offer__advertiser=offer.advertiser_id, code=given.get("code"))
        if other := same.exclude(pk=self.instance.pk).exclude(dedupe_by=by).select_related("offer").first():
            rule = other.get_dedupe_by_display().lower()
            message = f"{other.offer} has a goal with this code that counts once for {rule}: "
            self.add_error("dedupe_by", f"{message}a postback does not name the offer, so both must be alike.")


class RefundConversion(ConfirmForm):
    """A part of a sale, or all of it, went back to the customer."""

    title, submit = "Refund", "Refund"
    explanation = (
        "Commission that is a share of the revenue shrinks with it, also after a statement: the difference is a line "
        "of the next one. An amount per event stays until all of the revenue went back; then it is rejected."
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        currency = rows[0].currency if rows else ""
        self.fields["amount"] = forms.DecimalField(
            label=f"Amount in {currency}",
            max_digits=24,
            decimal_places=places(currency) if currency else 2,
            widget=UnfoldAdminTextInputWidget({"inputmode": "decimal"}),
        )
        self.fields["refund_id"] = forms.CharField(
            label="Refund ID",
            required=False,
            max_length=100,
            widget=UnfoldAdminTextInputWidget(),
            help_text="The advertiser's own ID of the refund: one that its system also sends counts once.",
        )
        self.fields["note"] = note_field(required=True, help_text="Why. The affiliate reads it.")

    @classmethod
    def fits(cls, row: Conversion) -> bool:
        return bool(row.kept_revenue)

    def describe(self, row: Conversion) -> str:
        left = format_money(row.kept_revenue, row.currency) if row.kept_revenue is not None else "no revenue"
        return f"{row.affiliate} · {row.goal.name} · {left} left"

    def perform(self, *, actor: User, now: datetime) -> str:
        [row] = self.rows
        amount = self.cleaned_data["amount"]
        try:
            refund(
                conversion=row,
                amount=amount,
                refund_id=self.cleaned_data["refund_id"],
                note=self.cleaned_data["note"],
                occurred_at=now,
                now=now,
                source=StatusChange.Source.OPERATOR,
                actor=actor,
            )
        except (RefundRefused, StatusNotAllowed) as error:
            raise ValidationError(str(error)) from error
        return f"{format_money(amount, row.currency)} of {row.public_id} went back."


class ReplayPostbacks(ConfirmForm):
    """Stored requests decided again."""

    title, submit = "Decide again", "Decide again"
    explanation = (
        "The stored requests go through intake once more. Nothing is counted twice; what was refused for a setting "
        "that has been mended since is accepted. Beside each stands what would come of it now."
    )
    PREVIEWED: ClassVar = 50

    def describe(self, row: Postback) -> str:
        if not hasattr(self, "_preview"):
            rows = list(self.rows)[: self.PREVIEWED]
            found = replay(rows, by="a preview", now=timezone.now(), dry=True)
            self._preview = {each.postback.pk: each for each in found}
        each = self._preview.get(row.pk)
        if each is None:
            return "not looked at: too many at once for a preview"
        if not each.is_changed:
            return f"stays {each.before[0]}: {each.note}"
        return f"{each.before[0] or 'undecided'} → {each.after[0]}: {each.note}"

    def perform(self, *, actor: User, now: datetime) -> str:
        rows = list(Postback.objects.filter(pk__in=[row.pk for row in self.rows]))
        chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        found = [each for chunk in chunks for each in replay(chunk, by=str(actor), now=now)]
        changed = sum(each.is_changed for each in found)
        return f"{len(found)} decided again, {changed} with another outcome."


class DecideConversions(ConfirmForm):
    """Approve or reject, with one of the reasons that an operator may give."""

    to: ClassVar[Conversion.Status]
    done: ClassVar[str]
    # The statuses from which each reason makes sense; a reason that undoes a decision needs a note.
    reasons: ClassVar[dict[Reason, frozenset[str]]]

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        there = {row.status for row in rows} - {self.to}
        offered = [reason for reason, sources in self.reasons.items() if there & sources] or list(self.reasons)
        self.fields["reason"] = forms.ChoiceField(
            choices=[(reason.value, reason.label) for reason in offered],
            initial=offered[0].value,
            widget=UnfoldAdminRadioSelectWidget,
            help_text="It stands in the status history; the affiliate sees it.",
        )
        self.order_fields(["reason", "note"])

    @classmethod
    def fits(cls, row: Conversion) -> bool:
        return row.status != cls.to

    def describe(self, row: Conversion) -> str:
        money = format_money(row.kept_revenue, row.currency) if row.kept_revenue is not None else "no revenue"
        return f"{row.affiliate} · {row.goal.name} · {money} · {row.get_status_display()}"

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "reason" not in given:
            return given
        reason = Reason(given["reason"])
        if fault := self._misfit(reason, self.rows):
            self.add_error("reason", fault)
        if reason != Reason.OPERATOR_APPROVED and not given.get("note") and "note" not in self.errors:
            self.add_error("note", "Say why in a few words: the affiliate reads it, and it can be asked for later.")
        return given

    def _misfit(self, reason: Reason, rows: Iterable[Conversion]) -> str:
        """Which of the rows the reason does not fit; those that have the status already are left alone anyway."""
        wrong = [row for row in rows if row.status != self.to and row.status not in self.reasons[reason]]
        if not wrong:
            return ""
        names = ", ".join(f"{row.public_id} ({row.get_status_display().lower()})" for row in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        return f"“{reason.label}” does not fit {names}{more}. Decide them separately."

    @transaction.atomic
    def perform(self, *, actor: User, now: datetime) -> str:
        """Judges the rows again under their locks: somebody may have decided them while the page was open."""
        reason, note = Reason(self.cleaned_data["reason"]), self.cleaned_data["note"]
        ids = [row.pk for row in self.rows]
        if fault := self._misfit(reason, Conversion.objects.select_for_update().filter(pk__in=ids).order_by("pk")):
            raise ValidationError(f"Nothing was changed. {fault}")
        source = StatusChange.Source.OPERATOR
        try:
            count = change_status(
                conversion_ids=ids, to=self.to, reason=reason, source=source, now=now, actor=actor, note=note
            )
        except StatusNotAllowed as error:
            raise ValidationError(f"Nothing was changed. {error}") from error
        text = f"{counted(count, 'conversion')} {self.done}: {reason.label.lower()}"
        if already := len(ids) - count:
            text += f"; {already} {'was' if already == 1 else 'were'} so already"
        return f"{text}. Note: {note}" if note else f"{text}."


class ApproveConversions(DecideConversions):
    title, submit, to, done = "Approve", "Approve", Status.APPROVED, "approved"
    explanation = "The commission is booked to the affiliate's ledger within seconds."
    reasons = APPROVALS
    note = note_field(required=False, help_text="Needed on appeal. The affiliate reads it.")

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self._groups = waiting_groups(rows)
        for name, label in WAITING.items():
            found = self._groups.get(name, [])
            if found and len(rows) > 1:
                self.fields[f"with_{name}"] = forms.BooleanField(
                    required=False,
                    label=f"Also {label}: {_totals(found)}",
                    help_text="Left out unless you tick it.",
                    widget=UnfoldBooleanSwitchWidget,
                )

    @transaction.atomic
    def perform(self, *, actor: User, now: datetime) -> str:
        """What waits is left out unless ticked; looked at again under the locks."""
        asked = list(self.rows)
        locked = Conversion.objects.select_for_update(of=("self",)).select_related("affiliate", "goal")
        rows = list(locked.filter(pk__in=[row.pk for row in asked]).order_by("pk"))
        out: dict[str, list[Conversion]] = {}
        if len(rows) > 1:
            groups = waiting_groups(rows)
            out = {name: found for name, found in groups.items() if not self.cleaned_data.get(f"with_{name}")}
        gone = {row.pk for found in out.values() for row in found}
        self.rows = [row for row in rows if row.pk not in gone]
        left = "; ".join(f"{WAITING[name]}: {_totals(found)}" for name, found in out.items())
        if not self.rows:
            self.rows = asked
            raise ValidationError(f"Nothing was approved. Left out: {left}.")
        words = super().perform(actor=actor, now=now)
        held = RiskReview.objects.filter(pk__in=[row.pk for row in self.rows], resolved_at=None)
        held.update(resolved_at=now, resolved_by=actor, resolution=RiskReview.Resolution.APPROVED)
        return f"{words} Left out: {left}." if left else words


WAITING = {
    "review": "held for review",
    "rules": "waiting for a rule",
    "closed": "of affiliates that are suspended or closed",
}


def waiting_groups(rows: Iterable[Conversion]) -> dict[str, list[Conversion]]:
    """Pending conversions that a list should not approve unseen, by why they wait; one may be in several groups."""
    pending = [row for row in rows if row.status == Status.PENDING]
    ids = [row.pk for row in pending]
    held = set(RiskReview.objects.filter(pk__in=ids, resolved_at=None).values_list("pk", flat=True))
    found: dict[str, list[Conversion]] = {}
    for row in pending:
        if row.pk in held or row.reason == Reason.RISK_REVIEW:
            found.setdefault("review", []).append(row)
        if row.reason == Reason.AWAITS_RULES:
            found.setdefault("rules", []).append(row)
        if row.affiliate.status in ("suspended", "closed"):
            found.setdefault("closed", []).append(row)
    return found


def _totals(rows: list[Conversion]) -> str:
    """`3, revenue 250.00 EUR + 10.00 USD`."""
    sums: dict[str, Any] = {}
    for row in rows:
        if row.kept_revenue is not None and row.currency:
            sums[row.currency] = sums.get(row.currency, 0) + row.kept_revenue
    money = " + ".join(format_money(amount, currency) for currency, amount in sorted(sums.items()))
    return f"{len(rows)}, revenue {money or 'none'}"


class RejectConversions(DecideConversions):
    title, submit, tone, to, done = "Reject", "Reject", "danger", Status.REJECTED, "rejected"
    explanation = "Commission that was booked is taken back by a reversal in the ledger; nothing is deleted."
    reasons = REJECTIONS
    note = note_field(required=True, help_text="Why, in a few words. The affiliate reads it.")
