"""How the demo's affiliates are paid: terms, where the money goes, rates, a waiting batch, a payment that came back."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, takewhile

from affiliates.models import Affiliate
from dashboard.demo.program.groundwork import Ground
from dashboard.demo.program.partners import DUARTE, NEWCOMER
from payouts.models import ExchangeRate, Payout, PayoutTerms
from payouts.paying.batches import make_batches
from payouts.paying.methods import set_method
from payouts.paying.payments import mark_returned
from payouts.rates.daily import DayRate, bundled, store

# Accounts from the banks' own examples: their check digits are valid, and no one owns them.
IBANS = ("DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332", "NL91ABNA0417164300")
CURRENCIES = ("USD", "GBP", "JPY", "BRL")
MINIMUM, FEE = Decimal(25), Decimal("1.50")


def lay_payment(ground: Ground, *, since: datetime, now: datetime) -> None:
    """Terms and methods as they were at the beginning of the time shown, and the rates of its days."""
    store(_rates(since, now), source=ExchangeRate.Source.ECB)
    PayoutTerms.objects.create(minimum=MINIMUM, currency="EUR")
    PayoutTerms.objects.create(affiliate=ground.affiliates[DUARTE], minimum=MINIMUM, fee=FEE, currency="EUR")
    for number, affiliate in enumerate(ground.affiliates.values()):
        if affiliate.status == Affiliate.Status.ACTIVE and affiliate.name != NEWCOMER:
            kind, details = _method(affiliate, number)
            set_method(affiliate=affiliate, kind=kind, details=details, actor=None, now=since)


def _rates(since: datetime, now: datetime) -> list[DayRate]:
    """The bank's rates of these days; where the installed history ends earlier, its last days stand for the rest."""
    history = bundled()
    first = next(history)
    shift = max(timedelta(0), now.date() - first.day)
    # The newest day comes first: the twenty-five years before the demo's days are not read.
    shown = takewhile(lambda each: each.day + shift >= since.date(), chain([first], history))
    return [each._replace(day=each.day + shift) for each in shown if each.currency in CURRENCIES]


def _method(affiliate: Affiliate, number: int) -> tuple[str, dict[str, str]]:
    if number % 3 == 2:
        return "paypal", {"email": f"payments{number}@affiliates.example"}
    return "sepa", {"holder": affiliate.name[:70], "iban": IBANS[number % len(IBANS)]}


def payment_came_back(ground: Ground, at: datetime) -> None:
    """One bank account was closed: the money comes back and is paid with the next statement."""
    payout = Payout.objects.filter(status=Payout.Status.PAID).order_by("amount", "pk").first()
    if payout:
        mark_returned(payout=payout, why="Account closed", actor=ground.finance, now=at)


def collect_batch(ground: Ground, at: datetime) -> None:
    """Put payouts that are still due into batches that wait for a second person's approval."""
    due = Payout.objects.filter(status=Payout.Status.DUE, batch=None).values_list("pk", flat=True)
    make_batches(payout_ids=list(due), actor=ground.finance, now=at)
