"""The journeys of visitors after the click, and the requests by which the advertisers' systems report them.

Each advertiser reports in a way that is typical of such systems: the casino names the player and, after the first
deposit, no longer the click; the prop firm sends JSON; the shop reports orders as pending and confirms or cancels
later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from conversions.reasons.codes import Reason
from dashboard.demo.program.chance import about, poisson
from dashboard.demo.program.offers import CASINO, CHALLENGE, OFFERS, SHOP
from dashboard.demo.program.partners import LINK_SPECS, NORDIC, PARTNERS
from dashboard.demo.program.rhythm import DAYS, DemoSpan
from dashboard.demo.visitors.traffic import DemoVisit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Shares of visitors, at an affiliate of average worth.
REGISTERS, VERIFIES, DEPOSITS, DEPOSITS_AGAIN = 0.026, 0.32, 0.36, 0.53
SIGNS_UP, BUYS_CHALLENGE, BUYS_ANOTHER, REFUNDED = 0.018, 0.46, 0.22, 0.04
ORDERS, ON_INVOICE, RETURNED, CANCELLED = 0.021, 0.4, 0.09, 0.06
CHARGED_BACK, SENT_TWICE, COMES_LATE, SENT_AGAIN = 0.02, 0.015, 0.035, 0.02
ROBOTS_OF_NORDIC = 0.012

CURRENCIES = {offer.name: offer.currency for offer in OFFERS}
PREFIXES = {CASINO: "lf", CHALLENGE: "np", SHOP: "cv"}
FIRST_DEPOSITS = ("10.00", "20.00", "20.00", "25.00", "30.00", "50.00", "50.00", "75.00", "100.00", "100.00", "250.00")
CHALLENGES = ("59.00", "99.00", "99.00", "189.00", "189.00", "299.00", "539.00", "999.00")


@dataclass(slots=True)
class DemoRequest:
    """A request of an advertiser's system: an event at a moment, in the words of `offer`'s system.

    `token` replaces the advertiser's own; an empty one is left out.
    """

    at: datetime
    offer: str
    fields: dict[str, str]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The operator's decision on an event, from information outside the system."""

    approve: bool
    reason: Reason
    note: str


CANCELLED_ORDER = Verdict(False, Reason.OPERATOR_REJECTED, "Order cancelled by the customer before shipping.")
FRAUD_OF_ROBOT = Verdict(False, Reason.FRAUD, "Headless browser; the same card on four accounts.")


@dataclass
class Reports:
    """All requests, and the operator's decisions, by transaction."""

    sent: list[DemoRequest] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


