"""Pricing of many events at once: pure arithmetic over facts and plans. No database.

Events are taken in the order in which they happened, those of one moment by their number, whatever order they
come in. What an event earns may depend on those before it (caps, marginal tiers, a number of payments, net revenue)
or on its whole period (whole-volume tiers): then all approved events of the affiliate on the offer must be given.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from payouts.pricing.facts import (
    APPROVED,
    FLAT,
    NET_REVENUE,
    PER_CLICK,
    TIERED,
    Event,
    Line,
    Lineage,
    PlanTerms,
    PriceBook,
    PricingRule,
    Quote,
    VersionTerms,
)
from payouts.pricing.kinds import EXACT, REVENUE, WHOLE, ZERO, Share, measure, percent_of, simple_share, tiered_share
from payouts.pricing.net_revenue import NetRevenue
from payouts.pricing.precedence import choose_rules, choose_version, most_specific
from payouts.pricing.words import exact
from records.money import MAX_AMOUNT, PLACES, round_money, round_together
from records.periods import begins, in_words, months_after
from records.words import counted, plain

NOBODY: Lineage = {}
Key = tuple[object, ...]


def price_all(events: Iterable[Event], book: PriceBook, lineage: Lineage = NOBODY) -> dict[int, Quote]:
    """What each conversion earns as it stands, by its ID, with the rule and version of each line."""
    found: dict[int, Quote] = {}
    counting = []
    for event in events:
        if event.status == APPROVED:
            counting.append(event)
        else:
            reason = f"The conversion is {event.status}; only an approved one earns."
            found[event.conversion_id] = Quote((), reason)
    found.update(_Run(book, lineage).quotes(counting))
    return found


def estimate_all(events: Iterable[Event], book: PriceBook, lineage: Lineage = NOBODY) -> dict[int, Quote]:
    """What each conversion would earn if all of these were approved and nothing came before them."""
    return _Run(book, lineage).quotes(events)


def price(event: Event, book: PriceBook, lineage: Lineage = NOBODY) -> Quote:
    """What one conversion earns as it stands, as if it were the first of its account."""
    return price_all([event], book, lineage)[event.conversion_id]


def estimate(event: Event, book: PriceBook, lineage: Lineage = NOBODY) -> Quote:
    """What one conversion would earn if it were approved, as if it were the first of its account."""
    return estimate_all([event], book, lineage)[event.conversion_id]


@dataclass(slots=True)
class _Used:
    """What a cap has let through in its period."""

    count: int = 0
    amount: Decimal = ZERO


@dataclass(slots=True)
class _Run:
    """One pricing of a set of events, with what it counts on the way."""

    book: PriceBook
    lineage: Lineage
    caps: dict[Key, _Used] = field(default_factory=lambda: defaultdict(_Used))
    payments: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    reached: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    totals: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    months: dict[Key, NetRevenue] = field(default_factory=dict)
    to_recoup: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def quotes(self, events: Iterable[Event]) -> dict[int, Quote]:
        ordered = sorted(events, key=lambda event: (event.occurred_at, event.conversion_id))
        if any(_is_whole(rule) for plan in self.book.values() for each in plan.versions for rule in each.rules):
            self._add_totals(ordered)
        return {event.conversion_id: self._quote(event) for event in ordered}

    def _add_totals(self, events: list[Event]) -> None:
        """What each period of whole-volume tiers comes to, before any of its events is priced."""
        for event in events:
            chosen = choose_version(event, self.book)
            if isinstance(chosen, str):
                continue
            for rule in choose_rules(event, chosen[1]):
                if _is_whole(rule):
                    moved = measure(event, rule.formula["basis"])
                    self.totals[_tier_key(event, chosen[0], rule)] += max(moved or ZERO, ZERO)

    def _quote(self, event: Event) -> Quote:
        chosen = choose_version(event, self.book)
        if isinstance(chosen, str):
            return Quote((), chosen)
        plan, version = chosen
        lines, reasons = [], []
        for rule in choose_rules(event, version):
            found = self._by_rule(event, plan, version, rule)
            if isinstance(found, str):
                reasons.append(found)
            else:
                lines.append(found)
        if not lines and not reasons:
            what = "clicks" if event.is_clicks else "this goal"
            reasons.append(f"{plan.name} v{version.number} has no rule for {what}.")
        if version.sharing and lines:
            lines += self._to_parents(event, version, lines)
        return Quote(tuple(lines), " ".join(reasons) if not lines else "")

    def _by_rule(self, event: Event, plan: PlanTerms, version: VersionTerms, rule: PricingRule) -> Line | str:
        if rule.kind == NET_REVENUE:
            return self._net_revenue(event, plan, version, rule)
        if rule.kind == PER_CLICK:
            return self._per_click(event, plan, version, rule)
        if event.revenue is not None and event.revenue < 0:
            return f"The revenue is negative ({exact(event.revenue, event.currency)}); a refund earns nothing."
        over = self._recurring_fault(event, plan, rule)
        if over:
            return over
        share = self._tiered(event, plan, rule) if rule.kind == TIERED else simple_share(event, rule)
        line = share if isinstance(share, str) else self._limited(event, plan, version, rule, share)
        if not isinstance(line, str):
            if rule.max_payments:
                self.payments[_account(event, plan, rule), event.customer_id] += 1
            if rule.is_component:
                self.to_recoup[event.affiliate_id, event.offer_id, plan.id, line.currency] += line.amount
        return line

    def _recurring_fault(self, event: Event, plan: PlanTerms, rule: PricingRule) -> str:
        """Why a recurring commission has run out, if it has."""
        if rule.max_months is None and rule.max_payments is None:
            return ""
        if event.customer_id is None:
            return "The rule pays for a limited time per customer, but the event names no customer."
        since = event.customer_since or event.occurred_at
        if rule.max_months is not None and event.occurred_at >= months_after(since, rule.max_months):
            months = counted(rule.max_months, "month")
            return f"The customer came on {since:%Y-%m-%d}; the rule pays for {months} from then."
        if rule.max_payments is not None:
            paid = self.payments[_account(event, plan, rule), event.customer_id]
            if paid >= rule.max_payments:
                return f"The rule pays {counted(rule.max_payments, 'time')} per customer, and has done so."
        return ""

    def _tiered(self, event: Event, plan: PlanTerms, rule: PricingRule) -> Share | str:
        key = _tier_key(event, plan, rule)
        before = self.reached[key]
        period = in_words(rule.formula["period"], event.occurred_at)
        share = tiered_share(event, rule, before=before, total=self.totals.get(key, ZERO), period=period)
        self.reached[key] = before + (measure(event, rule.formula["basis"]) or ZERO)
        return share

    def _limited(
        self, event: Event, plan: PlanTerms, version: VersionTerms, rule: PricingRule, share: Share
    ) -> Line | str:
        """Hold the share within the rule's minimum, maximum and cap, and round it once."""
        amount, currency, words = share
        if rule.limit_currency and currency != rule.limit_currency:
            return f"The rule's limits are in {rule.limit_currency}; {words} is in {currency or 'no currency'}."
        if rule.minimum is not None and amount < rule.minimum:
            amount, words = rule.minimum, f"{words}, at least {exact(rule.minimum, currency)}"
        if rule.maximum is not None and amount > rule.maximum:
            amount, words = rule.maximum, f"{words}, at most {exact(rule.maximum, currency)}"
        line = _line(event, version, rule, amount, currency, words)
        return self._capped(event, plan, rule, line) if rule.cap_period and not isinstance(line, str) else line

    def _per_click(self, event: Event, plan: PlanTerms, version: VersionTerms, rule: PricingRule) -> Line | str:
        """So many clicks at the rule's price, as far as its cap lets them through."""
        clicks, price = int(event.volume or 0), exact(rule.amount or ZERO, rule.currency)
        paid, words = clicks, f"{price} per click for {counted(clicks, 'valid click')}"
        if rule.cap_count is not None:
            used = self.caps[(*_account(event, plan, rule), begins(rule.cap_period, event.occurred_at))]
            paid = min(clicks, rule.cap_count - used.count)
            period, cap = in_words(rule.cap_period, event.occurred_at), counted(rule.cap_count, "click")
            if paid <= 0:
                return f"The cap of {cap} for {period} was reached before these."
            if paid < clicks:
                words = f"{price} per click for {paid} of {counted(clicks, 'valid click')} (cap of {cap} for {period})"
        amount = EXACT.multiply(rule.amount or ZERO, Decimal(paid))
        line = _line(event, version, rule, amount, rule.currency, words)
        return line if isinstance(line, str) or not rule.cap_period else self._capped(event, plan, rule, line, paid)

    def _capped(self, event: Event, plan: PlanTerms, rule: PricingRule, line: Line, count: int = 1) -> Line | str:
        used = self.caps[(*_account(event, plan, rule), begins(rule.cap_period, event.occurred_at))]
        period = in_words(rule.cap_period, event.occurred_at)
        if rule.cap_count is not None and used.count >= rule.cap_count:
            return f"The cap of {counted(rule.cap_count, 'conversion')} for {period} was reached before this one."
        if rule.cap_amount is not None and used.amount + line.amount > rule.cap_amount:
            left, budget = rule.cap_amount - used.amount, exact(rule.cap_amount, line.currency)
            if left <= 0:
                return f"The budget of {budget} for {period} was spent before this one."
            words = f"{line.arithmetic}; {exact(left, line.currency)} is left of {budget} for {period}"
            line = replace(line, amount=left, arithmetic=words)
        used.count += count
        used.amount += line.amount
        return line

    def _net_revenue(self, event: Event, plan: PlanTerms, version: VersionTerms, rule: PricingRule) -> Line | str:
        currency = event.currency
        if event.revenue is None:
            return "A share of net revenue, but the event came without revenue."
        if currency not in PLACES:
            return f"{currency or 'An empty currency'} is not a currency that amounts can be kept in."
        key = (*_account(event, plan, rule), currency)
        month = self.months.get(key)
        if month is None:
            month = self.months[key] = NetRevenue(rule.formula, rule.percent or ZERO, currency)
        pot = (event.affiliate_id, event.offer_id, plan.id, currency)
        to_recoup = self.to_recoup[pot] if rule.formula.get("recoup_cpa") else ZERO
        amount, words, made_up = month.add(event, rule, to_recoup)
        if made_up:
            self.to_recoup[pot] -= made_up
        if not amount:
            return f"{words}; a line of zero is not booked."
        if abs(amount) >= MAX_AMOUNT:
            return f"{words} is more than an amount can hold; correct the rule or the revenue."
        return Line(event.affiliate_id, rule.id, version.id, amount, currency, words)

    def _to_parents(self, event: Event, version: VersionTerms, lines: list[Line]) -> list[Line]:
        """A line for each parent whose level has a share, of what the child earned or of the revenue."""
        family = self.lineage.get(event.affiliate_id)
        parents = family.at(event.occurred_at) if family else ()
        chosen = most_specific(event, version.sharing)[:1] if parents else ()
        found: list[Line] = []
        for rule in chosen:
            assert family
            levels = [Decimal(percent) for percent in rule.formula["levels"][: len(parents)]]
            for currency, base in _bases(event, rule, lines).items():
                what = f"the {rule.formula['of']} of {family.public_id}, {exact(base, currency)}"
                shares = _shares(base, levels, currency)
                for level, (parent, percent, share) in enumerate(zip(parents, levels, shares, strict=False), 1):
                    words = f"level {level}: {plain(percent)} % of {what}{share.words}"
                    line = _line(event, version, rule, share.amount, currency, words)
                    if not isinstance(line, str):
                        found.append(replace(line, affiliate_id=parent))
        return found


