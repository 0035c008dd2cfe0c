"""Accounts: an affiliate on an offer whose plan remembers earlier events, so that they are priced together.

Caps, tiers, a number of payments and shares of net revenue make what one event earns depend on others. Such an account
is priced as a whole, for the span of time that its rules look back on; all others are priced event by event.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q

from affiliates.models import Affiliate, Parentage
from conversions.models import CustomerLock
from payouts.pricing import Family, Lineage, PlanTerms, PriceBook, PricedConversion, PricedEvent, PricingRule
from payouts.pricing.facts import MOST_LEVELS
from payouts.pricing.kind import Prices
from payouts.pricing.kinds import kind_of
from records.advisory_locks import Lock, number_of, wait_for
from records.periods import BEGINNING, END, TOTAL, WEEK, begins, ends
from tracking.models import Click

TICK = timedelta(microseconds=1)


class PricingGroup(NamedTuple):
    affiliate_id: int
    offer_id: int


class TimeSpan(NamedTuple):
    """A half-open span of time."""

    begins_at: datetime
    ends_at: datetime

    def with_moment(self, moment: datetime, periods: Collection[str]) -> "TimeSpan":
        """The span with the moment and every period that touches it, whole.

        A week may lie in two months: then both belong to it, and the weeks at their edges, and so on. An event priced
        without all of its period would come out wrong.
        """
        if TOTAL in periods:
            return TimeSpan(BEGINNING, END)
        first, last = moment, moment
        while True:
            earlier = min(begins(each, first) for each in periods)
            later = max(ends(each, last) for each in periods)
            # All but weeks lie in each other.
            if WEEK not in periods or len(periods) == 1 or (earlier == first and later - TICK == last):
                return TimeSpan(min(self.begins_at, earlier), max(self.ends_at, later))
            first, last = earlier, later - TICK


def looks_back(rule: PricingRule) -> set[str]:
    """The periods over which the rule counts; none where events are priced independently."""
    cap = {rule.cap_period} if rule.cap_period else set()
    payments = {TOTAL} if rule.max_payments is not None else set()
    return kind_of(rule).looks_back(rule) | cap | payments


def periods_of(book: PriceBook, account: PricingGroup, *, clicks: bool = False) -> set[str]:
    """The periods that rules count over, for conversions or for clicks: neither affects the other."""
    plans = (book.get((account.offer_id, account.affiliate_id)), book.get((account.offer_id, None)))
    return {period for plan in plans if plan for period in _periods_of_plan(plan, clicks)}


def _periods_of_plan(plan: PlanTerms, clicks: bool) -> set[str]:
    rules = (rule for version in plan.versions for rule in version.rules)
    mine = [rule for rule in rules if (kind_of(rule).prices is Prices.CLICKS) is clicks]
    return {period for rule in mine for period in looks_back(rule)}


def spans(events: Iterable[PricedEvent], book: PriceBook, *, clicks: bool = False) -> dict[PricingGroup, TimeSpan]:
    """The accounts of these events that are priced as a whole, with the time that has to be read for each."""
    known: dict[PricingGroup, set[str]] = {}
    found: dict[PricingGroup, TimeSpan] = {}
    for event in events:
        account = PricingGroup(event.affiliate_id, event.offer_id)
        periods = known.get(account)
        if periods is None:
            periods = known[account] = periods_of(book, account, clicks=clicks)
        if periods:
            found[account] = found.get(account, TimeSpan(END, BEGINNING)).with_moment(event.occurred_at, periods)
    return found


def lock_accounts(accounts: Collection[PricingGroup], *, clicks: bool = False) -> None:
    """Lock these accounts in sorted order until the transaction ends, so that two workers never price the same one."""
    what = "clicks" if clicks else "account"
    keys = (f"{what} {each.affiliate_id} {each.offer_id}" for each in accounts)
    wait_for(Lock.PRICING_GROUPS, map(number_of, keys))


def within(wanted: Mapping[PricingGroup, TimeSpan]) -> Q:
    """The conversions of these accounts in their spans."""
    found = Q(pk__in=[])
    for account, span in wanted.items():
        mine = Q(affiliate=account.affiliate_id, goal__offer=account.offer_id)
        if span.begins_at != BEGINNING:
            mine &= Q(occurred_at__gte=span.begins_at, occurred_at__lt=span.ends_at)
        found |= mine
    return found


def with_facts(events: list[PricedConversion], book: PriceBook) -> list[PricedConversion]:
    """Add country, sub IDs and the customer's first event where a rule asks for them: at most two queries."""
    rules = [rule for plan in book.values() for version in plan.versions for rule in version.rules]
    if any(rule.country or rule.sub_name for rule in rules):
        clicks = _clicks(events)
        events = [replace(each, **clicks[each.click_id]) if each.click_id in clicks else each for each in events]
    if any(rule.max_months is not None for rule in rules):
        since = _first_events(events)
        events = [replace(each, customer_since=since.get((each.customer_id, each.offer_id))) for each in events]
    return events


