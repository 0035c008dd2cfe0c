"""What an operator may make of an offer: addresses that lead where they say, dates and windows that fit together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.models import Advertiser, Offer, User
from tests.factories import AdvertiserFactory, EnrollmentFactory, OfferFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/affiliates/offer/add/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def fields(**changed: Any) -> dict[str, Any]:
    rows = {f"{name}-{part}_FORMS": "0" for name in ("goals", "destinations") for part in ("TOTAL", "INITIAL")}
    advertiser = Advertiser.objects.first() or AdvertiserFactory(name="Lucky Fox")
    return {
        **{"name": "Fox", "advertiser": advertiser.pk, "vertical": "igaming", "currency": "EUR", **rows},
        **{"destination_url": "https://fox.example/?c={click_id}", "fallback_url": "", "pass_through": "none"},
        **{"attribution_window": "30", "customer_lock": "first", "attribution_model": "last_click", **changed},
    }


def problems(desk: Client, **changed: Any) -> dict[str, str]:
    page: Any = desk.post(ADD, fields(**changed))
    if page.status_code == 302:
        return {}
    assert not Offer.objects.filter(name="Fox").exists()
    return {name: " ".join(found) for name, found in page.context["adminform"].form.errors.items()}


def test_a_new_offer_is_a_draft_whatever_was_sent(desk: Client) -> None:
    assert problems(desk, status="active", public_id="of_mine") == {}
    row = Offer.objects.get()
    assert row.status == Offer.Status.DRAFT
    assert row.public_id != "of_mine"


@pytest.mark.parametrize("name", ["destination_url", "fallback_url"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://", "full address"),
        ("javascript:alert(1)", "full address"),
        ("https://{sub1}.fox.example/", "host must be fixed"),
        ("https://fox.example/?c={click}", "Unknown macro {click}"),
        ("https://fox.example/?q=ü", "encode others"),
    ],
)
def test_an_address_for_visitors_is_judged_wherever_it_stands(desk: Client, name: str, url: str, words: str) -> None:
    found = problems(desk, **{name: url})
    assert list(found) == [name]
    assert words in found[name]


def test_an_offer_ends_after_it_starts(desk: Client) -> None:
    start, end = {"starts_at_0": "2026-11-02", "starts_at_1": "00:00:00"}, {"ends_at_0": "2026-11-02"}
    assert problems(desk, **start, **end, ends_at_1="00:00:00") == {"ends_at": "The offer must end after it starts."}
    assert problems(desk, **start, **end, ends_at_1="00:00:01") == {}


def test_listed_parameters_need_a_list(desk: Client) -> None:
    assert problems(desk, pass_through="listed") == {
        "pass_through_names": "List the parameters that are passed through."
    }
    assert problems(desk, pass_through="listed", pass_through_names=["utm_source"]) == {}


def test_a_name_is_given_once_per_advertiser(desk: Client) -> None:
    assert problems(desk) == {}
    page: Any = desk.post(ADD, fields())
    assert page.status_code == 200
    assert desk.post(ADD, fields(advertiser=AdvertiserFactory(name="Other").pk)).status_code == 302


@pytest.mark.parametrize("cap", ["-1", "1.5", "many", "99999999999"])
def test_a_cap_is_a_number_that_can_be_counted_to(desk: Client, cap: str) -> None:
    assert list(problems(desk, daily_click_cap=cap)) == ["daily_click_cap"]


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"attribution_window": timedelta(0)}, "offer_window_positive"),
        ({"attribution_window_minimum": timedelta(days=30)}, "offer_window_minimum_below_window"),
        ({"attribution_window_minimum": timedelta(seconds=-1)}, "offer_window_minimum_below_window"),
        ({"customer_lock_expires": timedelta(0)}, "offer_lock_expiry_positive"),
        (
            {"starts_at": datetime(2026, 11, 2, tzinfo=UTC), "ends_at": datetime(2026, 11, 2, tzinfo=UTC)},
            "offer_ends_after_start",
        ),
    ],
)
def test_what_the_form_refuses_the_database_refuses_too(changed: dict[str, Any], constraint: str) -> None:
    offer = OfferFactory(attribution_window=timedelta(days=30))
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(**changed)


def test_an_offer_that_affiliates_have_is_not_deleted(desk: Client) -> None:
    offer = EnrollmentFactory().offer
    desk.post(reverse("admin:affiliates_offer_delete", args=[offer.pk]), {"post": "yes"})
    assert Offer.objects.filter(pk=offer.pk).exists()


@pytest.mark.parametrize(
    ("status", "offered"),
    [("draft", {"activate", "end"}), ("active", {"pause", "end"}), ("paused", {"activate", "end"}), ("ended", set())],
)
def test_a_page_offers_the_steps_that_fit_its_status(desk: Client, status: str, offered: set[str]) -> None:
    offer = OfferFactory(status=status)
    page = desk.get(reverse("admin:affiliates_offer_change", args=[offer.pk])).content.decode()
    paths = {name: reverse(f"admin:affiliates_offer_{name}", args=[offer.pk]) for name in ("activate", "pause", "end")}
    assert {name for name, path in paths.items() if path in page} == offered


def test_ended_is_for_good(desk: Client) -> None:
    offer = OfferFactory(name="Fox", status="ended")
    page = desk.post(reverse("admin:affiliates_offer_activate", args=[offer.pk]), {"confirmed": "yes"})
    assert "Fox is “Ended” and cannot become “Active”." in page.content.decode()