def _shares(base: Decimal, percents: list[Decimal], currency: str) -> list[Share]:
    """What each level gets, and words where that is not what it would be rounded alone.

    Together the levels come to their percentages of the base, rounded once: no unit is made or lost by sharing.
    """
    exactly = [percent_of(base, percent) for percent in percents]
    if currency not in PLACES:
        return [Share(amount, currency, "") for amount in exactly]
    return [
        Share(part, currency, "" if part == round_money(amount, currency) else ", rounded with the other levels")
        for part, amount in zip(round_together(exactly, currency), exactly, strict=True)
    ]


def _bases(event: Event, rule: PricingRule, lines: list[Line]) -> dict[str, Decimal]:
    """What the shares of parents are taken of, by currency: two currencies are never added."""
    if rule.formula["of"] == REVENUE:
        return {event.currency: event.revenue} if event.revenue is not None else {}
    bases: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        bases[line.currency] += line.amount
    return bases


def _line(
    event: Event, version: VersionTerms, rule: PricingRule, amount: Decimal, currency: str, words: str
) -> Line | str:
    """Round the exact amount, once, and finish the sentence when rounding or a percentage changed the number."""
    if currency not in PLACES:
        return f"{currency or 'An empty currency'} is not a currency that amounts can be kept in."
    rounded = round_money(amount, currency)
    if not rounded:
        return f"{words} comes to {exact(rounded, currency)}; a line of zero is not booked."
    if abs(rounded) >= MAX_AMOUNT:
        return f"{words} is more than an amount can hold; correct the rule or the revenue."
    if rule.kind != FLAT or rounded != amount:
        words = f"{words} = {exact(rounded, currency)}"
    return Line(event.affiliate_id, rule.id, version.id, rounded, currency, words)


def _is_whole(rule: PricingRule) -> bool:
    return rule.kind == TIERED and rule.formula["mode"] == WHOLE


def _account(event: Event, plan: PlanTerms, rule: PricingRule) -> Key:
    return (event.affiliate_id, event.offer_id, plan.id, *rule.account)


def _tier_key(event: Event, plan: PlanTerms, rule: PricingRule) -> Key:
    """Where a tier counts: its period, and by revenue its currency too."""
    currency = event.currency if rule.formula["basis"] == REVENUE else ""
    return (*_account(event, plan, rule), begins(rule.formula["period"], event.occurred_at), currency)
