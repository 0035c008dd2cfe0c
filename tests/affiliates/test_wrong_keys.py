"""Guessing API keys is slowed down by address; a right key is taken however many wrong ones come beside it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from affiliates.models import Affiliate, ApiKey, User
from tests.rest import client_with, key_of
from tests.servers import Web, database_url, running
from web.rest.minutes import WINDOW

LIMIT = 3


@pytest.fixture(autouse=True)
def counting(settings: Any) -> None:
    """A limit of three, and a minute that does not end in the middle of a test."""
    cache.clear()
    settings.FAILED_API_KEYS_PER_MINUTE = LIMIT
    if (left := WINDOW - time.time() % WINDOW) < 8:
        time.sleep(left + 0.1)


def ask(key: str, address: str = "198.51.100.20") -> Any:
    return client_with(key).get("/api/v1/me", REMOTE_ADDR=address)


@pytest.mark.django_db
def test_the_fourth_wrong_key_of_a_minute_waits() -> None:
    assert [ask(f"afk_guess{n}").status_code for n in range(5)] == [401, 401, 401, 429, 429]
    answer = ask("afk_guess")
    assert answer.json()["error"] == "too_many_wrong_keys"
    assert "A valid key is accepted at once" in answer.json()["message"]
    assert 1 <= int(answer["Retry-After"]) <= WINDOW


@pytest.mark.django_db
def test_a_right_key_is_taken_from_an_address_that_waits(ana: Affiliate) -> None:
    key = key_of(ana)
    assert [ask("afk_guess").status_code for _ in range(6)][-1] == 429
    assert [ask(key).status_code for _ in range(10)] == [200] * 10
    assert ask("afk_guess").status_code == 429


@pytest.mark.django_db
def test_another_address_does_not_wait() -> None:
    for _ in range(6):
        ask("afk_guess")
    assert ask("afk_guess", "203.0.113.7").status_code == 401


@pytest.mark.django_db
def test_an_ipv6_network_of_one_sender_counts_as_one() -> None:
    found = [ask("afk_guess", f"2001:db8:1:2::{n}").status_code for n in range(4)]
    assert (found, ask("afk_guess", "2001:db8:1:3::1").status_code) == ([401, 401, 401, 429], 401)


@pytest.mark.django_db
def test_a_revoked_key_and_one_of_a_closed_account_are_wrong(ana: Affiliate, olga: User) -> None:
    revoked, closed = key_of(ana), key_of(olga)
    ApiKey.objects.filter(affiliate=ana).update(revoked_at=timezone.now())
    User.objects.filter(pk=olga.pk).update(is_active=False)
    assert [ask(key).status_code for key in (revoked, closed) * 2] == [401, 401, 401, 429]


@pytest.mark.django_db
def test_no_limit_where_none_is_set(settings: Any) -> None:
    settings.FAILED_API_KEYS_PER_MINUTE = 0
    assert {ask("afk_guess").status_code for _ in range(9)} == {401}


@pytest.mark.django_db
def test_without_redis_no_one_waits(settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    }
    assert {ask("afk_guess").status_code for _ in range(9)} == {401}


@pytest.mark.django_db(transaction=True)
def test_all_processes_count_together(tmp_path: Path) -> None:
    env = {"DATABASE_URL": database_url(), "FAILED_API_KEYS_PER_MINUTE": "10"}
    with running(web := Web(log=tmp_path / "web.log", env=env)), ThreadPoolExecutor(8) as pool:

        def guess(number: int) -> int:
            return web.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer afk_{number}"}).status

        found = list(pool.map(guess, range(40)))
    assert (found.count(401), found.count(429)) == (10, 30)
