"""Invoices in the portal: the affiliate's own, and whom they are from."""

import csv
import io
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from affiliates.models import Affiliate, AffiliateMember, User
from payouts.models import BillingDetails, Invoice, SelfBillingAgreement
from tests.dashboard.portal_pages import as_user, main_rows, rows_of, signed_in, words
from tests.factories import AffiliateFactory
from tests.payouts.billing import DECEMBER, NOVEMBER, OCTOBER, VAT_NUMBERS, billed, closed, earn, issuer

pytestmark = pytest.mark.django_db

BILLING, INVOICES = "/settings/billing/", "/earnings/invoices/"
GIVEN = {
    "party": "business",
    "legal_name": "Ana Duarte Media, Lda.",
    "address": "Rua das Flores 18\r\nLisboa",
    "country": "pt",
    "vat_number": "PT 501 964 843",
    "registration": "",
}


def saved(client: Client, **changes: str) -> HttpResponse:
    return client.post(BILLING, {**GIVEN, **changes}, follow=True)  # type: ignore[return-value]


@pytest.fixture
def documents(ana: Affiliate) -> list[Invoice]:
    """An invoice of 119.00 EUR and a credit note to it of 11.90."""
    issuer("DE")
    earn(billed(ana), "100", OCTOBER)
    closed(NOVEMBER)
    earn(ana, "-10", NOVEMBER)
    closed(DECEMBER)
    return list(Invoice.objects.order_by("id"))


def test_the_list_shows_them_beside_their_statements(ana: Affiliate, documents: list[Invoice]) -> None:
    page = signed_in(ana).get(INVOICES)
    output = words(page)
    for expected in ("SB-2026-000001", "Credit note to SB-2026-000001", "119.00 EUR", "Domestic VAT 19 %"):
        assert expected in output
    assert main_rows(page) == 2
    statement = words(signed_in(ana).get(f"/earnings/statements/{documents[0].statement.number}/"))
    assert "100.00 EUR + 19.00 EUR VAT = 119.00 EUR" in statement
    assert "with 19.00 EUR VAT" in statement
    assert "with 19.00 EUR VAT" in words(signed_in(ana).get("/earnings/payouts/"))


def test_the_list_costs_the_same_whatever_its_length(
    ana: Affiliate, documents: list[Invoice], django_assert_max_num_queries: Any
) -> None:
    for day in (10, 11, 12, 13):
        earn(ana, "10", DECEMBER)
        closed(DECEMBER.replace(day=day))
    client = signed_in(ana)
    client.get(INVOICES)
    with django_assert_max_num_queries(14):
        assert main_rows(client.get(INVOICES)) == 6


def test_an_affiliate_downloads_its_own(ana: Affiliate, documents: list[Invoice]) -> None:
    client, number = signed_in(ana), documents[0].number
    assert client.get(f"{INVOICES}{number}/pdf/").content.startswith(b"%PDF-")
    assert json.loads(client.get(f"{INVOICES}{number}/json/").content)["gross"] == "119.00"
    [row] = csv.DictReader(io.StringIO(client.get(f"{INVOICES}{number}/csv/").content.decode()))
    assert (row["gross"], row["recipient_name"]) == ("119.00", "Acme Programs GmbH")
    listed = rows_of(client.get(f"{INVOICES}export/"))
    assert [(each["number"], each["gross"]) for each in listed] == [
        ("CN-2026-000001", "-11.90"),
        ("SB-2026-000001", "119.00"),
    ]


@pytest.mark.parametrize("form", ["pdf", "json", "csv"])
def test_no_other_affiliates_is_there(ana: Affiliate, ben: Affiliate, documents: list[Invoice], form: str) -> None:
    address = f"{INVOICES}{documents[0].number}/{form}/"
    assert signed_in(ben).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    assert main_rows(signed_in(ben).get(INVOICES)) == 0


def test_the_portal_asks_for_what_is_missing_once_someone_writes_invoices(ana: Affiliate) -> None:
    client = signed_in(ana)
    assert "No invoices can be written for you yet" not in words(client.get(INVOICES))
    assert "the program does not write invoices yet" in words(client.get(BILLING))
    issuer("DE")
    output = words(client.get(INVOICES))
    assert "Billing details are missing." in output
    assert "The agreement to self-billing is missing." in output


def test_the_portal_asks_for_what_the_affiliate_can_give_only(ana: Affiliate) -> None:
    issuer("US")
    billed(ana, "US", vat_number="123456789")
    assert "No invoices can be written" not in words(signed_in(ana).get(INVOICES))
    billed(ana, "US", vat_number="")
    assert "Your VAT number is missing." in words(signed_in(ana).get(INVOICES))


def test_an_owner_enters_details_and_agrees(ana: Affiliate) -> None:
    issuer("DE", agreement_words="You write our invoices.")
    client = signed_in(ana, name="Ana D.")
    assert "You write our invoices." in words(client.get(BILLING))
    done = words(saved(client, agreed="on"))
    for expected in ("Saved.", "Ana Duarte Media, Lda.", "PT501964843", "Self-billing agreed", "by Ana D."):
        assert expected in done
    details = BillingDetails.objects.get()
    assert (details.address, details.country) == ("Rua das Flores 18\nLisboa", "PT")
    agreement = SelfBillingAgreement.objects.get()
    assert (agreement.words, agreement.agreed_by.name) == ("You write our invoices.", "Ana D.")
    assert "No invoices can be written" not in words(client.get(INVOICES))
    earn(ana, "10", OCTOBER)
    closed(NOVEMBER)
    assert Invoice.objects.get().rule == "reverse_charge"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"vat_number": "PT501964844"}, "This is no VAT number of PT"),
        ({"country": "UK"}, "Write GB instead of UK"),
        ({"party": "private"}, "A private person has none"),
        ({"address": ""}, "This field is required"),
        ({"party": "club"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_right_is_named_beside_its_field(ana: Affiliate, changes: dict[str, str], text: str) -> None:
    response = signed_in(ana).post(BILLING, {**GIVEN, **changes})
    assert response.status_code == 400
    assert text in words(response)
    assert not BillingDetails.objects.exists()


def test_an_agreement_is_ended_by_an_owner_only(ana: Affiliate) -> None:
    issuer("DE")
    member = signed_in(ana)
    AffiliateMember.objects.update(roles=["read_only"])
    owner = signed_in(ana)
    billed(ana)
    assert member.post(BILLING, GIVEN).status_code == 403
    assert member.post(f"{BILLING}end-agreement/").status_code == 403
    assert "Only an owner of the account can change this." in words(member.get(BILLING))
    assert "The agreement is ended." in words(owner.post(f"{BILLING}end-agreement/", follow=True))  # type: ignore[arg-type]
    assert "There was no agreement in force." in words(owner.post(f"{BILLING}end-agreement/", follow=True))  # type: ignore[arg-type]


def test_an_operator_in_a_preview_only_looks(ana: Affiliate, olga: User) -> None:
    desk = as_user(olga)
    assert desk.get(f"{BILLING}?as={ana.public_id}").status_code == 200
    assert desk.post(BILLING, GIVEN).status_code == 403


def test_another_affiliates_details_are_not_shown(ana: Affiliate) -> None:
    billed(AffiliateFactory(name="Stranger"), vat_number=VAT_NUMBERS["DE"])
    assert "Stranger" not in words(signed_in(ana).get(BILLING))
