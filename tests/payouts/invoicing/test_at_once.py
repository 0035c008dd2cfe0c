"""Invoices written by many at once: real commits, real locks."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from payouts.invoicing.issue import issue_by_hand
from payouts.models import Invoice, InvoiceCounter, LedgerEntry, Statement
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory
from tests.payouts.at_once import at_once
from tests.payouts.billing import DECEMBER, NOVEMBER, OCTOBER, billed, closed, earn, issuer

pytestmark = pytest.mark.django_db(transaction=True)


class Regretted(Exception):
    """A writer that takes everything back."""


def statements(number: int) -> list[Statement]:
    issuer("DE", issues_automatically=False)
    for _ in range(number):
        earn(billed(AffiliateFactory()), "10", OCTOBER)
    return closed(NOVEMBER)


def write(some: list[Statement], *, regret: bool = False) -> int:
    with transaction.atomic():
        made = issue_by_hand(some, now=NOVEMBER, actor=None).documents
        if regret:
            raise Regretted
        return len(made)


def test_eight_writers_of_whom_some_roll_back_leave_no_gap() -> None:
    made = statements(48)
    jobs: list[Callable[[], object]] = [partial(write, made[n * 6 : n * 6 + 6], regret=n % 3 == 2) for n in range(8)]
    results = at_once(*jobs)
    assert [type(result) for result in results] == [Regretted if n % 3 == 2 else int for n in range(8)], results
    sequences = sorted(Invoice.objects.values_list("sequence", flat=True))
    assert sequences == list(range(1, 37))
    assert InvoiceCounter.objects.get(kind="invoice").last == 36
    assert list(Verification().findings()) == []


def test_eight_writers_of_the_same_statements_write_each_once() -> None:
    made = statements(12)
    results = at_once(*[partial(write, made[::step]) for step in (1, -1, 1, -1, 1, -1, 1, -1)])
    assert sum(result for result in results if isinstance(result, int)) == 12, results
    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 13))
    assert LedgerEntry.objects.filter(kind="vat").count() == 12


def test_credit_notes_and_invoices_numbered_in_either_order_do_not_wait_for_each_other_for_ever() -> None:
    """Half of the writers begin with a statement that needs a credit note, the other half with one that does not."""
    issuer("DE", issues_automatically=False)
    crowd = [billed(AffiliateFactory()) for _ in range(8)]
    for affiliate in crowd:
        earn(affiliate, "10", OCTOBER)
    issue_by_hand(closed(NOVEMBER), now=NOVEMBER, actor=None)
    for number, affiliate in enumerate(crowd):
        earn(affiliate, ("-5", "5")[number % 2], NOVEMBER)
    second = closed(NOVEMBER.replace(day=15))
    for number, affiliate in enumerate(crowd):
        earn(affiliate, ("5", "-5")[number % 2], NOVEMBER.replace(day=16))
    both = [*second, *closed(DECEMBER)]
    own = [[each for each in both if each.affiliate_id == affiliate.pk] for affiliate in crowd]
    assert at_once(*[partial(write, some) for some in own]) == [2] * 8
    assert list(Verification().findings()) == []


def test_closing_at_once_makes_one_invoice_for_each_statement() -> None:
    issuer("DE")
    for _ in range(6):
        earn(billed(AffiliateFactory()), "10", OCTOBER)
    results = at_once(*[partial(close_period, ends_at=NOVEMBER, now=NOVEMBER)] * 4)
    assert sum(len(result) for result in results if isinstance(result, list)) == 6, results
    assert (Statement.objects.count(), Invoice.objects.count()) == (6, 6)
    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5, 6]
