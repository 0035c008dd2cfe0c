"""The panel's form for a plan's next version: rules, worked examples, its start, and its preview."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext
from unfold.widgets import (
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from affiliates.models import User
from conversions.models import Goal
from payouts.admin.example_form import ExampleForm, cells_of_lines, initial_of_example, problems_of_form
from payouts.admin.rule_form import CommissionRuleForm, initial_of
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanVersion, WorkedExample
from payouts.plan_changes.drafts import change_draft, examples_of, publish_draft, rules_of, write_draft
from payouts.plan_changes.publish import publish_version
from payouts.plans.documents import PlanRefused
from payouts.plans.examples import MOST_EXAMPLES, ExampleRefused, propose, read_example
from payouts.plans.linter import Finding, findings, not_shown, problems_of_rules
from payouts.plans.price_books import hold_versions, terms_of_rule
from payouts.pricing.examples import example_words, problems_of_example, work_out
from payouts.pricing.rule_words import pays_words
from records.translation import gettext_lazy as _

MOST_RULES = 60
KEY = re.compile(r"[a-z0-9]{1,8}")
_EMPTY = {"by": "event"}


@dataclass(slots=True)
class Tried:
    """The result of one worked example."""

    name: str
    words: list[str] = field(default_factory=list)
    arithmetic: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Preview:
    """The version as far as its forms are valid. Nothing is stored."""

    rules: list[tuple[int, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    examples: list[Tried] = field(default_factory=list)


class VersionForm(forms.Form):
    """A plan's next version. `posted` without `checked` shows again what was typed, without judging it."""

    at_once = forms.BooleanField(
        required=False, initial=True, label=_("In force at once"), widget=UnfoldBooleanSwitchWidget
    )
    effective_from = forms.SplitDateTimeField(
        required=False,
        label=_("Or from"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_(
            "Events that happened from this moment on are priced by the new version; earlier ones keep the old."
        ),
    )
    note = forms.CharField(
        required=False,
        max_length=250,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Why the deal changed, for your own records."),
        label=_("Note"),
    )

    def __init__(
        self,
        plan: CommissionPlan,
        posted: QueryDict | None = None,
        *,
        checked: bool = True,
        draft: DraftVersion | None = None,
    ) -> None:
        self.plan, self.draft = plan, draft
        goals = Goal.objects.filter(offer=plan.offer).select_related("offer").order_by("position", "id")
        self.goals = list(goals)
        super().__init__(posted if checked else None, initial=self._own_initial(posted, draft))
        if posted is None:
            self._begin(draft)
        else:
            self._take(posted, checked)

    def _own_initial(self, posted: QueryDict | None, draft: DraftVersion | None) -> dict[str, Any]:
        if posted is not None:
            # A date widget shows two parts; the input is shown again only where it can be parsed.
            moment = self.base_fields["effective_from"].widget.value_from_datadict(posted, {}, "effective_from")
            return {
                "at_once": bool(posted.get("at_once")),
                "effective_from": _readable(moment),
                "note": posted.get("note", ""),
            }
        return {"at_once": False, "effective_from": draft.effective_from, "note": draft.note} if draft else {}

    def _begin(self, draft: DraftVersion | None) -> None:
        """Start from the draft, from the current rules, or from a rule for the first goal."""
        last = self.plan.versions.order_by("-number").first()
        if draft:
            rules, examples = rules_of(draft), examples_of(draft)
        else:
            rules = list(last.rules.select_related("goal__offer")) if last else []
            examples = list(last.examples.all()) if last else []
        shown = [initial_of(rule) for rule in rules] or [self.empty_rule()]
        self.rules = [self._rule_form(f"r{n}", n, initial=each) for n, each in enumerate(shown, 1)]
        self.examples = [
            ExampleForm(f"e{n}", self.goals, initial=initial_of_example(each)) for n, each in enumerate(examples, 1)
        ]

    def empty_rule(self) -> dict[str, Any]:
        active = [goal for goal in self.goals if goal.is_active]
        goal = str(active[0].pk) if active else ""
        return {"goal": goal, "currency": self.plan.offer.currency}

    def _take(self, posted: QueryDict, checked: bool) -> None:
        rules = _keys(posted, "rule", MOST_RULES)
        examples = _keys(posted, "example", MOST_EXAMPLES)
        if checked:
            self.rules = [self._rule_form(key, number, data=posted) for number, key in enumerate(rules, 1)]
            self.examples = [ExampleForm(key, self.goals, posted) for key in examples]
            return
        self.rules = []
        for number, key in enumerate(rules, 1):
            typed = _typed(posted, f"rule-{key}-")
            initial = {"currency": self.plan.offer.currency, **typed} if typed else self.empty_rule()
            self.rules.append(self._rule_form(key, number, initial=initial))
        shown = [(key, _typed(posted, f"example-{key}-") or _EMPTY) for key in examples]
        self.examples = [ExampleForm(key, self.goals, initial=each) for key, each in shown]

    def _rule_form(self, key: str, number: int, *, data: Any = None, initial: Any = None) -> CommissionRuleForm:
        return CommissionRuleForm(key, number, self.goals, data, initial)

    def is_valid(self) -> bool:
        parts = [*self.rules, *self.examples]
        return all([super().is_valid(), *(form.is_valid() for form in parts)])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("at_once") and not given.get("effective_from") and "effective_from" not in self.errors:
            self.add_error("effective_from", gettext("Give day and time, or choose “In force at once”."))
        return given

    def starts_at(self, now: datetime) -> datetime:
        given: dict[str, Any] = getattr(self, "cleaned_data", {})
        moment: datetime | None = None if given.get("at_once") else given.get("effective_from")
        return moment or now

    def publish(self, *, actor: User, now: datetime) -> PlanVersion | None:
        """Publish the version and return it, or add the errors to the form and return None."""
        try:
            if self.draft:
                with transaction.atomic():
                    hold_versions()
                    draft = change_draft(draft=self.draft, now=now, **self._version_fields(now))
                    return publish_draft(draft=draft, actor=actor, now=now)
            return publish_version(plan=self.plan, actor=actor, now=now, **self._version_fields(now))
        except PlanRefused as error:
            self._refuse(error)
            return None

    def keep(self, *, actor: User, now: datetime) -> DraftVersion | None:
        """Save the draft and return it, or add the errors to the form and return None."""
        try:
            if self.draft:
                return change_draft(draft=self.draft, now=now, **self._version_fields(now))
            return write_draft(plan=self.plan, actor=actor, now=now, **self._version_fields(now))
        except PlanRefused as error:
            self._refuse(error)
            return None

    def _version_fields(self, now: datetime) -> dict[str, Any]:
        return {
            "rules": [form.rule() for form in self.rules],
            "examples": [form.example() for form in self.examples],
            "effective_from": self.starts_at(now),
            "note": self.cleaned_data["note"],
        }

    def _refuse(self, error: PlanRefused) -> None:
        self.add_error(None, [ValidationError(problem) for problem in error.problems])

    def preview(self, now: datetime) -> Preview:
        """The version in words. Examples are worked out once all rules are valid."""
        self.is_valid()
        found, rules = Preview(), []
        for form in self.rules:
            if form.is_valid():
                rules.append(form.rule())
            found.problems += [
                gettext("Rule {number}: {problem}").format(number=form.number, problem=problem)
                for problem in problems_of_form(form)
            ]
        found.problems += problems_of_form(self)
        if len(rules) < len(self.rules):
            return found
        found.problems += problems_of_rules(self.plan, rules)
        if found.problems:
            return found
        found.rules = [(number, _words(rule)) for number, rule in enumerate(rules, 1)]
        start = self.starts_at(now)
        found.findings = findings(self.plan, rules, effective_from=start)
        numbers: set[int] = set()
        for each in self.examples:
            tried, used = self._tried(each, rules, start)
            found.examples.append(tried)
            numbers |= used
        found.findings += not_shown(rules, numbers)
        return found

    def _tried(self, form: ExampleForm, rules: Sequence[CommissionRule], start: datetime) -> tuple[Tried, set[int]]:
        tried = Tried(str(form["name"].value() or gettext("Without a name")), problems=problems_of_form(form))
        if tried.problems:
            return tried, set()
        try:
            example = read_example(form.example(), goals=self.goal_codes, effective_from=start)
        except ExampleRefused as error:
            tried.problems.append(str(error))
            return tried, set()
        outcome = work_out(example, [terms_of_rule(rule) for rule in rules])
        tried.problems = problems_of_example(example, outcome)
        tried.words = example_words(example)
        tried.arithmetic = [
            gettext("Rule {rule}: {words}").format(rule=slot.rule, words=words)
            for slot, words in sorted(outcome.arithmetic.items())
        ]
        return tried, {slot.rule for slot in outcome.amounts}

    @property
    def goal_codes(self) -> dict[str, Goal]:
        return {goal.code: goal for goal in self.goals}

    def worked_out(self, key: str, now: datetime) -> list[dict[str, Any]]:
        """The expected lines of an example, as cells, as the rules have them come out. Raise `ExampleRefused`."""
        self.is_valid()
        form = next((each for each in self.examples if each.key == key), None)
        if form is None or not all(each.is_valid() for each in self.rules):
            raise ExampleRefused(gettext("Correct the rules first: the preview shows what is wrong with them."))
        if form.errors.keys() - {"expected", "name"}:
            raise ExampleRefused(" ".join(problems_of_form(form)))
        given = form.cleaned_data
        row = WorkedExample(name="It", by=given["by"], events=given["events"], expected=[])
        rules = [each.rule() for each in self.rules]
        if problems := problems_of_rules(self.plan, rules):
            raise ExampleRefused(problems[0])
        terms = [terms_of_rule(rule) for rule in rules]
        lines, _ = propose(row, terms, goals=self.goal_codes, effective_from=self.starts_at(now))
        return cells_of_lines(lines)


def _keys(posted: QueryDict, name: str, most: int) -> list[str]:
    """Which rows there are, in their order; nothing that could not be such a name."""
    given = [key for key in posted.getlist(name) if KEY.fullmatch(key)]
    return list(dict.fromkeys(given))[:most]


def _typed(posted: QueryDict, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): posted.get(name, "") for name in posted if name.startswith(prefix)}


def _readable(parts: Sequence[str | None]) -> datetime | None:
    try:
        moment = forms.SplitDateTimeField().clean([part or "" for part in parts])
    except ValidationError:
        return None
    return moment if isinstance(moment, datetime) else None


def _words(rule: CommissionRule) -> str:
    joined = gettext(" (together with the others)") if rule.is_component else ""
    return f"{rule.goal_name[:1].upper()}{rule.goal_name[1:]}: {pays_words(terms_of_rule(rule))}{joined}"


def edited(posted: QueryDict, part: str) -> QueryDict:
    """The posted data with a row added or removed: `add-rule`, `add-example`, `remove-rule-r2`."""
    posted = posted.copy()
    verb, _, rest = part.partition("-")
    name, _, key = rest.partition("-")
    if verb not in ("add", "remove") or name not in ("rule", "example"):
        return posted
    keys = [each for each in posted.getlist(name) if each != key]
    if verb == "add":
        taken = set(keys)
        keys.append(next(f"{name[0]}{n}" for n in range(1, len(keys) + 2) if f"{name[0]}{n}" not in taken))
    posted.setlist(name, keys)
    return posted
