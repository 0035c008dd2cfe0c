"""Other destinations of an offer, and the operator's own hosts: one default, and only ever an active one."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.models import OfferDestination, TrackingDomain, User
from tests.factories import OfferFactory

pytestmark = pytest.mark.django_db
DESTINATIONS, DOMAINS = "/admin/affiliates/offerdestination/", "/admin/affiliates/trackingdomain/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def problems(desk: Client, path: str, sent: dict[str, Any]) -> dict[str, str]:
    page: Any = desk.post(path, sent)
    if page.status_code == 302:
        return {}
    return {name: " ".join(found) for name, found in page.context["adminform"].form.errors.items()}


class TestDestinations:
    def sent(self, **changed: Any) -> dict[str, Any]:
        own = {
            "name": "Phones",
            "kind": "web",
            "destination_url": "https://m.casino.example/?c={click_id}",
            "weight": "100",
        }
        return {"offer": OfferFactory().pk, **own, **changed}

    def test_are_for_countries_devices_and_systems(self, desk: Client) -> None:
        given = {"countries": ["de", "AT"], "devices": ["phone", "tablet"], "systems": ["Android"]}
        assert problems(desk, f"{DESTINATIONS}add/", self.sent(**given)) == {}
        row = OfferDestination.objects.get()
        assert (row.countries, row.devices, row.systems) == (["DE", "AT"], ["phone", "tablet"], ["Android"])
        assert "DE, AT, phone, tablet, Android" in desk.get(DESTINATIONS).content.decode()

    def test_for_all_visitors_say_so(self, desk: Client) -> None:
        assert problems(desk, f"{DESTINATIONS}add/", self.sent()) == {}
        assert "all visitors" in desk.get(DESTINATIONS).content.decode()

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("destination_url", "https://m.casino.example/?c={cid}", "Unknown macro {cid}"),
            ("countries", ["Germany"], "GERMANY: "),
            ("devices", ["watch"], "watch is not one of the available choices"),
            ("weight", "-1", "greater than or equal to 0"),
            ("weight", "40000", "less than or equal to 32767"),
        ],
    )
    def test_what_no_visitor_could_be_sent_by_is_refused(self, desk: Client, name: str, value: Any, words: str) -> None:
        found = problems(desk, f"{DESTINATIONS}add/", self.sent(**{name: value}))
        assert list(found) == [name]
        assert words in found[name]

    def test_one_is_moved_to_no_other_offer(self, desk: Client) -> None:
        problems(desk, f"{DESTINATIONS}add/", self.sent())
        row, other = OfferDestination.objects.get(), OfferFactory()
        assert problems(desk, f"{DESTINATIONS}{row.pk}/change/", self.sent(offer=other.pk, name="New")) == {}
        row.refresh_from_db()
        assert (row.name, row.offer == other) == ("New", False)


class TestDomains:
    def add(self, desk: Client, host: str, **more: str) -> dict[str, str]:
        return problems(desk, f"{DOMAINS}add/", {"host": host, **more})

    @pytest.mark.parametrize(
        "host", ["Go.example.com", "https://go.example.com", "go.example.com/", "go.example.com:80", "go_x.example.com"]
    )
    def test_a_host_is_a_plain_name(self, desk: Client, host: str) -> None:
        assert "Give a host name in lower case" in self.add(desk, host, is_active="on")["host"]

    def test_a_host_is_there_once(self, desk: Client) -> None:
        assert self.add(desk, "go.example.com", is_active="on") == {}
        assert list(self.add(desk, "go.example.com", is_active="on")) == ["host"]

    def test_the_default_is_active(self, desk: Client) -> None:
        assert self.add(desk, "go.example.com", is_default="on") == {"is_active": "The default domain must be active."}
        assert self.add(desk, "go.example.com", is_default="on", is_active="on") == {}

    def test_the_default_is_saved_again_without_a_quarrel_with_itself(self, desk: Client) -> None:
        self.add(desk, "go.example.com", is_default="on", is_active="on")
        row = TrackingDomain.objects.get()
        sent = {"host": row.host, "is_active": "on", "is_default": "on"}
        assert problems(desk, reverse("admin:affiliates_trackingdomain_change", args=[row.pk]), sent) == {}

    def test_the_default_is_not_switched_off_by_itself(self, desk: Client) -> None:
        self.add(desk, "go.example.com", is_default="on", is_active="on")
        row = TrackingDomain.objects.get()
        sent = {"host": row.host, "is_default": "on"}
        assert list(problems(desk, reverse("admin:affiliates_trackingdomain_change", args=[row.pk]), sent)) == [
            "is_active"
        ]

    def test_the_database_keeps_one_default_that_is_active(self) -> None:
        TrackingDomain.objects.create(host="a.example", is_default=True)
        with pytest.raises(IntegrityError, match="one_default_tracking_domain"), transaction.atomic():
            TrackingDomain.objects.create(host="b.example", is_default=True)
        with pytest.raises(IntegrityError, match="default_domain_is_active"), transaction.atomic():
            TrackingDomain.objects.update(is_active=False)
