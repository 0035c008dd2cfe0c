"""Signing in: by address and password, with a second factor where there is one, and to nowhere else afterwards."""

import re
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.test import Client

from affiliates.models import Affiliate, User
from tests.dashboard.portal_pages import as_user, words
from tests.factories import PASSWORD, AffiliateMemberFactory, UserFactory

pytestmark = pytest.mark.django_db
LOGIN, CODE, RESET = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/password/reset/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW = "a-brand-new-one-9"


@pytest.fixture(autouse=True)
def counters() -> None:
    cache.clear()


@pytest.fixture
def member(ana: Affiliate) -> User:
    user: User = AffiliateMemberFactory(affiliate=ana, user__email="Ana@affiliates.example").user
    return user


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"login": email, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


class TestPassword:
    def test_operators_land_in_the_panel_and_affiliates_in_their_portal(self, olga: User, member: User) -> None:
        assert sign_in(Client(), olga.email)["Location"] == "/admin/"
        assert sign_in(Client(), member.email)["Location"] == "/"

    @pytest.mark.parametrize("email", ["ana@affiliates.example", "ANA@AFFILIATES.EXAMPLE", " Ana@affiliates.example "])
    def test_an_address_is_the_same_in_any_case(self, member: User, email: str) -> None:
        client = Client()
        sign_in(client, email)
        assert is_in(client)

    def test_a_page_that_was_asked_for_is_shown_afterwards_but_no_other_site(self, member: User) -> None:
        assert sign_in(Client(), member.email, next="/clicks/?q=1")["Location"] == "/clicks/?q=1"
        for address in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
            assert "evil" not in sign_in(Client(), member.email, next=address)["Location"]

    def test_an_unknown_address_and_a_wrong_password_are_answered_alike(self, member: User) -> None:
        answers = [words(sign_in(Client(), email, "wrong")) for email in (member.email, "x@x.example")]
        assert answers[0].replace(member.email, "") == answers[1].replace("x@x.example", "")

    def test_an_account_that_is_not_active_does_not_open(self, member: User) -> None:
        User.objects.update(is_active=False)
        client = Client()
        sign_in(client, member.email)
        assert not is_in(client)

    def test_an_account_made_inactive_ends_where_it_is_signed_in(self, member: User) -> None:
        client = as_user(member)
        assert is_in(client)
        User.objects.update(is_active=False)
        assert not is_in(client)

    def test_an_account_without_a_password_opens_with_none(self, member: User) -> None:
        member.set_unusable_password()
        member.save()
        for password in ("", member.password, "!"):
            assert sign_in(Client(), member.email, password).status_code == 200

    def test_the_number_of_a_session_changes_so_that_a_planted_one_is_worth_nothing(self, member: User) -> None:
        client = Client()
        client.get(LOGIN)
        client.session["planted"] = "1"
        before = client.session.session_key
        sign_in(client, member.email)
        assert client.session.session_key != before

    def test_no_one_makes_an_account_for_oneself(self, db: None) -> None:
        page = Client().post("/accounts/signup/", {"email": "new@x.example", "password1": NEW, "password2": NEW})
        assert "Accounts are made by invitation" in words(page)
        assert not User.objects.exists()


