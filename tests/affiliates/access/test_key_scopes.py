"""What a key may be used for, from where and until when; and a new secret without an interruption."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from affiliates.access.api_keys import make_api_key, rotate_api_key
from affiliates.models import Affiliate, ApiKey, User
from affiliates.roles.scopes import SCOPES
from config.api_urls import router
from config.http.body_senders import _owner_of_key
from tests.dashboard.portal_pages import as_user, signed_in
from tests.factories import (
    AffiliateMemberFactory,
    ApiKeyFactory,
    ConversionFactory,
    LedgerEntryFactory,
    OperatorFactory,
    PostbackFactory,
)
from tests.reach.table import API
from tests.rest import client_with

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"
MONEY = ("ledger-entries", "balances", "statements", "invoices", "payouts", "what-ifs")
FREE = ("affiliates", "offers", "links", "clicks", "conversions", "postbacks")


def key(user: User, *scopes: str, **more: Any) -> str:
    return make_api_key(user=user, name="script", scopes=scopes, **more)[1]


def asked(text: str, path: str = ME, *, address: str = "127.0.0.1", method: str = "get", data: Any = None) -> Any:
    client: Any = Client(headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR=address)
    return getattr(client, method)(path, data, content_type="application/json")


class TestScopes:
    def test_every_resource_is_read_with_read_or_money(self) -> None:
        assert {prefix for prefix, _, _ in router.registry} == {*MONEY, *FREE}

    @pytest.mark.parametrize("resource", FREE)
    def test_read(self, olga: User, resource: str) -> None:
        assert asked(key(olga, "read"), f"/api/v1/{resource}/").status_code == 200
        assert asked(key(olga, "money"), f"/api/v1/{resource}/").status_code == 403

    @pytest.mark.parametrize("resource", MONEY)
    def test_money(self, olga: User, resource: str) -> None:
        assert asked(key(olga, "money"), f"/api/v1/{resource}/").status_code == 200
        assert asked(key(olga, "read"), f"/api/v1/{resource}/").status_code == 403

    def test_the_refusal_names_the_scope_and_how_to_get_it(self, olga: User) -> None:
        answer = asked(key(olga, "read"), "/api/v1/payouts/").json()
        assert answer["error"] == "missing_scope"
        assert "lacks the scope `money`" in answer["message"]
        assert "page of API keys" in answer["message"]

    @pytest.mark.parametrize("verb", ["approve", "reject", "refund"])
    def test_decisions(self, olga: User, verb: str) -> None:
        path = f"/api/v1/conversions/{ConversionFactory().public_id}/{verb}/"
        refused = asked(key(olga, "read", "money", "links", "events", "settings"), path, method="post", data={})
        assert refused.json()["error"] == "missing_scope"
        assert asked(key(olga, "decisions"), path, method="post", data={}).status_code != 403

    def test_events(self, olga: User) -> None:
        path = f"/api/v1/postbacks/{PostbackFactory().public_id}/replay/"
        assert asked(key(olga, "read", "decisions"), path, method="post", data={}).json()["error"] == "missing_scope"
        assert asked(key(olga, "events"), path, method="post", data={"dry_run": True}).status_code == 200

    def test_links(self, ana: Affiliate) -> None:
        user = AffiliateMemberFactory(affiliate=ana).user
        assert asked(key(user, "read"), "/api/v1/links/", method="post", data={}).json()["error"] == "missing_scope"
        assert asked(key(user, "links"), "/api/v1/links/", method="post", data={}).status_code == 400

    def test_settings(self, olga: User) -> None:
        path = "/api/v1/what-ifs/"
        assert asked(key(olga, "money"), path, method="post", data={}).json()["error"] == "missing_scope"
        assert asked(key(olga, "settings"), path, method="post", data={}).status_code == 400

    def test_every_change_of_the_api_has_its_scope(self) -> None:
        """So that a new one is refused rather than open to every key."""
        views = {name: view for name, view, _ in router.registry}
        changes = {action for view in views.values() for action in getattr(view, "changes", {})}
        listed = {name.rpartition("-")[2] for name, methods in API.items() if {"post", "patch"} & methods.keys()}
        named = {"list": "create", "detail": "partial_update", "many": "change_many"}
        assert {named.get(each, each) for each in listed} == changes

    def test_commission_of_a_conversion_is_money(self, olga: User, ana: Affiliate) -> None:
        row = ConversionFactory(affiliate=ana)
        LedgerEntryFactory(affiliate=ana, kind="commission", conversion=row)
        path = f"/api/v1/conversions/{row.public_id}/"
        assert asked(key(olga, "read"), path).json()["commission"] == []
        assert asked(key(olga, "read", "money"), path).json()["commission"]
        story = f"/api/v1/trace/?id={row.public_id}"
        assert asked(key(olga, "read"), story).json()["ledger_entries"] == []
        assert len(asked(key(olga, "read", "money"), story).json()["ledger_entries"]) == 1

    def test_a_key_without_a_scope_learns_what_it_may_do(self, olga: User) -> None:
        answer = asked(key(olga))
        assert (answer.status_code, answer.json()["key"]["scopes"]) == (200, [])

    def test_a_key_of_a_time_before_scopes_has_all(self, olga: User) -> None:
        assert ApiKeyFactory(user=olga).scopes == [scope.code for scope in SCOPES]

    def test_no_scope_is_more_than_the_person(self) -> None:
        text = key(OperatorFactory(roles=["support"]), *(scope.code for scope in SCOPES))
        answer = asked(text, "/api/v1/ledger-entries/")
        assert answer.status_code == 403
        assert "payouts.view_ledgerentry" in answer.json()["message"]


class TestEndAndAddresses:
    def test_an_expired_key_is_refused_with_its_end(self, olga: User) -> None:
        text = key(olga, "read", expires_at=timezone.now() + timedelta(days=1))
        assert asked(text).status_code == 200
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
        answer = asked(text)
        assert answer.status_code == 401
        assert "expired at" in answer.json()["message"]

    @pytest.mark.parametrize(
        ("allowed", "address", "status"),
        [
            (["203.0.113.0/24"], "203.0.113.9", 200),
            (["203.0.113.0/24"], "198.51.100.1", 403),
            (["2001:db8::/32", "203.0.113.9"], "2001:db8::1", 200),
            (["203.0.113.9"], "2001:db8::1", 403),
            ([], "198.51.100.1", 200),
        ],
    )
    def test_a_key_is_used_from_allowed_addresses(
        self, olga: User, allowed: list[str], address: str, status: int
    ) -> None:
        answer = asked(key(olga, "read", addresses=allowed), address=address)
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["error"] == "address_not_allowed"
            assert address in answer.json()["message"]

    def test_the_last_use_costs_no_write_for_each_request(self, olga: User) -> None:
        text = key(olga, "read")
        asked(text, address="203.0.113.9")
        row = ApiKey.objects.get()
        assert (row.last_used_at is not None, row.last_used_from) == (True, "203.0.113.9")
        with CaptureQueriesContext(connection) as queries:
            asked(text, address="203.0.113.9")
        assert not [each for each in queries.captured_queries if each["sql"].startswith("UPDATE")]


class TestRotation:
    def test_both_secrets_are_valid_for_the_time(self, olga: User) -> None:
        first = key(olga, "read")
        now = timezone.now()
        second = rotate_api_key(key_id=ApiKey.objects.get().pk, keep_hours=24, now=now)
        assert [asked(text).status_code for text in (first, second)] == [200, 200]
        assert {_owner_of_key(text) for text in (first, second)} == {str(olga.pk)}
        ApiKey.objects.update(old_until=now - timedelta(seconds=1))
        assert [asked(text).status_code for text in (first, second)] == [401, 200]

    def test_there_are_never_more_than_two(self, olga: User) -> None:
        first = key(olga, "read")
        pk, now = ApiKey.objects.get().pk, timezone.now()
        second, third = (rotate_api_key(key_id=pk, keep_hours=24, now=now) for _ in range(2))
        assert [asked(text).status_code for text in (first, second, third)] == [401, 200, 200]

    def test_at_once_means_at_once(self, olga: User) -> None:
        first = key(olga, "read")
        second = rotate_api_key(key_id=ApiKey.objects.get().pk, keep_hours=0, now=timezone.now())
        assert [asked(text).status_code for text in (first, second)] == [401, 200]

    def test_revoking_ends_both(self, olga: User) -> None:
        first = key(olga, "read")
        second = rotate_api_key(key_id=ApiKey.objects.get().pk, keep_hours=24, now=timezone.now())
        ApiKey.objects.update(revoked_at=timezone.now())
        assert [asked(text).status_code for text in (first, second)] == [401, 401]

    @pytest.mark.parametrize("hours", [-1, 337])
    def test_no_longer_than_two_weeks(self, olga: User, hours: int) -> None:
        key(olga, "read")
        with pytest.raises(ValueError, match="stays valid for 0 to"):
            rotate_api_key(key_id=ApiKey.objects.get().pk, keep_hours=hours, now=timezone.now())

    def test_in_the_panel_the_secret_is_shown_once(self, olga: User) -> None:
        key(olga, "read")
        path = reverse("admin:affiliates_apikey_rotate", args=[ApiKey.objects.get().pk])
        answer = as_user(olga).post(path, {"confirmed": "yes", "keep_hours": "24"})
        text = answer.context["key"].once
        assert text in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert client_with(text).get(ME).status_code == 200

    def test_in_the_portal_too(self, ana: Affiliate) -> None:
        client = signed_in(ana)
        client.post(reverse("portal:api_keys"), {"name": "Tracker", "scopes": ["read", "links"]})
        row = ApiKey.objects.get()
        answer = client.post(reverse("portal:rotate_api_key", args=[row.pk]), {"keep_hours": "1"})
        assert client_with(answer.context["new_key"]).get(ME).json()["key"]["scopes"] == ["read", "links"]


class TestWhoseKeys:
    def test_an_operator_makes_one_for_oneself_alone(self, olga: User) -> None:
        mia = OperatorFactory(roles=["developer"])
        sent = {"name": "Script", "user": olga.pk, "scopes": ["read"], "affiliate": ""}
        as_user(mia).post("/admin/affiliates/apikey/add/", sent)
        row = ApiKey.objects.get()
        assert (row.user, row.scopes) == (mia, ["read"])

    def test_others_see_it_only_with_the_right_to_look_after_accounts(self, olga: User) -> None:
        row = ApiKeyFactory(user=OperatorFactory(roles=["developer"]), name="Nightly import")
        for person, seen in (
            (olga, True),
            (OperatorFactory(roles=["auditor"]), True),
            (OperatorFactory(roles=["finance"]), False),
        ):
            page = as_user(person).get("/admin/affiliates/apikey/").content.decode()
            assert ("Nightly import" in page) is seen
            assert row.digest not in page

    def test_no_one_else_changes_what_it_may_do(self, olga: User) -> None:
        row = ApiKeyFactory(user=OperatorFactory(roles=["developer"]), scopes=["read"])
        path = reverse("admin:affiliates_apikey_change", args=[row.pk])
        assert as_user(olga).post(path, {"name": "Mine", "scopes": ["read", "decisions"]}).status_code == 403
        row.refresh_from_db()
        assert row.scopes == ["read"]
        rotate = reverse("admin:affiliates_apikey_rotate", args=[row.pk])
        assert as_user(olga).post(rotate, {"confirmed": "yes", "keep_hours": "24"}).status_code == 403
        assert ApiKey.objects.get().digest == row.digest

    def test_an_administrator_revokes_any(self, olga: User) -> None:
        row = ApiKeyFactory(user=OperatorFactory(roles=["developer"]))
        as_user(olga).post(reverse("admin:affiliates_apikey_revoke", args=[row.pk]), {"confirmed": "yes"})
        row.refresh_from_db()
        assert row.revoked_at is not None

    def test_a_member_changes_their_own_and_not_anothers(self, ana: Affiliate) -> None:
        other = ApiKeyFactory(user=AffiliateMemberFactory(affiliate=ana).user, affiliate=ana)
        client = signed_in(ana)
        client.post(reverse("portal:api_keys"), {"name": "Tracker", "scopes": ["read"]})
        own = ApiKey.objects.exclude(pk=other.pk).get()
        sent = {"name": "Tracker 2", "scopes": ["read", "money"], "addresses": "203.0.113.7, 198.51.100.0/24"}
        assert client.post(reverse("portal:edit_api_key", args=[own.pk]), sent).status_code == 302
        own.refresh_from_db()
        assert (own.name, own.scopes, own.addresses) == (
            "Tracker 2",
            ["read", "money"],
            ["203.0.113.7", "198.51.100.0/24"],
        )
        assert client.post(reverse("portal:edit_api_key", args=[other.pk]), sent).status_code == 404

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({"scopes": []}, "a key without a scope can do nothing"),
            ({"addresses": "203.0.113.0/99"}, "Give an address or a network"),
            ({"expires_on": "2020-01-01"}, "This day is over"),
        ],
    )
    def test_a_mistake_in_the_form_is_explained(self, ana: Affiliate, sent: dict[str, Any], words: str) -> None:
        given = {"name": "Tracker", "scopes": ["read"], **sent}
        answer = signed_in(ana).post(reverse("portal:api_keys"), given)
        assert answer.status_code == 400
        assert words in answer.content.decode()
        assert not ApiKey.objects.exists()
