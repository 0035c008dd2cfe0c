"""An amount for each valid click of a link and day."""

from payouts.verification.independent.calendar import first_day
from payouts.verification.independent.facts import EarnsNothing, Event, Rule
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "per_click", "clicks"


def clicks_paid(event: Event, rule: Rule, counter: Counter, past: Past) -> int:
    """All of the event's clicks, or as many as the cap of clicks leaves."""
    clicks = int(event.volume or 0)
    if rule.cap_count is None:
        return clicks
    used = past.capped_count[counter, rule.cap_period, first_day(rule.cap_period, event.occurred_at)]
    if used >= rule.cap_count:
        raise EarnsNothing(f"the cap of {rule.cap_count} clicks is reached")
    return min(clicks, rule.cap_count - used)
