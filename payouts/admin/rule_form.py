"""One rule of a version as the panel asks for it: each kind has its own fields, and no others."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from conversions.models import Goal
from payouts.models import CommissionRule
from payouts.pricing import plain
from records.money import PLACES
from records.periods import PERIODS

Kind = CommissionRule.Kind
CURRENCIES = [(code, code) for code in sorted(PLACES)]
OWN = {
    Kind.FLAT: ("goal", "amount", "currency"),
    Kind.PERCENT: ("goal", "percent"),
    Kind.PER_LOT: ("goal", "amount", "currency"),
    Kind.PER_CLICK: ("amount", "currency"),
    Kind.TIERED: ("goal", "basis", "period", "mode", "steps", "currency"),
    Kind.NET_REVENUE: ("goal", "percent", "deductions", "carryover", "recoup_cpa", "ring_fence"),
    Kind.PARENTS: ("goal", "of", "levels"),
}
NARROWING = ("country", "sub_name", "sub_value", "valid_from", "valid_until")
CAP = ("cap_amount", "cap_count", "cap_period")
PER_CONVERSION = ("minimum", "maximum", "limit_currency", *CAP, "max_months", "max_payments", "is_component")
LIMITS: Mapping[str, tuple[str, ...]] = {Kind.PER_CLICK: CAP, Kind.NET_REVENUE: ("is_component",), Kind.PARENTS: ()}
IN_OWN_CURRENCY = (Kind.FLAT, Kind.PER_LOT, Kind.PER_CLICK)
# Fields of a rule that are its columns by the same name.
COLUMNS = (
    *("amount", "percent", "country", "sub_name", "sub_value", "valid_from", "valid_until", "is_component"),
    *("minimum", "maximum", "limit_currency", "cap_amount", "cap_count", "cap_period", "max_months", "max_payments"),
)

_STEP = re.compile(r"(?:above\s+)?(\d+(?:\.\d+)?)\s*[:=]\s*(\d+(?:\.\d+)?)\s*(%?)", re.IGNORECASE)
_DEDUCTION = re.compile(
    r"(?P<name>[^:,%]+?)\s*(?::\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?))?"
    r"(?:,?\s+at most\s+(?P<cap>\d+(?:\.\d+)?))?",
    re.IGNORECASE,
)


class MomentInput(UnfoldAdminTextInputWidget):
    """The browser's own field for a day and a time, in UTC."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M}"
        return None if value in (None, "") else str(value)


def _amount(help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=24,
        decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"}),
        help_text=help_text,
    )


def _whole(help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=1, max_value=2**15 - 1, widget=UnfoldAdminIntegerFieldWidget, help_text=help_text
    )


