"""Forms of the operator panel for plans, corrections, closing and paying."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from affiliates.models import Affiliate, User
from affiliates.money import PLACES, format_money
from affiliates.panel import ConfirmForm
from affiliates.panel.confirm import note_field
from conversions.models import Goal
from payouts.closing import ask_close
from payouts.ledger import AdjustmentRefused, adjust
from payouts.models import CommissionPlan, CommissionRule, Payout, PeriodClose, PlanVersion
from payouts.payments import AlreadyPaid, ReferenceRefused, mark_paid
from payouts.plans import PlanRefused, publish_version, terms_of_rule
from payouts.pricing import PricingRule, plain
from payouts.statements import PeriodRefused, check_period, to_close

Kind = CommissionRule.Kind
CURRENCIES = [(code, code) for code in sorted(PLACES)]


class AdjustAffiliate(ConfirmForm):
    """A correction of an affiliate's account, as a line of its own."""

    title, submit = "Book an adjustment", "Book"
    explanation = "A line is added to the ledger; nothing before it changes. The affiliate reads the explanation."
    amount = forms.DecimalField(
        max_digits=24,
        decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget({"step": "any"}),
        help_text="Above zero in the affiliate's favour, below zero against it.",
    )
    currency = forms.ChoiceField(choices=CURRENCIES, widget=UnfoldAdminSelectWidget)
    arithmetic = note_field(required=True, label="Explanation", help_text="Why, in plain words; your name is added.")

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["currency"].initial = rows[0].currency if rows else "EUR"

    @classmethod
    def fits(cls, row: Affiliate) -> bool:
        return True

    def perform(self, *, actor: User, now: datetime) -> str:
        given = self.cleaned_data
        try:
            for row in self.rows:
                adjust(affiliate=row, actor=actor, now=now, **given)
        except AdjustmentRefused as error:
            raise ValidationError(str(error)) from error
        return f"Booked an adjustment of {format_money(given['amount'], given['currency'])}: {given['arithmetic']}"


