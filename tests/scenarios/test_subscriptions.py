"""Subscriptions sold through Stripe: 30 % of the first payment, 10 % of each renewal, 8 % of single orders.

Ana: 29.90 EUR at 30 %: 8.97; a renewal of 29.90 at 10 %: 2.99, of which 9.90 goes back: 20.00 at 10 % is 2.00, so
-0.99; a renewal in yen, 2980 JPY at 10 %: 298 JPY. Together 10.97 EUR and 298 JPY.
Ben: orders of 59.90 and 100.00 at 8 %: 4.792, rounded 4.79, and 8.00. Both are disputed; the first is lost, and with it
the 4.79; the second is won. Together 8.00 EUR.
"""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from conversions.intake import resume_parked
from conversions.models import SourceConnection
from conversions.sources.connections import new_connection, set_secrets
from tests.conversions.sources.shops import (
    SECRET,
    checkout,
    invoice,
    path_of,
    refund,
    stripe_event,
    stripe_signature,
)
from tests.scenarios.story import Program, Teller, balance, ledger, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def program() -> Program:
    found = Program("Stream", vertical="shop", customer_lock="first")
    found.goal("subscription", percent="30", needs_revenue=True)
    found.goal("renewal", percent="10", needs_revenue=True)
    found.goal("purchase", percent="8", needs_revenue=True)
    return found


@pytest.fixture
def source(program: Program) -> SourceConnection:
    row = new_connection(advertiser=program.offer.advertiser, source="stripe")
    set_secrets(row, [SECRET])
    row.goals = {"subscription": "subscription", "renewal": "renewal", "checkout": "purchase"}
    row.save()
    return row


def test_from_click_to_ledger(program: Program, source: SourceConnection) -> None:
    ana, ben = program.enroll("Ana"), program.enroll("Ben")
    path = path_of(source)

    async def story(teller: Teller) -> list[str]:
        said: list[str] = []

        async def happens(kind: str, found: dict[str, Any]) -> None:
            body = stripe_event(kind, found)
            headers = {"stripe-signature": stripe_signature(body), "content-length": str(len(body))}
            answer = await teller.client.request("POST", path, body=body, headers=headers)
            said.append(f"{answer.status} {json.loads(answer.body)['outcome']}")

        first = checkout(
            await teller.click("Ana"), mode="subscription", customer="cus_ana", invoice="in_1", payment_intent=None,
            amount_total=2990,
        )  # fmt: skip
        later = invoice(customer="cus_ana", amount_paid=2990)
        # The renewal overtakes the checkout, and the refund of the renewal both.
        paid = {"invoice": later["id"], "payment": {"type": "payment_intent", "payment_intent": "pi_later"}}
        await happens("refund.created", refund("pi_later", 990))
        await happens("invoice.paid", later)
        await happens("checkout.session.completed", first)
        created = invoice(id="in_1", customer="cus_ana", amount_paid=2990, billing_reason="subscription_create")
        await happens("invoice.paid", created)
        await teller.book()
        await happens("invoice_payment.paid", paid)
        await asyncio.to_thread(_resume)
        await happens("invoice.paid", invoice(customer="cus_ana", amount_paid=2980, currency="jpy"))
        lost, won = checkout(await teller.click("Ben")), checkout(await teller.click("Ben"), amount_total=10000)
        for order in (lost, won):
            await happens("checkout.session.completed", order)
            await happens("charge.dispute.created", _dispute(order, "needs_response"))
        await teller.book()
        await happens("charge.dispute.closed", _dispute(lost, "lost"))
        await happens("charge.dispute.closed", _dispute(won, "won"))
        return said

    assert tell(program, story) == [
        "200 held", "200 held", "200 accepted", "200 duplicate", "200 ignored", "200 accepted",
        "200 accepted", "200 ignored", "200 accepted", "200 ignored", "200 updated", "200 ignored",
    ]  # fmt: skip
    assert sorted(ledger(ana)) == [
        ("commission", "2.99 EUR"), ("commission", "298 JPY"), ("commission", "8.97 EUR"), ("reversal", "-0.99 EUR"),
    ]  # fmt: skip
    assert (balance(ana, "EUR"), balance(ana, "JPY")) == (Decimal("10.97"), Decimal(298))
    assert ledger(ben) == [("commission", "4.79 EUR"), ("commission", "8 EUR"), ("reversal", "-4.79 EUR")]
    assert balance(ben, "EUR") == Decimal("8.00")
    call_command("verify_ledger", verbosity=0)


def _dispute(order: dict[str, Any], status: str) -> dict[str, Any]:
    payment = order["payment_intent"]
    return {
        "id": f"dp_{payment}",
        "amount": order["amount_total"],
        "currency": "eur",
        "payment_intent": payment,
        "status": status,
    }


def _resume() -> None:
    """What the sweep does within a minute."""
    assert resume_parked(now=datetime.now(UTC)) == 1
    connections.close_all()