def _choice(choices: Sequence[tuple[Any, Any]], *, required: bool = False, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(required=required, choices=choices, widget=UnfoldAdminSelectWidget, **more)


def _switch(label: str, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, widget=UnfoldBooleanSwitchWidget, help_text=help_text)


def _text(help_text: str = "", **more: Any) -> forms.CharField:
    return forms.CharField(required=False, widget=UnfoldAdminTextInputWidget, help_text=help_text, **more)


def _moment(label: str, help_text: str = "") -> forms.DateTimeField:
    return forms.DateTimeField(required=False, label=label, widget=MomentInput, help_text=help_text)


def _lines(help_text: str) -> forms.CharField:
    return forms.CharField(
        required=False, max_length=4000, widget=UnfoldAdminTextareaWidget({"rows": 3}), help_text=help_text
    )


class RuleForm(forms.Form):
    """A rule of the version. `number` is its place, from 1; `key` names its fields in what is posted."""

    kind = _choice(Kind.choices, required=True, label="Earns")
    goal = _choice([], label="For")
    amount = _amount()
    currency = _choice([("", "–"), *CURRENCIES])
    percent = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100,
        max_digits=9,
        decimal_places=6,
        error_messages={"max_value": "At most 100 percent."},
        widget=UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"}),
    )
    basis = _choice([("count", "Conversions"), ("revenue", "Revenue"), ("volume", "Lots")], label="Counted by")
    period = _choice([(each, "All time" if each == "total" else each.capitalize()) for each in PERIODS])
    mode = _choice(
        [("marginal", "Each tier pays for its part"), ("whole", "The tier reached pays for the whole period")]
    )
    steps = _lines("A tier in each line, above what, and what it pays: “0: 10 %” or “10: 50”.")
    deductions = _lines("One in each line: “bonus” as sent, “platform fee: 15 %”, “licence: 50, at most 100”.")
    carryover = _switch("Losses are carried over", "A month below zero is made up by the next.")
    recoup_cpa = _switch("CPA is made up first", "Shares are first set against the CPA of the plan's other components.")
    ring_fence = _amount("A customer with a greater loss in a month does not draw the others down.")
    of = _choice([("commission", "Of the commission"), ("revenue", "Of the revenue")], label="A share")
    levels = _text("Percent by level, the nearest parent first: 10, 5, 2", max_length=100)
    country = _text("Two letters, of the click.", max_length=2)
    sub_name = _choice([("", "Any"), *CommissionRule.Sub.choices], label="Sub ID")
    sub_value = _text(label="Its value", max_length=255)
    valid_from = _moment("Valid from", "UTC.")
    valid_until = _moment("Valid until", "UTC; not included.")
    minimum = _amount("Per conversion.")
    maximum = _amount("Per conversion.")
    limit_currency = _choice([("", "–"), *CURRENCIES], label="Limits are in")
    cap_amount = _amount("Per affiliate and period.")
    cap_count = _whole("Paid conversions or clicks, per affiliate and period.")
    cap_period = _choice([("", "–"), *CommissionRule.Period.choices], label="Cap period")
    max_months = _whole("Since the customer's first event.")
    max_payments = _whole("Per customer.")
    is_component = _switch("Together with others", "Components of one deal (a hybrid) earn side by side.")

    def __init__(
        self, key: str, number: int, goals: Sequence[Goal], data: Any = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix=f"rule-{key}", initial=dict(initial or {}))
        self.key, self.number, self.goals = key, number, {str(goal.pk): goal for goal in goals}
        asked = (data.get(self.add_prefix("kind")) if data is not None else self.initial.get("kind")) or Kind.FLAT
        self.rule_kind = asked if asked in Kind.values else Kind.FLAT
        shown = ("kind", *OWN[Kind(self.rule_kind)], *NARROWING, *self._limits())
        self.fields = {name: self.fields[name] for name in shown}
        if self.rule_kind == Kind.TIERED:
            self.fields["currency"].help_text = "Of tiers that pay amounts."
        if "goal" in self.fields:
            every = [("", "Every goal"), *((pk, goal.name) for pk, goal in self.goals.items())]
            self.fields["goal"].choices = every  # type: ignore[attr-defined]

    def _limits(self) -> tuple[str, ...]:
        names = LIMITS.get(self.rule_kind, PER_CONVERSION)
        return tuple(name for name in names if name != "limit_currency" or self.rule_kind not in IN_OWN_CURRENCY)

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in OWN[Kind(self.rule_kind)]]

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

    def clean_steps(self) -> list[dict[str, str]]:
        return [_step(line) for line in self.cleaned_data["steps"].splitlines() if line.strip()]

    def clean_deductions(self) -> list[dict[str, str]]:
        return [_deduction(line) for line in self.cleaned_data["deductions"].splitlines() if line.strip()]

    def clean_levels(self) -> list[str]:
        return [each for each in re.split(r"[,;\s%]+", self.cleaned_data["levels"]) if each]

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for name, words in (("amount", "Say how much."), ("percent", "Say how many percent.")):
            if name in self.fields and given.get(name) is None and name not in self.errors:
                self.add_error(name, words)
        if self.rule_kind in IN_OWN_CURRENCY and not given.get("currency"):
            self.add_error("currency", "Say in which currency.")
        if "steps" in self.fields and not given.get("steps") and "steps" not in self.errors:
            self.add_error("steps", "Give at least one tier.")
        return given

    def rule(self) -> CommissionRule:
        """The (unsaved) rule that the form says; whether it can be published is the linter's to say."""
        given = self.cleaned_data
        values = {name: given[name] for name in COLUMNS if name in given}
        values = {name: value for name, value in values.items() if value not in (None, "")}
        if self.rule_kind in IN_OWN_CURRENCY:
            values["currency"] = given["currency"]
            if any(given.get(name) is not None for name in ("minimum", "maximum", "cap_amount")):
                values["limit_currency"] = given["currency"]
        goal = self.goals.get(given.get("goal") or "")
        return CommissionRule(kind=self.rule_kind, goal=goal, formula=self._formula(given), **values)

    def _formula(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.rule_kind == Kind.TIERED:
            formula = {name: given[name] for name in ("basis", "mode", "period", "steps")}
            priced = any("amount" in step for step in given["steps"])
            return {**formula, "currency": given["currency"]} if priced else formula
        if self.rule_kind == Kind.PARENTS:
            return {"of": given["of"], "levels": given["levels"]}
        if self.rule_kind != Kind.NET_REVENUE:
            return {}
        found = {"deductions": given["deductions"]} if given["deductions"] else {}
        found |= {name: True for name in ("carryover", "recoup_cpa") if given[name]}
        return found | ({"ring_fence": plain(given["ring_fence"])} if given["ring_fence"] is not None else {})


def _step(line: str) -> dict[str, str]:
    match = _STEP.fullmatch(line.strip())
    if match is None:
        raise forms.ValidationError(f"“{line.strip()}” is not a tier; write for example “0: 10 %” or “10: 50”.")
    return {"above": match[1], "percent" if match[3] else "amount": match[2]}


def _deduction(line: str) -> dict[str, str]:
    match = _DEDUCTION.fullmatch(line.strip())
    if match is None:
        raise forms.ValidationError(f"“{line.strip()}” is not a deduction; write “bonus” or “platform fee: 15 %”.")
    found = {"name": match["name"].strip()}
    if match["number"]:
        found["percent" if match["percent"] else "amount"] = match["number"]
    return {**found, "cap": match["cap"]} if match["cap"] else found


def initial_of(rule: CommissionRule) -> dict[str, Any]:
    """What the form shows of a rule that is there."""
    found: dict[str, Any] = {name: getattr(rule, name) for name in COLUMNS}
    found = {name: plain(value) if isinstance(value, Decimal) else value for name, value in found.items()}
    formula = rule.formula or {}
    found |= {
        "kind": rule.kind,
        "goal": str(rule.goal_id or ""),
        "currency": rule.currency or formula.get("currency", ""),
    }
    if rule.kind == Kind.TIERED:
        found |= {name: formula[name] for name in ("basis", "mode", "period")}
        found["steps"] = "\n".join(_step_text(step) for step in formula["steps"])
    elif rule.kind == Kind.PARENTS:
        found |= {"of": formula["of"], "levels": ", ".join(formula["levels"])}
    elif rule.kind == Kind.NET_REVENUE:
        found |= {name: formula.get(name) for name in ("carryover", "recoup_cpa", "ring_fence")}
        found["deductions"] = "\n".join(_deduction_text(each) for each in formula.get("deductions", ()))
    return found


def _step_text(step: Mapping[str, str]) -> str:
    return f"{step['above']}: {step['percent']} %" if "percent" in step else f"{step['above']}: {step['amount']}"


def _deduction_text(each: Mapping[str, Any]) -> str:
    words = str(each["name"])
    if "percent" in each:
        words += f": {each['percent']} %"
    elif "amount" in each:
        words += f": {each['amount']}"
    return f"{words}, at most {each['cap']}" if each.get("cap") is not None else words
