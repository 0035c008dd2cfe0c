"""Stripe's webhooks: HTTP in, answers and sales out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conversions.models import Conversion, ParkedPostback, Postback, Refund
from tests.asgi_client import Standing, standing
from tests.conversions.sources.shops import (
    SECRET,
    Shop,
    amounts,
    charge,
    checkout,
    invoice,
    new,
    outcome,
    post,
    refund,
    said,
    sale,
    stripe,
    stripe_event,
    stripe_signature,
)

pytestmark = pytest.mark.django_db(transaction=True)
DONE = "checkout.session.completed"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def site(shop: Shop) -> Iterator[Standing]:
    with standing() as application:
        yield application


def test_a_checkout_is_a_sale_of_its_clicks_affiliate(shop: Shop, site: Standing) -> None:
    row, paid = shop.connect("stripe"), checkout(shop.click(), customer="cus_7")
    answer = stripe(site, row, DONE, paid)
    assert outcome(answer) == (200, "accepted", "ok"), answer.body
    found = sale(paid["payment_intent"])
    assert (found.affiliate, found.goal.code, found.revenue, found.currency) == (
        shop.ana, "purchase", Decimal("59.90"), "EUR",
    )  # fmt: skip
    assert (found.customer.customer_id, found.reported_by) == ("cus_7", "source")


def test_the_click_may_be_in_the_metadata_under_any_name(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    for name in ("click_id", "affidavit_click_id", "ref"):
        paid = checkout(metadata={"cart": "9", name: shop.click()})
        assert outcome(stripe(site, row, DONE, paid))[1] == "accepted"


def test_the_same_event_twice_is_one_sale(shop: Shop, site: Standing) -> None:
    row, paid = shop.connect("stripe"), checkout(shop.click())
    answers = [outcome(stripe(site, row, DONE, paid))[:2] for _ in range(3)]
    assert answers == [(200, "accepted"), (200, "duplicate"), (200, "duplicate")]


def test_a_payment_that_comes_later_counts_when_it_is_there(shop: Shop, site: Standing) -> None:
    row, paid = shop.connect("stripe"), checkout(shop.click(), payment_status="unpaid")
    assert outcome(stripe(site, row, DONE, paid))[:2] == (200, "ignored")
    arrived = {**paid, "payment_status": "paid"}
    assert outcome(stripe(site, row, "checkout.session.async_payment_succeeded", arrived))[1] == "accepted"


def test_a_test_payment_never_pays(shop: Shop, site: Standing) -> None:
    row, paid = shop.connect("stripe"), checkout(shop.click())
    assert said(stripe(site, row, DONE, paid, livemode=False))["is_test"] is True
    assert sale(paid["payment_intent"]).is_test


def test_a_renewal_is_its_customers_affiliates(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    first = checkout(
        shop.click(), mode="subscription", customer="cus_9", invoice="in_first", subscription="sub_9",
        payment_intent=None, amount_total=2900,
    )  # fmt: skip
    assert outcome(stripe(site, row, DONE, first))[1] == "accepted"
    created = invoice(id="in_first", customer="cus_9", billing_reason="subscription_create")
    assert outcome(stripe(site, row, "invoice.paid", created))[1] == "duplicate"
    later = invoice(customer="cus_9")
    assert outcome(stripe(site, row, "invoice.paid", later)) == (200, "accepted", "ok")
    found = sale(later["id"])
    assert (found.goal.code, found.affiliate, found.evidence) == ("renewal", shop.ana, Conversion.Evidence.LOCK)


def test_a_renewal_before_its_checkout_waits_for_it(shop: Shop, site: Standing) -> None:
    row, later = shop.connect("stripe"), invoice(customer="cus_early")
    assert outcome(stripe(site, row, "invoice.paid", later)) == (200, "held", "waiting_for_customer")
    first = checkout(shop.click(ago=timedelta(days=2)), mode="subscription", customer="cus_early", invoice="in_e")
    assert outcome(stripe(site, row, DONE, first))[1] == "accepted"
    assert sale(later["id"]).affiliate == shop.ana


def test_the_first_invoice_before_its_checkout_is_left_to_it(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    created = invoice(id="in_1st", customer="cus_1st", billing_reason="subscription_create")
    assert outcome(stripe(site, row, "invoice.paid", created)) == (200, "unknown_click", "no_affiliate")
    first = checkout(shop.click(), mode="subscription", customer="cus_1st", invoice="in_1st", amount_total=2900)
    assert outcome(stripe(site, row, DONE, first))[1] == "accepted"


def test_an_order_without_a_click_is_no_error_and_does_not_wait(shop: Shop, site: Standing) -> None:
    row, paid = shop.connect("stripe"), checkout(customer="cus_none")
    assert outcome(stripe(site, row, DONE, paid)) == (200, "unknown_click", "no_affiliate")
    back = refund(paid["payment_intent"], 5990)
    assert outcome(stripe(site, row, "refund.created", back)) == (200, "unknown_click", "no_affiliate")
    assert not ParkedPostback.objects.exists()


class TestRefunds:
    def test_a_part_and_then_the_rest_go_back(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        payment = paid["payment_intent"]
        stripe(site, row, DONE, paid)
        part = refund(payment, 2000)
        assert outcome(stripe(site, row, "refund.created", part)) == (200, "updated", "partly_refunded")
        assert outcome(stripe(site, row, "refund.updated", part))[1] == "duplicate"
        assert amounts(payment) == ("approved", Decimal("59.90"), Decimal("20.00"))
        assert outcome(stripe(site, row, "refund.created", refund(payment, 3990))) == (200, "updated", "refunded")
        assert amounts(payment) == ("rejected", Decimal("59.90"), Decimal("59.90"))

    def test_one_before_its_checkout_waits_for_it(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        back = refund(paid["payment_intent"], 1000)
        assert outcome(stripe(site, row, "refund.created", back)) == (200, "held", "waiting_for_sale")
        assert outcome(stripe(site, row, DONE, paid))[1] == "accepted"
        assert amounts(paid["payment_intent"]) == ("approved", Decimal("59.90"), Decimal("10.00"))

    def test_one_that_is_under_way_does_not_count_yet(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        stripe(site, row, DONE, paid)
        back = refund(paid["payment_intent"], 1000, status="pending")
        assert outcome(stripe(site, row, "refund.created", back))[:2] == (200, "ignored")
        assert outcome(stripe(site, row, "refund.updated", {**back, "status": "succeeded"}))[1] == "updated"

    @pytest.mark.parametrize("totals_first", [True, False])
    def test_totals_and_single_refunds_agree_in_any_order(self, shop: Shop, site: Standing, totals_first: bool) -> None:
        """Both are sent for each refund: the charge with what went back in all, and the refund."""
        row, paid = shop.connect("stripe"), checkout(shop.click())
        payment = paid["payment_intent"]
        stripe(site, row, DONE, paid)
        for part, total in ((1000, 1000), (1000, 2000), (500, 2500)):
            both = [("charge.refunded", charge(payment, 5990, total)), ("refund.created", refund(payment, part))]
            for kind, found in both if totals_first else reversed(both):
                assert outcome(stripe(site, row, kind, found))[0] == 200
        assert amounts(payment) == ("approved", Decimal("59.90"), Decimal("25.00"))

    def test_totals_out_of_order_and_twice_take_back_the_last_one(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        stripe(site, row, DONE, paid)
        for total in (2500, 1000, 2500, 2000):
            stripe(site, row, "charge.refunded", charge(paid["payment_intent"], 5990, total))
        assert amounts(paid["payment_intent"])[2] == Decimal("25.00")

    def test_a_charge_that_lists_its_refunds_counts_each(self, shop: Shop, site: Standing) -> None:
        """So accounts with an API version of 2022 and before send it."""
        row, paid = shop.connect("stripe"), checkout(shop.click())
        payment = paid["payment_intent"]
        stripe(site, row, DONE, paid)
        parts = [refund(payment, 700), refund(payment, 700)]
        stripe(site, row, "charge.refunded", charge(payment, 5990, 1400, refunds={"data": parts}))
        stripe(site, row, "refund.created", parts[0])
        assert sorted(Refund.objects.values_list("refund_id", flat=True)) == sorted(each["id"] for each in parts)
        assert amounts(payment)[2] == Decimal("14.00")

    def test_a_renewals_refund_finds_the_invoice_by_its_payment(self, shop: Shop, site: Standing) -> None:
        row = shop.connect("stripe")
        stripe(site, row, DONE, checkout(shop.click(), mode="subscription", customer="cus_5", invoice="in_5"))
        later, payment = invoice(customer="cus_5"), new("pi_")
        stripe(site, row, "invoice.paid", later)
        back = refund(payment, 900)
        assert outcome(stripe(site, row, "refund.created", back)) == (200, "held", "waiting_for_sale")
        paid = {"invoice": later["id"], "payment": {"type": "payment_intent", "payment_intent": payment}}
        assert outcome(stripe(site, row, "invoice_payment.paid", paid))[:2] == (200, "ignored")
        resumed = ParkedPostback.objects.get()
        assert resumed.next_try_at <= datetime.now(UTC)
        assert outcome(stripe(site, row, "refund.created", {**back, "id": "re_other"}))[1] == "updated"
        assert amounts(later["id"])[2] == Decimal("9.00")

    def test_an_old_invoice_names_its_payment_itself(self, shop: Shop, site: Standing) -> None:
        row = shop.connect("stripe")
        stripe(site, row, DONE, checkout(shop.click(), mode="subscription", customer="cus_6", invoice="in_6"))
        later = invoice(customer="cus_6", payment_intent="pi_old", charge="ch_old", subscription="sub_6", parent=None)
        assert outcome(stripe(site, row, "invoice.paid", later))[1] == "accepted"
        back = refund("", 400, payment_intent=None, charge="ch_old")
        assert outcome(stripe(site, row, "refund.created", back))[1] == "updated"


class TestDisputes:
    def dispute(self, payment: str, status: str) -> dict[str, object]:
        return {"id": "dp_1", "amount": 5990, "currency": "eur", "payment_intent": payment, "status": status}

    def test_one_takes_nothing_back_until_it_is_lost(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        payment = paid["payment_intent"]
        stripe(site, row, DONE, paid)
        opened = stripe(site, row, "charge.dispute.created", self.dispute(payment, "needs_response"))
        assert outcome(opened)[:2] == (200, "ignored")
        assert amounts(payment)[0] == "approved"
        stripe(site, row, "charge.dispute.closed", self.dispute(payment, "lost"))
        assert amounts(payment) == ("rejected", Decimal("59.90"), Decimal("59.90"))

    def test_one_that_was_won_changes_nothing(self, shop: Shop, site: Standing) -> None:
        row, paid = shop.connect("stripe"), checkout(shop.click())
        stripe(site, row, DONE, paid)
        won = stripe(site, row, "charge.dispute.closed", self.dispute(paid["payment_intent"], "won"))
        assert outcome(won)[:2] == (200, "ignored")
        assert amounts(paid["payment_intent"])[0] == "approved"


class TestTheSignature:
    def send(self, shop: Shop, site: Standing, signature: str | None, body: bytes, **kwargs: object) -> tuple:
        row = shop.connect("stripe")
        headers = {} if signature is None else {"stripe-signature": signature}
        return outcome(post(site, row, body, headers))

    def test_a_wrong_one_is_refused_and_stored_with_the_advertiser(self, shop: Shop, site: Standing) -> None:
        body = stripe_event(DONE, checkout(shop.click()))
        wrong = stripe_signature(body, secret="whsec_another")
        assert self.send(shop, site, wrong, body) == (401, "unauthorized", "bad_signature")
        stored = Postback.objects.get()
        assert (stored.advertiser, stored.reason, stored.parameters) == (shop.advertiser, "bad_signature", [])
        assert not Conversion.objects.exists()

    @pytest.mark.parametrize("signature", [None, "", "t=1", "v1=00", "t=x,v1=00", "t=99999999999999999999,v1=00"])
    def test_one_that_is_missing_or_broken_is_refused(self, shop: Shop, site: Standing, signature: str | None) -> None:
        body = stripe_event(DONE, checkout(shop.click()))
        assert self.send(shop, site, signature, body) == (401, "unauthorized", "bad_signature")

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_an_old_one_is_refused(self, shop: Shop, site: Standing, minutes: int) -> None:
        body = stripe_event(DONE, checkout(shop.click()))
        at = datetime.now(UTC).timestamp() + 60 * minutes
        assert self.send(shop, site, stripe_signature(body, at=at), body) == (401, "unauthorized", "stale_signature")

    def test_one_of_several_is_enough(self, shop: Shop, site: Standing) -> None:
        """Stripe signs with both secrets while one replaces the other."""
        body = stripe_event(DONE, checkout(shop.click()))
        assert self.send(shop, site, stripe_signature(body, before="v1=00ff,"), body)[1] == "accepted"

    def test_each_secret_of_a_connection_counts(self, shop: Shop, site: Standing) -> None:
        row = shop.connect("stripe", secrets=("whsec_new", SECRET))
        for secret in ("whsec_new", SECRET):
            body = stripe_event(DONE, checkout(shop.click()))
            assert outcome(post(site, row, body, {"stripe-signature": stripe_signature(body, secret=secret)}))[0] == 200

    def test_a_connection_without_a_secret_takes_nothing(self, shop: Shop, site: Standing) -> None:
        row, body = shop.connect("stripe", secrets=()), stripe_event(DONE, checkout(shop.click()))
        answer = post(site, row, body, {"stripe-signature": stripe_signature(body, secret="")})
        assert outcome(answer) == (401, "unauthorized", "bad_signature")

    def test_a_changed_body_is_refused(self, shop: Shop, site: Standing) -> None:
        body = stripe_event(DONE, checkout(shop.click()))
        dearer = body.replace(b"5990", b"9990")
        assert self.send(shop, site, stripe_signature(body), dearer)[:2] == (401, "unauthorized")


def test_events_that_no_one_reads_are_answered_and_not_stored(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    answer = stripe(site, row, "customer.created", {"id": "cus_1"})
    assert (outcome(answer), answer.headers["x-affidavit-outcome"]) == ((200, "ignored", "ignored"), "ignored")
    assert "customer.created" in said(answer)["message"]
    assert not Postback.objects.exists()


def test_a_word_without_a_goal_is_not_counted(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe", goals={"renewal": "renewal", "checkout": ""})
    answer = stripe(site, row, DONE, checkout(shop.click()))
    assert outcome(answer)[:2] == (200, "ignored")
    assert "no goal is chosen for checkout" in said(answer)["message"]


def test_what_cannot_be_read_is_stored_and_not_sent_again(shop: Shop, site: Standing) -> None:
    row, body = shop.connect("stripe"), b'{"type": "charge.refunded", "data": {"object": {"amount_refunded": "x"}}}'
    answer = post(site, row, body, {"stripe-signature": stripe_signature(body)})
    assert outcome(answer) == (200, "invalid", "unreadable")
    assert "amount" in json.dumps(said(answer)["problems"])
    assert Postback.objects.get().advertiser == shop.advertiser
