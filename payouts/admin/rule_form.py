"""One rule of a version as the panel asks for it: each kind has its own fields, and no others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_never

from django import forms
from django.utils.translation import gettext
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from conversions.models import Goal
from payouts.admin.rows_field import RowsField, take_rows
from payouts.models import CommissionRule
from payouts.pricing import plain
from payouts.pricing.inputs import AmountInput, ChoiceInput, Currency, Input, PercentInput, Rows, Switch, TextInput
from payouts.pricing.kind import COLUMNS, PER_CONVERSION, Prices
from payouts.pricing.kinds import KINDS, kind_choices, kind_with
from records.money import PLACES
from records.translation import gettext_lazy as _

CURRENCIES = [(code, code) for code in sorted(PLACES)]
NARROWING = ("country", "sub_name", "sub_value", "valid_from", "valid_until")


class MomentInput(UnfoldAdminTextInputWidget):
    """The browser's own field for a day and a time, in UTC."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M}"
        return None if value in (None, "") else str(value)


def _amount(help_text: str = "", label: str | None = None) -> forms.DecimalField:
    return forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=24,
        decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"}),
        label=label,
        help_text=help_text,
    )


def _percent(help_text: str = "", label: str | None = None) -> forms.DecimalField:
    return forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100,
        max_digits=9,
        decimal_places=6,
        error_messages={"max_value": _("At most 100 percent.")},
        widget=UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"}),
        label=label,
        help_text=help_text,
    )


def _whole(help_text: str = "", label: str | None = None) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**15 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
        label=label,
        help_text=help_text,
    )


