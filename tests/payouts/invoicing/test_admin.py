"""How finance works with invoices in the panel."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from affiliates.models import Affiliate, User
from payouts.models import BillingDetails, Invoice, Issuer, SelfBillingAgreement, Statement, VatRate
from tests.factories import AffiliateFactory, OperatorFactory
from tests.payouts.billing import DECEMBER, NOVEMBER, OCTOBER, VAT_NUMBERS, billed, closed, earn, issuer

pytestmark = pytest.mark.django_db

CONFIRMED = {"confirmed": "yes"}
COMPANY = {
    "name": "Acme Programs GmbH",
    "address": " Hauptstrasse 1 \r\n\r\n10115 Berlin",
    "country": "DE",
    "vat_number": "de 136 695 976",
    "invoice_prefix": "SB-",
    "credit_note_prefix": "CN-",
    "self_billing_words": "Gutschrift",
    "agreement_words": "Write our invoices.",
    "issues_automatically": "on",
}


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


@pytest.fixture
def documents(ana: Affiliate) -> list[Invoice]:
    """An invoice of 119.00 EUR and a credit note to it of 11.90."""
    issuer("DE")
    earn(billed(ana), "100", OCTOBER)
    closed(NOVEMBER)
    earn(ana, "-10", NOVEMBER)
    closed(DECEMBER)
    return list(Invoice.objects.order_by("id"))


def test_the_company_is_entered_once_and_checked(desk: Client) -> None:
    add = "/admin/payouts/issuer/add/"
    refused = desk.post(add, {**COMPANY, "country": "UK", "invoice_prefix": "a/b"})
    output = refused.content.decode()
    assert "Write GB instead of UK" in output
    assert "Capitals, digits and -" in output
    assert "no VAT number of DE" in desk.post(add, {**COMPANY, "vat_number": "DE1"}).content.decode()
    assert desk.post(add, COMPANY).status_code == 302
    row = Issuer.objects.get()
    assert (row.address, row.vat_number) == ("Hauptstrasse 1\n10115 Berlin", VAT_NUMBERS["DE"])
    assert desk.get(add).status_code == 403
    same = desk.post(reverse("admin:payouts_issuer_change", args=[row.pk]), {**COMPANY, "credit_note_prefix": "SB-"})
    assert "invoice_prefixes_differ" in same.content.decode()


def test_a_rate_is_entered_and_the_table_shown(desk: Client) -> None:
    given = {"country": "uk", "percent": "21", "valid_from": "2027-01-01", "note": "New law"}
    assert "Write GB instead of UK" in desk.post("/admin/payouts/vatrate/add/", given).content.decode()
    assert desk.post("/admin/payouts/vatrate/add/", {**given, "country": "GB"}).status_code == 302
    assert VatRate.objects.get() == VatRate.objects.get(country="GB", percent=Decimal(21), valid_from=date(2027, 1, 1))
    shown = text_of(desk, "/admin/payouts/vatrate/")
    assert "21 %" in shown
    assert "24 % from 2018-01-01, 25.5 % from 2024-09-01" in shown


def test_the_list_and_the_page_of_one_say_all(desk: Client, documents: list[Invoice]) -> None:
    listed = text_of(desk, "/admin/payouts/invoice/")
    for words in ("SB-2026-000001", "CN-2026-000001", "119.00 EUR", "-11.90 EUR", "Domestic VAT 19 %"):
        assert words in listed
    invoice, note = documents
    page = text_of(desk, f"/admin/payouts/invoice/{invoice.pk}/change/")
    for words in ("Ana Media", "Acme Programs GmbH", "DE136695976", "A bonus", "CN-2026-000001", "Self-billing"):
        assert words in page
    assert "Corrects invoice SB-2026-000001" in text_of(desk, f"/admin/payouts/invoice/{note.pk}/change/")
    assert "SB-2026-000001" in text_of(desk, f"/admin/payouts/statement/{invoice.statement_id}/change/")
    assert "SB-2026" not in text_of(desk, "/admin/payouts/invoice/?rule=reverse_charge")
    assert "CN-" not in text_of(desk, "/admin/payouts/invoice/?kind__exact=invoice&rule=domestic")


def test_the_list_costs_the_same_whatever_its_length(
    desk: Client, documents: list[Invoice], django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for _ in range(5):
        earn(billed(AffiliateFactory()), "10", DECEMBER)
    closed(DECEMBER.replace(day=20))
    desk.get("/admin/payouts/invoice/")
    with django_assert_max_num_queries(14):
        text_of(desk, "/admin/payouts/invoice/")


def test_an_operator_downloads_documents_and_the_list(desk: Client, documents: list[Invoice]) -> None:
    address = f"/admin/payouts/invoice/{documents[0].pk}/"
    assert desk.get(f"{address}pdf", follow=True).content.startswith(b"%PDF-")
    assert json.loads(desk.get(f"{address}json", follow=True).content)["gross"] == "119.00"
    [row] = csv.DictReader(io.StringIO(desk.get(f"{address}csv", follow=True).content.decode()))
    assert row["gross"] == "119.00"
    fields = {f"invoicecolumns_{name}": "on" for name in ("number", "gross", "supplier", "original")}
    answer = desk.post("/admin/payouts/invoice/export/", {"format": "0", "resource": "0", **fields})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(each["number"], each["corrects"]) for each in rows] == [
        ("CN-2026-000001", "SB-2026-000001"),
        ("SB-2026-000001", ""),
    ]


def test_no_one_else_gets_them(client: Client, documents: list[Invoice]) -> None:
    address = f"/admin/payouts/invoice/{documents[0].pk}/pdf"
    assert client.get(address, follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    client.force_login(OperatorFactory())
    assert client.get(address, follow=True).status_code == 403


def test_what_is_missing_is_listed_and_fixed_on_the_affiliates_page(desk: Client, ana: Affiliate, olga: User) -> None:
    missing = "/admin/payouts/invoice/missing/"
    earn(ana, "100", OCTOBER)
    [statement] = closed(NOVEMBER)
    assert "enter the company that issues the invoices" in text_of(desk, missing)
    issuer("DE")
    shown = text_of(desk, missing)
    for words in ("Ana", "100.00 EUR", "Billing details are missing.", "The agreement to self-billing is missing."):
        assert words in shown
    bill = reverse("admin:affiliates_affiliate_bill", args=[ana.pk])
    given = {"party": "business", "legal_name": "Ana Media", "address": "Road 1\nTown", "country": "DE", **CONFIRMED}
    assert "no VAT number of DE" in desk.post(bill, {**given, "vat_number": "DE9"}).content.decode()
    unexplained = desk.post(bill, {**given, "vat_number": VAT_NUMBERS["DE"], "agreed": "on"})
    assert "Say how it agreed" in unexplained.content.decode()
    assert not BillingDetails.objects.exists()
    how = {"vat_number": VAT_NUMBERS["DE"], "agreed": "on", "note": "Contract of 2026-09-01"}
    assert desk.post(bill, {**given, **how}).status_code == 302
    agreement = SelfBillingAgreement.objects.get()
    assert (agreement.agreed_by, agreement.note) == (olga, "Contract of 2026-09-01")
    assert "Nothing: it can be written." in text_of(desk, missing)
    write = reverse("admin:payouts_statement_write", args=[statement.pk])
    assert "Wrote SB-2026-000001." in desk.post(write, CONFIRMED, follow=True).content.decode()
    assert Invoice.objects.get().issued_by == olga
    assert "is invoiced" in text_of(desk, missing)


def test_the_invoices_of_a_period_are_written_by_hand(desk: Client, ana: Affiliate, ben: Affiliate) -> None:
    for affiliate in (ana, ben):
        earn(affiliate, "10", OCTOBER)
    closed(NOVEMBER)
    page = reverse("admin:payouts_invoice_of_period")
    assert "until 2026-10-31" in text_of(desk, page)
    choice = {"period": NOVEMBER.isoformat(), **CONFIRMED}
    assert "Enter the company that issues the invoices first" in desk.post(page, choice).content.decode()
    issuer("DE")
    assert "Nothing was written. 2 waiting: Billing details are missing." in desk.post(page, choice).content.decode()
    billed(ana)
    output = desk.post(page, choice, follow=True).content.decode()
    assert "Wrote SB-2026-000001. 1 waiting: Billing details are missing." in output
    assert Invoice.objects.get().affiliate == ana
    assert Statement.objects.filter(invoicing=None).get().affiliate == ben


def test_an_agreement_is_ended(desk: Client, ana: Affiliate) -> None:
    billed(ana)
    row = SelfBillingAgreement.objects.get()
    end = reverse("admin:payouts_selfbillingagreement_end", args=[row.pk])
    assert desk.post(end, CONFIRMED).status_code == 302
    row.refresh_from_db()
    assert row.ended_at
    assert "Ended" in text_of(desk, "/admin/payouts/selfbillingagreement/")
    assert "In force" in text_of(desk, "/admin/payouts/billingdetails/")