class Journeys:
    """Follows visitors. Numbers of customers and transactions are counted, so they never meet."""

    def __init__(self, rng: Random, span: DemoSpan) -> None:
        self._rng, self._span = rng, span
        self.reports = Reports()
        self._numbers = count(1)
        self._follow = {CASINO: self.player, CHALLENGE: self.trader, SHOP: self.buyer}

    def follow(self, visits: Iterable[DemoVisit], *, scale: float) -> Reports:
        """The events of these visits, and the orders that came with a coupon code and no click."""
        for visit in visits:
            partner, link = LINK_SPECS[visit.link]
            if visit.visitor.is_bot:
                if partner.name == NORDIC and self._happens(ROBOTS_OF_NORDIC):
                    self.robot(visit)
            elif not visit.is_duplicate:
                self._follow[link.offer](visit, partner.worth)
        self._coupons(scale)
        self.reports.sent += [self._again(sent) for sent in self.reports.sent if self._happens(SENT_AGAIN)]
        return self.reports

    # The casino

    def player(self, visit: DemoVisit, worth: float) -> None:
        if self._happens(REGISTERS * worth):
            self.registered(visit, visit.at + self._later(9 * HOUR / 60))

    def registered(self, visit: DemoVisit, at: datetime) -> None:
        """A registration and its later events."""
        player = self.customer("LF")
        self.report(at, CASINO, "registration", click=visit, customer=player)
        if self._happens(VERIFIES):
            self.report(at + about(self._rng, 4 * HOUR, 1.1), CASINO, "kyc", click=visit, customer=player)
        if self._happens(DEPOSITS):
            self.deposited(visit, player, at + about(self._rng, 3 * HOUR, 1.5), self._rng.choice(FIRST_DEPOSITS))

    def deposited(self, visit: DemoVisit, player: str, at: datetime, amount: str) -> None:
        """A first deposit; after one that counts, more of them."""
        self.report(at, CASINO, "ftd", click=visit, customer=player, revenue=amount)
        if Decimal(amount) < 20:
            return
        while self._happens(DEPOSITS_AGAIN):
            at += about(self._rng, 4 * DAY, 0.9)
            amount = f"{min(5 * round(self._rng.lognormvariate(2.3, 0.9)), 800) or 5}.00"
            txid = self.report(at, CASINO, "deposit", customer=player, revenue=amount)
            if self._happens(CHARGED_BACK):
                self.update(at + about(self._rng, 6 * DAY, 0.4), CASINO, "deposit", txid, "rejected", customer=player)
            if self._happens(SENT_TWICE):
                self.report(at + HOUR, CASINO, "ftd", click=visit, customer=player, revenue=amount)

    def robot(self, visit: DemoVisit) -> None:
        """An account made by a script, which deposits at once; the operator finds out within days."""
        at, player = visit.at + timedelta(seconds=self._rng.uniform(20, 90)), self.customer("LF")
        first = self.report(at, CASINO, "registration", click=visit, customer=player)
        second = self.report(at + HOUR / 20, CASINO, "ftd", click=visit, customer=player, revenue="20.00")
        self.reports.verdicts |= dict.fromkeys((first, second), FRAUD_OF_ROBOT)

    # The prop firm

    def trader(self, visit: DemoVisit, worth: float) -> None:
        if not self._happens(SIGNS_UP * worth):
            return
        at, trader = visit.at + self._later(14 * HOUR / 60), self.customer("NP")
        self.report(at, CHALLENGE, "registration", click=visit, customer=trader)
        if not self._happens(BUYS_CHALLENGE):
            return
        at += about(self._rng, 8 * HOUR, 1.6)
        self.bought_challenge(at, trader, visit)
        while self._happens(BUYS_ANOTHER):
            at += about(self._rng, 12 * DAY, 0.6)
            self.bought_challenge(at, trader, None)

    def bought_challenge(self, at: datetime, trader: str, visit: DemoVisit | None) -> None:
        amount, event = self._rng.choice(CHALLENGES), "challenge_purchase"
        txid = self.report(at, CHALLENGE, event, click=visit, customer=trader, revenue=amount)
        if self._happens(REFUNDED):
            self.update(at + about(self._rng, 5 * DAY, 0.7), CHALLENGE, event, txid, "rejected", customer=trader)

    # The shop

    def buyer(self, visit: DemoVisit, worth: float) -> None:
        if self._happens(ORDERS * worth):
            self.ordered(visit.at + self._later(25 * HOUR / 60), click=visit)

    def ordered(self, at: datetime, *, click: DemoVisit | None = None, coupon: str = "") -> None:
        """An order: on invoice it waits for the payment, else for the operator's look at it."""
        amount = f"{min(self._rng.lognormvariate(4.1, 0.6), 900):.2f}"
        on_invoice = self._happens(ON_INVOICE)
        txid = self.report(
            at, SHOP, "purchase", click=click, coupon=coupon, revenue=amount, status="pending" if on_invoice else ""
        )
        if on_invoice:
            status = "rejected" if self._happens(RETURNED) else "approved"
            self.update(at + about(self._rng, 9 * DAY, 0.3), SHOP, "purchase", txid, status)
        elif self._happens(CANCELLED):
            self.reports.verdicts[txid] = CANCELLED_ORDER

    def _coupons(self, scale: float) -> None:
        """Orders of readers who typed a code in. They have no click."""
        daily = [item for partner in PARTNERS for access in partner.access for item in access.coupons.items()]
        for code, orders in daily:
            for days_ago in range(DAYS, -1, -1):
                for _ in range(poisson(self._rng, orders * scale)):
                    at = self._span.midnight(days_ago) + timedelta(hours=self._rng.triangular(6, 23.9, 19))
                    self.ordered(at, coupon=code)

    # What all have in common

    def customer(self, prefix: str) -> str:
        return f"{prefix}-{100_000 + 37 * next(self._numbers)}"

    def transaction(self, offer: str, event: str) -> str:
        return f"{PREFIXES[offer]}-{event[:4]}-{700_000 + 13 * next(self._numbers)}"

    def report(
        self,
        at: datetime,
        offer: str,
        event: str,
        *,
        click: DemoVisit | None = None,
        customer: str = "",
        coupon: str = "",
        revenue: str = "",
        status: str = "",
        txid: str = "",
    ) -> str:
        """Send an event; return its transaction ID."""
        txid = txid or self.transaction(offer, event)
        fields = {
            "event_type": event,
            "click_id": click.click_text if click else "",
            "txid": txid,
            "customer_id": customer,
            "coupon": coupon,
            "revenue": revenue,
            "currency": CURRENCIES[offer] if revenue else "",
            "status": status,
            "timestamp": str(int(at.timestamp())),
        }
        self.reports.sent.append(DemoRequest(at, offer, {name: value for name, value in fields.items() if value}))
        return txid

    def update(self, at: datetime, offer: str, event: str, txid: str, status: str, *, customer: str = "") -> None:
        """Say that a known transaction has another status now."""
        fields = {"event_type": event, "txid": txid, "customer_id": customer, "status": status}
        self.reports.sent.append(DemoRequest(at, offer, {name: value for name, value in fields.items() if value}))

    def _again(self, sent: DemoRequest) -> DemoRequest:
        """The same request once more, from a system that did not wait for the answer."""
        return replace(sent, at=sent.at + about(self._rng, HOUR, 1))

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _later(self, middle: timedelta) -> timedelta:
        """How long people take; a few come back after days or weeks."""
        if self._happens(COMES_LATE):
            return timedelta(days=self._rng.uniform(1, 40))
        return about(self._rng, middle, 1.2)
