"""Nobody reads another's rows through the API: every resource is asked by Ana, by Ben her rival and by Olga."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from affiliates.models import Affiliate, Offer, User
from config.api_urls import router
from conversions.models import Conversion
from payouts.models import Invoice, LedgerEntry, Payout, Statement
from tests.factories import (
    ClickFactory,
    CommissionPlanFactory,
    ConversionFactory,
    CustomerFactory,
    EnrollmentFactory,
    GoalFactory,
    InvoiceFactory,
    LedgerEntryFactory,
    OfferFactory,
    PayoutFactory,
    PostbackFactory,
    StatementFactory,
    TraceFactory,
    TrackingLinkFactory,
    WhatIfFactory,
)
from tests.rest import client_of
from tracking.click_id.codec import text_of
from tracking.models import Click, TrackingLink

FOR_OPERATORS = {"affiliates", "postbacks", "what-ifs"}


@dataclass
class Belongings:
    """One row of everything that an affiliate has."""

    affiliate: Affiliate
    offer: Offer
    link: TrackingLink
    click: Click
    conversion: Conversion
    entry: LedgerEntry
    statement: Statement
    payout: Payout
    invoice: Invoice
    postback_id: str
    what_if_id: str

    @property
    def details(self) -> dict[str, str]:
        """By resource, what names the row in an address."""
        return {
            "affiliates": self.affiliate.public_id,
            "offers": self.offer.public_id,
            "links": self.link.code,
            "conversions": self.conversion.public_id,
            "postbacks": self.postback_id,
            "statements": self.statement.number,
            "payouts": self.payout.public_id,
            "what-ifs": self.what_if_id,
            "invoices": self.invoice.number,
        }

    @property
    def marks(self) -> dict[str, str]:
        """By resource, what shows in a list that the row is in it."""
        return {
            **self.details,
            "clicks": text_of(self.click.pk),
            "ledger-entries": self.entry.hash,
            "balances": self.affiliate.public_id,
        }

    @property
    def secrets(self) -> set[str]:
        """Whatever shows this affiliate."""
        return {*self.marks.values(), self.affiliate.name, f"player of {self.affiliate.name}", self.link.name}


def belongings(affiliate: Affiliate) -> Belongings:
    """An offer that is paused, so that only who is enrolled sees it, and all that follows from it."""
    offer = OfferFactory(status="paused")
    link = TrackingLinkFactory(
        enrollment=EnrollmentFactory(affiliate=affiliate, offer=offer), name=f"link of {affiliate.name}"
    )
    click = ClickFactory(link=link)
    customer = CustomerFactory(advertiser=offer.advertiser, customer_id=f"player of {affiliate.name}")
    conversion = ConversionFactory(
        goal=GoalFactory(offer=offer), affiliate=affiliate, link=link, click_id=click.pk, customer=customer
    )
    postback = PostbackFactory(advertiser=offer.advertiser, conversion=conversion, click_id=click.pk)
    TraceFactory(postback=postback, conversion=conversion)
    statement = StatementFactory(affiliate=affiliate)
    entry = LedgerEntryFactory(affiliate=affiliate, kind="commission", conversion=conversion, amount=Decimal("120"))
    plan = CommissionPlanFactory(offer=offer, affiliate=affiliate)
    return Belongings(
        affiliate, offer, link, click, conversion, entry, statement, PayoutFactory(statement=statement),
        InvoiceFactory(statement=statement), postback.public_id, WhatIfFactory(plan=plan).public_id,
    )  # fmt: skip


@pytest.fixture
def anas(ana: Affiliate) -> Belongings:
    return belongings(ana)


@pytest.fixture
def bens(ben: Affiliate) -> Belongings:
    return belongings(ben)


RESOURCES = sorted(prefix for prefix, _, _ in router.registry)


def test_every_resource_is_asked_here(anas: Belongings) -> None:
    assert set(RESOURCES) == set(anas.marks)


@pytest.mark.parametrize("resource", sorted(set(RESOURCES) - FOR_OPERATORS))
def test_a_list_has_ones_own_rows_and_nothing_of_a_rival(resource: str, anas: Belongings, bens: Belongings) -> None:
    for own, rival in ((anas, bens), (bens, anas)):
        response = client_of(own.affiliate).get(f"/api/v1/{resource}/")
        assert response.status_code == 200
        assert own.marks[resource] in response.text
        assert not [secret for secret in rival.secrets if secret in response.text]


def _details() -> list[str]:
    return ["offers", "links", "conversions", "statements", "payouts"]


@pytest.mark.parametrize("resource", _details())
def test_a_row_is_found_by_its_owner_and_not_by_a_rival(resource: str, anas: Belongings, bens: Belongings) -> None:
    address = f"/api/v1/{resource}/{anas.details[resource]}/"
    owned = client_of(anas.affiliate).get(address)
    assert owned.status_code == 200
    assert not [secret for secret in bens.secrets if secret in owned.text]
    rival = client_of(bens.affiliate).get(address)
    assert rival.status_code == 404
    assert not [secret for secret in anas.secrets if secret in rival.text]


@pytest.mark.parametrize("resource", sorted(FOR_OPERATORS))
def test_what_is_for_operators_is_closed_to_affiliates(resource: str, anas: Belongings) -> None:
    client = client_of(anas.affiliate)
    for address in (f"/api/v1/{resource}/", f"/api/v1/{resource}/{anas.details[resource]}/"):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize("named", ["clicks", "conversions", "postbacks"])
def test_the_trace_of_an_affiliate_has_its_own_rows_and_nothing_of_a_rival(
    named: str, anas: Belongings, bens: Belongings
) -> None:
    owned = client_of(anas.affiliate).get("/api/v1/trace/", {"id": anas.marks[named]})
    assert owned.status_code == 200
    assert anas.conversion.public_id in owned.text
    assert not [secret for secret in bens.secrets if secret in owned.text]
    assert client_of(bens.affiliate).get("/api/v1/trace/", {"id": anas.marks[named]}).status_code == 404


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        *((resource, "affiliate") for resource in ("links", "clicks", "conversions", "balances", "statements")),
        *((resource, "affiliate") for resource in ("ledger-entries", "payouts")),
    ],
)
def test_a_filter_reaches_no_further_than_the_key(resource: str, name: str, anas: Belongings, bens: Belongings) -> None:
    response = client_of(anas.affiliate).get(f"/api/v1/{resource}/", {name: bens.affiliate.public_id})
    assert (response.status_code, response.json()["results"]) == (200, [])


@pytest.mark.parametrize("resource", RESOURCES)
def test_an_operator_sees_everybodys_rows(resource: str, anas: Belongings, bens: Belongings, olga: User) -> None:
    response = client_of(olga).get(f"/api/v1/{resource}/")
    assert response.status_code == 200
    assert anas.marks[resource] in response.text
    assert bens.marks[resource] in response.text


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_one_sees_anything_without_a_key(resource: str, db: None) -> None:
    assert Client().get(f"/api/v1/{resource}/").status_code == 401


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_slash_at_the_end_may_be_left_out(resource: str, anas: Belongings, olga: User) -> None:
    client = client_of(olga)
    assert client.get(f"/api/v1/{resource}").status_code == 200
    if resource in anas.details:
        assert client.get(f"/api/v1/{resource}/{anas.details[resource]}").status_code == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_rows_can_be_deleted_nowhere(resource: str, anas: Belongings, olga: User) -> None:
    address = f"/api/v1/{resource}/{anas.details[resource]}/" if resource in anas.details else f"/api/v1/{resource}/"
    assert client_of(olga).delete(address).status_code == 405


def test_the_index_lists_every_resource(anas: Belongings) -> None:
    answer = client_of(anas.affiliate).get("/api/v1/").json()
    assert sorted(answer) == RESOURCES
    assert {client_of(anas.affiliate).get(answer["links"]).status_code} == {200}


def test_commission_of_a_conversion_is_that_of_the_asker(anas: Belongings, bens: Belongings, olga: User) -> None:
    """A line that another affiliate earned by the same conversion is no business of the first."""
    LedgerEntryFactory(
        affiliate=bens.affiliate, kind="commission", conversion=anas.conversion, amount=Decimal("5"),
        occurred_at=datetime.now(UTC),
    )  # fmt: skip
    address = f"/api/v1/conversions/{anas.conversion.public_id}/"
    assert client_of(anas.affiliate).get(address).json()["commission"] == [{"currency": "EUR", "amount": "120.00"}]
    assert client_of(olga).get(address).json()["commission"] == [{"currency": "EUR", "amount": "125.00"}]
