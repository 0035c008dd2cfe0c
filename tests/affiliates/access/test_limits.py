"""Requests per minute: counted for a key, a person or an address, each apart from the others."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from affiliates.models import Affiliate, User
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory
from tests.rest import client_of, client_with
from web.rest import minutes
from web.rest.minutes import WINDOW, count_in_this_minute, rest_of_this_minute

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"
LIMIT = 2


@pytest.fixture(autouse=True)
def counting(settings: Any) -> None:
    """A limit of two, and a minute that does not end in the middle of a test."""
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = LIMIT
    if (left := WINDOW - time.time() % WINDOW) < 8:
        time.sleep(left + 0.1)


def asked(client: Client, times: int = LIMIT + 1, **kwargs: Any) -> list[int]:
    return [client.get(ME, **kwargs).status_code for _ in range(times)]


def test_two_keys_of_one_person_are_counted_apart(ana: Affiliate) -> None:
    assert asked(client_of(ana)) == [200, 200, 429]
    assert asked(client_of(ana), 1) == [200]


def test_a_person_is_counted_over_all_sessions(ana: Affiliate) -> None:
    user = AffiliateMemberFactory(affiliate=ana).user
    assert asked(as_user(user)) == [200, 200, 429]
    assert asked(as_user(user), 1) == [429]
    assert asked(as_user(AffiliateMemberFactory(affiliate=ana).user), 1) == [200]


def test_a_session_does_not_use_up_a_key(olga: User) -> None:
    assert asked(as_user(olga)) == [200, 200, 429]
    assert asked(client_of(olga), 1) == [200]


def test_a_key_that_is_held_back_is_reported_for_how_long(ana: Affiliate) -> None:
    client = client_of(ana)
    asked(client, LIMIT)
    answer = client.get(ME)
    assert answer.json()["error"] == "throttled"
    assert 1 <= int(answer["Retry-After"]) <= WINDOW
    assert answer["Retry-After"] in answer.json()["message"]


def test_what_was_refused_by_the_limit_changes_nothing(ana: Affiliate) -> None:
    client = client_of(ana)
    asked(client, LIMIT)
    assert client.post("/api/v1/links/", {"name": "x"}, content_type="application/json").status_code == 429


def test_a_wrong_key_uses_up_no_right_one(ana: Affiliate) -> None:
    asked(client_with("afk_wrong"), 5)
    assert asked(client_of(ana), 1) == [200]


class TestMinutes:
    def test_each_is_counted_by_itself_and_each_name_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 1_800_000_000.0
        monkeypatch.setattr(minutes.time, "time", lambda: now)
        assert [count_in_this_minute("a") for _ in range(3)] == [1, 2, 3]
        assert count_in_this_minute("b") == 1
        now += WINDOW
        assert count_in_this_minute("a") == 1

    def test_the_rest_of_one_is_never_none_and_never_more_than_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for second, rest in ((0.0, 60.0), (59.5, 0.5), (30.0, 30.0)):
            monkeypatch.setattr(minutes.time, "time", lambda second=second: 1_800_000_000 + second)
            assert rest_of_this_minute() == pytest.approx(rest)

    def test_a_count_that_redis_dropped_in_between_begins_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Redis may drop it for lack of memory: the limit is then a little too kind, and nothing fails."""
        monkeypatch.setattr(minutes.cache, "add", lambda *args, **kwargs: False)
        assert count_in_this_minute("dropped") == 1
