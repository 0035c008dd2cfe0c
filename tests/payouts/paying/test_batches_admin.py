"""The operators' pages for batches: from due payouts to the bank's answer, with two operators."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import ExchangeRate, Payout, PayoutBatch
from payouts.paying.methods import set_method
from payouts.statements.statements import close_period
from tests.factories import SuperuserFactory

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
PAYOUTS, BATCHES = "/admin/payouts/payout/", "/admin/payouts/payoutbatch/"


@pytest.fixture
def payout(ana: Affiliate, olga: User) -> Payout:
    set_method(
        affiliate=ana,
        kind="sepa",
        details={"holder": "Ana", "iban": "DE89370400440532013000"},
        actor=None,
        now=OCTOBER,
    )
    adjust(affiliate=ana, amount=Decimal(120), currency="EUR", arithmetic="Bonus", actor=olga, now=OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    return statement.payout


def signed_in() -> Client:
    client = Client()
    client.force_login(SuperuserFactory())
    return client


def reported(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_two_operators_send_a_batch(payout: Payout, settings: Any) -> None:
    settings.OPERATOR_IBAN = "NL91ABNA0417164300"
    maker, approver = signed_in(), signed_in()
    chosen = {"action": "batch_up", ACTION_CHECKBOX_NAME: [payout.pk], "confirmed": "yes"}
    assert "SEPA transfer, EUR" in reported(maker.post(PAYOUTS, chosen, follow=True))
    batch = PayoutBatch.objects.get()
    page = f"{BATCHES}{batch.pk}"
    refused = maker.post(f"{page}/approve/", {"confirmed": "yes"})
    assert "another operator has to approve it" in refused.content.decode()
    assert "is draft" not in refused.content.decode()
    early = approver.get(f"{page}/file", follow=True)
    assert "has no file yet" in reported(early)
    assert "is approved" in reported(approver.post(f"{page}/approve/", {"confirmed": "yes"}, follow=True))
    assert "is released" in reported(approver.post(f"{page}/release/", {"confirmed": "yes"}, follow=True))
    file = approver.get(f"{page}/file/")
    assert (file["Content-Type"], b"DE89370400440532013000" in file.content) == ("application/xml", True)
    answer = f"payout,status,reference,reason\n{payout.public_id},paid,BANK 1,\n".encode()
    upload = {"confirmed": "yes", "answer": SimpleUploadedFile("answer.csv", answer)}
    assert "1 paid" in reported(approver.post(f"{BATCHES}answer/", upload, follow=True))
    payout.refresh_from_db()
    assert (payout.status, payout.reference) == ("paid", "BANK 1")
    returned = approver.post(f"{PAYOUTS}{payout.pk}/came_back/", {"confirmed": "yes", "why": "closed"}, follow=True)
    assert "come back" in reported(returned)


@pytest.mark.parametrize("name", ["payoutbatch", "payoutmethod", "payoutterms", "exchangerate", "payout"])
def test_lists_and_pages_open(payout: Payout, name: str) -> None:
    client = signed_in()
    client.post(PAYOUTS, {"action": "batch_up", ACTION_CHECKBOX_NAME: [payout.pk], "confirmed": "yes"})
    assert client.get(f"/admin/payouts/{name}/").status_code == 200
    if name == "payoutbatch":
        assert client.get(f"{BATCHES}{PayoutBatch.objects.get().pk}/change/").status_code == 200


def test_a_rate_by_hand_names_who_and_why_and_is_never_changed(db: None) -> None:
    client = signed_in()
    form = {"currency": "BTC", "day": "2026-10-30", "per_euro": "0.0000116"}
    assert "This field is required" in client.post("/admin/payouts/exchangerate/add/", form).content.decode()
    client.post("/admin/payouts/exchangerate/add/", {**form, "note": "Kraken, noon"})
    rate = ExchangeRate.objects.get()
    assert (rate.source, rate.note, rate.created_by is not None) == ("manual", "Kraken, noon", True)
    assert client.post(f"/admin/payouts/exchangerate/{rate.pk}/change/", form).status_code == 403
