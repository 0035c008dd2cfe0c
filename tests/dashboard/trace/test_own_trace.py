"""The trace of the REST API as an affiliate reads it: its own events, in the portal's words, and nothing of others."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from affiliates.access.api_keys import make_api_key
from affiliates.models import Affiliate, Offer
from conversions.models import Conversion, Postback, RiskPolicy
from dashboard.portal.preview import NEEDS
from payouts.ledger.booking import book_changes
from tests.conversions.sending import NOW, World, outcome, send
from tests.factories import AffiliateMemberFactory, CouponCodeFactory, LegacyClickIDFactory
from tests.payouts.deals import deal, flat
from tests.rest import client_of, client_with
from tests.rights import operator_with
from tracking.click_id.codec import parse, text_of

pytestmark = pytest.mark.django_db

MADE_UP = "0123456789abcdefghijklmnopqrstuv01234567"
# Every field that an affiliate's key reads, by its place. A field that is not listed fails the test.
NAMES = {"id", "name"}
FIELDS: dict[str, set[str]] = {
    "": {"affiliates", "clicks", "conversions"},
    "affiliates": NAMES,
    "clicks": {"id", "clicked_at", "is_stored", "link", "offer", "labels", "country", "device", "referrer"},
    "clicks.offer": NAMES,
    "clicks.labels": {"sub1"},
    "conversions": {
        *("id", "affiliate", "status", "reason", "reason_text", "why", "offer", "advertiser", "goal"),
        *("transaction_id", "click_id", "link", "evidence", "is_test", "customer", "revenue", "currency"),
        *("occurred_at", "received_at", "approve_at", "hold", "commission", "status_changes", "decisions"),
        *("ledger_entries", "appeal", "appeal_until"),
    },
    "conversions.affiliate": NAMES,
    "conversions.offer": NAMES,
    "conversions.advertiser": NAMES,
    "conversions.goal": {"code", "name"},
    "conversions.hold": {"waiting_for", "until", "owner"},
    "conversions.commission": {"currency", "amount"},
    "conversions.status_changes": {"at", "status", "reason", "reason_text", "cause", "by", "note"},
    "conversions.decisions": {"decided_at", "outcome", "reason", "steps"},
    "conversions.decisions.steps": {"title", "result", "rule", "note", "inputs"},
    "conversions.decisions.steps.inputs": {"Click ID", "Link", "Coupon", "Clicked at", "Happened at"},
    "conversions.ledger_entries": {"sequence", "kind", "amount", "currency", "arithmetic", "booked_at", "hash"},
    "conversions.appeal": {"state", "words", "evidence_url", "opened_at", "due_at", "note", "resolved_at"},
}


def fields_of(value: Any, place: str = "") -> dict[str, set[str]]:
    """By place, the names that an answer has there."""
    found: dict[str, set[str]] = {}
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            found.setdefault(place, set()).update(each)
            for name, inner in each.items():
                for where, names in fields_of(inner, f"{place}.{name}".strip(".")).items():
                    found.setdefault(where, set()).update(names)
    return found


@pytest.fixture
def world() -> World:
    world = World()
    deal(flat(world.purchase, "120"), flat(world.registration, "7"))
    return world


def sold(world: World, whose: str = "ana", **fields: Any) -> Conversion:
    """A sale of the affiliate's with a click, a customer, and a commission."""
    link = world.ana_link if whose == "ana" else world.ben_link
    asked = {"click_id": world.click(link, sub1="blog"), "txid": f"T-{whose}", "event_type": "purchase"}
    send(**{**asked, "revenue": "977.31", "customer_id": f"player-of-{whose}", "status": "approved", **fields})
    book_changes(now=NOW)
    return Conversion.objects.order_by("-pk")[0]


def ask(client: Client, text: str, **more: str) -> Any:
    return client.get("/api/v1/trace/", {"id": text, **more})


def reported(who: Affiliate, text: str) -> Any:
    answer = ask(client_of(who), text)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_affiliate_reads_its_own_events_and_only_the_fields_that_are_listed(world):
    row = sold(world)
    RiskPolicy.objects.create(offer=world.offer, bot_click=100)
    held = world.click(is_bot=True, marked_at=NOW)
    send(click_id=held, txid="T-2", event_type="purchase")
    send(coupon=CouponCodeFactory(enrollment=world.ana_link.enrollment).code, txid="T-3", event_type="purchase")
    found = [reported(world.ana, text) for text in (row.public_id, "T-2", "T-3")]
    everything = fields_of([*found])
    assert {place: names - FIELDS.get(place, set()) for place, names in everything.items() if place in FIELDS} == {
        place: set() for place in everything
    }
    assert everything.keys() >= FIELDS.keys() - {"conversions.appeal"}
    assert found[0]["conversions"][0]["commission"] == [{"currency": "EUR", "amount": "120.00"}]
    assert found[1]["conversions"][0]["hold"]["owner"] == "An operator"


def test_what_is_not_theirs_to_know_stands_nowhere_in_the_answer(world):
    row = sold(world)
    text = ask(client_of(world.ana), row.public_id).text
    secrets = {"977.31", "player-of-ana", "198.51.100.20", "aft_", "/postback", world.ben.name}
    assert {each for each in secrets if each in text} == set()
    assert "pl••••na" in text


