"""From the method to the bank's answer: nothing is sent without two pairs of eyes, nothing is paid twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import IntegrityError, connection, transaction

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.ledger.booking import adjust, book_changes
from payouts.models import LedgerEntry, Payout, PayoutBatch, PayoutMethod, PayoutTerms
from payouts.paying import batches, methods
from payouts.paying.answers import import_result
from payouts.paying.batches import BatchRefused
from payouts.paying.methods import DetailsRefused, check, details_of, set_method
from payouts.paying.payments import NotPaid, mark_paid, mark_returned
from payouts.queries import balances
from payouts.rates.daily import DayRate, store
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory, OperatorFactory
from tests.payouts.deals import deal, flat

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
SEPA = {"holder": "Ana Müller", "iban": "DE89 3704 0044 0532 0130 00", "bic": ""}
ISO = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
BITCOIN = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme Ltd", "NL91ABNA0417164300", ""


@pytest.fixture
def pete() -> User:
    return OperatorFactory(name="Pete")


Due = Callable[..., Payout]


@pytest.fixture
def due(ana: Affiliate, olga: User) -> Due:
    """A payout that is due, for a bonus in October."""

    def made(amount: str = "120", affiliate: Affiliate = ana, currency: str = "EUR") -> Payout:
        adjust(
            affiliate=affiliate, amount=Decimal(amount), currency=currency, arithmetic="Bonus", actor=olga, now=OCTOBER
        )
        close_period(ends_at=NOVEMBER, now=NOVEMBER)
        return Payout.objects.get(affiliate=affiliate, currency=currency)

    return made


def by_sepa(affiliate: Affiliate) -> PayoutMethod:
    return set_method(affiliate=affiliate, kind="sepa", details=SEPA, actor=None, now=OCTOBER)


def one_batch(*payouts: Payout, actor: User) -> PayoutBatch:
    made = batches.make_batches(payout_ids=[payout.pk for payout in payouts], actor=actor, now=NOVEMBER)
    assert not made.left_out
    [batch] = made.batches
    return batch


def test_details_are_encrypted_checked_and_replaced_never_changed(ana: Affiliate) -> None:
    first = by_sepa(ana)
    assert "DE89" not in first.encrypted
    assert details_of(first) == {"holder": "Ana Müller", "iban": "DE89370400440532013000", "bic": ""}
    assert str(first) == "SEPA transfer DE89…3000"
    second = set_method(affiliate=ana, kind="paypal", details={"email": "ana@example.com"}, actor=None, now=NOVEMBER)
    first.refresh_from_db()
    assert (first.replaced_at, second.replaced_at, second.hint) == (NOVEMBER, None, "an…@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        PayoutMethod.objects.filter(pk=first.pk).update(replaced_at=None)


@pytest.mark.parametrize(
    ("kind", "details", "field", "text"),
    [
        ("sepa", {**SEPA, "iban": "DE89370400440532013001"}, "iban", "no IBAN"),
        ("sepa", {**SEPA, "iban": "BR1800360305000010009795493C1"}, "iban", "cannot be reached by SEPA"),
        ("sepa", {**SEPA, "holder": ""}, "holder", "needed"),
        ("sepa", {**SEPA, "bic": "NOPE"}, "bic", "no BIC"),
        (
            "wire",
            {"holder": "A", "account": "!", "bic": "DEUTDEFF", "bank": "", "country": "GB"},
            "account",
            "4 to 34",
        ),
        ("wire", {"holder": "A", "account": "12345", "bic": "DEUTDEFF", "bank": "B", "country": "1"}, "country", "two"),
        ("paypal", {"email": "nobody"}, "email", "valid email"),
        ("crypto", {"asset": "BTC", "network": "bitcoin", "address": BITCOIN[:-1] + "z"}, "address", "no bitcoin"),
        ("crypto", {"asset": "USDT", "network": "bitcoin", "address": BITCOIN}, "network", "would be lost"),
        ("crypto", {"asset": "XXX", "network": "bitcoin", "address": BITCOIN}, "asset", "Choose one of BTC"),
        ("crypto", {"asset": "USDT", "network": "tron", "address": "T" + "a" * 33}, "address", "no tron address"),
    ],
)
def test_details_that_cannot_be_right_are_refused_with_the_field(
    kind: str, details: dict[str, str], field: str, text: str
) -> None:
    with pytest.raises(DetailsRefused) as refused:
        check(kind, details)
    assert text in refused.value.problems[field]


@pytest.mark.parametrize(
    ("asset", "network", "address"),
    [
        ("BTC", "bitcoin", BITCOIN),
        ("BTC", "bitcoin", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        ("USDT", "tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("ETH", "ethereum", "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe"),
    ],
)
def test_true_addresses_pass(asset: str, network: str, address: str) -> None:
    assert check("crypto", {"asset": asset, "network": network, "address": address})["address"] == address


def test_a_batch_is_approved_by_another_operator_and_sent_as_pain_001(
    due: Due, ana: Affiliate, olga: User, pete: User
) -> None:
    by_sepa(ana)
    batch = one_batch(due("120.50"), actor=olga)
    with pytest.raises(BatchRefused, match="only an approved one has a file"):
        batches.release_batch(batch=batch, actor=olga, now=NOVEMBER)
    with pytest.raises(BatchRefused, match="another operator"):
        batches.approve_batch(batch=batch, actor=olga, now=NOVEMBER)
    with pytest.raises(IntegrityError, match="batch_needs_four_eyes"), transaction.atomic():
        PayoutBatch.objects.filter(pk=batch.pk).update(status="approved", approved_by=olga, approved_at=NOVEMBER)
    batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)
    file = batches.release_batch(batch=batch, actor=pete, now=NOVEMBER).file
    message = ElementTree.fromstring(file.content)  # noqa: S314
    [payment] = message.iter(f"{ISO}CdtTrfTxInf")
    amount = payment.find(f".//{ISO}InstdAmt")
    assert amount is not None
    assert (amount.text, amount.get("Ccy")) == ("120.50", "EUR")
    texts = {element.tag.removeprefix(ISO): element.text for element in payment.iter()}
    assert (texts["EndToEndId"], texts["Nm"], texts["IBAN"]) == (
        batch.payouts.get().public_id.replace("_", "-"),
        "Ana Muller",
        "DE89370400440532013000",
    )
    assert [element.text for element in message.iter(f"{ISO}CtrlSum")] == ["120.50", "120.50"]


def test_a_file_without_an_account_of_ours_says_what_to_set(
    due: Due, ana: Affiliate, olga: User, pete: User, settings: Any
) -> None:
    by_sepa(ana)
    batch = one_batch(due(), actor=olga)
    account, settings.OPERATOR_IBAN = settings.OPERATOR_IBAN, ""
    with pytest.raises(BatchRefused, match="OPERATOR_IBAN"):
        batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)
    settings.OPERATOR_IBAN = account
    batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)
    settings.OPERATOR_IBAN = ""
    with pytest.raises(BatchRefused, match="OPERATOR_IBAN"):
        batches.release_batch(batch=batch, actor=pete, now=NOVEMBER)


def test_what_cannot_be_sent_is_left_out_with_the_reason(due: Due, ana: Affiliate, ben: Affiliate, olga: User) -> None:
    by_sepa(ana)
    paid, methodless = due("10"), due("20", affiliate=ben)
    mark_paid(payout=paid, reference="1", actor=olga, now=NOVEMBER)
    made = batches.make_batches(payout_ids=[paid.pk, methodless.pk], actor=olga, now=NOVEMBER)
    assert made.batches == []
    assert [why for _, why in made.left_out] == ["is paid", "Ben has not said where to send it"]


def test_a_payout_is_in_one_batch_at_a_time_and_free_again_after_it_is_cancelled(
    due: Due, ana: Affiliate, olga: User
) -> None:
    by_sepa(ana)
    payout = due()
    batch = one_batch(payout, actor=olga)
    again = batches.make_batches(payout_ids=[payout.pk], actor=olga, now=NOVEMBER)
    assert [why for _, why in again.left_out] == [f"is in batch {batch}"]
    assert batches.cancel_batch(batch=batch, actor=olga, note="Wrong day", now=NOVEMBER) == 1
    assert one_batch(payout, actor=olga) != batch
    with pytest.raises(BatchRefused, match="cancelled already"):
        batches.cancel_batch(batch=batch, actor=olga, note="", now=NOVEMBER)


def result(*lines: str) -> bytes:
    return "\r\n".join(["Payout;Status;Reference;Reason", *lines]).encode()


def test_the_banks_answer_pays_fails_and_returns_each_once(due: Due, olga: User, pete: User) -> None:
    people = [AffiliateFactory(currency="EUR") for _ in range(3)]
    payouts = [due("50", affiliate=each) for each in people]
    for each in people:
        by_sepa(each)
    batch = one_batch(*payouts, actor=olga)
    batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)
    batches.release_batch(batch=batch, actor=pete, now=NOVEMBER)
    paid, failed, returned = payouts
    answer = result(
        f"{paid.public_id};paid;BANK 1;",
        f"{failed.public_id};RJCT;;account closed",
        f"{returned.public_id};returned;BANK 3;account closed",
        "po_nobody;paid;;",
        "po_23456789;perhaps;;",
    )
    found = import_result(content=answer, actor=olga, now=NOVEMBER)
    assert (found.paid, found.failed, found.returned, found.unchanged) == (1, 1, 1, 0)
    assert [line.partition(":")[0] for line in found.problems] == ["Line 5", "Line 6"]
    again = import_result(content=answer, actor=olga, now=NOVEMBER)
    assert (again.paid, again.failed, again.returned, again.unchanged) == (0, 0, 0, 3)
    for row in payouts:
        row.refresh_from_db()
    assert [(row.status, row.failure) for row in payouts] == [
        ("paid", ""),
        ("due", "account closed"),
        ("returned", "account closed"),
    ]
    assert failed.batch is None
    assert paid.batch == batch
    assert [balances(each)[0].amount for each in people] == [0, 50, 50]
    # What came back is paid by the next statement, what failed by another batch.
    close_period(ends_at=DECEMBER, now=DECEMBER)
    assert Payout.objects.get(affiliate=people[2], status="due").amount == 50
    assert one_batch(failed, actor=pete)
    assert list(Verification().findings()) == []


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\n1,2", b""])
def test_a_file_that_is_no_answer_is_refused_whole(olga: User, content: bytes) -> None:
    with pytest.raises(BatchRefused):
        import_result(content=content, actor=olga, now=NOVEMBER)


def test_only_what_was_paid_comes_back(due: Due, olga: User) -> None:
    with pytest.raises(NotPaid):
        mark_returned(payout=due(), why="?", actor=olga, now=NOVEMBER)


def test_a_fee_is_a_line_of_its_own_and_a_minimum_is_carried_over(due: Due, ana: Affiliate, olga: User) -> None:
    PayoutTerms.objects.create(minimum=Decimal(100), fee=Decimal("2.50"))
    adjust(affiliate=ana, amount=Decimal(60), currency="EUR", arithmetic="Bonus", actor=olga, now=OCTOBER)
    [first] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert (first.threshold, Payout.objects.count()) == (100, 0)
    adjust(affiliate=ana, amount=Decimal(40), currency="EUR", arithmetic="Bonus", actor=olga, now=NOVEMBER)
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER)
    payout = second.payout
    assert (payout.amount, payout.fee, payout.sent_amount) == (100, Decimal("2.50"), Decimal("97.50"))
    mark_paid(payout=payout, reference="1", actor=olga, now=DECEMBER)
    entries = LedgerEntry.objects.filter(payout=payout).order_by("sequence")
    assert [(entry.kind, entry.amount) for entry in entries] == [
        ("payment", Decimal("-97.50")),
        ("fee", Decimal("-2.50")),
    ]
    assert balances(ana)[0].amount == 0
    assert list(Verification().findings()) == []


def test_ones_own_terms_count_before_those_for_everybody(ana: Affiliate, olga: User) -> None:
    PayoutTerms.objects.create(minimum=Decimal(100))
    PayoutTerms.objects.create(affiliate=ana, minimum=Decimal(0))
    adjust(affiliate=ana, amount=Decimal(1), currency="EUR", arithmetic="Bonus", actor=olga, now=OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert (statement.threshold, statement.payout.amount) == (0, 1)


def test_other_currencies_are_sent_in_the_affiliates_own_at_a_rate_that_stays(
    due: Due, ana: Affiliate, olga: User
) -> None:
    store([DayRate(date(2026, 10, 30), "USD", Decimal("1.25"))], source="ecb")
    payout = due("100.01", currency="USD")
    # 100.01 / 1.25 = 80.008, rounded once to 80.01; the 31st was a Saturday.
    assert (payout.sent_amount, payout.sent_currency, payout.rate, payout.rate_day) == (
        Decimal("80.01"),
        "EUR",
        Decimal("0.8"),
        date(2026, 10, 30),
    )
    store([DayRate(date(2026, 10, 30), "USD", Decimal("2"))], source="manual")
    entry = mark_paid(payout=payout, reference="7", actor=olga, now=NOVEMBER + timedelta(days=1))
    assert (entry.amount, entry.currency) == (Decimal("-100.01"), "USD")
    assert "paid 80.01 EUR for 100.01 USD at 0.8 (ecb, 2026-10-30)" in entry.arithmetic


def test_without_a_rate_it_is_sent_as_it_was_earned(due: Due) -> None:
    payout = due("100", currency="USD")
    assert (payout.sent_amount, payout.sent_currency, payout.rate) == (100, "USD", None)


@pytest.mark.django_db(transaction=True)
def test_operators_at_once_pay_each_payout_once(due: Due, olga: User, pete: User) -> None:
    people = [AffiliateFactory(currency="EUR") for _ in range(6)]
    payouts = [due("50", affiliate=each) for each in people]
    for each in people:
        by_sepa(each)
    ids = [payout.pk for payout in payouts]

    def at_work(actor: User) -> list[int]:
        try:
            made = batches.make_batches(payout_ids=ids, actor=actor, now=NOVEMBER)
            return [payout.pk for batch in made.batches for payout in batch.payouts.all()]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        taken = [pk for found in pool.map(at_work, [olga, pete] * 3) for pk in found]
    assert sorted(taken) == sorted(ids)
    [batch] = PayoutBatch.objects.all()
    batches.approve_batch(batch=batch, actor=pete if batch.created_by == olga else olga, now=NOVEMBER)
    batches.release_batch(batch=batch, actor=olga, now=NOVEMBER)

    def pays(actor: User) -> int:
        try:
            return batches.pay_batch(batch=batch, reference="BANK 1", actor=actor, now=NOVEMBER)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(pays, [olga, pete] * 3)) == 6
    assert LedgerEntry.objects.filter(kind="payment").count() == 6
    assert all(balances(each)[0].amount == 0 for each in people)


def test_every_kind_has_a_form(due: Due, ana: Affiliate, olga: User, pete: User) -> None:
    payout = due("10")
    cases = {
        "paypal": ({"email": "ana@example.com"}, b"ana@example.com,10.00,EUR,"),
        "wise": ({"holder": "=Ana", "email": "ana@example.com"}, b"'=Ana,ana@example.com,source,10.00,EUR,EUR,"),
        "wire": (
            {"holder": "Ana", "account": "12345", "bic": "DEUTDEFF", "bank": "Deutsche", "country": "de"},
            b"Ana,12345,DEUTDEFF,Deutsche,DE,10.00,EUR,",
        ),
        "crypto": ({"asset": "BTC", "network": "bitcoin", "address": BITCOIN}, b"BTC,bitcoin,1Boat"),
    }
    assert {*cases, "sepa"} == set(methods.FIELDS)
    for kind, (details, expected) in cases.items():
        set_method(affiliate=ana, kind=kind, details=details, actor=None, now=NOVEMBER)
        batch = one_batch(payout, actor=olga)
        batches.approve_batch(batch=batch, actor=pete, now=NOVEMBER)
        assert expected in batches.release_batch(batch=batch, actor=pete, now=NOVEMBER).file.content
        batches.cancel_batch(batch=batch, actor=olga, note="", now=NOVEMBER)


def test_commission_waits_for_its_hold_and_is_paid_when_it_ends(ana: Affiliate) -> None:
    """A commission of 80 of 20 October on 30 days of hold: not paid on 1 November, paid by 1 December's statement."""
    PayoutTerms.objects.create(hold_days=30)
    goal = GoalFactory()
    deal(flat(goal, "80"))
    at = OCTOBER + timedelta(days=19)
    ConversionFactory(
        goal=goal, affiliate=ana, status=Conversion.Status.APPROVED, occurred_at=at, received_at=at, currency="EUR"
    )
    book_changes(now=at)
    [first] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert (first.closing, first.held, first.held_until) == (80, 80, at + timedelta(days=30))
    assert not Payout.objects.exists()
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER)
    assert (second.opening, second.earned, second.closing, second.held, second.payout.amount) == (80, 0, 80, 0, 80)
    assert close_period(ends_at=DECEMBER, now=DECEMBER) == []
    assert list(Verification().findings()) == []


