"""Over real HTTP: clicks, postbacks, pages and logs know one and the same client; crooked heads are refused."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache

from affiliates.models import User
from tests.conversions.sending import TOKEN, World
from tests.factories import PASSWORD, UserFactory
from tests.servers import Web, database_url, running
from tracking.models import Click

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


@pytest.fixture
def web(tmp_path: Path, request: Any) -> Iterator[Web]:
    """A server whose proxy is this test, on the loopback address."""
    more = getattr(request, "param", {})
    env = {
        "DATABASE_URL": database_url(),
        "TRUSTED_PROXIES": "127.0.0.1",
        "REQUIRE_HTTPS": "true",
        "LOG_JSON": "true",
    } | {"LOG_LEVEL": "INFO"}
    web = Web(log=tmp_path / "web.log", env={**env, **more}, workers=1)
    cache.clear()
    with running(web):
        yield web


def raw(web: Web, start: str, *headers: str, body: str = "") -> tuple[int, str]:
    """A request written by hand: lines may repeat. Its status and the whole answer."""
    given = (
        headers
        if any(line.lower().startswith("host:") for line in headers)
        else (f"Host: 127.0.0.1:{web.port}", *headers)
    )
    text = "\r\n".join([f"{start} HTTP/1.1", *given, "Connection: close", "", body])
    with closing(socket.create_connection(("127.0.0.1", web.port), timeout=30)) as line:
        line.sendall(text.encode("latin-1"))
        answer = b""
        while part := line.recv(65536):
            answer += part
    return int(answer.split()[1]), answer.decode("latin-1")


def test_a_click_has_the_address_that_the_proxy_saw(web: Web) -> None:
    code = World().ana_link.code
    for lines in (
        ["1.2.3.4", "203.0.113.77:51234"],
        ["1.2.3.4," * 500 + "203.0.113.77"],
        ['"[::ffff:203.0.113.77]:1"'],
    ):
        assert raw(web, f"GET /c/{code}", *(f"X-Forwarded-For: {line}" for line in lines))[0] == 302
    assert {click.ip for click in Click.objects.all()} == {"203.0.113.77"}
    assert Click.objects.count() == 3


def test_a_sender_cannot_choose_its_network_nor_hide_that_it_was_not_encrypted(web: Web) -> None:
    world = World()
    world.advertiser.sender_networks = ["192.0.2.0/24"]
    world.advertiser.save()
    sent = f"GET /postback?token={TOKEN}&event_type=purchase&txid=1&click_id=x"
    own = ["X-Forwarded-For: 192.0.2.10", "X-Forwarded-For: 203.0.113.77", "X-Forwarded-Proto: https"]
    assert "sender_not_allowed" in raw(web, sent, *own)[1]
    ours = ["X-Forwarded-For: 192.0.2.10", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http"]
    assert "https_required" in raw(web, sent, *ours)[1]
    assert "unknown_click" in raw(web, sent, "X-Forwarded-For: 192.0.2.10", "X-Forwarded-Proto: https")[1]
    assert "https_required" not in raw(web, sent, "X-Forwarded-Proto: https,http")[1]


def login(web: Web, address: str, email: str, password: str) -> int:
    """Sign in as a browser behind the proxy does; 302 where it was right."""
    behind = [f"X-Forwarded-For: 1.2.3.4, {address}", "X-Forwarded-Proto: https"]
    page = raw(web, "GET /accounts/login/", *behind)[1]
    csrf = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    cookie = page.split("csrftoken=")[1].split(";")[0]
    body = urlencode({"csrfmiddlewaretoken": csrf, "login": email, "password": password})
    return raw(
        web, "POST /accounts/login/", *behind, f"Cookie: csrftoken={cookie}", f"Referer: https://127.0.0.1:{web.port}/",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", body=body,
    )[0]  # fmt: skip


def test_one_visitor_behind_the_proxy_does_not_lock_the_others_out(web: Web, tmp_path: Path) -> None:
    # The server does not know the quick hash that tests use.
    ben = UserFactory(email="ben@affiliates.example")
    User.objects.filter(pk=ben.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt"))
    wrong = [login(web, "198.51.100.9", f"nobody{number}@x.example", "wrong") for number in range(14)]
    assert set(wrong) <= {200, 429}
    assert login(web, "203.0.113.77", "ben@affiliates.example", PASSWORD) == 302
    logged = [json.loads(line) for line in (tmp_path / "web.log").read_text().splitlines() if line.startswith("{")]
    assert {each["ip"] for each in logged if "ip" in each} == {"198.51.100.9", "203.0.113.77"}


def test_pages_know_that_the_visitor_came_over_https(web: Web) -> None:
    assert raw(web, "GET /accounts/login/", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.7")[0] == 200
    assert raw(web, "GET /accounts/login/", "X-Forwarded-Proto: https,http")[0] == 200
    forged = ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http"]
    assert raw(web, "GET /accounts/login/", *forged)[0] == 301
    assert raw(web, "GET /accounts/login/", "X-Forwarded-For: 203.0.113.7", "X_Forwarded_Proto: https")[0] == 301


@pytest.mark.parametrize("web", [{"PROXY_HEADERS": "forwarded"}], indirect=True)
def test_the_standard_header_takes_the_place_of_the_others(web: Web) -> None:
    code = World().ana_link.code
    both = ["Forwarded: for=1.2.3.4", 'Forwarded: for="203.0.113.77:80";proto=https', "X-Forwarded-For: 198.51.100.1"]
    assert raw(web, f"GET /c/{code}", *both)[0] == 302
    assert [click.ip for click in Click.objects.all()] == ["203.0.113.77"]
    assert raw(web, "GET /accounts/login/", *both)[0] == 200
    assert raw(web, "GET /accounts/login/", "X-Forwarded-Proto: https")[0] == 301


def test_a_head_that_can_be_read_in_two_ways_is_refused(web: Web) -> None:
    for start in ("GET /c/nothing", "GET /postback", "GET /accounts/login/", "GET /api/v1/me"):
        assert raw(web, start, f"Host: 127.0.0.1:{web.port}", "Host: evil.example")[0] == 400
        assert raw(web, start, "X-Filler: " + "a" * 33_000)[0] == 431
