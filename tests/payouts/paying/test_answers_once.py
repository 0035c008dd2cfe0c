"""Hostile answers over HTTP: no order, repetition or variant of a file books twice, or for what was never sent."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout, PayoutBatch, SentLine
from payouts.paying.answer_statuses import MEANING, status_word
from payouts.paying.methods import set_method
from payouts.queries import balances
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import SuperuserFactory
from tests.payouts.at_once import at_once

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
PAYOUTS, BATCHES = "/admin/payouts/payout/", "/admin/payouts/payoutbatch/"
DETAILS = {
    "sepa": {"holder": "Ana", "iban": "DE89370400440532013000"},
    "wire": {"holder": "Ana", "account": "12345", "bic": "DEUTDEFF", "bank": "Deutsche", "country": "DE"},
    "paypal": {"email": "ana@example.com"},
    "wise": {"holder": "Ana", "email": "ana@example.com"},
    "crypto": {"asset": "BTC", "network": "bitcoin", "address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
}
Due = Callable[..., Payout]


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme Ltd", "NL91ABNA0417164300", ""


@pytest.fixture
def due(ana: Affiliate, olga: User) -> Due:
    def made(affiliate: Affiliate = ana, kind: str = "paypal") -> Payout:
        set_method(affiliate=affiliate, kind=kind, details=DETAILS[kind], actor=None, now=OCTOBER)
        adjust(affiliate=affiliate, amount=Decimal(200), currency="EUR", arithmetic="X", actor=olga, now=OCTOBER)
        close_period(ends_at=NOVEMBER, now=NOVEMBER)
        return Payout.objects.get(affiliate=affiliate)

    return made


def signed_in() -> Client:
    client = Client()
    client.force_login(SuperuserFactory())
    return client


def post(path: str, **fields: Any) -> str:
    return signed_in().post(path, {"confirmed": "yes", **fields}, follow=True).content.decode()


def send(*payouts: Payout) -> PayoutBatch:
    """Into a batch, approved and released; each step by an operator of its own."""
    post(PAYOUTS, action="batch_up", **{ACTION_CHECKBOX_NAME: [payout.pk for payout in payouts]})
    batch = PayoutBatch.objects.latest("pk")
    post(f"{BATCHES}{batch.pk}/approve/")
    post(f"{BATCHES}{batch.pk}/release/")
    batch.refresh_from_db()
    return batch


def answered(*rows: str, heads: str = "Unique ID,Status") -> str:
    content = "\r\n".join([heads, *rows]).encode()
    return post(f"{BATCHES}answer/", answer=SimpleUploadedFile("answer.csv", content))


def state(payout: Payout) -> tuple[str, int]:
    payout.refresh_from_db()
    return payout.status, LedgerEntry.objects.filter(payout=payout).count()


EXPECTED = {
    "paid": ("Completed", "SUCCESS", "outgoing_payment_sent", "ACSC", "ACCC"),
    "in flight": (
        "Unclaimed", "UNCLAIMED", "Pending", "On Hold", "ONHOLD", "on-hold", "Held", "Processing", "Blocked", "BLOCKED",
        "incoming_payment_waiting", "funds_converted", "bounced_back", "Accepted", "ACTC", "ACCP", "ACSP", "PDNG",
        "PART", "ACWC",
    ),
    "returned": ("Returned", "Refunded", "Reversed", "funds_refunded", "charged_back"),
    "failed": ("Failed", "Denied", "Canceled", "cancelled", "RJCT", "CANC"),
}  # fmt: skip
STATES = {"paid": ("paid", 1), "in flight": ("due", 0), "returned": ("returned", 2), "failed": ("due", 0)}


def test_each_word_of_the_providers_means_one_thing(due: Due) -> None:
    for meaning, words in EXPECTED.items():
        assert {MEANING[status_word(word)] for word in words} == {meaning}


@pytest.mark.parametrize("word", ["Completed", "Blocked", "Unclaimed", "Held", "Refunded", "Denied"])
def test_a_word_books_what_it_means(due: Due, word: str) -> None:
    payout = due()
    send(payout)
    answered(f"{payout},{word}")
    assert state(payout) == STATES[MEANING[status_word(word)]]


def test_what_is_unclaimed_is_neither_paid_nor_returned_nor_sent_again(due: Due, ana: Affiliate) -> None:
    payout = due()
    batch = send(payout)
    answered(f"{payout},Unclaimed")
    assert "0 payouts of" in post(f"{BATCHES}{batch.pk}/pay_all/", reference="BANK")
    assert "would be sent twice" in post(f"{BATCHES}{batch.pk}/cancel/", note="Again")
    close_period(ends_at=DECEMBER, now=DECEMBER)
    assert Payout.objects.count() == 1
    payout.refresh_from_db()
    assert (payout.in_flight, payout.batch, state(payout)) == ("unclaimed", batch, ("due", 0))
    with pytest.raises(IntegrityError, match="payout_in_flight_stays_in_batch"), transaction.atomic():
        Payout.objects.update(batch=None)
    answered(f"{payout},Returned")
    assert balances(ana)[0].amount == 200
    assert list(Verification().findings()) == []


ALL = ("Completed", "Unclaimed", "Returned", "Failed")


@pytest.mark.parametrize("words", list(product(ALL, repeat=2)))
def test_no_order_of_answers_books_twice(due: Due, ana: Affiliate, words: tuple[str, ...]) -> None:
    payout = due()
    send(payout)
    for number, word in enumerate(words):
        answered(f"{payout},{word},{number}", heads="Unique ID,Status,Exported")
    kinds = list(LedgerEntry.objects.filter(payout=payout).values_list("kind", flat=True))
    assert kinds.count("payment") <= 1
    assert kinds.count("returned") <= kinds.count("payment")
    assert balances(ana)[0].amount == (200 if kinds.count("returned") == kinds.count("payment") else 0)


@pytest.mark.parametrize("word", ALL)
def test_an_old_answer_exported_anew_never_touches_the_next_attempt(due: Due, word: str) -> None:
    """The report is taken out again, with another column, after the payout went out with a second batch."""
    payout = due()
    send(payout)
    answered(f"{payout},Failed")
    second = send(payout)
    answered(f"{payout},{word},x", heads="Unique ID,Status,Exported")
    payout.refresh_from_db()
    assert (payout.batch, payout.in_flight, state(payout)) == (second, "", ("due", 0))
    assert f"{payout}-2" in bytes(second.file.content).decode()
    assert "1 paid" in answered(f"{payout}-2,Completed")


@pytest.mark.parametrize("kind", sorted(DETAILS))
def test_the_reference_of_each_attempt_comes_back_from_every_provider(due: Due, kind: str) -> None:
    payout = due(kind=kind)
    for _ in range(2):
        batch = send(payout)
        reference = SentLine.objects.get(batch=batch).reference
        assert reference in bytes(batch.file.content).decode()
        assert (len(reference) <= 10) == (kind == "wise")
        assert "1 failed" in answered(f"{reference},failed")
    assert SentLine.objects.values("reference").distinct().count() == 2


def test_two_rows_that_name_one_payout_in_two_ways_are_one(due: Due) -> None:
    payout = due(kind="sepa")
    send(payout)
    dashed = payout.public_id.replace("_", "-")
    assert "Lines 2, 3: they contradict each other" in answered(f"{payout},paid", f"{dashed},failed")
    assert "Lines 2, 3: they contradict each other" in answered(f"{payout},paid", f"{payout},no idea")
    assert state(payout) == ("due", 0)
    assert "1 paid" in answered(f"{payout},paid", f"{dashed},ACSC")
    assert state(payout) == ("paid", 1)


@pytest.mark.parametrize("word", ALL)
def test_nothing_is_booked_for_a_batch_that_was_cancelled(due: Due, word: str) -> None:
    payout = due()
    batch = send(payout)
    post(f"{BATCHES}{batch.pk}/cancel/", note="Refused by the bank")
    assert "which is cancelled" in answered(f"{payout},{word}")
    assert state(payout) == ("due", 0)


PAIN = b"""<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>%s</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>
</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n "])
def test_a_banks_xml_books_nothing_and_says_what_to_do(due: Due, start: bytes) -> None:
    payout = due(kind="sepa")
    content = start + PAIN % payout.public_id.replace("_", "-").encode()
    page = post(f"{BATCHES}answer/", answer=SimpleUploadedFile("pain002.xml", content))
    assert "XML message" in page
    assert state(payout) == ("due", 0)


def test_a_file_with_too_many_rows_is_refused_whole(due: Due, monkeypatch: Any) -> None:
    monkeypatch.setattr("payouts.paying.answers.MAX_ANSWERS", 1)
    payout = due()
    send(payout)
    assert "more than 1 rows" in answered("po_other,paid", f"{payout},paid")
    assert state(payout) == ("due", 0)


def test_files_are_encrypted_at_rest_and_lines_kept_for_ever(due: Due) -> None:
    batch = send(due())
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM payouts_payoutfile")
        stored = bytes(cursor.fetchone()[0])
    assert b"ana@example.com" not in stored
    assert b"ana@example.com" in signed_in().get(f"{BATCHES}{batch.pk}/file/").content
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        SentLine.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_all_paid_at_once_settle_a_payout_one_way(due: Due) -> None:
    payout = due()
    batch = send(payout)
    at_once(lambda: answered(f"{payout},Failed"), lambda: post(f"{BATCHES}{batch.pk}/pay_all/", reference="BANK"))
    assert state(payout) in {("paid", 1), ("due", 0)}
    assert list(Verification().findings()) == []
