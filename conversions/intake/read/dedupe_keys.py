"""The key by which an event counts once, and the keys that requests about one event or customer share."""

from conversions.intake import reference_cache
from conversions.intake.case import Case
from conversions.models import Goal

DedupeBy = Goal.DedupeBy
PIXEL_KEY = ("sent twice",)


def set_dedupe_keys(cases: list[Case]) -> None:
    """Set the key of each case: goal and transaction, else goal and click, or as the goal defines."""
    cases = [case for case in cases if case.is_open and case.event.goal_code]
    goals = reference_cache.goals.many({case.postback.advertiser_id or 0 for case in cases})
    for case in cases:
        named = goals.get(case.postback.advertiser_id or 0, [])
        case.named_goal = next((goal for goal in named if goal.code == case.event.goal_code), None)
        case.dedupe_key = _key(case, counted_by(case))


def counted_by(case: Case) -> str:
    """What makes two requests one event (`Goal.DedupeBy`), by the goal's rule."""
    return case.named_goal.dedupe_by if case.named_goal else DedupeBy.TRANSACTION


def _key(case: Case, by: str) -> str:
    event = case.event
    if by == DedupeBy.CUSTOMER and event.customer_id:
        return f"{event.goal_code}|customer|{event.customer_id}"
    if event.transaction_id and not (by == DedupeBy.CLICK and event.click):
        return f"{event.goal_code}|txid|{event.transaction_id}"
    return f"{event.goal_code}|click|{event.click.uuid}" if event.click else ""


def keys_of(case: Case) -> list[tuple[object, ...]]:
    """The keys that this case must not share with another case of the same round."""
    if not case.is_open:
        return []
    advertiser = case.postback.advertiser_id
    keys: list[tuple[object, ...]] = []
    if case.dedupe_key:
        keys.append((advertiser, "event", case.dedupe_key))
    if case.event.customer_id:
        keys.append((advertiser, "customer", case.event.customer_id))
    if case.mapping.finds_sales and case.event.transaction_id:
        # What takes back says no goal: it shares this key with the sale.
        keys.append((advertiser, "sale", case.event.transaction_id))
    if key := pixel_key(case):
        keys.append(key)
    return keys


def pixel_key(case: Case) -> tuple[object, ...] | None:
    """The key that both reports of one event share, a pixel's and a server's; only if the advertiser has pixels."""
    if case.advertiser and case.advertiser.allows_pixel and case.event.click and case.event.goal_code:
        return (case.postback.advertiser_id, *PIXEL_KEY, case.event.goal_code, case.event.click.uuid)
    return None
