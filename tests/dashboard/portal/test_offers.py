"""Offers: what each goal pays this affiliate, and applying once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from affiliates.models import Affiliate, Enrollment, Offer
from payouts.models import WorkedExample
from tests.dashboard.portal_pages import rows_of, signed_in, words, world_of
from tests.factories import (
    CommissionPlanFactory,
    CommissionRuleFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    PercentRuleFactory,
    PlanVersionFactory,
)


def apply(affiliate: Affiliate, offer: Offer) -> str:
    client = signed_in(affiliate)
    return words(client.post(f"/offers/{offer.public_id}/apply/", follow=True))


def test_an_offer_by_approval_waits_for_an_operator(ana: Affiliate) -> None:
    offer = OfferFactory(requires_approval=True)

    assert "An operator will review it" in apply(ana, offer)

    enrollment = Enrollment.objects.get()
    assert (enrollment.affiliate, enrollment.status, enrollment.decided_at) == (ana, "pending", None)


def test_an_open_offer_is_joined_at_once(ana: Affiliate) -> None:
    assert "You have access" in apply(ana, OfferFactory(requires_approval=False))

    enrollment = Enrollment.objects.get()
    assert enrollment.status == "approved"
    assert enrollment.decided_at is not None


@pytest.mark.parametrize("status", Enrollment.Status.values)
def test_a_second_application_changes_nothing(ana: Affiliate, status: str) -> None:
    enrollment = EnrollmentFactory(affiliate=ana, status=status, offer__requires_approval=False)

    assert "You have already applied" in apply(ana, enrollment.offer)

    enrollment.refresh_from_db()
    assert (Enrollment.objects.count(), enrollment.status) == (1, status)


def test_a_paused_offer_takes_no_applications(ana: Affiliate) -> None:
    offer = OfferFactory(status="active")
    client = signed_in(ana)
    Offer.objects.update(status="paused")

    assert client.post(f"/offers/{offer.public_id}/apply/").status_code == 404
    assert not Enrollment.objects.exists()


def test_applying_takes_a_post(ana: Affiliate) -> None:
    assert signed_in(ana).get(f"/offers/{OfferFactory().public_id}/apply/").status_code == 405


def test_says_what_each_goal_pays(ana: Affiliate) -> None:
    world = world_of(ana)
    registration = GoalFactory(offer=world.offer, name="Registration", kind="registration")

    text = words(signed_in(ana).get(f"/offers/{world.offer.public_id}/"))

    assert "120.00 EUR" in text
    assert f"{registration.name} Every time Counted, not paid" in text


def test_the_own_plan_stands_before_the_default(ana: Affiliate, ben: Affiliate) -> None:
    world = world_of(ana)
    EnrollmentFactory(affiliate=ben, offer=world.offer)
    own = PlanVersionFactory(plan=CommissionPlanFactory(offer=world.offer, affiliate=ana))
    PercentRuleFactory(version=own, goal=world.goal, percent=Decimal("12.5"))
    address = f"/offers/{world.offer.public_id}/"

    assert "12.5 % of revenue" in words(signed_in(ana).get(address))
    assert "120.00 EUR" in words(signed_in(ben).get(address))


def test_a_version_that_is_not_in_force_yet_is_not_shown(ana: Affiliate) -> None:
    world = world_of(ana)
    now = world.enrollment.created_at
    plan = world.offer.commission_plans.get()
    later = PlanVersionFactory(plan=plan, effective_from=now + timedelta(days=3))
    CommissionRuleFactory(version=later, goal=world.goal, amount=Decimal("999"))

    assert "999" not in words(signed_in(ana).get(f"/offers/{world.offer.public_id}/"))


def test_shows_window_lock_terms_and_the_operators_note(ana: Affiliate) -> None:
    enrollment = EnrollmentFactory(
        affiliate=ana,
        status="rejected",
        note="Futures need a licence.",
        offer__attribution_window=timedelta(days=1, hours=12),
        offer__customer_lock="last",
        offer__terms="No brand bidding.",
    )

    text = words(signed_in(ana).get(f"/offers/{enrollment.offer.public_id}/"))

    for expected in (
        "1 day 12 hours after the click",
        "last click takes a customer over",
        "No brand bidding.",
        "Futures need",
    ):
        assert expected in text


def test_an_offer_one_is_enrolled_in_stays_visible_when_it_ends(ana: Affiliate) -> None:
    EnrollmentFactory(affiliate=ana, offer__name="Over and out", offer__status="ended")
    OfferFactory(name="Somebody else's", status="ended")

    text = words(signed_in(ana).get("/offers/"))

    assert "Over and out" in text
    assert "Somebody else's" not in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=alpha", {"Alpha"}),
        ("vertical=shop", {"Beta"}),
        ("enrolled=open", {"Beta", "Gamma"}),
        ("enrolled=approved", {"Alpha"}),
        ("q=nothing", set()),
    ],
)
def test_filters(ana: Affiliate, query: str, shown: set[str]) -> None:
    EnrollmentFactory(affiliate=ana, offer__name="Alpha")
    OfferFactory(name="Beta", vertical="shop")
    OfferFactory(name="Gamma")

    cards = signed_in(ana).get(f"/offers/?{query}").context["cards"]

    assert {card.offer.name for card in cards} == shown


def test_what_one_works_with_comes_first(ana: Affiliate) -> None:
    OfferFactory(name="Aaa, open")
    EnrollmentFactory(affiliate=ana, offer__name="Bbb, rejected", status="rejected")
    EnrollmentFactory(affiliate=ana, offer__name="Ccc, approved")

    cards = signed_in(ana).get("/offers/").context["cards"]

    assert [card.offer.name for card in cards] == ["Ccc, approved", "Aaa, open", "Bbb, rejected"]


def test_says_so_when_there_are_no_offers(ana: Affiliate) -> None:
    assert "No offers yet" in words(signed_in(ana).get("/offers/"))
    assert "No offer matches" in words(signed_in(ana).get("/offers/?q=x"))


def test_exports_what_each_goal_pays(ana: Affiliate) -> None:
    world = world_of(ana)

    (row,) = rows_of(signed_in(ana).get("/offers/export/"))

    assert (row["name"], row["goal_name"], row["goal_pays"], row["access"]) == (
        world.offer.name,
        world.goal.name,
        "120.00 EUR",
        "Approved",
    )


def test_the_terms_are_reported_by_the_worked_examples_of_the_version_in_force(ana: Affiliate) -> None:
    world = world_of(ana)
    version = world.offer.commission_plans.get().versions.get()
    events = [{"goal": world.goal.code, "revenue": "50", "currency": "EUR"}]
    lines = [{"event": 1, "rule": 1, "amount": "120", "currency": "EUR"}]
    WorkedExample.objects.create(version=version, name="A first deposit", events=events, expected=lines)
    text = words(signed_in(ana).get(f"/offers/{world.offer.public_id}/"))
    assert f"A first deposit {world.goal.name} of 50.00 EUR earns 120.00 EUR." in text
