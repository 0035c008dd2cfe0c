"""Affiliates read what was booked and why, never who of the operator's people did it."""

from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from payouts.documents import pdf_layout
from payouts.documents.statement_pdf import statement_pdf
from payouts.invoicing.basis import parts_of
from payouts.ledger.booking import adjust
from payouts.ledger.chain import Draft, append
from payouts.models import LedgerEntry, Statement
from payouts.paying.methods import set_method
from payouts.statements.statements import close_period
from tests.dashboard.portal_pages import signed_in
from tests.factories import AffiliateMemberFactory, SuperuserFactory
from tests.payouts.billing import billed, issuer
from tests.rest import client_of

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def zoltan(db: None) -> User:
    return SuperuserFactory(name="Zoltan Operator")


@pytest.fixture(params=["now", "earlier version"])
def booked(request: Any, ana: Affiliate, zoltan: User) -> str:
    """An adjustment by hand, as it is booked now, and as earlier versions did; closed. Gives the statement's number."""
    if request.param == "now":
        adjust(affiliate=ana, amount=Decimal(50), currency="EUR", arithmetic="A gift", actor=zoltan, now=OCTOBER)
    else:
        kind, words = LedgerEntry.Kind.ADJUSTMENT, "A gift (by Zoltan Operator)"
        append([Draft(ana.pk, kind, Decimal(50), "EUR", words, occurred_at=OCTOBER)], now=OCTOBER)
    adjust(affiliate=ana, amount=Decimal(5), currency="EUR", arithmetic="Fee (by contract)", actor=zoltan, now=OCTOBER)
    return close_period(ends_at=NOVEMBER, now=NOVEMBER)[0].number


PAGES = ["/earnings/", "/earnings/export/", "/earnings/statements/", "/earnings/statements/{}/",
         "/earnings/statements/{}/export/", "/earnings/payouts/", "/earnings/payouts/export/"]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_no_page_or_export_of_the_portal_names_an_operator(booked: str, ana: Affiliate, address: str) -> None:
    response = signed_in(ana).get(address.format(booked))
    content = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code == 200
    assert b"Zoltan" not in content


def test_the_words_stay_and_what_was_typed_stays_whole(booked: str, ana: Affiliate) -> None:
    page = signed_in(ana).get("/earnings/").content.decode()
    assert "A gift<" in page
    assert "Fee (by contract)" in page


def test_the_statement_on_paper_names_no_operator(booked: str, ana: Affiliate, monkeypatch: Any) -> None:
    written: list[str] = []
    monkeypatch.setattr(pdf_layout, "escape", lambda value: written.append(value) or escape(value))
    statement_pdf(Statement.objects.get(number=booked))
    assert "A gift" in written
    assert not [each for each in written if "Zoltan" in each]


def test_the_api_names_no_operator(booked: str, ana: Affiliate) -> None:
    found = client_of(ana).get("/api/v1/ledger-entries/").json()["results"]
    assert {row["arithmetic"] for row in found} == {"A gift", "Fee (by contract)"}


def test_an_invoice_written_later_names_no_operator(booked: str) -> None:
    parts = parts_of(list(Statement.objects.values_list("pk", flat=True)))
    assert {part.text for lines in parts.values() for part in lines} == {"A gift", "Fee (by contract)"}


def test_operators_see_who_it_was(ana: Affiliate, zoltan: User, client: Any) -> None:
    entry = adjust(affiliate=ana, amount=Decimal(5), currency="EUR", arithmetic="A gift", actor=zoltan, now=OCTOBER)
    assert LedgerEntry.objects.get().actor == zoltan
    client.force_login(SuperuserFactory())
    assert "Zoltan Operator" in client.get(f"/admin/payouts/ledgerentry/{entry.pk}/change/").content.decode()


@pytest.mark.parametrize("address", ["/settings/payouts/", "/settings/billing/"])
def test_settings_that_an_operator_entered_name_the_operators_side_only(
    ana: Affiliate, zoltan: User, address: str
) -> None:
    issuer()
    billed(ana, actor=zoltan)
    set_method(affiliate=ana, kind="paypal", details={"email": "ana@example.com"}, actor=zoltan, now=OCTOBER)
    page = signed_in(ana).get(address).content.decode()
    assert "by the operator" in page
    assert "Zoltan" not in page


def test_settings_that_a_member_entered_name_the_member(ana: Affiliate) -> None:
    member = AffiliateMemberFactory(affiliate=ana, user__name="Anna Member").user
    set_method(affiliate=ana, kind="paypal", details={"email": "ana@example.com"}, actor=member, now=OCTOBER)
    assert "by Anna" in signed_in(ana).get("/settings/payouts/").content.decode()
