"""Guessing passwords is slowed down; no one can be shut out by what others try."""

import re
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.test import Client

from affiliates.models import User
from tests.dashboard.portal_pages import words
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
BEN, HOME, PROXY = "ben@affiliates.example", "203.0.113.77", "10.0.0.1"
SIGNED_IN = 302


@pytest.fixture(autouse=True)
def _counters() -> None:
    cache.clear()


@pytest.fixture
def ben() -> User:
    return UserFactory(email=BEN)


def sign_in(address: str, *, email: str = BEN, password: str = "wrong", **headers: Any) -> int:
    given = {"REMOTE_ADDR": address, **headers}
    return Client().post("/accounts/login/", {"login": email, "password": password}, **given).status_code


def test_wrong_tries_for_other_accounts_from_elsewhere_stop_no_one(ben: User) -> None:
    for number in range(40):
        sign_in(f"198.51.100.{number % 3}", email=f"nobody{number}@x.example")
    assert sign_in(HOME, password=PASSWORD) == SIGNED_IN


def test_clients_behind_one_proxy_are_different_clients(ben: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = [PROXY]
    for number in range(40):
        sign_in(PROXY, email=f"nobody{number}@x.example", HTTP_X_FORWARDED_FOR="198.51.100.9")
    assert sign_in(PROXY, password=PASSWORD, HTTP_X_FORWARDED_FOR=HOME) == SIGNED_IN
    assert sign_in(PROXY, password=PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.9") != SIGNED_IN


def test_an_invented_address_gets_no_one_past_the_limit(ben: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = [PROXY]
    for number in range(8):
        sign_in(PROXY, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}, {HOME}")
    assert sign_in(PROXY, password=PASSWORD, HTTP_X_FORWARDED_FOR=f"192.0.2.99, {HOME}") != SIGNED_IN


def test_wrong_passwords_for_an_account_from_many_addresses_do_not_lock_its_owner_out(ben: User) -> None:
    for number in range(120):
        sign_in(f"198.51.100.{number}")
    for _ in range(3):
        assert sign_in(HOME, password=PASSWORD) == SIGNED_IN


def test_one_address_gets_five_tries_at_an_account(ben: User) -> None:
    for _ in range(5):
        sign_in(HOME)
    answer = Client().post("/accounts/login/", {"login": BEN, "password": PASSWORD}, REMOTE_ADDR=HOME)
    assert answer.status_code == 200
    assert "Wait five minutes" in words(answer)
    assert sign_in("203.0.113.78", password=PASSWORD) == SIGNED_IN


def test_under_attack_each_address_gets_one_try_at_a_time(ben: User) -> None:
    for number in range(25):
        sign_in(f"198.51.100.{number}")
    sign_in("198.51.100.200")
    assert sign_in("198.51.100.200", password=PASSWORD) != SIGNED_IN
    assert sign_in(HOME, password=PASSWORD) == SIGNED_IN


def test_one_address_gets_ten_wrong_tries_at_any_accounts_in_a_minute(ben: User) -> None:
    for number in range(10):
        sign_in(HOME, email=f"nobody{number}@x.example")
    assert sign_in(HOME, password=PASSWORD) != SIGNED_IN


def test_of_version_six_a_network_is_one_address(ben: User) -> None:
    for number in range(5):
        sign_in(f"2001:db8:0:1::{number:x}")
    assert sign_in("2001:db8:0:1:ffff::1", password=PASSWORD) != SIGNED_IN
    assert sign_in("2001:db8:0:2::1", password=PASSWORD) == SIGNED_IN


def test_capitals_and_spaces_open_no_second_count(ben: User) -> None:
    for spelling in (BEN, BEN.upper(), f" {BEN}", BEN.title(), f"{BEN} "):
        sign_in(HOME, email=spelling)
    assert sign_in(HOME, password=PASSWORD) != SIGNED_IN


def test_a_right_password_counts_nothing(ben: User) -> None:
    for _ in range(12):
        assert sign_in(HOME, password=PASSWORD) == SIGNED_IN


def reset(address: str) -> int:
    return Client().post("/accounts/password/reset/", {"email": BEN}, REMOTE_ADDR=address).status_code


def test_others_cannot_keep_the_owner_from_a_new_password(ben: User) -> None:
    """Only so many mails go out; the owner is answered as ever, and the links that came are good."""
    for number in range(30):
        reset(f"198.51.100.{number}")
    assert reset(HOME) == 302
    assert len(mail.outbox) == 5
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert link
    client = Client(REMOTE_ADDR=HOME)
    page = client.get(link[0], follow=True)
    new = {"password1": "a-brand-new-one-9", "password2": "a-brand-new-one-9"}
    client.post(page.redirect_chain[-1][0], new)
    assert sign_in(HOME, password=new["password1"]) == SIGNED_IN


def test_one_address_asks_for_so_many_mails_only(ben: User) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": f"x{n}@x.example"}, REMOTE_ADDR=HOME) for n in range(21)
    ]
    assert [answer.status_code for answer in answers[-2:]] == [302, 429]
    assert reset("203.0.113.78") == 302


@pytest.fixture
def secret(ben: User) -> str:
    text = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    TOTP.activate(ben, get_adapter().encrypt(text) and text)
    return text


def right_code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def with_code(address: str, code: str) -> int:
    """Sign in with the right password and this code; where it ends."""
    client = Client(REMOTE_ADDR=address)
    assert client.post("/accounts/login/", {"login": BEN, "password": PASSWORD})["Location"].startswith(
        "/accounts/2fa/"
    )
    return client.post("/accounts/2fa/authenticate/", {"code": code}).status_code


def test_wrong_codes_from_elsewhere_do_not_lock_the_owner_out(ben: User, secret: str) -> None:
    for number in range(40):
        with_code(f"198.51.100.{number}", "000000")
    assert with_code(HOME, right_code(secret)) == SIGNED_IN


def test_one_address_gets_five_tries_at_a_code(ben: User, secret: str) -> None:
    for _ in range(5):
        with_code(HOME, "000000")
    assert with_code(HOME, right_code(secret)) == 200
    assert Authenticator.objects.count() == 1
