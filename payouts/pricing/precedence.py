"""Which rules price an event: the published order, which always gives one answer.

1. **Plan.** The affiliate's own plan for the offer, once it has a version in force; else the offer's default plan.
2. **Version.** Of that plan the newest whose `effective_from` is not after the event's `occurred_at`.
3. **Rule.** Of the version's rules that are valid then and fit the event, the most specific: a rule for the goal
   goes before one for every goal; then one for a sub ID before one for all (sub1 before sub2, and so on); then one
   for a country before one for all; then one of limited validity before an open one. Rules that are components of
   one deal (a hybrid) have the same selection and apply together.

Two rules that could both win are refused when the version is published. An own plan without a rule for an event earns
nothing for it, it does not fall back to the default plan. Shares of parents are chosen among themselves by the same
order, and so are prices of clicks; the clicks of a day are priced by the version in force at the start of the day
(UTC).
"""

from collections.abc import Sequence

from payouts.pricing.facts import PricedClicks, PricedConversion, PricedEvent, PricingRule
from payouts.pricing.terms import PlanTerms, PriceBook, VersionTerms

SUB_NAMES = ("sub1", "sub2", "sub3", "sub4", "sub5")


def choose_version(event: PricedEvent, book: PriceBook) -> tuple[PlanTerms, VersionTerms] | str:
    """Pick plan and version by the published precedence, or say in a sentence why there is none."""
    plans = [book.get((event.offer_id, event.affiliate_id)), book.get((event.offer_id, None))]
    for plan in plans:
        version = plan.in_force(event.occurred_at) if plan else None
        if plan and version:
            return plan, version
    if any(plans):
        return f"No version of a commission plan was in force at {event.occurred_at:%Y-%m-%d %H:%M %Z}."
    return "The offer has no commission plan."


def choose_rules(event: PricedEvent, version: VersionTerms) -> tuple[PricingRule, ...]:
    """The rules that earn: one, the components of a hybrid, or none."""
    if isinstance(event, PricedClicks):
        return most_specific(event, version.clicking)
    if version.plain:
        return version.plain.get(event.goal_id) or version.plain.get(None, ())
    return most_specific(event, version.earning)


def most_specific(event: PricedEvent, rules: Sequence[PricingRule]) -> tuple[PricingRule, ...]:
    """Those of the rules that fit the event best."""
    fitting = [(specificity(rule), rule) for rule in rules if fits(event, rule)]
    if not fitting:
        return ()
    best = max(rank for rank, _ in fitting)
    return tuple(rule for rank, rule in fitting if rank == best)


def fits(event: PricedEvent, rule: PricingRule) -> bool:
    return (
        (rule.goal_id is None or (isinstance(event, PricedConversion) and rule.goal_id == event.goal_id))
        and rule.country in ("", event.country)
        and (not rule.sub_name or event.subs.get(rule.sub_name, "") == rule.sub_value)
        and (rule.valid_from is None or rule.valid_from <= event.occurred_at)
        and (rule.valid_until is None or event.occurred_at < rule.valid_until)
    )


def specificity(rule: PricingRule) -> tuple[bool, int, bool, bool]:
    """Greater goes first."""
    sub = len(SUB_NAMES) - SUB_NAMES.index(rule.sub_name) if rule.sub_name else 0
    return rule.goal_id is not None, sub, bool(rule.country), is_dated(rule)


def is_dated(rule: PricingRule) -> bool:
    return rule.valid_from is not None or rule.valid_until is not None
