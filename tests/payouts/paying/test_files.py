"""Payment files: no affiliate's details stop the others', and banks find only what they take."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sepaxml.validation import try_valid_xml

from affiliates.models import Affiliate
from payouts.models import Payout, PayoutBatch, PayoutMethod, Statement
from payouts.paying.bank_files import payment_file, reference_of
from payouts.paying.batches import BatchRefused
from payouts.paying.methods import DetailsRefused, check
from records.secrets import encrypt
from tests.examples import examples

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
GOOD: dict[str, dict[str, str]] = {
    "sepa": {"holder": "Ana", "iban": "DE89370400440532013000", "bic": ""},
    "wire": {"holder": "Ana", "account": "12345", "bic": "DEUTDEFF", "bank": "Deutsche", "country": "DE"},
    "paypal": {"email": "ana@example.com"},
    "wise": {"holder": "Ana", "email": "ana@example.com"},
    "crypto": {"asset": "BTC", "network": "bitcoin", "address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
}
TAKEN = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
ODD = ["🙂", "Ana 🙂", "\u0000", "\u202eanA", "\ud7ff", "=1+1", "\t", "a\nb", "&amp;<x>", "ß" * 70, "ﷺ" * 40, "', DROP"]


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    _set(settings)


def _set(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme & Söhne_Ltd", "NL91ABNA0417164300", ""
    settings.SEPA_SCHEMA = "pain.001.001.09"


def payout(number: int, kind: str, stored: str, amount: str = "50.00") -> Payout:
    """Rows as they are in the database; none is needed to write a file."""
    return Payout(
        pk=number,
        public_id=f"po_{number:012d}",
        affiliate=Affiliate(pk=number, name=f"Affiliate {number}"),
        statement=Statement(number=f"2026-10-31-af_x{number}-EUR"),
        method=PayoutMethod(kind=kind, encrypted=encrypt(stored)),
        sent_amount=Decimal(amount),
        sent_currency="EUR",
    )


def made(kind: str, *payouts: Payout) -> Any:
    batch = PayoutBatch(public_id="pt_abcdefgh", kind=kind, currency="EUR")
    references = {row.pk: reference_of(kind, row, 0) for row in payouts}
    return payment_file(batch, payouts, references, now=NOW)


def lines_of(kind: str, content: bytes) -> list[str]:
    """The references in the file, in their order; the whole is read as the bank or wallet would."""
    if kind == "sepa":
        try_valid_xml(content, "pain.001.001.09")
        return [each.text or "" for each in ElementTree.fromstring(content).iter() if each.tag.endswith("}EndToEndId")]  # noqa: S314
    [heads, *rows] = list(csv.reader(io.StringIO(content.decode())))
    assert all(len(row) == len(heads) for row in rows)
    place = heads.index({"paypal": "reference_id", "wise": "paymentReference"}.get(kind, "payout"))
    return [row[place] for row in rows]


@pytest.mark.parametrize("kind", sorted(GOOD))
@given(data=st.data())
@effort(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_one_affiliate_stored_the_others_are_in_the_file(kind: str, data: st.DataObject) -> None:
    texts = st.one_of(st.sampled_from(ODD), st.text(max_size=80))
    names = sorted(GOOD[kind])
    broken = {name: data.draw(texts) for name in data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))}
    stored = data.draw(st.sampled_from([json.dumps({**GOOD[kind], **broken}), "[]", "{}", "no json", "null"]))
    first, odd, last = (
        payout(n, kind, each) for n, each in enumerate([json.dumps(GOOD[kind]), stored, json.dumps(GOOD[kind])])
    )
    file = made(kind, first, odd, last)
    left = [row for row, _ in file.left_out]
    written = [reference_of(kind, row, 0) for row in (first, odd, last) if row not in left]
    assert lines_of(kind, file.content) == written
    assert set(left) <= {odd}
    assert all(why for _, why in file.left_out)


@pytest.mark.parametrize("holder", ["Müller & Söhne", "شركة", "Γιώργος", "株式会社", "ACME_Ltd @home", "Ærø Łódź"])
def test_banks_find_only_the_signs_that_they_take(holder: str) -> None:
    file = made("sepa", payout(1, "sepa", json.dumps({**GOOD["sepa"], "holder": holder})))
    texts = [each.text or "" for each in ElementTree.fromstring(file.content).iter()]  # noqa: S314
    assert not file.left_out
    assert [text for text in texts if not TAKEN.fullmatch(text)] == []


@pytest.mark.parametrize("version", ["03", "09", "10", "11"])
@pytest.mark.parametrize("bic", ["", "DEUTDEFF"])
def test_each_version_is_valid_and_an_unknown_bank_is_not_provided(settings: Any, version: str, bic: str) -> None:
    settings.SEPA_SCHEMA, settings.OPERATOR_BIC = f"pain.001.001.{version}", bic
    content = made("sepa", payout(1, "sepa", json.dumps(GOOD["sepa"]))).content
    try_valid_xml(content, settings.SEPA_SCHEMA)
    assert (b"<Id>NOTPROVIDED</Id>" in content) == (not bic)


def test_the_same_batch_is_the_same_message() -> None:
    first, second = (made("sepa", payout(1, "sepa", json.dumps(GOOD["sepa"]))).content for _ in range(2))
    assert first == second
    assert b"<MsgId>pt-abcdefgh</MsgId>" in first


def test_a_bank_code_that_the_message_refuses_stops_no_other(settings: Any) -> None:
    settings.SEPA_SCHEMA = "pain.001.001.03"
    bad = payout(2, "sepa", json.dumps({**GOOD["sepa"], "bic": "DEUTDE1O"}))
    file = made("sepa", payout(1, "sepa", json.dumps(GOOD["sepa"])), bad)
    assert [row for row, _ in file.left_out] == [bad]


@pytest.mark.parametrize("amount", ["1000000000.00", "0.004"])
def test_an_amount_that_no_transfer_can_move_is_left_out(amount: str) -> None:
    good, bad = (payout(n, "sepa", json.dumps(GOOD["sepa"]), each) for n, each in enumerate(["5.00", amount]))
    assert [row for row, _ in made("sepa", good, bad).left_out] == [bad]
    with pytest.raises(BatchRefused, match="Nothing of batch"):
        made("sepa", bad)


@pytest.mark.parametrize("iban", ["GB33BUKB20201555555555", "CH9300762011623852957"])
def test_an_account_outside_the_economic_area_needs_its_bank(iban: str) -> None:
    with pytest.raises(DetailsRefused, match="BIC of an account in"):
        check("sepa", {"holder": "Ana", "iban": iban, "bic": ""})
    assert check("sepa", {"holder": "Ana", "iban": iban, "bic": "BUKBGB22"})["bic"]


@pytest.mark.parametrize("email", ["=ana@example.com", "-ana@example.com", "+ana@example.com", "a\u0007na@example.com"])
def test_an_address_that_a_file_would_change_is_refused(email: str) -> None:
    with pytest.raises(DetailsRefused):
        check("paypal", {"email": email})