def test_a_hold_that_has_ended_is_reported_by_one_statement_only(ana: Affiliate, olga: User) -> None:
    """The statement that a hold's end made covers no line of its own: it must not be mistaken for the one before it."""
    PayoutTerms.objects.create(hold_days=30)
    goal = GoalFactory()
    deal(flat(goal, "80"))
    at = OCTOBER + timedelta(days=19)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=at)
    book_changes(now=at)
    close_period(ends_at=NOVEMBER, now=NOVEMBER)
    close_period(ends_at=DECEMBER, now=DECEMBER)
    for days in (31, 62, 90):
        end = DECEMBER + timedelta(days=days)
        now = end - timedelta(days=1)
        adjust(affiliate=ana, amount=Decimal(5), currency="JPY", arithmetic="A bonus", actor=olga, now=now)
        assert [each.currency for each in close_period(ends_at=end, now=end)] == ["JPY"]
    now = DECEMBER + timedelta(days=100)
    adjust(affiliate=ana, amount=Decimal(5), currency="EUR", arithmetic="A bonus", actor=olga, now=now)
    end = DECEMBER + timedelta(days=121)
    [last] = close_period(ends_at=end, now=end)
    assert (last.currency, last.starts_at, last.opening) == ("EUR", DECEMBER, 80)
    assert list(Verification().findings()) == []