def names_of(row: Conversion) -> dict[str, str]:
    """Each kind of ID that leads to a conversion for an affiliate, and texts with one in them."""
    assert row.click_id
    click, foreign = text_of(row.click_id), f"OT-{row.pk}"
    LegacyClickIDFactory(link=row.link, click_id=row.click_id, foreign_id=foreign)
    return {
        "click": click,
        "uuid": str(row.click_id),
        "conversion": row.public_id,
        "postback": Postback.objects.get(conversion=row).public_id,
        "transaction": row.transaction_id,
        "legacy click": foreign,
        "a URL": f"https://shop.example/?click_id={click}&x=1",
        "a sentence": f"Why is {row.public_id} pending?",
        "JSON": f'{{"txid": "{row.transaction_id}"}}',
    }


@pytest.mark.parametrize("kind", [*["click", "uuid", "conversion", "postback", "transaction", "JSON"], "legacy click",
                                  "a URL", "a sentence"])  # fmt: skip
def test_each_kind_of_id_is_found_by_its_owner_and_unknown_to_a_rival(world, kind):
    row = sold(world)
    name = names_of(row)[kind]
    assert [each["id"] for each in reported(world.ana, name)["conversions"]] == [row.public_id]
    rival = client_of(world.ben)
    foreign, unknown = ask(rival, name), ask(rival, "no-such-id")
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content) == (404, unknown.content)


def shown_to_a_rival(world: World) -> list[str]:
    """All else that may name something of Ana's, or look as if it did."""
    row = sold(world)
    assert row.customer
    assert row.link
    click = text_of(row.click_id)
    coupon = CouponCodeFactory(enrollment=world.ana_link.enrollment)
    return [
        *(row.customer.customer_id, row.link.code, coupon.code, world.ana.public_id, world.ana.name),
        *(click[:-1] + ("0" if click[-1] != "0" else "1"), click[:-3], click.upper(), MADE_UP, "{click_id}", "..", "%"),
        *(str(row.pk), "cv_", row.public_id.upper(), "0" * 32, "' or 1=1 --"),
    ]


def test_everything_else_is_answered_to_a_rival_like_what_never_was(world):
    names = shown_to_a_rival(world)
    client = client_of(world.ben)
    unknown = ask(client, "no-such-id")
    answers = {(name, kind): ask(client, name, **({"kind": kind} if kind else {})) for name in names
               for kind in ("", "transaction", "customer", "legacy click")}  # fmt: skip
    assert {key for key, each in answers.items() if each.content != unknown.content or each.status_code != 404} == set()


def test_a_customer_is_not_looked_for_even_among_ones_own(world):
    """The portal hides the middle of a customer's ID: guesses must not be confirmed."""
    row = sold(world)
    assert row.customer
    assert ask(client_of(world.ana), row.customer.customer_id).status_code == 404
    assert ask(client_of(world.ana), row.customer.customer_id, kind="customer").status_code == 404


def test_one_transaction_id_of_two_affiliates_shows_each_its_own(world):
    first, second = sold(world, txid="same"), sold(world, "ben", txid="same", event_type="registration")
    assert [each["id"] for each in reported(world.ana, "same")["conversions"]] == [first.public_id]
    assert [each["id"] for each in reported(world.ben, "same")["conversions"]] == [second.public_id]


def test_a_click_without_a_conversion_and_one_that_is_no_longer_stored(world):
    stored = world.click()
    assert reported(world.ana, stored)["clicks"][0]["is_stored"] is True
    key = parse(stored)
    assert key
    world.ana_link.clicks.all().delete()
    assert reported(world.ana, stored)["clicks"][0]["is_stored"] is False
    assert ask(client_of(world.ben), stored).status_code == 404


@pytest.mark.parametrize("model", ["first_click", "last_click"])
def test_who_else_touched_the_customer_is_not_named(world, model):
    """With the first click credited, and with the last: the decision's own words name the rival."""
    Offer.objects.filter(pk=world.offer.pk).update(attribution_model=model, customer_lock="none")
    asked = {"event_type": "purchase", "customer_id": "p-1"}
    send(click_id=world.click(world.ana_link, ago=timedelta(hours=9)), txid="1", **asked)
    last = send(click_id=world.click(world.ben_link), txid="2", **asked)
    assert outcome(last)[0] == 200
    credited, other = Conversion.objects.order_by("-pk")[0].affiliate, {world.ana, world.ben}
    rival = (other - {credited}).pop()
    assert rival.name not in ask(client_of(credited), "2").text


class TestKeysOfOperators:
    """A key that is bound to an affiliate sees of it what its operator may see."""

    def client(self, world: World, *permissions: str) -> Client:
        user = operator_with(*permissions)
        return client_with(make_api_key(user=user, name="as Ana", affiliate=world.ana)[1])

    def test_they_need_what_a_preview_of_the_page_needs(self, world):
        row = sold(world)
        assert ask(self.client(world, "conversions.view_trace"), row.public_id).status_code == 403
        whole = self.client(world, "affiliates.view_affiliate", *NEEDS["conversion"])
        assert ask(whole, row.public_id).json().keys() == FIELDS[""]

    def test_they_see_no_other_affiliate(self, world):
        row = sold(world, "ben")
        whole = self.client(world, "affiliates.view_affiliate", *NEEDS["conversion"])
        assert ask(whole, row.public_id).status_code == 404


def test_a_member_who_has_left_reads_nothing(world):
    row = sold(world)
    member = AffiliateMemberFactory(affiliate=world.ana)
    client = client_with(make_api_key(user=member.user, name="script", affiliate=world.ana)[1])
    assert ask(client, row.public_id).status_code == 200
    member.delete()
    assert ask(client, row.public_id).status_code == 403
