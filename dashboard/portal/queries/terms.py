"""What each goal pays an affiliate now, in words."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from affiliates.models import Affiliate
from affiliates.money import format_money
from conversions.models import Goal
from payouts.plans import price_book
from payouts.pricing import FLAT, Event, PricingRule, choose_version, plain


def rules_by_goal(affiliate: Affiliate, goals: Iterable[Goal], *, at: datetime) -> dict[int, PricingRule]:
    """The rule in force for each of these goals, found as booking finds it."""
    listed = list(goals)
    book = price_book(offer_ids={goal.offer_id for goal in listed}, affiliate_ids={affiliate.pk})
    found: dict[int, PricingRule] = {}
    for goal in listed:
        chosen = choose_version(_probe(affiliate, goal, at), book)
        if not isinstance(chosen, str) and goal.pk in chosen[1].rules:
            found[goal.pk] = chosen[1].rules[goal.pk]
    return found


def _probe(affiliate: Affiliate, goal: Goal, at: datetime) -> Event:
    """An event that happens at this moment, to ask which terms would hold for it."""
    return Event(
        conversion_id=0,
        affiliate_id=affiliate.pk,
        offer_id=goal.offer_id,
        goal_id=goal.pk,
        status="",
        revenue=None,
        currency="",
        occurred_at=at,
    )


def pays_words(rule: PricingRule | None) -> str:
    """What the rule pays, as one reads it aloud."""
    if rule is None:
        return "Counted, not paid"
    if rule.kind == FLAT:
        return format_money(rule.amount or Decimal(0), rule.currency)
    return f"{plain(rule.percent or Decimal(0))} % of revenue"