class TestNewPassword:
    def link(self) -> str:
        found = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
        assert found
        return found[0]

    def set_by(self, link: str, password: str = NEW) -> None:
        client = Client()
        page = client.get(link, follow=True)
        if page.redirect_chain:
            client.post(page.redirect_chain[-1][0], {"password1": password, "password2": password})

    def test_ends_every_session_of_the_account(self, member: User) -> None:
        thief = as_user(member)
        assert is_in(thief)
        Client().post(RESET, {"email": member.email})
        self.set_by(self.link())
        assert not is_in(thief)

    def test_a_link_is_good_once(self, member: User) -> None:
        Client().post(RESET, {"email": member.email})
        link = self.link()
        self.set_by(link)
        self.set_by(link, "another-one-still-8")
        member.refresh_from_db()
        assert member.check_password(NEW)

    def test_a_changed_link_sets_none(self, member: User) -> None:
        Client().post(RESET, {"email": member.email})
        link = self.link()
        self.set_by(link[:-3] + ("aa/" if link[-3:] != "aa/" else "bb/"))
        member.refresh_from_db()
        assert member.check_password(PASSWORD)

    def test_goes_to_an_address_in_whatever_case_it_is_stored_or_typed(self, member: User) -> None:
        for number, email in enumerate((member.email, member.email.upper(), member.email.lower()), start=1):
            Client().post(RESET, {"email": email})
            assert len(mail.outbox) == number
        self.set_by(self.link())
        member.refresh_from_db()
        assert member.check_password(NEW)

    def test_of_an_account_that_is_not_active_gets_no_link(self, member: User) -> None:
        User.objects.update(is_active=False)
        Client().post(RESET, {"email": member.email})
        assert not any("/reset/key/" in str(sent.body) for sent in mail.outbox)

    def test_of_an_address_without_an_account_is_answered_alike(self, member: User) -> None:
        known = Client().post(RESET, {"email": member.email}, follow=True)
        unknown = Client().post(RESET, {"email": "x@x.example"}, follow=True)
        assert words(known) == words(unknown)

    @pytest.mark.parametrize("weak", ["short", "password", "12345678901", "ana@affiliates.example"])
    def test_a_weak_one_is_refused(self, member: User, weak: str) -> None:
        Client().post(RESET, {"email": member.email})
        self.set_by(self.link(), weak)
        member.refresh_from_db()
        assert member.check_password(PASSWORD)


class TestSecondFactor:
    @pytest.fixture
    def guarded(self, member: User) -> User:
        TOTP.activate(member, get_adapter().encrypt(SECRET) and SECRET)
        return member

    def code(self) -> str:
        return format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))

    def half_way(self, user: User) -> Client:
        client = Client()
        assert sign_in(client, user.email)["Location"].startswith("/accounts/2fa/")
        return client

    def test_a_password_alone_opens_nothing(self, guarded: User) -> None:
        client = self.half_way(guarded)
        assert not is_in(client)
        assert client.get("/api/v1/me/").status_code in (401, 403)
        assert client.get("/admin/").status_code == 302

    def test_password_and_code_open_the_account(self, guarded: User) -> None:
        client = self.half_way(guarded)
        assert client.post(CODE, {"code": self.code()})["Location"] == "/"
        assert is_in(client)

    def test_a_code_is_good_once(self, guarded: User) -> None:
        code = self.code()
        self.half_way(guarded).post(CODE, {"code": code})
        seen_by_another = self.half_way(guarded)
        seen_by_another.post(CODE, {"code": code})
        assert not is_in(seen_by_another)

    def test_a_code_without_the_password_opens_nothing(self, guarded: User) -> None:
        client = Client()
        client.post(CODE, {"code": self.code()})
        assert not is_in(client)

    def test_a_recovery_code_is_good_once(self, guarded: User) -> None:
        codes = RecoveryCodes.activate(guarded).get_unused_codes()
        first, again = self.half_way(guarded), self.half_way(guarded)
        first.post(CODE, {"code": codes[0]})
        again.post(CODE, {"code": codes[0]})
        assert (is_in(first), is_in(again)) == (True, False)

    def test_a_new_password_does_not_go_around_it(self, guarded: User) -> None:
        Client().post(RESET, {"email": guarded.email})
        TestNewPassword().set_by(TestNewPassword().link())
        client = Client()
        assert sign_in(client, guarded.email, NEW)["Location"].startswith("/accounts/2fa/")
        assert not is_in(client)

    def test_is_not_switched_off_by_a_session_alone_which_may_be_stolen(self, guarded: User) -> None:
        client = as_user(guarded)
        client.post("/accounts/2fa/totp/deactivate/", {})
        assert Authenticator.objects.filter(user=guarded, type="totp").exists()


def test_a_person_of_two_affiliates_signs_in_once(ana: Affiliate, ben: Affiliate) -> None:
    user = UserFactory()
    for affiliate in (ana, ben):
        AffiliateMemberFactory(affiliate=affiliate, user=user)
    client = Client()
    sign_in(client, user.email)
    assert [each["name"] for each in client.get("/api/v1/me/").json()["affiliates"]] == ["Ana", "Ben"]
