"""What an operator enters for apps: destinations of each kind, and the apps themselves."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.destination_kinds import KINDS
from affiliates.models import MobileApp, OfferDestination, User
from tests.affiliates.offers.test_destinations_and_domains import DESTINATIONS, problems
from tests.factories import AdvertiserFactory, OfferFactory

PRINT = ":".join(["AB"] * 32)
APPS = "/admin/affiliates/mobileapp/"
PLAY, STORE = "https://play.google.com/store/apps/details", "https://apps.apple.com/app/id123456789"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("app_store", "id123456789", STORE),
        ("app_store", "123456789", STORE),
        ("app_store", "https://apps.apple.com/de/app/shop/id123456789?pt=1&ct=x", None),
        ("app_store", f"{STORE}?ct={{link_code}}", None),
        ("app_store", f"{STORE}?ct={{click_id}}", None),
        ("play_store", "com.example.shop", f"{PLAY}?id=com.example.shop"),
        ("play_store", f"{PLAY}?id=com.example.shop&referrer=cid%3D{{click_id}}", None),
        ("universal_link", "https://shop.example/p?x={sub1}", None),
        ("app_link", "https://shop.example/p", None),
        ("custom_scheme", "exampleshop://product/7?x={sub1}", None),
        ("custom_scheme", "com.example.shop://open", None),
        ("appsflyer", "https://go.acme.example/x?pid=acme_int", None),
        ("adjust", "https://app.adjust.com/abc123", None),
        ("adjust_branded", "https://acme.go.link/p?adj_t=abc123", None),
    ],
)
def test_each_kind_takes_what_it_is_for(kind: str, given: str, stored: str | None) -> None:
    assert KINDS[kind].read(given) == (stored or given)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("web", "exampleshop://x", "begins with https"),
        ("universal_link", "http://shop.example/", "https:// addresses only"),
        ("universal_link", "exampleshop://x", "begins with https"),
        ("app_store", "https://shop.example/id123456789", "apps.apple.com"),
        ("app_store", "http://apps.apple.com/app/id123456789", "such as"),
        ("app_store", "https://apps.apple.com.evil.example/app/id123456789", "such as"),
        ("app_store", "https://apps.apple.com/app/shop", "must name the app"),
        ("app_store", f"{STORE}?ct={'x' * 41}", "can get 41 characters"),
        ("app_store", f"{STORE}?ct=aff-{{link_code}}", "can get 44 characters"),
        ("app_store", f"{STORE}?ct={{sub1}}", "may be longer"),
        ("play_store", "shop", "begins with https"),
        ("play_store", "https://play.google.com/store/apps/dev?id=1", "Name the package"),
        ("play_store", f"{PLAY}?id=com.example.shop&click_id={{click_id}}", "only the install referrer"),
        ("play_store", f"{PLAY}?id=com.example.shop&referrer=a&referrer=b", "once"),
        ("custom_scheme", "https://shop.example/", "own scheme"),
        ("custom_scheme", "javascript://x/%0aalert(1)", "own scheme"),
        ("custom_scheme", "JavaScript://x/%0aalert(1)", "own scheme"),
        ("custom_scheme", "data:text/html,x", "own scheme"),
        ("custom_scheme", "intent://x#Intent;end", "own scheme"),
        ("custom_scheme", "exampleshop://{sub1}/x", "no macro before"),
        ("custom_scheme", "exampleshop://x/<b>", "plain characters"),
        ("custom_scheme", "exampleshop://x/?a={nosuch}", "Unknown macro"),
        ("appsflyer", "https://acme.onelink.me/Ab1c", "pid="),
        ("adjust", "https://app.adjust.com/", "token"),
        ("adjust", "https://acme.go.link/abc123", "such as"),
        ("adjust_branded", "https://acme.go.link/p", "adj_t="),
    ],
)
def test_each_kind_refuses_what_leads_nowhere_and_names_the_way_out(kind: str, given: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        KINDS[kind].read(given)


@pytest.mark.django_db
class TestDestinations:
    def add(self, desk: Client, **changed: Any) -> dict[str, str]:
        own = {"name": "iPhones", "kind": "app_store", "destination_url": "id123456789", "weight": "100"}
        return problems(desk, f"{DESTINATIONS}add/", {"offer": OfferFactory().pk, **own, **changed})

    def test_an_id_is_stored_as_the_address_and_shown_with_its_system(self, desk: Client) -> None:
        assert self.add(desk) == {}
        assert OfferDestination.objects.get().destination_url == STORE
        page = desk.get(DESTINATIONS).content.decode()
        assert "App Store" in page
        assert "iOS" in page

    def test_an_error_stands_at_the_address(self, desk: Client) -> None:
        assert list(self.add(desk, destination_url="https://shop.example/")) == ["destination_url"]

    def test_a_store_is_for_its_own_system(self, desk: Client) -> None:
        assert "App Store is for iOS alone" in self.add(desk, systems=["Android"])["systems"]
        assert self.add(desk, systems=["ios"]) == {}

    def test_the_form_explains_each_kind_with_an_example(self, desk: Client) -> None:
        page = desk.get(f"{DESTINATIONS}add/").content.decode()
        assert all(kind.example in page for kind in KINDS.values())

    def test_the_database_knows_the_kinds(self) -> None:
        with pytest.raises(IntegrityError, match="destination_kind_known"):
            OfferDestination.objects.create(offer=OfferFactory(), name="x", kind="nosuch", destination_url="x")


@pytest.mark.django_db
class TestApps:
    def add(self, desk: Client, **changed: Any) -> dict[str, str]:
        own: dict[str, Any] = {
            "advertiser": AdvertiserFactory().pk,
            "name": "Shop",
            "is_active": "on",
            "team_id": "9JA89QQLNQ",
            "bundle_id": "com.example.shop",
            "package_name": "com.example.shop",
            "fingerprints": [PRINT.lower()],
        }
        return problems(desk, f"{APPS}add/", {**own, **changed})

    def test_is_stored_with_the_usual_paths(self, desk: Client) -> None:
        assert self.add(desk) == {}
        row = MobileApp.objects.get()
        assert (row.fingerprints, row.link_paths, row.hosts) == ([PRINT], ["/c/*"], [])
        page = desk.get(APPS).content.decode()
        assert page.count("com.example.shop") >= 2
        assert desk.get(reverse("admin:affiliates_mobileapp_change", args=[row.pk])).status_code == 200

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("team_id", "9ja89qqlnq", "ten capitals"),
            ("bundle_id", "shop", "com.example.shop"),
            ("package_name", "com.example.shop;x", "com.example.shop"),
            ("fingerprints", ["AB:CD"], "32 pairs"),
            ("hosts", ["https://go.example"], "host name"),
            ("link_paths", ["c/*"], "begins with a slash"),
        ],
    )
    def test_what_no_system_would_read_is_refused(self, desk: Client, name: str, value: Any, words: str) -> None:
        found = self.add(desk, **{name: value})
        assert words in found[name]

    @pytest.mark.parametrize(
        ("left_out", "named"),
        [
            ({"team_id": ""}, "team_id"),
            ({"bundle_id": ""}, "bundle_id"),
            ({"fingerprints": []}, "fingerprints"),
            ({"package_name": ""}, "package_name"),
        ],
    )
    def test_half_of_a_system_is_refused_by_name(self, desk: Client, left_out: dict[str, Any], named: str) -> None:
        assert list(self.add(desk, **left_out)) == [named]

    def test_an_app_of_no_system_is_refused(self, desk: Client) -> None:
        nothing = {"team_id": "", "bundle_id": "", "package_name": "", "fingerprints": []}
        assert "for iOS, for Android" in self.add(desk, **nothing)["__all__"]

    def test_the_database_takes_no_half_either(self) -> None:
        with pytest.raises(IntegrityError, match="app_of_ios_is_whole"), transaction.atomic():
            MobileApp.objects.create(advertiser=AdvertiserFactory(), name="x", team_id="9JA89QQLNQ")
        with pytest.raises(IntegrityError, match="app_is_of_a_system"), transaction.atomic():
            MobileApp.objects.create(advertiser=AdvertiserFactory(), name="x")
