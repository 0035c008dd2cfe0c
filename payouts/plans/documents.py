"""Rules as a document: how a version file, a draft and a digest write them down.

`{"rules": [{"goal": "ftd", "kind": "flat", "amount": "120", "currency": "EUR"}]}`: `goal` is a goal's code, without it
the rule is for every goal; other names are those of a rule's fields, left out where they say nothing.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from affiliates.models import Offer
from conversions.models import Goal
from payouts.models import CommissionPlan, CommissionRule
from payouts.pricing import plain

MOST_RULES = 500
SHOWN = [each for each in CommissionRule._meta.concrete_fields if each.name not in ("id", "version", "goal")]


class PlanRefused(ValueError):
    """The version cannot be published; nothing was changed. `problems` lists every problem as a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = [str(problem) for problem in problems]


def document_of(rules: Sequence[CommissionRule]) -> dict[str, list[dict[str, Any]]]:
    """The rules as `rules_from` reads them; amounts and percentages are strings."""
    return {"rules": [_written(rule) for rule in rules]}


def _written(rule: CommissionRule) -> dict[str, Any]:
    given = {"goal": rule.goal.code} if rule.goal else {}
    values = {field.name: field.to_python(getattr(rule, field.name)) for field in SHOWN}
    changed = {field.name for field in SHOWN if values[field.name] != field.get_default()}
    return given | {name: _plain(value) for name, value in values.items() if name in changed}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return plain(value) if isinstance(value, Decimal) else value


def digest_of(plan: CommissionPlan, effective_from: datetime, rules: Sequence[CommissionRule]) -> str:
    """The digest of these terms: SHA-256 of plan, start and rules, independent of the order of the rules.

    Goals are named by number, so a goal whose code changes is the same goal.
    """
    lines = sorted(json.dumps({**_written(rule), "goal": rule.goal_id}, sort_keys=True) for rule in rules)
    text = json.dumps([plan.pk, effective_from.astimezone(UTC).isoformat(), lines])
    return hashlib.sha256(text.encode()).hexdigest()


def rules_from(document: Any, offer: Offer) -> list[CommissionRule]:
    """The (unsaved) rules of a document. Raise `PlanRefused` naming the rule that cannot be read."""
    if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
        raise PlanRefused(
            [gettext('The file holds no list of rules: {"rules": [{"goal": "ftd", "kind": "flat", ...}]}.')]
        )
    if len(document["rules"]) > MOST_RULES:
        raise PlanRefused(
            [
                gettext("A version has at most {most_rules} rules; these are {number}.").format(
                    most_rules=MOST_RULES, number=len(document["rules"])
                )
            ]
        )
    goals = {goal.code: goal for goal in Goal.objects.filter(offer=offer).select_related("offer")}
    return [_rule(number, given, goals) for number, given in enumerate(document["rules"], 1)]


def _rule(number: int, given: Any, goals: Mapping[str, Goal]) -> CommissionRule:
    named = {"goal": None, **{field.name: field for field in SHOWN}}
    if not isinstance(given, Mapping) or (unknown := given.keys() - named.keys()):
        words = (
            gettext("does not know {names}").format(names=", ".join(sorted(unknown)))
            if isinstance(given, Mapping)
            else gettext("is not an object")
        )
        raise PlanRefused(
            [
                gettext("Rule {number} {words}; it has {names}.").format(
                    number=number, words=words, names=", ".join(named)
                )
            ]
        )
    rest = {name: value for name, value in given.items() if name != "goal"}
    goal = given.get("goal") or ""
    if goal and (not isinstance(goal, str) or goal not in goals):
        raise PlanRefused(
            [
                gettext("Rule {number}: the offer has no goal {goal}; it has {names}.").format(
                    number=number, goal=goal, names=", ".join(goals)
                )
            ]
        )
    try:
        values = {field.name: _read(field, rest[field.name]) for field in SHOWN if field.name in rest}
    except (ValidationError, TypeError, OverflowError) as error:
        words = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise PlanRefused([gettext("Rule {number}: {words}").format(number=number, words=words)]) from error
    return CommissionRule(goal=goals.get(goal), **values)


def _read(field: Any, given: Any) -> Any:
    """A moment without an offset is read as UTC."""
    value = field.to_python(given)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
