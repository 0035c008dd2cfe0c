"""200 anonymous connections with slow, huge and hostile bodies: whoever comes rightfully is answered as if alone."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from django.core.cache import cache

from affiliates.models import User
from conversions.models import Conversion
from tests.conversions.sending import TOKEN, World
from tests.factories import ClickFactory
from tests.rest import key_of
from tests.servers import Web, database_url, running
from tracking.click_id import codec
from tracking.models import Click

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

BULK, STATUS = "/api/v1/conversions/bulk", "/api/v1/conversions/status"
ENDPOINTS = [
    BULK,
    STATUS,
    "/postback",
    "/d/voluum/postback",
    "/pixel.gif",
    "/accounts/login/",
    "/api/v1/me/",
    "/admin/conversions/conversion/",
]
MB = 1024 * 1024
PART = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
HOSTILE = {
    "lines": ("application/x-ndjson", b"1\n" * (9 * MB)),
    "lists": ("application/json", b"[" + b"[]," * (6 * MB) + b"[]]"),
    "deep": ("application/json", b"[" * (18 * MB)),
    "blanks": ("application/x-ndjson", b"\n" * (18 * MB)),
    "fields": ("application/x-www-form-urlencoded", b"a=1&" * (4 * MB)),
    "parts": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 200_000,
    ),
}
# Where the sender shows something that is made up.
MADE_UP: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer aft_made_up_by_nobody"},
    {"Authorization": "Bearer afk_made_up_by_nobody"},
    {"Cookie": "sessionid=madeupmadeupmadeupmadeupmadeupma"},
]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    env = {"DATABASE_URL": database_url(), "REQUIRE_HTTPS": "false", "FAILED_POSTBACKS_PER_MINUTE": "0"}
    web = Web(log=tmp_path / "web.log", env=env)
    cache.clear()
    with running(web):
        yield web


@pytest.fixture
def world() -> World:
    return World()


def begin(web: Web, path: str, kind: str, length: int, start: bytes, **more: str) -> socket.socket:
    """A request whose body begins, and then does not go on."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{web.port}",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
    ]
    lines += [f"{name}: {value}" for name, value in more.items()]
    line = socket.create_connection(("127.0.0.1", web.port), timeout=60)
    line.sendall("\r\n".join([*lines, "", ""]).encode() + start)
    return line


def rightful(web: Web, world: World, olga_key: str, number: int) -> None:
    """One round of what advertisers, affiliates and visitors send."""
    stored = ClickFactory(link=world.ana_link)
    event = {"click_id": codec.text_of(stored.id), "event_type": "purchase"}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert web.click(world.ana_link.code)
    assert web.postback(token=TOKEN, txid=f"p{number}", **event).status == 200
    form = f"token={TOKEN}&txid=f{number}&click_id={event['click_id']}&event_type=purchase".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.request("POST", "/postback", body=form, headers=kind).status == 200
    bulk = json.dumps([{**event, "txid": f"b{number}"}, {**event, "txid": f"c{number}"}]).encode()
    answer = web.request("POST", BULK, body=bulk, headers={**bearer, "Content-Type": "application/json"})
    assert (answer.status, answer.json["counts"]) == (200, {"accepted": 2})
    key = {"Authorization": f"Bearer {olga_key}", "Content-Type": "application/json"}
    assert web.request("GET", "/api/v1/me/", headers=key).status == 200
    assert web.request("POST", STATUS, body=rows(500), headers=key).status == 200
    assert web.request("GET", "/accounts/login/").status == 200


def rows(count: int) -> bytes:
    row = {"id": "cv_unknown", "status": "approved", "note": "x" * 250}
    return json.dumps([row] * count).encode()


def answer_of(line: socket.socket) -> tuple[int, bytes]:
    """The answer to a request that was not finished, when the server has lost patience."""
    with closing(http.client.HTTPResponse(line)) as answer:
        answer.begin()
        return answer.status, answer.read()


def test_bodies_that_stop_cost_no_one_else_anything_and_get_an_answer(web: Web, world: World, olga: User) -> None:
    key = key_of(olga)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(closing(begin(web, path, "application/json", 50_000, b"[", **made_up)))
            for _ in range(7)
            for path in ENDPOINTS
            for made_up in MADE_UP
        ]
        assert len(slow) > 200
        for number in range(5):
            rightful(web, world, key, number)
        found = {line: answer_of(line) for line in slow}
    by_path = dict(zip(slow, [path for _ in range(7) for path in ENDPOINTS for _ in MADE_UP], strict=True))
    for line, (status, body) in found.items():
        path = by_path[line]
        assert status in {BULK: (401,), "/pixel.gif": (200,)}.get(path, (408,)), (path, status, body)
        if path.startswith(("/api/", "/postback")):
            assert json.loads(body)["message"]
    assert Conversion.objects.count() == 5 * 4
    assert Click.objects.count() == 5 * 2


def test_huge_and_hostile_bodies_cost_no_one_else_anything(web: Web, world: World, olga: User) -> None:
    key = key_of(olga)
    for number, (kind, body) in enumerate(HOSTILE.values()):
        with ExitStack() as stack:
            for path in ENDPOINTS:
                for made_up in MADE_UP:
                    line = stack.enter_context(closing(begin(web, path, kind, len(body), body[:60_000], **made_up)))
                    line.setblocking(False)
                    send_what_goes(line, body)
            rightful(web, world, key, number)
    assert Conversion.objects.count() == len(HOSTILE) * 4


def send_what_goes(line: socket.socket, body: bytes) -> None:
    """As much of the body as the connection takes at once."""
    at = 60_000
    try:
        while at < len(body):
            at += line.send(body[at : at + 1_000_000])
    except (BlockingIOError, ConnectionError):
        return


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_huge_body_without_credentials_is_refused_in_the_form_of_the_endpoint(web: Web, path: str) -> None:
    expected = {"/pixel.gif": 200}.get(path, 401 if path.startswith("/api/") else 413)
    for what, (kind, body) in HOSTILE.items():
        answer = web.request("POST", path, body=body, headers={"Content-Type": kind}, timeout=60)
        assert answer.status == expected, (what, answer.text)
        if path.startswith(("/api/", "/postback")):
            assert answer.json["message"]
        assert web.request("GET", "/c/").status == 404


def test_hostile_events_of_a_known_advertiser_hold_up_no_click(web: Web, world: World) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for kind, body in HOSTILE.values():
        answer = web.request("POST", BULK, body=body, headers={**bearer, "Content-Type": kind}, timeout=60)
        assert answer.status in (400, 413), answer.text
        assert answer.json["decisions"] == []
        assert web.click(world.ana_link.code)


def test_what_the_api_promises_to_take_is_taken_and_what_is_larger_refused_in_json(web: Web, olga: User) -> None:
    key = {"Authorization": f"Bearer {key_of(olga)}", "Content-Type": "application/json"}
    taken = web.request("POST", STATUS, body=rows(10_000), headers=key, timeout=120)
    assert taken.status == 200, taken.text[:500]
    for size in (10 * MB + 1, 25 * MB):
        answer = web.request("POST", STATUS, body=b"[" + b" " * (size - 2) + b"]", headers=key, timeout=120)
        assert (answer.status, answer.json["error"], answer.json["problems"]) == (413, "too_large", [])
