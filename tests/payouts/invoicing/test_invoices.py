"""Invoices and credit notes, with sums worked by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.invoicing.billing import AgreementRefused, BillingRefused, agree, check_details, end_agreement, set_details
from payouts.invoicing.issue import NoIssuer, issue_by_hand
from payouts.ledger.booking import book_changes
from payouts.models import (
    BillingDetails,
    ExchangeRate,
    Invoice,
    InvoiceCounter,
    Invoicing,
    LedgerEntry,
    Payout,
    PayoutTerms,
    Statement,
)
from payouts.paying.payments import mark_paid
from payouts.queries import balances
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory
from tests.payouts.billing import (
    DECEMBER,
    JANUARY,
    NOVEMBER,
    OCTOBER,
    VAT_NUMBERS,
    billed,
    closed,
    earn,
    issuer,
)
from tests.payouts.deals import REJECTED, deal, flat, move
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db


def sums(document: Invoice) -> tuple[str, ...]:
    return tuple(f"{amount.normalize():f}" for amount in (document.net, document.vat, document.gross))


def balance(affiliate: Affiliate) -> Decimal:
    return sum((each.amount for each in balances(affiliate)), Decimal(0))


def sound() -> None:
    assert list(Verification().findings()) == []


def test_a_domestic_business_gets_vat_and_the_payout_sends_it(ana: Affiliate, olga: User) -> None:
    issuer("DE")
    earn(billed(ana, "DE"), "100.05", OCTOBER)
    [statement] = closed(NOVEMBER)
    document = Invoice.objects.get()
    # 19 % of 100.05 is 19.0095.
    assert sums(document) == ("100.05", "19.01", "119.06")
    assert (document.number, document.rule, document.percent) == ("SB-2026-000001", "domestic", 19)
    assert (document.percent_since, document.notes) == (date(2021, 1, 1), ["Self-billing"])
    assert document.vat_entry
    assert (document.vat_entry.kind, document.vat_entry.amount) == ("vat", Decimal("19.01"))
    assert document.vat_entry.arithmetic == "VAT 19 % of 100.05 EUR: invoice SB-2026-000001"
    assert (statement.closing, statement.payout.amount, statement.payout.vat) == (
        Decimal("100.05"),
        Decimal("119.06"),
        Decimal("19.01"),
    )
    assert balance(ana) == Decimal("119.06")
    mark_paid(payout=statement.payout, reference="SEPA 1", actor=olga, now=NOVEMBER + timedelta(days=3))
    assert balance(ana) == 0
    sound()


def test_the_next_statement_carries_the_vat_and_does_not_pay_it_twice(ana: Affiliate) -> None:
    issuer("DE")
    earn(billed(ana), "100", OCTOBER)
    [first] = closed(NOVEMBER)
    earn(ana, "50", NOVEMBER + timedelta(days=2))
    [second] = closed(DECEMBER)
    # VAT of October (19.00) stands in November's statement; its payout of 119.00 is still due.
    assert (second.opening, second.earned, second.closing) == (100, 69, 169)
    assert (first.payout.amount, second.payout.amount, second.payout.vat) == (119, Decimal("59.5"), Decimal("9.5"))
    assert balance(ana) == Decimal("178.50") == first.payout.amount + second.payout.amount
    assert [sums(each) for each in Invoice.objects.order_by("id")] == [("100", "19", "119"), ("50", "9.5", "59.5")]
    sound()


@pytest.mark.parametrize(
    ("country", "given", "rule", "text"),
    [
        ("FR", {}, "reverse_charge", "Reverse charge: the recipient of the service owes the VAT"),
        ("GB", {}, "outside", "Outside the scope"),
        ("BR", {}, "outside", "Outside the scope"),
        ("DE", {"party": "private"}, "private", "private person"),
        ("DE", {"is_small_business": True}, "small_business", "exempt as a small business"),
    ],
)
def test_without_vat_the_invoice_says_why(
    ana: Affiliate, country: str, given: dict[str, Any], rule: str, text: str
) -> None:
    issuer("DE")
    earn(billed(ana, country, **given), "100.05", OCTOBER)
    [statement] = closed(NOVEMBER)
    document = Invoice.objects.get()
    assert sums(document) == ("100.05", "0", "100.05")
    assert (document.rule, document.percent, document.vat_entry) == (rule, 0, None)
    assert text in document.notes[1]
    assert (statement.payout.amount, statement.payout.vat) == (Decimal("100.05"), 0)
    assert not LedgerEntry.objects.filter(kind="vat").exists()
    sound()


@pytest.mark.parametrize(
    ("currency", "amount", "vat"),
    [("JPY", "12345", "2346"), ("KWD", "10.125", "1.924"), ("BTC", "0.12345678", "0.02345679")],
)
def test_vat_is_rounded_to_the_currencys_own_places_and_reported_in_the_countrys(
    ana: Affiliate, currency: str, amount: str, vat: str
) -> None:
    """19 % of 12345 is 2345.55; of 10.125 is 1.92375; of 0.12345678 is 0.0234567882."""
    ExchangeRate.objects.create(day=date(2026, 10, 30), currency=currency, per_euro=Decimal(160), source="manual")
    issuer("DE")
    earn(billed(ana), amount, OCTOBER, currency)
    closed(NOVEMBER)
    document = Invoice.objects.get()
    assert document.vat == Decimal(vat)
    assert (document.local_currency, document.local_rate) == ("EUR", Decimal("0.00625"))
    assert document.local_vat == (Decimal(vat) / 160).quantize(Decimal("0.01"))
    assert (document.local_rate_day, document.local_rate_source) == (date(2026, 10, 30), "manual")


def test_without_a_rate_for_the_countrys_currency_it_waits(ana: Affiliate) -> None:
    issuer("DE")
    earn(billed(ana), "100", OCTOBER, "USD")
    [statement] = closed(NOVEMBER)
    assert not Invoice.objects.exists()
    issued = issue_by_hand([statement], now=NOVEMBER, actor=None)
    assert "The VAT has to be stated in EUR, too. There is no rate of USD" in issued.lacking[statement.pk][0]
    ExchangeRate.objects.create(day=date(2026, 10, 30), currency="USD", per_euro=Decimal("1.25"), source="manual")
    [document] = issue_by_hand([statement], now=NOVEMBER, actor=None).documents
    assert (document.vat, document.local_vat, document.local_currency) == (19, Decimal("15.20"), "EUR")


class TestCreditNotes:
    @pytest.fixture(autouse=True)
    def program(self, ana: Affiliate) -> None:
        issuer("DE")
        billed(ana)
        self.goal = GoalFactory(name="First deposit")
        deal(flat(self.goal, "33.33"))
        self.ana = ana

    def sold(self, number: int) -> list[Conversion]:
        facts = {"affiliate": self.ana, "currency": "EUR", "status": "approved", "occurred_at": OCTOBER}
        rows = [ConversionFactory(goal=self.goal, received_at=OCTOBER, **facts) for _ in range(number)]
        book_changes(now=OCTOBER)
        return rows

    def reverse(self, *rows: Conversion, at: Any) -> None:
        for row in rows:
            move(row, REJECTED)
        book_changes(now=at)

    def test_a_reversal_after_the_invoice_makes_a_credit_note_to_it(self) -> None:
        first, _, _ = self.sold(3)
        [october] = closed(NOVEMBER)
        # 3 x 33.33 = 99.99; 19 % = 18.9981.
        invoice = Invoice.objects.get()
        assert sums(invoice) == ("99.99", "19", "118.99")
        assert [line["text"] for line in invoice.lines] == [f"{self.goal.offer.name}: First deposit"]
        assert (invoice.lines[0]["entries"], invoice.lines[0]["net"], invoice.lines[0]["vat"]) == (3, "99.99", "19.00")
        self.reverse(first, at=NOVEMBER + timedelta(days=4))
        earn(self.ana, "10", NOVEMBER + timedelta(days=5))
        [november] = closed(DECEMBER)
        note = Invoice.objects.get(kind="credit_note")
        # What is left is 66.66; 19 % = 12.6654: the VAT falls from 19.00 to 12.67.
        assert sums(note) == ("-33.33", "-6.33", "-39.66")
        assert (note.number, note.original, note.rule) == ("CN-2026-000001", invoice, "domestic")
        assert note.notes == ["Corrects invoice SB-2026-000001 of 2026-11-01.", "Self-billing"]
        assert note.lines[0]["text"].endswith("First deposit (correction)")
        new = Invoice.objects.get(statement=november, kind="invoice")
        assert sums(new) == ("10", "1.9", "11.9")
        # 99.99 + 19.00 are on their way; 10.00 - 33.33 - 4.43 VAT lie below zero: nothing is paid.
        assert (
            balance(self.ana)
            == Decimal("91.23")
            == october.payout.amount + sum(document.gross for document in (note, new))
        )
        assert not hasattr(november, "payout")
        assert sum(Invoicing.objects.values_list("documented", flat=True)) == Decimal("76.66")
        sound()

    def test_credit_notes_for_all_of_it_take_back_exactly_its_vat(self) -> None:
        rows = self.sold(3)
        closed(NOVEMBER)
        for month, row in zip((NOVEMBER, DECEMBER, JANUARY), rows, strict=True):
            self.reverse(row, at=month + timedelta(days=1))
            closed(month + timedelta(days=20))
        notes = Invoice.objects.filter(kind="credit_note").order_by("id")
        # 19.00, then 12.67, 6.33, 0.00 are left.
        assert [sums(note)[:2] for note in notes] == [("-33.33", "-6.33"), ("-33.33", "-6.34"), ("-33.33", "-6.33")]
        assert [note.number for note in notes] == ["CN-2026-000001", "CN-2026-000002", "CN-2027-000001"]
        assert sum(Invoice.objects.values_list("gross", flat=True)) == 0 == balance(self.ana)
        sound()

    def test_a_credit_note_waits_for_nothing_although_the_agreement_is_ended(self, olga: User) -> None:
        first, _ = self.sold(2)
        closed(NOVEMBER)
        end_agreement(affiliate=self.ana, actor=olga, now=NOVEMBER)
        BillingDetails.objects.update(replaced_at=NOVEMBER)
        self.reverse(first, at=NOVEMBER + timedelta(days=1))
        closed(DECEMBER)
        # 66.66 had 12.67 VAT, the 33.33 that are left have 6.33.
        assert sums(Invoice.objects.get(kind="credit_note")) == ("-33.33", "-6.34", "-39.67")
        earn(self.ana, "5", DECEMBER + timedelta(days=1))
        [january] = closed(JANUARY)
        assert not hasattr(january, "invoicing")
        assert Invoice.objects.count() == 2
        sound()

    def test_the_originals_tax_rule_holds_although_the_affiliate_has_moved(self) -> None:
        first, _ = self.sold(2)
        closed(NOVEMBER)
        billed(self.ana, "FR")
        self.reverse(first, at=NOVEMBER + timedelta(days=1))
        earn(self.ana, "40", NOVEMBER + timedelta(days=1))
        closed(DECEMBER)
        note, new = (Invoice.objects.get(kind=kind, statement__ends_at=DECEMBER) for kind in ("credit_note", "invoice"))
        assert (note.rule, note.percent, note.seller["country"]) == ("domestic", 19, "DE")
        assert (new.rule, new.percent, new.seller["country"]) == ("reverse_charge", 0, "FR")

    def test_a_statement_below_zero_is_credited_against_the_newest_invoices(self) -> None:
        for month, amount in ((OCTOBER, "30"), (NOVEMBER, "20")):
            earn(self.ana, amount, month + timedelta(days=1))
            closed(month + timedelta(days=20))
        earn(self.ana, "-25", DECEMBER + timedelta(days=1))
        closed(JANUARY)
        notes = Invoice.objects.filter(kind="credit_note").order_by("id")
        assert [(note.original.net, note.net) for note in notes if note.original] == [(20, -20), (30, -5)]

    def test_what_no_invoice_can_take_is_left_to_the_next_one(self) -> None:
        earn(self.ana, "-25", OCTOBER + timedelta(days=1))
        [october] = closed(NOVEMBER)
        assert not Invoice.objects.exists()
        assert (october.invoicing.earned, october.invoicing.documented) == (-25, 0)
        earn(self.ana, "40", NOVEMBER + timedelta(days=1))
        [november] = closed(DECEMBER)
        document = Invoice.objects.get()
        assert sums(document) == ("15", "2.85", "17.85")
        assert [(line["text"], line["net"], line["vat"]) for line in document.lines] == [
            (document.lines[0]["text"], "40.00", "7.60"),
            ("Carried over from earlier statements", "-25.00", "-4.75"),
        ]
        assert november.payout.amount == Decimal("17.85")
        earn(self.ana, "10", DECEMBER + timedelta(days=1))
        closed(JANUARY)
        assert Invoice.objects.latest("id").net == 10

    def test_a_sale_that_is_approved_reversed_approved_and_reversed_credits_no_more_than_there_was(self) -> None:
        [row] = self.sold(1)
        closed(NOVEMBER)
        self.reverse(row, at=NOVEMBER + timedelta(days=1))
        closed(NOVEMBER + timedelta(days=10))
        move(row, Conversion.Status.APPROVED)
        book_changes(now=NOVEMBER + timedelta(days=11))
        closed(DECEMBER)
        self.reverse(row, at=DECEMBER + timedelta(days=1))
        closed(JANUARY)
        found = [(each.kind, each.net) for each in Invoice.objects.order_by("id")]
        assert found == [
            ("invoice", Decimal("33.33")),
            ("credit_note", Decimal("-33.33")),
            ("invoice", Decimal("33.33")),
            ("credit_note", Decimal("-33.33")),
        ]
        assert Invoice.objects.latest("id").original == Invoice.objects.order_by("id")[2]
        assert balance(self.ana) == 0
        sound()


def test_an_affiliate_that_lacks_details_or_agreement_gets_no_invoice_until_it_has_both(
    ana: Affiliate, olga: User
) -> None:
    issuer("DE")
    earn(ana, "100", OCTOBER)
    [statement] = closed(NOVEMBER)
    assert (Invoice.objects.count(), statement.payout.amount) == (0, 100)
    lacking = issue_by_hand([statement], now=NOVEMBER, actor=olga).lacking
    assert lacking == {statement.pk: ["Billing details are missing.", "The agreement to self-billing is missing."]}
    billed(ana)
    end_agreement(affiliate=ana, actor=olga, now=NOVEMBER)
    lacking = issue_by_hand([statement], now=NOVEMBER, actor=olga).lacking
    assert lacking == {statement.pk: ["The agreement to self-billing is missing."]}
    agree(affiliate=ana, actor=olga, now=NOVEMBER)
    [document] = issue_by_hand([statement], now=NOVEMBER + timedelta(days=2), actor=olga).documents
    assert (document.gross, document.issued_by) == (119, olga)
    # The payout was made before: the VAT is paid by the next one.
    [second] = closed(DECEMBER)
    assert (second.earned, second.payout.amount) == (19, 19)
    assert (second.invoicing.earned, second.invoicing.documented) == (0, 0)
    sound()


def test_invoicing_by_hand_again_changes_nothing_and_takes_several_statements_in_their_order(
    ana: Affiliate, ben: Affiliate, olga: User
) -> None:
    for month in (OCTOBER, NOVEMBER):
        earn(ana, "10", month + timedelta(days=1)), earn(ben, "20", month + timedelta(days=1))
        closed(month + timedelta(days=20))
    statements = list(Statement.objects.order_by("-id"))
    with pytest.raises(NoIssuer):
        issue_by_hand(statements, now=DECEMBER, actor=olga)
    issuer("DE"), billed(ana), billed(ben, "FR")
    made = issue_by_hand(statements, now=DECEMBER, actor=olga).documents
    assert [(each.affiliate, each.statement.ends_at.month) for each in made] == [
        (ana, 10),
        (ben, 10),
        (ana, 11),
        (ben, 11),
    ]
    assert issue_by_hand(statements, now=DECEMBER, actor=olga).documents == []
    assert (Invoice.objects.count(), LedgerEntry.objects.filter(kind="vat").count()) == (4, 2)


def test_an_issuer_that_does_not_write_by_itself_waits_for_a_hand(ana: Affiliate) -> None:
    issuer("DE", issues_automatically=False)
    earn(billed(ana), "10", OCTOBER)
    statements = closed(NOVEMBER)
    assert not Invoice.objects.exists()
    assert len(issue_by_hand(statements, now=NOVEMBER, actor=None).documents) == 1


def test_closing_twice_makes_one_invoice(ana: Affiliate) -> None:
    issuer("DE")
    earn(billed(ana), "10", OCTOBER)
    closed(NOVEMBER), closed(NOVEMBER)
    assert Invoice.objects.count() == 1


def test_vat_raises_the_payout_above_the_minimum_and_bears_the_fee(ana: Affiliate) -> None:
    PayoutTerms.objects.create(minimum=100, fee=2)
    issuer("DE")
    earn(billed(ana), "90", OCTOBER)
    [statement] = closed(NOVEMBER)
    assert (statement.payout.amount, statement.payout.fee, statement.payout.sent_amount) == (
        Decimal("107.10"),
        2,
        Decimal("105.10"),
    )


def test_commission_on_hold_is_invoiced_with_its_period_and_its_vat_not_held(ana: Affiliate) -> None:
    """The service was rendered, so the invoice is due; the hold only puts off the payment of the commission."""
    PayoutTerms.objects.create(hold_days=60)
    goal = GoalFactory()
    deal(flat(goal, "100"))
    issuer("DE")
    at = OCTOBER + timedelta(days=20)
    facts = {"affiliate": billed(ana), "currency": "EUR", "status": "approved", "occurred_at": at, "received_at": at}
    ConversionFactory(goal=goal, **facts)
    book_changes(now=at)
    [statement] = closed(NOVEMBER)
    assert (statement.held, Invoice.objects.get().gross, statement.payout.amount) == (100, 119, 19)


def test_a_roll_back_leaves_no_gap(ana: Affiliate, ben: Affiliate) -> None:
    issuer("DE")
    earn(billed(ana), "10", OCTOBER), earn(billed(ben), "10", OCTOBER)

    def fail_after_numbering() -> None:
        with transaction.atomic():
            closed(NOVEMBER)
            assert InvoiceCounter.objects.get(kind="invoice").last == 2
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail_after_numbering()
    closed(NOVEMBER)
    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == [1, 2]


def test_numbers_begin_anew_with_the_year(ana: Affiliate) -> None:
    issuer("DE", invoice_prefix="ACME-")
    earn(billed(ana), "10", OCTOBER)
    closed(NOVEMBER)
    earn(ana, "10", NOVEMBER)
    closed(JANUARY)
    assert [each.number for each in Invoice.objects.order_by("id")] == ["ACME-2026-000001", "ACME-2027-000001"]


def test_the_cost_of_invoicing_does_not_grow_with_the_number(django_assert_max_num_queries: Any) -> None:
    """A constant number of queries for a hundred statements."""
    issuer("DE")
    for number in range(100):
        affiliate = billed(AffiliateFactory(), ("DE", "FR")[number % 2])
        earn(affiliate, "10", OCTOBER + timedelta(hours=1))
    statements = closed_without_invoices()
    with django_assert_max_num_queries(32):
        assert len(issue_by_hand(statements, now=NOVEMBER, actor=None).documents) == 100


def closed_without_invoices() -> list[Statement]:
    from payouts.models import Issuer

    Issuer.objects.update(issues_automatically=False)
    return closed(NOVEMBER)


@pytest.mark.parametrize("model", [Invoice, Invoicing])
def test_the_database_refuses_changes(ana: Affiliate, model: Any) -> None:
    issuer("DE")
    earn(billed(ana), "10", OCTOBER)
    closed(NOVEMBER)
    field = "net" if model is Invoice else "earned"
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        model.objects.update(**{field: 11})
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        model.objects.all().delete()


@pytest.mark.parametrize(
    "change",
    [
        {"gross": 12},
        {"kind": "credit_note"},
        {"vat_entry": None},
        {"local_vat": 1, "local_currency": "EUR"},
    ],
)
def test_the_database_refuses_documents_that_contradict_themselves(ana: Affiliate, change: dict[str, Any]) -> None:
    issuer("DE")
    earn(billed(ana), "10", OCTOBER)
    closed(NOVEMBER)
    with pytest.raises(IntegrityError), transaction.atomic(), triggers_off(Invoice):
        Invoice.objects.update(**change)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"net": 20, "gross": Decimal("21.9")}, "its lines come to 10.00 EUR before VAT"),
        ({"vat": 2, "gross": 12}, "the ledger holds 1.90 EUR of VAT for it"),
        ({"sequence": 7}, "number 1 of 2026 is missing"),
    ],
)
def test_verification_finds_what_was_altered(ana: Affiliate, change: dict[str, Any], text: str) -> None:
    issuer("DE")
    earn(billed(ana), "10", OCTOBER)
    closed(NOVEMBER)
    with triggers_off(Invoice):
        Invoice.objects.update(**change)
    assert text in " ".join(finding.problem for finding in Verification().findings())


class TestBillingDetails:
    def given(self, **changes: Any) -> dict[str, Any]:
        address = " Long Road 2 \n\n  Town "
        return {"party": "business", "legal_name": " Ana  Media ", "address": address, "country": "de", **changes}

    def test_they_are_tidied(self) -> None:
        clean = check_details(self.given(vat_number="de 136 695 976"))
        assert (clean["legal_name"], clean["address"], clean["country"]) == ("Ana Media", "Long Road 2\nTown", "DE")
        assert clean["vat_number"] == VAT_NUMBERS["DE"]

    @pytest.mark.parametrize(
        ("changes", "field", "text"),
        [
            ({"legal_name": ""}, "legal_name", "needed"),
            ({"legal_name": "x" * 121}, "legal_name", "At most 120"),
            ({"address": "a\n" * 9 + "b"}, "address", "At most 6 lines"),
            ({"country": "UK"}, "country", "Write GB"),
            ({"vat_number": "DE1"}, "vat_number", "no VAT number of DE"),
            ({"party": "private", "vat_number": "DE136695976"}, "vat_number", "private person"),
            ({"party": "club"}, "party", "Choose"),
            ({"legal_name": "Ana\u202egpj"}, "legal_name", "cannot be printed"),
        ],
    )
    def test_every_problem_is_named(self, changes: dict[str, Any], field: str, text: str) -> None:
        with pytest.raises(BillingRefused) as caught:
            check_details(self.given(**changes))
        assert text in caught.value.problems[field]

    def test_a_change_keeps_what_was_before(self, ana: Affiliate) -> None:
        first = set_details(affiliate=ana, given=self.given(), actor=None, now=OCTOBER)
        same = set_details(affiliate=ana, given=self.given(), actor=None, now=NOVEMBER)
        assert same == first
        set_details(affiliate=ana, given=self.given(country="FR"), actor=None, now=NOVEMBER)
        rows = BillingDetails.objects.order_by("id").values_list("country", "replaced_at")
        assert list(rows) == [("DE", NOVEMBER), ("FR", None)]

    def test_agreeing_twice_is_one_agreement_and_ending_none_is_refused(self, ana: Affiliate, olga: User) -> None:
        with pytest.raises(AgreementRefused):
            agree(affiliate=ana, actor=olga, now=OCTOBER)
        issuer("DE", agreement_words="Write our invoices.")
        first = agree(affiliate=ana, actor=olga, now=OCTOBER)
        assert (first.words, first.agreed_by, agree(affiliate=ana, actor=olga, now=NOVEMBER)) == (
            "Write our invoices.",
            olga,
            first,
        )
        end_agreement(affiliate=ana, actor=olga, now=NOVEMBER)
        with pytest.raises(AgreementRefused):
            end_agreement(affiliate=ana, actor=olga, now=NOVEMBER)


def test_an_affiliate_paid_in_another_currency_gets_its_vat_at_the_same_rate(olga: User) -> None:
    ExchangeRate.objects.create(day=date(2026, 10, 30), currency="USD", per_euro=Decimal("1.25"), source="manual")
    issuer("DE")
    earn(billed(AffiliateFactory(currency="USD")), "100", OCTOBER)
    closed(NOVEMBER)
    payout = Payout.objects.get()
    assert (payout.amount, payout.sent_amount, payout.sent_currency) == (119, Decimal("148.75"), "USD")
