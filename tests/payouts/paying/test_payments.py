from datetime import UTC, datetime
from decimal import Decimal

import pytest

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout
from payouts.paying.payments import AlreadyPaid, ReferenceRefused, mark_paid
from payouts.queries import balances
from payouts.statements.statements import close_period
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def payout(ana: Affiliate, olga: User) -> Payout:
    adjust(affiliate=ana, amount=Decimal("99.50"), currency="EUR", arithmetic="A bonus", actor=olga, now=OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    return statement.payout


def test_paying_is_an_entry_too(payout: Payout, ana: Affiliate, olga: User) -> None:
    entry = mark_paid(payout=payout, reference=" SEPA  4711 ", actor=olga, now=NOVEMBER)
    assert (entry.kind, entry.amount, entry.currency, entry.payout) == ("payment", Decimal("-99.5"), "EUR", payout)
    assert entry.arithmetic == f"paid 99.50 EUR for statement {payout.statement.number}, reference SEPA 4711"
    assert balances(ana) == [("EUR", 0)]
    payout.refresh_from_db()
    assert (payout.status, payout.reference, payout.paid_at, payout.paid_by) == ("paid", "SEPA 4711", NOVEMBER, olga)


def test_a_payout_is_paid_once(payout: Payout, olga: User) -> None:
    mark_paid(payout=payout, reference="SEPA 4711", actor=olga, now=NOVEMBER)
    with pytest.raises(AlreadyPaid, match=f"{payout.public_id} was paid on 2026-11-01 with the reference SEPA 4711"):
        mark_paid(payout=payout, reference="SEPA 4712", actor=olga, now=NOVEMBER)
    assert LedgerEntry.objects.filter(kind="payment").count() == 1


def test_the_database_is_the_judge_of_a_second_payment(payout: Payout, ana: Affiliate, olga: User) -> None:
    mark_paid(payout=payout, reference="SEPA 4711", actor=olga, now=NOVEMBER)
    with triggers_off(Payout):
        Payout.objects.update(status="due", paid_at=None)
    with pytest.raises(AlreadyPaid, match="has a payment in the ledger already"):
        mark_paid(payout=payout, reference="SEPA 4712", actor=olga, now=NOVEMBER)
    assert balances(ana) == [("EUR", 0)]
    assert Payout.objects.get().status == "due"


@pytest.mark.parametrize("reference", ["", "  ", "x" * 81, "a\x00b"])
def test_refuses_a_reference_that_finds_nothing(payout: Payout, olga: User, reference: str) -> None:
    with pytest.raises(ReferenceRefused, match="own reference"):
        mark_paid(payout=payout, reference=reference, actor=olga, now=NOVEMBER)
    assert Payout.objects.get().status == "due"