class ClosePeriod(ConfirmForm):
    """Statements for everybody up to a day."""

    title, submit = "Close a period", "Close the period"
    explanation = (
        "Every affiliate with new ledger lines gets a statement per currency up to the end of the period, and a payout "
        "for what is due. Statements cannot be changed or withdrawn; corrections go into the next period."
    )
    asked: PeriodClose | None = None
    ends_on = forms.DateField(
        label="Ends before",
        widget=UnfoldAdminSingleDateWidget,
        help_text="The first day that is no longer in the period; it ends at midnight UTC.",
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["ends_on"].initial = timezone.now().astimezone(UTC).date().replace(day=1)

    def perform(self, *, actor: User, now: datetime) -> str:
        day: date = self.cleaned_data["ends_on"]
        ends_at = datetime.combine(day, time(), UTC)
        try:
            check_period(ends_at, now)
            if not to_close(ends_at):
                return f"Nothing to close: no ledger line before {day:%Y-%m-%d} lacks a statement."
            self.asked = ask_close(ends_at=ends_at, actor=actor, now=now)
        except PeriodRefused as error:
            raise ValidationError(str(error)) from error
        return f"The period before {day:%Y-%m-%d} is going to be closed; this page shows how far it is."


class CloseAgain(ConfirmForm):
    """A close that failed: go on after what it closed."""

    title, submit = "Go on with the close", "Go on"
    explanation = (
        "What is closed stays as it is; only what is left is tried again. First mend what stopped it: the close names "
        "the affiliates, and what to do."
    )
    asked: PeriodClose | None = None

    @classmethod
    def fits(cls, row: PeriodClose) -> bool:
        return row.state == PeriodClose.State.FAILED

    def describe(self, row: PeriodClose) -> str:
        return row.error

    def perform(self, *, actor: User, now: datetime) -> str:
        [row] = self.rows
        try:
            self.asked = ask_close(ends_at=row.ends_at, actor=actor, now=now)
        except PeriodRefused as error:
            raise ValidationError(str(error)) from error
        return "The close goes on; this page shows how far it is."


class MarkPaid(ConfirmForm):
    """Payouts were sent: book the payments."""

    title, submit = "Mark paid", "Mark paid"
    explanation = "The payment is booked to the affiliate's ledger. A payout can be paid once only."
    reference = forms.CharField(
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text="The bank's or wallet's own reference; for several payouts that of the batch.",
    )

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.DUE

    def describe(self, row: Payout) -> str:
        return f"{row.affiliate} · {format_money(row.amount, row.currency)} · {row.get_status_display()}"

    def clean(self) -> dict[str, Any]:
        paid = [row.public_id for row in self.rows if row.status == Payout.Status.PAID]
        if paid:
            raise ValidationError(
                f"Nothing was changed: {', '.join(paid[:5])} {'was' if len(paid) == 1 else 'were'} paid before."
            )
        return super().clean() or self.cleaned_data

    def perform(self, *, actor: User, now: datetime) -> str:
        reference = self.cleaned_data["reference"]
        done = 0
        for row in self.rows:
            try:
                mark_paid(payout=row, reference=reference, actor=actor, now=now)
            except (AlreadyPaid, ReferenceRefused) as error:
                before = f"{_counted(done, 'payout')} before it {'is' if done == 1 else 'are'} marked. " if done else ""
                raise ValidationError(f"{before}{error}") from error
            done += 1
        return f"{_counted(done, 'payout')} marked paid, reference {reference}."


class RuleForm(forms.Form):
    """What one goal earns in a new version."""

    NOTHING = ""
    kind = forms.ChoiceField(
        required=False,
        choices=[(NOTHING, "Nothing"), *((kind, kind.label) for kind in (Kind.FLAT, Kind.PERCENT))],
        widget=UnfoldAdminSelectWidget,
        label="Earns",
    )
    value = forms.DecimalField(
        required=False, min_value=0, widget=UnfoldAdminDecimalFieldWidget({"step": "any"}), label="Amount or percent"
    )
    currency = forms.ChoiceField(required=False, choices=CURRENCIES, widget=UnfoldAdminSelectWidget)

    def __init__(self, goal: Goal, data: Any = None, *, current: CommissionRule | None = None) -> None:
        self.goal, self.current = goal, current
        value = None if current is None else current.amount if current.kind == Kind.FLAT else current.percent
        initial = {
            "kind": current.kind if current else self.NOTHING,
            "value": plain(value) if value is not None else None,
            "currency": (current.currency if current else "") or goal.offer.currency,
        }
        super().__init__(data, prefix=f"goal-{goal.pk}", initial=initial)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        kind, value = given.get("kind"), given.get("value")
        if kind and value is None and "value" not in self.errors:
            self.add_error("value", "Say how much." if kind == Kind.FLAT else "Say how many percent.")
        if kind == Kind.PERCENT and value is not None and value > 100:
            self.add_error("value", "At most 100 percent.")
        return given

    def rule(self) -> CommissionRule | None:
        """The rule as it is to be published; none when the goal earns nothing."""
        given = self.cleaned_data
        if given["kind"] == Kind.FLAT:
            return CommissionRule(goal=self.goal, kind=Kind.FLAT, amount=given["value"], currency=given["currency"])
        if given["kind"] == Kind.PERCENT:
            return CommissionRule(goal=self.goal, kind=Kind.PERCENT, percent=given["value"])
        return None


class NewVersionForm(forms.Form):
    """A plan's next version: when it takes effect, why, and what each goal earns."""

    at_once = forms.BooleanField(
        required=False, initial=True, label="In force at once", widget=UnfoldBooleanSwitchWidget
    )
    effective_from = forms.SplitDateTimeField(
        required=False,
        label="Or from",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="Events that happened from this moment on are priced by the new version; earlier ones keep the old.",
    )
    note = forms.CharField(
        required=False,
        max_length=250,
        widget=UnfoldAdminTextInputWidget,
        help_text="Why the deal changed, for your own records.",
    )

    def __init__(self, plan: CommissionPlan, data: Any = None) -> None:
        super().__init__(data)
        self.plan = plan
        last = plan.versions.order_by("-number").first()
        rules = list(last.rules.select_related("goal")) if last else []
        current = {rule.goal_id: rule for rule in rules if _is_simple(rule)}
        # What the fields here cannot say goes on as it is: leaving it out in silence would cut somebody's pay.
        self.carried = [rule for rule in rules if not _is_simple(rule)]
        goals = Goal.objects.filter(offer=plan.offer).select_related("offer").order_by("position", "id")
        shown = [goal for goal in goals if goal.is_active or goal.pk in current]
        self.rules = [RuleForm(goal, data, current=current.get(goal.pk)) for goal in shown]

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(form.is_valid() for form in self.rules)])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("at_once") and not given.get("effective_from") and "effective_from" not in self.errors:
            self.add_error("effective_from", "Give day and time, or choose “In force at once”.")
        return given

    def publish(self, *, actor: User, now: datetime) -> PlanVersion | None:
        """The published version, or None with the faults added to the form."""
        given = self.cleaned_data
        rules = [rule for form in self.rules if (rule := form.rule())] + [_copied(rule) for rule in self.carried]
        start = now if given["at_once"] else given["effective_from"]
        try:
            return publish_version(
                plan=self.plan, rules=rules, effective_from=start, actor=actor, note=given["note"], now=now
            )
        except PlanRefused as error:
            self.add_error(None, [ValidationError(problem) for problem in error.problems])
            return None


def _is_simple(rule: CommissionRule) -> bool:
    """Whether kind, value and currency say all of it."""
    return (
        rule.goal_id is not None
        and terms_of_rule(rule)
        == PricingRule(rule.pk, rule.goal_id, rule.goal_name, rule.kind, rule.amount, rule.currency, rule.percent)
        and rule.kind in (Kind.FLAT, Kind.PERCENT)
    )


def _copied(rule: CommissionRule) -> CommissionRule:
    fields = [each.name for each in CommissionRule._meta.concrete_fields if each.name not in ("id", "version")]
    return CommissionRule(**{name: getattr(rule, name) for name in fields})


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
