"""Operators connect sources in the panel: the address to paste, the secret, and a goal for each event."""

import html
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from conversions.models import SourceConnection
from conversions.sources.connections import address_of, secrets_of
from conversions.sources.table import sources
from tests.conversions.sources.shops import SECRET, Shop
from tests.factories import GoalFactory, OperatorFactory

pytestmark = pytest.mark.django_db
ADD, LIST = (reverse(f"admin:conversions_sourceconnection_{name}") for name in ("add", "changelist"))


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def desk(olga: Any, client: Client) -> Client:
    client.force_login(olga)
    return client


def typed(shop: Shop, **changed: Any) -> dict[str, Any]:
    return {
        "advertiser": shop.advertiser.pk,
        "source": "stripe",
        "goal_stripe_checkout": "purchase",
        "goal_stripe_renewal": "renewal",
        "signing_secrets": f"{SECRET}\n whsec_next \n",
        "time_zone": "UTC",
        "is_active": "on",
        **changed,
    }


def errors(page: Any) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in page.context["adminform"].form.errors.items()}


def change(row: SourceConnection) -> str:
    return reverse("admin:conversions_sourceconnection_change", args=[row.pk])


def test_a_source_is_connected_with_its_secret_encrypted(shop: Shop, desk: Client) -> None:
    assert desk.post(ADD, typed(shop)).status_code == 302
    row = SourceConnection.objects.get()
    assert (row.advertiser, row.source, row.is_active) == (shop.advertiser, "stripe", True)
    assert row.goals == {"checkout": "purchase", "renewal": "renewal"}
    assert secrets_of(row) == (SECRET, "whsec_next")
    assert SECRET not in row.encrypted_secrets


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        ({"signing_secrets": ""}, "signing_secrets", "Paste the secret"),
        ({"signing_secrets": "x\n" * 9}, "signing_secrets", "At most 5 secrets"),
        ({"goal_stripe_checkout": "elsewhere"}, "goal_stripe_checkout", "No offer of Casa Verbena counts elsewhere."),
        ({"goal_stripe_checkout": "", "goal_stripe_renewal": ""}, "__all__", "Choose a goal"),
        ({"time_zone": "Berlin"}, "time_zone", "is no time zone"),
        ({"source": "paypal"}, "source", "not one of the available choices"),
        ({"advertiser": ""}, "advertiser", "required"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(
    shop: Shop, desk: Client, changed: dict[str, str], field: str, expected: str
) -> None:
    GoalFactory(code="elsewhere")
    page = desk.post(ADD, typed(shop, **changed))
    assert page.status_code == 200
    assert any(expected in each for each in errors(page)[field]), errors(page)
    assert not SourceConnection.objects.exists()


def test_the_secret_stays_when_none_is_typed_and_is_never_shown(shop: Shop, desk: Client) -> None:
    row = shop.connect("stripe")
    page = desk.get(change(row))
    assert SECRET not in page.content.decode()
    desk.post(change(row), {"goal_stripe_checkout": "subscription", "signing_secrets": "", "time_zone": "UTC"})
    row.refresh_from_db()
    assert (row.goals, row.is_active, secrets_of(row)) == ({"checkout": "subscription"}, False, (SECRET,))
    assert row.version == 2


def test_the_pages_show_the_address_and_how_to_set_it_up(shop: Shop, desk: Client) -> None:
    row = shop.connect("shopify")
    steps = [html.escape(str(step)) for step in sources()["shopify"].steps]
    pages = [desk.get(change(row)), desk.get(reverse("admin:affiliates_advertiser_secrets", args=[shop.advertiser.pk]))]
    for page in pages:
        text = page.content.decode()
        assert address_of(row) in text
        assert "refunds/create" in text
        assert all(step in text for step in steps)
    assert "Shopify" in desk.get(LIST).content.decode()


def test_the_page_of_a_new_source_has_the_goals_of_each(shop: Shop, desk: Client) -> None:
    fields = desk.get(ADD).context["adminform"].form.fields
    for source in sources().values():
        assert {f"goal_{source.code}_{word}" for word in source.words} <= fields.keys()


def test_who_may_only_view_sees_the_goals_and_changes_nothing(shop: Shop, client: Client) -> None:
    row, viewer = shop.connect("woocommerce"), OperatorFactory()
    viewer.user_permissions.add(Permission.objects.get(codename="view_sourceconnection"))
    client.force_login(viewer)
    text = client.get(change(row)).content.decode()
    assert "purchase" in text
    assert client.post(change(row), {"goal_woocommerce_order": ""}).status_code == 403


def test_none_is_deleted(shop: Shop, desk: Client) -> None:
    row = shop.connect("stripe")
    assert desk.post(reverse("admin:conversions_sourceconnection_delete", args=[row.pk])).status_code == 403


def test_a_source_that_this_version_does_not_know_is_shown_and_harms_nothing(shop: Shop, desk: Client) -> None:
    row = shop.connect("stripe")
    SourceConnection.objects.update(source="gone")
    assert desk.get(change(row)).status_code == 200
    assert desk.get(LIST).status_code == 200
    assert desk.get(reverse("admin:affiliates_advertiser_secrets", args=[shop.advertiser.pk])).status_code == 200
