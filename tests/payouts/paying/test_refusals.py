"""What stops money: each step of a payout refuses what does not fit, in words, and books nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout, PayoutBatch
from payouts.paying import batches
from payouts.paying.batches import BatchRefused
from payouts.paying.methods import set_method
from payouts.paying.payments import (
    AlreadyPaid,
    NotPaid,
    ReferenceRefused,
    mark_failed,
    mark_in_flight,
    mark_paid,
    mark_returned,
)
from payouts.queries import balances
from payouts.statements.statements import close_period
from tests.factories import OperatorFactory

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme Ltd", "NL91ABNA0417164300", ""


@pytest.fixture
def pete() -> User:
    user: User = OperatorFactory(name="Pete")
    return user


@pytest.fixture
def payout(ana: Affiliate, olga: User) -> Payout:
    sepa = {"holder": "Ana Müller", "iban": "DE89 3704 0044 0532 0130 00", "bic": ""}
    set_method(affiliate=ana, kind="sepa", details=sepa, actor=None, now=OCTOBER)
    adjust(affiliate=ana, amount=Decimal("99.50"), currency="EUR", arithmetic="A bonus", actor=olga, now=OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    return statement.payout


@pytest.fixture
def batch(payout: Payout, olga: User) -> PayoutBatch:
    [made] = batches.make_batches(payout_ids=[payout.pk], actor=olga, now=NOVEMBER).batches
    return made


def payments() -> int:
    return LedgerEntry.objects.filter(kind="payment").count()


def pay(payout: Payout, actor: User) -> None:
    mark_paid(payout=payout, reference="SEPA 1", actor=actor, now=NOVEMBER)


def come_back(payout: Payout, actor: User, why: str = "Account closed") -> LedgerEntry:
    return mark_returned(payout=payout, why=why, actor=actor, now=NOVEMBER)


class TestReturned:
    def test_money_that_came_back_is_owed_again_and_paid_by_the_next_statement(
        self, payout: Payout, ana: Affiliate, olga: User
    ) -> None:
        pay(payout, olga)
        entry = come_back(payout, olga)
        assert (entry.kind, entry.amount, balances(ana)) == ("returned", Decimal("99.5"), [("EUR", Decimal("99.5"))])
        assert entry.arithmetic == "payment SEPA 1 of 99.50 EUR came back: Account closed"
        [statement] = close_period(ends_at=DECEMBER, now=DECEMBER)
        assert (statement.closing, statement.payout.amount) == (Decimal("99.5"), Decimal("99.5"))

    def test_comes_back_once_and_is_not_paid_again_by_itself(self, payout: Payout, ana: Affiliate, olga: User) -> None:
        pay(payout, olga)
        come_back(payout, olga)
        with pytest.raises(NotPaid, match="only a paid one can come back"):
            come_back(payout, olga)
        with pytest.raises(AlreadyPaid, match="came back; it has a payment, and the next statement pays it again"):
            pay(payout, olga)
        assert balances(ana) == [("EUR", Decimal("99.5"))]

    @pytest.mark.parametrize("why", ["", "  ", "x" * 201, "a\x00b"])
    def test_needs_a_reason_that_the_affiliate_can_read(self, payout: Payout, olga: User, why: str) -> None:
        pay(payout, olga)
        with pytest.raises(ReferenceRefused, match="Say why"):
            come_back(payout, olga, why)
        assert Payout.objects.get().status == "paid"


class TestFailed:
    def test_is_due_again_with_its_reason_and_free_for_another_batch(self, batch: PayoutBatch, olga: User) -> None:
        mark_failed(payout=batch.payouts.get(), why="Wrong IBAN", actor=olga, now=NOVEMBER)
        row = Payout.objects.get()
        assert (row.status, row.batch, row.failure, payments()) == ("due", None, "Wrong IBAN", 0)
        assert batches.make_batches(payout_ids=[row.pk], actor=olga, now=NOVEMBER).batches

    def test_what_was_paid_meanwhile_does_not_fail_any_more(self, payout: Payout, olga: User) -> None:
        pay(payout, olga)
        with pytest.raises(AlreadyPaid, match="is paid; it cannot fail any more"):
            mark_failed(payout=payout, why="Too late", actor=olga, now=NOVEMBER)
        assert Payout.objects.get().failure == ""

    def test_what_was_settled_is_not_on_its_way_any_more(self, payout: Payout, olga: User) -> None:
        pay(payout, olga)
        with pytest.raises(AlreadyPaid, match="is paid already"):
            mark_in_flight(payout=payout, status="processing", now=NOVEMBER)


class TestBatches:
    def test_what_is_on_its_way_keeps_a_batch_from_being_cancelled(self, batch: PayoutBatch, olga: User) -> None:
        mark_in_flight(payout=batch.payouts.get(), status="processing", now=NOVEMBER)
        with pytest.raises(
            BatchRefused, match=r"1 of its payouts are on their way .* sent twice: po_\w+ \(processing\)"
        ):
            batches.cancel_batch(batch=batch, actor=olga, note="Wrong", now=NOVEMBER)
        assert Payout.objects.get().batch == batch

    def test_a_payout_of_another_batch_is_not_paid_with_this_one(self, batch: PayoutBatch, olga: User) -> None:
        other = PayoutBatch.objects.create(kind="sepa", currency="EUR", created_by=olga, created_at=NOVEMBER)
        with pytest.raises(AlreadyPaid, match="can no longer be paid with batch"):
            mark_paid(payout=batch.payouts.get(), reference="X", actor=olga, now=NOVEMBER, of_batch=other)
        assert payments() == 0

    def test_what_is_paid_or_in_a_batch_is_left_out_and_named(self, batch: PayoutBatch, olga: User) -> None:
        row = batch.payouts.get()
        made = batches.make_batches(payout_ids=[row.pk], actor=olga, now=NOVEMBER)
        assert (made.batches, [why for _, why in made.left_out]) == ([], [f"is in batch {batch}"])
        pay(row, olga)
        made = batches.make_batches(payout_ids=[row.pk], actor=olga, now=NOVEMBER)
        assert [why for _, why in made.left_out] == ["is paid"]

    def test_a_batch_whose_payouts_all_left_is_not_approved(self, batch: PayoutBatch, olga: User, pete: User) -> None:
        mark_failed(payout=batch.payouts.get(), why="Wrong IBAN", actor=olga, now=NOVEMBER)
        with pytest.raises(BatchRefused, match="has no payouts any more; cancel it"):
            batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)

    def test_each_step_comes_once_and_in_its_order(self, batch: PayoutBatch, olga: User, pete: User) -> None:
        steps: dict[str, Callable[[], Any]] = {
            "approve": lambda: batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER),
            "release": lambda: batches.release_batch(batch=batch, actor=pete, now=NOVEMBER),
            "pay": lambda: batches.pay_batch(batch=batch, reference="SEPA 1", actor=pete, now=NOVEMBER),
            "cancel": lambda: batches.cancel_batch(batch=batch, actor=pete, note="", now=NOVEMBER),
        }

        def refused() -> set[str]:
            """Those that are refused now; each is tried in a transaction that is undone."""
            found = set()
            for name, step in steps.items():
                try:
                    with batches.transaction.atomic():
                        step()
                        batches.transaction.set_rollback(True)
                except BatchRefused:
                    found.add(name)
            return found

        assert refused() == {"release", "pay"}
        steps["approve"]()
        assert refused() == {"approve", "pay"}
        steps["release"]()
        assert refused() == {"approve", "release"}
        assert (steps["pay"](), steps["pay"](), payments()) == (1, 0, 1)
        steps["cancel"]()
        assert refused() == {"approve", "release", "pay", "cancel"}
        assert Payout.objects.get().status == "paid"
