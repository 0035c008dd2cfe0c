"""Which plan, which version and which rules price an event: the published order, docs/commission.md.

1. The affiliate's own plan for the offer once it has a version in force, else the offer's default plan.
2. The newest version that began at the event's time or before.
3. Of its rules that fit the event the most specific: for the goal before for every goal, for a sub ID before for all
   (sub1 first), for a country before for all, of limited validity before open.
"""

from collections.abc import Iterable
from datetime import datetime

from payouts.verification.independent.facts import Event, Plan, Plans, Rule, Version

# sub1 is the most specific.
SUBS = ("", "sub5", "sub4", "sub3", "sub2", "sub1")


def terms_for(event: Event, plans: Plans) -> tuple[Plan, Version] | None:
    """The plan and its version for the event; None where no plan was in force."""
    own, default = plans.get((event.offer_id, event.affiliate_id)), plans.get((event.offer_id, None))
    for plan in (own, default):
        if plan and (version := _version_at(plan, event.occurred_at)):
            return plan, version
    return None


def _version_at(plan: Plan, moment: datetime) -> Version | None:
    begun = [version for version in plan.versions if version.effective_from <= moment]
    return max(begun, key=lambda version: version.effective_from) if begun else None


def rules_for(event: Event, rules: Iterable[Rule]) -> list[Rule]:
    """The most specific of the rules that fit; several where they are components of one deal."""
    fitting = [rule for rule in rules if fits(event, rule)]
    if len(fitting) < 2:
        return fitting
    best = max(map(_rank, fitting))
    return [rule for rule in fitting if _rank(rule) == best]


def fits(event: Event, rule: Rule) -> bool:
    if rule.goal_id is not None and rule.goal_id != event.goal_id:
        return False
    if rule.country and rule.country != event.country:
        return False
    if rule.sub_name and rule.sub_value != event.subs.get(rule.sub_name, ""):
        return False
    if rule.valid_from is not None and event.occurred_at < rule.valid_from:
        return False
    return rule.valid_until is None or event.occurred_at < rule.valid_until


def _rank(rule: Rule) -> tuple[bool, int, bool, bool]:
    is_dated = rule.valid_from is not None or rule.valid_until is not None
    return rule.goal_id is not None, SUBS.index(rule.sub_name), rule.country != "", is_dated
