"""Forms of the operator panel for goals, refunds and stored requests."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminTextInputWidget

from affiliates.models import User
from conversions.lifecycle.refunds import RefundRefused, refund
from conversions.lifecycle.status import StatusNotAllowed
from conversions.models import Conversion, Goal, Postback, StatusChange
from conversions.replay import CHUNK, replay
from records.money import format_money, places
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ConfirmForm, DaysField, SecondsField
from web.panel.confirm import note_field


class GoalForm(forms.ModelForm):  # type: ignore[type-arg]
    approval_delay = DaysField(required=False, help_text=_("For approval after a delay."), label=_("Approval delay"))
    attribution_window = DaysField(
        required=False,
        help_text=_("In place of the offer's window; empty: the offer's holds."),
        label=_("Attribution window"),
    )
    attribution_window_minimum = SecondsField(
        label=_("Shortest time after the click"),
        help_text=_("In place of the offer's; 0 lets every event count; empty: the offer's holds."),
    )

    dedupe_window = DaysField(
        required=False,
        label=_("Counts again after"),
        help_text=_("Without a transaction ID; empty: a click counts once."),
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
        # With permission to view only, the form has no fields.
        if "dedupe_by" in self.fields:
            self.fields["dedupe_by"].required = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("approval") == Goal.Approval.AFTER_DELAY and not given.get("approval_delay"):
            self.add_error("approval_delay", gettext("Say after how many days the goal is approved."))
        self._check_dedupe(given)
        return given

    def _check_dedupe(self, given: dict[str, Any]) -> None:
        by, offer = given.get("dedupe_by") or Goal.DedupeBy.TRANSACTION, given.get("offer")
        given["dedupe_by"] = by
        if by == Goal.DedupeBy.CUSTOMER and not given.get("needs_customer_id"):
            self.add_error(
                "needs_customer_id", gettext("A goal that counts once for a customer needs to know the customer.")
            )
        if by != Goal.DedupeBy.TRANSACTION and given.get("dedupe_window"):
            self.add_error(
                "dedupe_window",
                gettext("Only a goal that counts by transaction, else by click, can count a click again."),
            )
        if not offer:
            return
        same = Goal.objects.filter(offer__advertiser=offer.advertiser_id, code=given.get("code"))
        if other := same.exclude(pk=self.instance.pk).exclude(dedupe_by=by).select_related("offer").first():
            rule = other.get_dedupe_by_display().lower()
            message = gettext("{offer} has a goal with this code that counts once for {rule}: ").format(
                offer=other.offer, rule=rule
            )
            self.add_error(
                "dedupe_by",
                gettext("{message}a postback does not name the offer, so both must be alike.").format(message=message),
            )


class RefundConversion(ConfirmForm):
    """Refund a part of a sale, or all of it, to the customer."""

    title, submit = _("Refund"), _("Refund")
    explanation = _(
        "Commission that is a share of the revenue shrinks with it, also after a statement: the difference is a line "
        "of the next one. A fixed amount per event stays until all of the revenue is refunded; then the "
        "conversion is rejected."
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        currency = rows[0].currency if rows else ""
        self.fields["amount"] = forms.DecimalField(
            label=format_lazy(_("Amount in {currency}"), currency=currency),
            max_digits=24,
            decimal_places=places(currency) if currency else 2,
            widget=UnfoldAdminTextInputWidget({"inputmode": "decimal"}),
        )
        self.fields["refund_id"] = forms.CharField(
            label=_("Refund ID"),
            required=False,
            max_length=100,
            widget=UnfoldAdminTextInputWidget(),
            help_text=_("The advertiser's own ID of the refund: one that its system also sends counts once."),
        )
        self.fields["note"] = note_field(required=True, help_text=_("Why. The affiliate can read it."))

    @classmethod
    def fits(cls, row: Conversion) -> bool:
        return bool(row.remaining_revenue)

    def describe(self, row: Conversion) -> str:
        left = (
            format_money(row.remaining_revenue, row.currency)
            if row.remaining_revenue is not None
            else gettext("no revenue")
        )
        return gettext("{affiliate} · {goal} · {left} left").format(
            affiliate=row.affiliate, goal=row.goal.name, left=left
        )

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
        return format_lazy(
            _("{amount} of {public_id} was refunded."),
            amount=format_money(amount, row.currency),
            public_id=row.public_id,
        )


class ReplayPostbacks(ConfirmForm):
    title, submit = _("Decide again"), _("Decide again")
    explanation = _(
        "The stored requests go through intake once more. Nothing is counted twice; a request that was refused "
        "because of a setting that has since been fixed is accepted. The list shows what the result of each "
        "would be now."
    )
    PREVIEWED: ClassVar = 50

    def describe(self, row: Postback) -> str:
        if not hasattr(self, "_preview"):
            rows = list(self.rows)[: self.PREVIEWED]
            found = replay(rows, by="a preview", now=timezone.now(), dry=True)
            self._preview = {each.postback.pk: each for each in found}
        each = self._preview.get(row.pk)
        if each is None:
            return gettext("not previewed: too many at once")
        changes = gettext(" Read differently: {changes}.").format(changes=each.changes) if each.changes else ""
        if not each.is_changed:
            return gettext("stays {before}: {note}{changes}").format(
                before=each.before[0], note=each.note, changes=changes
            )
        return f"{each.before[0] or 'undecided'} → {each.after[0]}: {each.note}{changes}"

    def perform(self, *, actor: User, now: datetime) -> str:
        rows = list(Postback.objects.filter(pk__in=[row.pk for row in self.rows]))
        chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        found = [each for chunk in chunks for each in replay(chunk, by=str(actor), now=now)]
        changed = sum(each.is_changed for each in found)
        return format_lazy(
            _("{number_of_found} decided again, {changed} with another outcome."),
            number_of_found=len(found),
            changed=changed,
        )
