"""The REST API's invoices, and what its payouts say of fees, VAT and what is sent."""

from datetime import date
from decimal import Decimal

import pytest

from affiliates.models import Affiliate
from payouts.models import ExchangeRate, Invoice, PayoutTerms
from tests.factories import AffiliateFactory
from tests.payouts.billing import DECEMBER, NOVEMBER, OCTOBER, billed, closed, earn, issuer
from tests.rest import client_of, results

pytestmark = pytest.mark.django_db


@pytest.fixture
def documents(ana: Affiliate) -> list[Invoice]:
    issuer("DE")
    earn(billed(ana), "100", OCTOBER)
    closed(NOVEMBER)
    earn(ana, "-10", NOVEMBER)
    closed(DECEMBER)
    return list(Invoice.objects.order_by("id"))


def test_an_invoice_says_everything(ana: Affiliate, documents: list[Invoice]) -> None:
    note, invoice = results(client_of(ana), "invoices")
    assert (invoice["number"], invoice["kind"], invoice["original"]) == ("SB-2026-000001", "invoice", None)
    assert (invoice["net"], invoice["percent"], invoice["vat"], invoice["gross"]) == ("100.00", "19", "19.00", "119.00")
    assert (invoice["supplier"]["name"], invoice["recipient"]["vat_number"]) == ("Ana Media", "DE136695976")
    assert (invoice["tax_rule"], invoice["local_vat"], invoice["notes"]) == ("domestic", None, ["Self-billing"])
    assert invoice["lines"][0]["net"] == "100.00"
    assert (note["kind"], note["original"], note["gross"]) == ("credit_note", "SB-2026-000001", "-11.90")
    only = results(client_of(ana), "invoices", kind="credit_note", statement=documents[1].statement.number)
    assert [row["number"] for row in only] == ["CN-2026-000001"]


def test_documents_are_downloaded(ana: Affiliate, documents: list[Invoice]) -> None:
    client = client_of(ana)
    assert client.get("/api/v1/invoices/SB-2026-000001/pdf/").content.startswith(b"%PDF-")
    assert "119.00" in client.get("/api/v1/invoices/SB-2026-000001/csv/").content.decode()


@pytest.mark.parametrize("path", ["", "pdf/", "csv/"])
def test_another_affiliates_invoice_is_not_there(ben: Affiliate, documents: list[Invoice], path: str) -> None:
    assert client_of(ben).get(f"/api/v1/invoices/SB-2026-000001/{path}").status_code == 404
    assert results(client_of(ben), "invoices") == []


def test_a_payout_shows_its_vat_its_fee_and_what_is_sent() -> None:
    ExchangeRate.objects.create(day=date(2026, 10, 30), currency="USD", per_euro=Decimal("1.25"), source="ecb")
    PayoutTerms.objects.create(fee=2)
    issuer("DE")
    eva = billed(AffiliateFactory(currency="USD"))
    earn(eva, "100", OCTOBER)
    closed(NOVEMBER)
    (payout,) = results(client_of(eva), "payouts")
    assert (payout["amount"], payout["vat"], payout["fee"], payout["currency"]) == ("119.00", "19.00", "2.00", "EUR")
    assert (payout["sent_amount"], payout["sent_currency"], payout["rate"]) == ("146.25", "USD", "1.25")
    assert (payout["rate_day"], payout["rate_source"]) == ("2026-10-30", "ecb")


def test_the_list_costs_the_same(
    ana: Affiliate, documents: list[Invoice], django_assert_max_num_queries: object
) -> None:
    for day in (10, 11, 12):
        earn(ana, "10", DECEMBER)
        closed(DECEMBER.replace(day=day))
    client = client_of(ana)
    with django_assert_max_num_queries(4):
        assert len(results(client, "invoices")) == 5
