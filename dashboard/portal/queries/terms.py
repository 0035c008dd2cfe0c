"""An affiliate's current terms, goal by goal, in words."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext

from affiliates.models import Affiliate, Offer
from conversions.models import Goal
from payouts.models import WorkedExample
from payouts.plans.examples import goals_of, stored_examples
from payouts.plans.price_books import price_book
from payouts.pricing import PricedConversion, PricingRule, choose_version
from payouts.pricing.examples import example_words
from payouts.pricing.rule_words import pays_words as words_of_rule


def rules_by_goal(affiliate: Affiliate, goals: Iterable[Goal], *, at: datetime) -> dict[int, list[PricingRule]]:
    """The rules in force for each of these goals, those for some countries or sub IDs only included."""
    listed = list(goals)
    book = price_book(offer_ids={goal.offer_id for goal in listed}, affiliate_ids={affiliate.pk})
    found: dict[int, list[PricingRule]] = {}
    for goal in listed:
        chosen = choose_version(_probe(affiliate, goal.offer_id, goal.pk, at), book)
        rules = () if isinstance(chosen, str) else chosen[1].earning
        mine = [rule for rule in rules if rule.goal_id == goal.pk and _holds(rule, at)]
        found[goal.pk] = mine or [rule for rule in rules if rule.goal_id is None and _holds(rule, at)]
    return found


def per_click_words(affiliate: Affiliate, offer: Offer, *, at: datetime) -> str:
    """The current commission per click in words; empty when there is none."""
    book = price_book(offer_ids=[offer.pk], affiliate_ids=[affiliate.pk])
    chosen = choose_version(_probe(affiliate, offer.pk, 0, at), book)
    rules = () if isinstance(chosen, str) else chosen[1].clicking
    return "; ".join(words_of_rule(rule) for rule in rules if _holds(rule, at))


def examples_in_words(affiliate: Affiliate, offer: Offer, *, at: datetime) -> list[tuple[str, str]]:
    """The worked examples of the terms that hold now: a name, and what happens and earns."""
    book = price_book(offer_ids=[offer.pk], affiliate_ids=[affiliate.pk])
    chosen = choose_version(_probe(affiliate, offer.pk, 0, at), book)
    if isinstance(chosen, str):
        return []
    rows = WorkedExample.objects.filter(version=chosen[1].id).select_related("version")
    return [(each.name, " ".join(example_words(each))) for each in stored_examples(rows, goals_of(offer.pk))]


def _holds(rule: PricingRule, at: datetime) -> bool:
    return (not rule.valid_from or rule.valid_from <= at) and (not rule.valid_until or at < rule.valid_until)


def _probe(affiliate: Affiliate, offer_id: int, goal_id: int, at: datetime) -> PricedConversion:
    """An event that happens at this moment, to ask which terms would hold for it."""
    return PricedConversion(
        id=0,
        affiliate_id=affiliate.pk,
        offer_id=offer_id,
        goal_id=goal_id,
        status="",
        revenue=None,
        currency="",
        occurred_at=at,
    )


def pays_words(rules: Iterable[PricingRule] | None) -> str:
    """The rules' commission in words; components of a hybrid are joined."""
    listed = list(rules or ())
    if not listed:
        return gettext("Counted, not paid")
    return " + ".join(map(words_of_rule, listed)) if listed[0].is_component else "; ".join(map(words_of_rule, listed))