def _choice(choices: Any, *, required: bool = False, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(required=required, choices=choices, widget=UnfoldAdminSelectWidget, **more)


def _switch(label: str | None, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, widget=UnfoldBooleanSwitchWidget, help_text=help_text)


def _text(help_text: str = "", **more: Any) -> forms.CharField:
    return forms.CharField(required=False, widget=UnfoldAdminTextInputWidget, help_text=help_text, **more)


def _moment(label: str, help_text: str = "") -> forms.DateTimeField:
    return forms.DateTimeField(required=False, label=label, widget=MomentInput, help_text=help_text)


class ReadField(forms.CharField):
    """A text whose value is what `read` makes of it."""

    def __init__(self, read: Callable[[str], Any], **more: Any) -> None:
        super().__init__(required=False, **more)
        self.read = read

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def field_of(asked: Input) -> forms.Field:
    """The form field of a kind's input."""
    named: dict[str, Any] = {"label": asked.label or None, "help_text": asked.help}
    match asked:
        case AmountInput():
            return _amount(**named)
        case PercentInput():
            return _percent(**named)
        case Currency():
            return _choice([("", "–"), *CURRENCIES], **named)
        case ChoiceInput():
            return _choice(asked.choices, initial=asked.initial or None, **named)
        case Switch():
            return _switch(**named)
        case TextInput():
            widget = (
                UnfoldAdminTextareaWidget({"rows": asked.lines}) if asked.lines > 1 else UnfoldAdminTextInputWidget()
            )
            return ReadField(asked.read, max_length=asked.longest, widget=widget, **named)
        case Rows():
            columns = {name: field_of(column) for name, column in asked.columns.items()}
            return RowsField(columns, asked.read, **named)
        case _:
            assert_never(asked)


class CommissionRuleForm(forms.Form):
    """A rule of the version. `number` is its place, from 1; `key` names its fields in what is posted."""

    kind = _choice(kind_choices, required=True, label=_("Earns"))
    goal = _choice([], label=_("For"))
    country = _text(_("Two letters, of the click."), max_length=2, label=_("Country"))
    sub_name = _choice([("", _("Any")), *CommissionRule.Sub.choices], label=_("Sub ID"))
    sub_value = _text(label=_("Its value"), max_length=255)
    valid_from = _moment(_("Valid from"), _("UTC."))
    valid_until = _moment(_("Valid until"), _("UTC; not included."))
    minimum = _amount(_("Per conversion."), label=_("Minimum"))
    maximum = _amount(_("Per conversion."), label=_("Maximum"))
    limit_currency = _choice([("", "–"), *CURRENCIES], label=_("Limits are in"))
    cap_amount = _amount(_("Per affiliate and period."), label=_("Cap amount"))
    cap_count = _whole(_("Paid conversions or clicks, per affiliate and period."), label=_("Cap count"))
    cap_period = _choice([("", "–"), *CommissionRule.Period.choices], label=_("Cap period"))
    max_months = _whole(_("Since the customer's first event."), label=_("Max months"))
    max_payments = _whole(_("Per customer."), label=_("Max payments"))
    is_component = _switch(_("Together with others"), _("Components of one deal (a hybrid) earn side by side."))

    def __init__(
        self, key: str, number: int, goals: Sequence[Goal], data: Any = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix=f"rule-{key}", initial=dict(initial or {}))
        self.key, self.number, self.goals = key, number, {str(goal.pk): goal for goal in goals}
        asked = data.get(self.add_prefix("kind")) if data is not None else self.initial.get("kind")
        self.rule_kind = KINDS.get(asked or "") or next(iter(KINDS.values()))
        common = {**self.fields}
        self.fields = {"kind": common["kind"], **self._own_fields(common)}
        self.fields |= {name: common[name] for name in (*NARROWING, *self._limits())}
        take_rows(self)

    def _own_fields(self, common: Mapping[str, forms.Field]) -> dict[str, forms.Field]:
        own = {name: field_of(asked) for name, asked in self.rule_kind.inputs.items()}
        if self.rule_kind.prices is Prices.CLICKS:
            return own
        every = [("", gettext("Every goal")), *((pk, goal.name) for pk, goal in self.goals.items())]
        common["goal"].choices = every  # type: ignore[attr-defined]
        return {"goal": common["goal"], **own}

    def _limits(self) -> tuple[str, ...]:
        """Limits of a kind that is paid in a currency of its own are in that."""
        own_currency = "currency" in self.rule_kind.columns
        return tuple(name for name in self.rule_kind.limits.names if name != "limit_currency" or not own_currency)

    @property
    def own(self) -> list[forms.BoundField]:
        goal = [] if self.rule_kind.prices is Prices.CLICKS else ["goal"]
        return [self[name] for name in (*goal, *self.rule_kind.inputs)]

    @property
    def narrowing(self) -> list[forms.BoundField]:
        return [self[name] for name in NARROWING]

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in self._limits()]

    @property
    def is_narrowed(self) -> bool:
        return self._says(NARROWING)

    @property
    def is_limited(self) -> bool:
        return self._says(self._limits())

    def _says(self, names: Sequence[str]) -> bool:
        return any(self[name].value() not in (None, "", False) or self[name].errors for name in names)

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for name, asked in self.rule_kind.inputs.items():
            if asked.missing and given.get(name) in (None, "", []) and name not in self.errors:
                self.add_error(name, asked.missing)
        return given

    def rule(self) -> CommissionRule:
        """The (unsaved) rule that the form describes; the linter decides whether it can be published."""
        given = self.cleaned_data
        names = (*self.rule_kind.columns, *NARROWING, *self._limits())
        values = {name: given[name] for name in names if given.get(name) not in (None, "")}
        limited = any(given.get(name) is not None for name in ("minimum", "maximum", "cap_amount"))
        if limited and "currency" in self.rule_kind.columns:
            values["limit_currency"] = given["currency"]
        goal = self.goals.get(given.get("goal") or "")
        return CommissionRule(kind=self.rule_kind.code, goal=goal, formula=self.rule_kind.formula_of(given), **values)


def initial_of(rule: CommissionRule) -> dict[str, Any]:
    """Initial form data for an existing rule."""
    names = (*COLUMNS, *NARROWING, *PER_CONVERSION)
    found: dict[str, Any] = {name: getattr(rule, name) for name in names}
    found = {name: plain(value) if isinstance(value, Decimal) else value for name, value in found.items()}
    found |= {"kind": rule.kind, "goal": str(rule.goal_id or "")}
    return found | kind_with(rule.kind).given_of(rule.formula or {})
