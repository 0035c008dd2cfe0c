"""Keys for the REST API: what they see, what ends them, and that nothing stored opens the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from affiliates.access.api_keys import make_api_key
from affiliates.models import Affiliate, AffiliateMember, ApiKey, User
from records.secrets import digest
from tests.dashboard.portal_pages import signed_in
from tests.factories import AffiliateMemberFactory, TrackingLinkFactory, UserFactory
from tests.rest import client_of, client_with, key_of, results

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def status_with(header: str) -> int:
    return Client(headers={"Authorization": header}).get(ME).status_code


def member_of(*affiliates: Affiliate) -> User:
    user: User = UserFactory()
    for affiliate in affiliates:
        AffiliateMemberFactory(affiliate=affiliate, user=user)
    return user


class TestTheText:
    def test_is_found_by_its_digest_alone_and_stands_nowhere(self, ana: Affiliate) -> None:
        text = key_of(ana)
        row = ApiKey.objects.get()
        assert row.digest == digest(text)
        assert text not in str(ApiKey.objects.values())
        assert (row.hint, text[:4]) == (text[:8], "afk_")

    def test_what_is_stored_opens_nothing(self, ana: Affiliate) -> None:
        key_of(ana)
        row = ApiKey.objects.get()
        assert {status_with(f"Bearer {each}") for each in (row.digest, row.hint, str(row.pk), row.name)} == {401}

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_follows_the_word_bearer_in_any_case(self, ana: Affiliate, scheme: str) -> None:
        assert status_with(f"{scheme} {key_of(ana)}") == 200

    @pytest.mark.parametrize(
        "header", ["{key}", "Basic {key}", "Token {key}", "Bearer {key} x", "Bearer{key}", "Bearer {key}x"]
    )
    def test_is_taken_in_no_other_form(self, ana: Affiliate, header: str) -> None:
        assert status_with(header.format(key=key_of(ana))) == 401

    def test_in_another_case_is_another_text(self, ana: Affiliate) -> None:
        assert status_with(f"Bearer {key_of(ana).swapcase()}") == 401

    @pytest.mark.parametrize("name", ["token", "key", "api_key", "access_token"])
    def test_in_an_address_which_logs_keep_is_not_taken(self, ana: Affiliate, name: str) -> None:
        assert Client().get(ME, {name: key_of(ana)}).status_code == 401


class TestReach:
    def test_a_key_that_is_not_bound_sees_all_affiliates_of_its_user(self, ana: Affiliate, ben: Affiliate) -> None:
        links = {TrackingLinkFactory(enrollment__affiliate=each).code for each in (ana, ben)}
        TrackingLinkFactory()
        client = client_with(make_api_key(user=member_of(ana, ben), name="both")[1])
        assert {row["code"] for row in results(client, "links")} == links

    def test_a_bound_key_sees_its_affiliate_and_none_of_the_users_others(self, ana: Affiliate, ben: Affiliate) -> None:
        link = TrackingLinkFactory(enrollment__affiliate=ana)
        TrackingLinkFactory(enrollment__affiliate=ben)
        client = client_with(make_api_key(user=member_of(ana, ben), name="one", affiliate=ana)[1])
        assert [row["code"] for row in results(client, "links")] == [link.code]

    def test_a_key_follows_its_user_into_and_out_of_an_affiliate(self, ana: Affiliate, ben: Affiliate) -> None:
        user = member_of(ana)
        client = client_with(make_api_key(user=user, name="mine")[1])
        AffiliateMemberFactory(affiliate=ben, user=user)
        assert [each["name"] for each in client.get(ME).json()["affiliates"]] == ["Ana", "Ben"]
        AffiliateMember.objects.filter(user=user, affiliate=ana).delete()
        assert [each["name"] for each in client.get(ME).json()["affiliates"]] == ["Ben"]

    def test_a_key_of_someone_who_was_never_a_member_sees_nothing(self, ana: Affiliate) -> None:
        client = client_with(make_api_key(user=UserFactory(), name="stray", affiliate=ana)[1])
        assert client.get(ME).status_code == 403

    def test_an_operator_who_is_made_an_affiliate_loses_what_operators_see(self, olga: User, ana: Affiliate) -> None:
        client = client_of(olga)
        assert client.get("/api/v1/affiliates/").status_code == 200
        User.objects.filter(pk=olga.pk).update(is_staff=False, is_superuser=False)
        assert client.get("/api/v1/affiliates/").status_code == 403

    def test_a_suspended_affiliate_still_reads_what_it_earned_but_makes_no_link(self, ana: Affiliate) -> None:
        link = TrackingLinkFactory(enrollment__affiliate=ana)
        client = client_of(ana)
        Affiliate.objects.update(status=Affiliate.Status.SUSPENDED)
        assert client.get("/api/v1/balances/").status_code == 200
        sent = {"offer": link.enrollment.offer.public_id, "name": "x"}
        assert client.post("/api/v1/links/", sent, content_type="application/json").status_code == 409

    def test_a_key_goes_before_the_session_beside_it(self, olga: User, ana: Affiliate) -> None:
        client = client_of(ana)
        client.force_login(olga)
        assert client.get(ME).json()["role"] == "affiliate"

    def test_a_wrong_key_is_not_helped_by_a_session_beside_it(self, olga: User) -> None:
        client = client_with("afk_wrong")
        client.force_login(olga)
        assert client.get(ME).status_code == 401


class TestUse:
    def test_is_noted_to_the_minute_and_not_at_each_request(
        self, ana: Affiliate, django_assert_num_queries: Any
    ) -> None:
        client = client_of(ana)
        client.get(ME)
        first = ApiKey.objects.get().last_used_at
        client.get(ME)
        assert ApiKey.objects.get().last_used_at == first
        ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
        client.get(ME)
        assert ApiKey.objects.get().last_used_at > first

    def test_of_a_wrong_or_revoked_key_is_not_noted(self, ana: Affiliate) -> None:
        client = client_of(ana)
        ApiKey.objects.update(revoked_at=timezone.now())
        client.get(ME)
        assert ApiKey.objects.get().last_used_at is None


class TestInThePanel:
    def test_a_key_that_was_made_keeps_its_user_and_affiliate(self, olga: User, ana: Affiliate, ben: Affiliate) -> None:
        make_api_key(user=olga, name="script", affiliate=ana)
        row = ApiKey.objects.get()
        client = Client()
        client.force_login(olga)
        changed = {"name": "renamed", "user": 1, "affiliate": ben.pk, "revoked_at": "", "scopes": ["read"]}
        client.post(reverse("admin:affiliates_apikey_change", args=[row.pk]), changed)
        after = ApiKey.objects.get()
        assert (after.name, after.user, after.affiliate, after.digest) == ("renamed", row.user, ana, row.digest)

    def test_a_revoked_key_cannot_be_given_back(self, olga: User, ana: Affiliate) -> None:
        at = timezone.now() - timedelta(days=1)
        text = key_of(ana)
        ApiKey.objects.update(revoked_at=at)
        row = ApiKey.objects.get()
        client = Client()
        client.force_login(olga)
        page = client.get(reverse("admin:affiliates_apikey_change", args=[row.pk])).content.decode()
        assert reverse("admin:affiliates_apikey_revoke", args=[row.pk]) not in page
        client.post(reverse("admin:affiliates_apikey_change", args=[row.pk]), {"name": "x", "revoked_at": ""})
        client.post(reverse("admin:affiliates_apikey_revoke", args=[row.pk]), {"confirmed": "yes"})
        assert ApiKey.objects.get().revoked_at == at
        assert status_with(f"Bearer {text}") == 401


class TestInThePortal:
    def test_a_new_key_is_bound_to_the_affiliate_that_is_shown(self, ana: Affiliate) -> None:
        signed_in(ana).post(reverse("portal:api_keys"), {"name": "Tracker", "scopes": ["read"]})
        assert ApiKey.objects.get().affiliate == ana

    def test_a_rivals_key_is_not_revoked(self, ana: Affiliate, ben: Affiliate) -> None:
        text = key_of(ben)
        answer = signed_in(ana, name="Ana").post(reverse("portal:revoke_api_key", args=[ApiKey.objects.get().pk]))
        assert answer.status_code == 404
        assert status_with(f"Bearer {text}") == 200
