"""What banks and wallets answer, over HTTP: nothing leaves twice, and no file goes out that is not kept."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout, PayoutBatch, PayoutFile, PayoutMethod
from payouts.paying.answers import MEANING
from payouts.paying.batches import BatchRefused, pay_batch
from payouts.paying.methods import DetailsRefused, check, set_method
from payouts.statements.statements import close_period
from records.secrets import encrypt
from tests.factories import AffiliateFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
PAYOUTS, BATCHES = "/admin/payouts/payout/", "/admin/payouts/payoutbatch/"
IBAN = "DE89370400440532013000"
Due = Callable[..., Payout]


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN = "Acme Ltd", "NL91ABNA0417164300"


@pytest.fixture
def due(olga: User) -> Due:
    def made(affiliate: Affiliate, kind: str = "paypal", holder: str = "Ana") -> Payout:
        details = {"holder": holder, "iban": IBAN, "email": "ana@example.com"}
        set_method(affiliate=affiliate, kind=kind, details=details, actor=None, now=OCTOBER)
        adjust(affiliate=affiliate, amount=Decimal(200), currency="EUR", arithmetic="Bonus", actor=olga, now=OCTOBER)
        close_period(ends_at=NOVEMBER, now=NOVEMBER)
        return Payout.objects.get(affiliate=affiliate)

    return made


def signed_in() -> Client:
    client = Client()
    client.force_login(SuperuserFactory())
    return client


def post(client: Client, path: str, **fields: Any) -> str:
    return client.post(path, {"confirmed": "yes", **fields}, follow=True).content.decode()


def batched(*payouts: Payout) -> PayoutBatch:
    post(signed_in(), PAYOUTS, action="batch_up", **{ACTION_CHECKBOX_NAME: [payout.pk for payout in payouts]})
    return PayoutBatch.objects.latest("pk")


def sent(*payouts: Payout) -> PayoutBatch:
    batch, approver = batched(*payouts), signed_in()
    post(approver, f"{BATCHES}{batch.pk}/approve/")
    post(approver, f"{BATCHES}{batch.pk}/release/")
    batch.refresh_from_db()
    return batch


def answered(text: str) -> str:
    return post(signed_in(), f"{BATCHES}answer/", answer=SimpleUploadedFile("answer.csv", text.encode()))


def booked() -> list[tuple[str, Decimal]]:
    rows = LedgerEntry.objects.filter(payout__isnull=False).order_by("pk")
    return [(row.kind, row.amount) for row in rows]


def test_what_is_under_way_books_nothing_and_is_paid_once_when_it_arrives(due: Due, ana: Affiliate) -> None:
    payout = due(ana)
    sent(payout)
    for status in ("Unclaimed", "Pending", "On hold", "ONHOLD", "bounced_back", "ACSP"):
        assert "1 under way" in answered(f"Unique ID,Status\n{payout.public_id},{status}\n"), status
    payout.refresh_from_db()
    assert (payout.status, booked()) == ("due", [])
    assert "1 paid" in answered(f"Unique ID,Status\n{payout.public_id},Completed\n")
    assert booked() == [("payment", Decimal(-200))]


def test_each_known_word_is_in_the_table_once_and_an_unknown_one_is_reported(due: Due, ana: Affiliate) -> None:
    payout = due(ana)
    sent(payout)
    assert {"paid", "in flight", "returned", "failed"} == set(MEANING.values())
    page = answered(f"payout,status\n{payout.public_id},perhaps\n")
    assert "the status perhaps" in page
    assert booked() == []


@pytest.mark.parametrize("status", ["paid", "failed", "returned", "unclaimed"])
def test_an_answer_books_nothing_for_what_was_never_sent(due: Due, ana: Affiliate, status: str) -> None:
    payout = due(ana)
    answer = f"payout,status\n{payout.public_id},{status}\n"
    assert "in no batch that was sent" in answered(answer)
    batch = batched(payout)
    assert "was never sent" in answered(answer)
    post(signed_in(), f"{BATCHES}{batch.pk}/approve/")
    assert "was never sent" in answered(answer)
    assert booked() == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("paid,199.99,EUR,", "199.99"),
        ("paid,200,USD,", "in USD"),
        ("paid,many,EUR,", "many"),
        ("paid,200,EUR,pt_x", "not in pt_x"),
    ],
)
def test_another_amount_currency_or_batch_books_nothing(due: Due, ana: Affiliate, row: str, words: str) -> None:
    payout = due(ana)
    sent(payout)
    page = answered(f"payout,status,amount,currency,batch\n{payout.public_id},{row}\n")
    assert words in page
    assert booked() == []
    assert "1 paid" in answered(f"payout,status,amount,currency\n{payout.public_id},paid,-200.00,eur\n")


def test_rows_that_repeat_or_contradict_are_reported(due: Due, ana: Affiliate, ben: Affiliate) -> None:
    first, second = due(ana), due(ben)
    sent(first, second)
    rows = [f"{first},paid", f"{first},failed", f"{second},paid", f"{second},completed"]
    page = answered("\n".join(["payout,status", *rows]))
    assert "Lines 2, 3: they contradict each other" in page
    assert "Lines 4, 5" in page
    assert booked() == [("payment", Decimal(-200))]


def test_a_failure_of_the_first_try_does_not_free_the_second(due: Due, ana: Affiliate) -> None:
    payout = due(ana)
    sent(payout)
    answer = f"payout,status\n{payout.public_id},failed\n"
    assert "1 failed" in answered(answer)
    assert "1 known before" in answered(answer)
    second = sent(payout)
    assert "name it in a column batch" in answered(answer)
    payout.refresh_from_db()
    assert payout.batch == second
    assert "1 failed" in answered(f"payout,status,batch\n{payout.public_id},failed,{second}\n")


def test_wise_gets_a_short_reference_and_answers_with_it(due: Due, ana: Affiliate) -> None:
    payout = due(ana, kind="wise")
    batch = sent(payout)
    text = bytes(batch.file.content).decode()
    reference = text.splitlines()[1].split(",")[-1]
    assert len(reference) <= 10
    assert "1 paid" in answered(f"paymentReference,status\n{reference},COMPLETED\n")


@pytest.mark.django_db(transaction=True)
def test_the_same_answer_four_times_at_once_books_once(due: Due, ana: Affiliate, ben: Affiliate) -> None:
    first, second = due(ana), due(ben)
    sent(first, second)
    answer = f"payout,status\n{first.public_id},paid\n{second.public_id},returned\n"

    def once(_: int) -> str:
        try:
            return answered(answer)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(once, range(4)))) == 4
    assert sorted(booked()) == [("payment", Decimal(-200)), ("payment", Decimal(-200)), ("returned", Decimal(200))]


def test_the_file_is_kept_and_each_download_gives_the_same_bytes_for_ever(due: Due, ana: Affiliate) -> None:
    payout = due(ana, kind="sepa")
    batch = sent(payout)
    client = signed_in()
    before = client.get(f"{BATCHES}{batch.pk}/file/").content
    post(client, f"{BATCHES}{batch.pk}/pay_all/", reference="BANK 1")
    assert client.get(f"{BATCHES}{batch.pk}/file/").content == before
    assert batch.file.sha256 == hashlib.sha256(before).hexdigest()
    message = ElementTree.fromstring(before)  # noqa: S314
    [name] = [each.text for each in message.iter() if each.tag.endswith("}MsgId")]
    assert name == batch.public_id.replace("_", "-")
    assert booked() == [("payment", Decimal(-200))]
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        PayoutFile.objects.update(content=b"")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        PayoutFile.objects.all().delete()


def test_a_batch_without_a_file_offers_no_download_and_cannot_be_paid(due: Due, ana: Affiliate, olga: User) -> None:
    batch = batched(due(ana, kind="sepa"))
    client = signed_in()
    page = client.get(f"{BATCHES}{batch.pk}/change/").content.decode()
    assert "Download the file" not in page
    assert "Mark all paid" not in page
    with pytest.raises(BatchRefused):
        pay_batch(batch=batch, reference="1", actor=olga, now=NOVEMBER)
    post(signed_in(), f"{BATCHES}{batch.pk}/approve/")
    PayoutBatch.objects.filter(pk=batch.pk).update(status="sent")
    with pytest.raises(BatchRefused):
        pay_batch(batch=batch, reference="1", actor=olga, now=NOVEMBER)
    assert booked() == []
    post(signed_in(), f"{BATCHES}{batch.pk}/release/")
    assert "Download the file" in client.get(f"{BATCHES}{batch.pk}/change/").content.decode()


def test_a_batch_is_not_approved_while_our_own_account_is_missing(due: Due, ana: Affiliate, settings: Any) -> None:
    batch = batched(due(ana, kind="sepa"))
    settings.OPERATOR_IBAN = ""
    assert "OPERATOR_IBAN" in post(signed_in(), f"{BATCHES}{batch.pk}/approve/")
    batch.refresh_from_db()
    assert batch.status == "draft"


BAD = ["🙂", "Ana 🙂", "\u200b", "A\u0007na", "---", "A" * 71, "ﷺ" * 8]


@pytest.mark.parametrize("holder", BAD)
@pytest.mark.parametrize("kind", ["sepa", "wire", "wise"])
def test_a_name_that_no_bank_could_write_is_refused_when_it_is_entered(kind: str, holder: str) -> None:
    with pytest.raises(DetailsRefused) as refused:
        check(kind, {"holder": holder, "iban": IBAN, "email": "ana@example.com"})
    assert "holder" in refused.value.problems


@pytest.mark.parametrize(
    "stored", [*(f'{{"holder": "{name}", "iban": "{IBAN}", "bic": ""}}' for name in BAD[:3]), "{}", "[]", "no json"]
)
def test_one_row_that_cannot_be_written_stops_no_other(due: Due, ana: Affiliate, stored: str) -> None:
    good, bad = due(AffiliateFactory(currency="EUR"), kind="sepa"), due(ana, kind="sepa")
    batch = batched(good, bad)
    PayoutMethod.objects.filter(affiliate=ana).update(encrypted=encrypt(stored))
    approver = signed_in()
    post(approver, f"{BATCHES}{batch.pk}/approve/")
    assert "cannot be written" in post(approver, f"{BATCHES}{batch.pk}/release/").lower()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, bad.batch, good.batch) == ("due", None, batch)
    content = bytes(PayoutFile.objects.get(batch=batch).content).decode()
    names = [payout.public_id.replace("_", "-") in content for payout in (good, bad)]
    assert names == [True, False]
