"""Invoices as PDF, JSON and CSV: what stands on them, and who gets them."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from affiliates.models import Affiliate
from payouts.invoicing.files import invoice_csv, invoice_data
from payouts.invoicing.pdf import called, invoice_pdf
from payouts.models import ExchangeRate, Invoice
from tests.payouts.billing import DECEMBER, NOVEMBER, OCTOBER, billed, closed, earn, issuer
from tests.payouts.statements.test_documents import checked, document

pytestmark = pytest.mark.django_db


@pytest.fixture
def documents(ana: Affiliate) -> list[Invoice]:
    """October: 100.05 USD, taxed in Germany; November: 30.00 are taken back."""
    for day, per_euro in ((date(2026, 10, 30), "1.25"), (date(2026, 11, 30), "2")):
        ExchangeRate.objects.create(day=day, currency="USD", per_euro=Decimal(per_euro), source="ecb")
    issuer("DE")
    earn(billed(ana), "60.02", OCTOBER, "USD", why="=1+1")
    earn(ana, "40.03", OCTOBER, "USD", why="Bonus <b>& more</b> Ж")
    closed(NOVEMBER)
    earn(ana, "-30", NOVEMBER + timedelta(days=1), "USD")
    closed(DECEMBER)
    return list(Invoice.objects.select_related("statement", "original").order_by("id"))


def test_the_pdf_is_a_pdf_and_always_the_same(documents: list[Invoice]) -> None:
    for each in documents:
        first = invoice_pdf(each)
        assert first.startswith(b"%PDF-")
        assert first == invoice_pdf(Invoice.objects.get(pk=each.pk))
    assert [called(each) for each in documents] == ["Invoice SB-2026-000001", "Credit note CN-2026-000001"]


def test_the_data_say_everything(documents: list[Invoice]) -> None:
    invoice, note = (invoice_data(each) for each in documents)
    assert (invoice["number"], invoice["issued_on"], invoice["corrects"]) == ("SB-2026-000001", "2026-11-01", None)
    # 19 % of 100.05 USD is 19.0095; 19.01 USD at 0.8 are 15.208 EUR.
    assert (invoice["net"], invoice["vat"], invoice["gross"]) == ("100.05", "19.01", "119.06")
    assert invoice["vat_in_local_currency"] == {
        "vat": "15.21",
        "currency": "EUR",
        "rate": "0.8",
        "rate_day": "2026-10-30",
        "rate_source": "ecb",
    }
    assert (invoice["supplier"]["name"], invoice["recipient"]["vat_number"]) == ("Ana Media", "DE136695976")
    assert (note["corrects"], note["net"], note["gross"]) == ("SB-2026-000001", "-30.00", "-35.70")
    # 70.05 are left: 13.31 VAT, 10.65 EUR. 15.21 - 10.65 = 4.56.
    assert note["vat_in_local_currency"]["vat"] == "-4.56"


def test_the_lines_in_a_file_for_spreadsheets_add_up_and_none_is_a_formula(documents: list[Invoice]) -> None:
    rows = list(csv.DictReader(io.StringIO(invoice_csv(documents))))
    of_invoice = [row for row in rows if row["number"] == "SB-2026-000001"]
    assert of_invoice[0]["line"].startswith("'=1+1")
    sums = {name: sum(Decimal(row[name]) for row in of_invoice) for name in ("net", "vat", "gross")}
    assert sums == {"net": Decimal("100.05"), "vat": Decimal("19.01"), "gross": Decimal("119.06")}
    assert (rows[-1]["net"], rows[-1]["kind"], rows[-1]["corrects"]) == ("-30.00", "credit_note", "SB-2026-000001")


def test_the_offline_program_finds_accounts_with_vat_in_order(tmp_path: Path, documents: list[Invoice]) -> None:
    """VAT of October's invoice is a line of November's statement, and counts as earned."""
    code, output = checked(tmp_path, *(document(each.statement) for each in documents))
    assert (code, output.count(": well.")) == (0, 2), output
    assert documents[1].statement.earned == Decimal("-10.99")
