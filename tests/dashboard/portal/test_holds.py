"""What a pending conversion waits for, on every page that shows it: never more than its reader may know."""

import pytest
from django.urls import reverse

from conversions.models import Conversion, QualificationRule
from tests.conversions.sending import NOW, World, send
from tests.factories import AffiliateMemberFactory, OperatorFactory, SuperuserFactory
from tests.rest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    SuperuserFactory(name="Olga")
    return World()


@pytest.fixture
def ana(world):
    return AffiliateMemberFactory(affiliate=world.ana).user


@pytest.fixture
def waiting(world):
    QualificationRule.objects.create(goal=world.purchase, kind="accumulated", amount=100, other_goal=world.deposit)
    send(click_id=world.click(), txid="1", event_type="purchase", revenue="40", customer_id="c")
    return Conversion.objects.get()


@pytest.fixture
def held(world):
    send(click_id=world.click(is_bot=True, marked_at=NOW), txid="1", event_type="purchase", revenue="40")
    return Conversion.objects.get()


def page_of(client, user, address):
    client.force_login(user)
    return client.get(address).content.decode()


def test_the_portal_shows_the_rule_but_not_the_revenue(client, ana, waiting):
    page = page_of(client, ana, reverse("portal:conversion", args=[waiting.public_id]))
    assert "Deposit amounts add up to 100.00 EUR" in page
    assert "40.00" not in page


def test_the_portal_shows_why_who_and_until_when_of_a_review(client, ana, held):
    page = page_of(client, ana, reverse("portal:conversion", args=[held.public_id]))
    assert "The click was made by a bot." in page
    assert "Held for review until" in page
    assert "an operator decides" in page
    assert "Olga" not in page


def test_the_portal_says_what_counts(client, ana, world, waiting):
    page = page_of(client, ana, reverse("portal:offer", args=[world.offer.public_id]))
    assert "Deposit amounts add up to 100.00 EUR" in page


def test_the_trace_page_shows_how_far_it_is_and_what_came_of_a_later_look(client, world, waiting):
    olga = SuperuserFactory()
    address = reverse("trace:conversion", args=[waiting.public_id])
    assert "Waiting for 40.00 EUR of 100.00 EUR." in page_of(client, olga, address)
    send(txid="d", event_type="deposit", customer_id="c", revenue="60")
    page = page_of(client, olga, address)
    assert "Looked at again" in page
    assert "100.00 EUR of 100.00 EUR reached." in page


@pytest.mark.parametrize(
    ("is_operator", "text"),
    [(True, "Waiting for 40.00 EUR of 100.00 EUR."), (False, "Deposit amounts add up to 100.00 EUR")],
)
def test_the_api(ana, waiting, is_operator, text):
    client = client_of(OperatorFactory(is_superuser=True)) if is_operator else client_of(waiting.affiliate)
    hold = client.get(f"/api/v1/conversions/{waiting.public_id}/").json()["hold"]
    assert hold == {"waiting_for": [text], "until": None, "owner": ""}


def test_the_api_names_the_rules_of_goals(world, waiting):
    goals = client_of(world.ana).get(f"/api/v1/offers/{world.offer.public_id}/").json()["goals"]
    rules = {goal["code"]: goal["rules"] for goal in goals}
    assert rules["ftd"] == ["once per customer", "from 20.00 EUR"]
    assert rules["purchase"] == ["Deposit amounts add up to 100.00 EUR"]


def test_the_trace_api_shows_it_as_well(held):
    reported = client_of(OperatorFactory(is_superuser=True)).get("/api/v1/trace", {"id": held.public_id}).json()
    assert reported["conversions"][0]["hold"]["owner"] == "Olga"
