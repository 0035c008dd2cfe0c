"""Corrections of one event at once, with its reversal, or decided by many operators: one counts, paid once."""

from decimal import Decimal

import pytest

from conversions.conflicts import ConflictRefused, accept
from conversions.lifecycle.appeals import AppealRefused, appeal, dismiss, uphold
from conversions.models import Appeal, ConflictReview, Conversion, Correction
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.concurrency.test_identical_postbacks import at_once
from tests.conversions.sending import NOW, World, send
from tests.factories import OperatorFactory
from tests.payouts.deals import deal, flat, percent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fields():
    world = World()
    deal(flat(world.ftd, "120"))
    given = {"event_type": "ftd", "txid": "F", "customer_id": "carl", "revenue": "5", "currency": "EUR"}
    given = {"click_id": world.click(), **given}
    assert send(**given).body["outcome"] == "rejected"
    return given


def test_ten_different_corrections_at_once_correct_once(fields):
    answers = at_once(10, lambda n: send(**{**fields, "revenue": str(50 + n)}).body["outcome"])
    assert sorted(answers) == ["conflict"] * 9 + ["updated"]
    at_once(4, lambda n: book_changes())
    row, correction = Conversion.objects.get(), Correction.objects.get()
    assert (row.status, row.revenue) == ("approved", Decimal(correction.after["revenue"]))
    assert [entry.amount for entry in LedgerEntry.objects.all()] == [120]


def test_the_same_correction_ten_times_at_once_corrects_once(fields):
    answers = at_once(10, lambda n: send(**{**fields, "revenue": "50"}).body["outcome"])
    assert sorted(answers) == ["duplicate"] * 9 + ["updated"]
    assert Correction.objects.count() == 1


def test_corrections_and_reversals_at_once_end_rejected(fields):
    reversal = {"txid": "F", "event_type": "ftd", "status": "rejected"}
    at_once(8, lambda n: send(**(reversal if n % 2 else {**fields, "revenue": "50"})))
    assert Conversion.objects.get().status == "rejected"
    book_changes()
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 0


def test_ten_operators_accept_one_amount_once():
    world, olga = World(), OperatorFactory()
    deal(percent(world.purchase, "10"))
    given = {"click_id": world.click(), "event_type": "purchase", "txid": "P", "currency": "EUR"}
    send(**given, revenue="100")
    send(**given, revenue="120")
    review = ConflictReview.objects.get()

    def take(n):
        try:
            accept(review_id=review.pk, note="Yes", actor=olga, now=NOW)
        except ConflictRefused:
            return "refused"
        return "accepted"

    assert sorted(at_once(10, take)) == ["accepted"] + ["refused"] * 9
    at_once(3, lambda n: book_changes())
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 12
    assert Correction.objects.count() == 1


def test_ten_appeals_at_once_are_one_and_ten_answers_as_well(fields):
    row, olga, now = Conversion.objects.get(), OperatorFactory(), NOW

    def complain(n):
        try:
            appeal(conversion=row, words=f"Appeal {n} of many", evidence_url="", user=olga, now=now)
        except AppealRefused:
            return "refused"
        return "made"

    def answer(n):
        try:
            (uphold if n % 2 else dismiss)(conversion_id=row.pk, note=f"Answer {n}", actor=olga, now=now)
        except AppealRefused:
            return "refused"
        return "answered"

    assert sorted(at_once(10, complain)) == ["made"] + ["refused"] * 9
    assert sorted(at_once(10, answer)) == ["answered"] + ["refused"] * 9
    upheld = Appeal.objects.get().state == "upheld"
    assert Conversion.objects.get().status == ("approved" if upheld else "rejected")