def _clicks(events: Iterable[PricedConversion]) -> dict[object, dict[str, Any]]:
    names = ("sub1", "sub2", "sub3", "sub4", "sub5")
    ids = {event.click_id for event in events if event.click_id}
    rows = Click.objects.filter(id__in=ids).values_list("id", "country", *names)
    return {pk: {"country": country, "subs": dict(zip(names, subs, strict=True))} for pk, country, *subs in rows}


def _first_events(events: Iterable[PricedConversion]) -> dict[tuple[int | None, int], datetime]:
    customers = {event.customer_id for event in events if event.customer_id}
    rows = CustomerLock.objects.filter(customer__in=customers).values_list("customer_id", "offer_id", "locked_at")
    return {(customer_id, offer_id): locked_at for customer_id, offer_id, locked_at in rows}


def lineage(book: PriceBook, affiliate_ids: Collection[int]) -> Lineage:
    """The parents of these affiliates at all times, where a plan shares with them: two queries per level, else none."""
    if not any(version.sharing for plan in book.values() for version in plan.versions):
        return {}
    names: dict[int, str] = {}
    spans: dict[int, list[_Since]] = {}
    wanted = set(affiliate_ids)
    while wanted:
        names.update(Affiliate.objects.filter(pk__in=wanted).values_list("pk", "public_id"))
        spans.update({pk: [] for pk in wanted})
        rows = Parentage.objects.filter(affiliate__in=wanted).order_by("pk")
        for affiliate_id, since, parent_id in rows.values_list("affiliate_id", "since", "parent_id"):
            spans[affiliate_id].append(_Since(since, parent_id))
        wanted = {step.parent for found in spans.values() for step in found if step.parent} - spans.keys()
    return {pk: _family(names[pk], pk, spans) for pk in affiliate_ids if pk in names}


class _Since(NamedTuple):
    """The parent from a moment on. A moment of None is the beginning; a parent of None is no parent."""

    moment: datetime | None
    parent: int | None


def _family(public_id: str, affiliate_id: int, spans: Mapping[int, Sequence[_Since]]) -> Family:
    """The current parents, and for each change above the affiliate the parents until that change."""
    above, waiting = {affiliate_id}, [affiliate_id]
    while waiting:
        found = {step.parent for step in spans[waiting.pop()] if step.parent} - above
        above |= found
        waiting += found
    changes = sorted({step.moment for pk in above for step in spans[pk] if step.moment})
    chains = [_chain(affiliate_id, None, spans), *(_chain(affiliate_id, moment, spans) for moment in changes)]
    return Family(public_id, chains[-1], tuple(zip(changes, chains, strict=False)))


def _chain(affiliate_id: int, moment: datetime | None, spans: Mapping[int, Sequence[_Since]]) -> tuple[int, ...]:
    """The parents at a moment or at the beginning, the nearest first; never more than the maximum number of levels."""
    found: list[int] = []
    parent = _parent(spans[affiliate_id], moment)
    while parent is not None and len(found) < MOST_LEVELS:
        found.append(parent)
        parent = _parent(spans[parent], moment)
    return tuple(found)


def _parent(steps: Sequence[_Since], moment: datetime | None) -> int | None:
    parent = None
    for step in steps:
        if step.moment is None or (moment is not None and step.moment <= moment):
            parent = step.parent
    return parent
