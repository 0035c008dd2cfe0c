"""What strangers and known senders send to pages, API and postbacks: each is answered in the form of the endpoint."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from affiliates.models import User
from conversions.dialects.mapping import MONEY
from conversions.dialects.table import BY_NAME
from conversions.models import Conversion, Postback
from tests.asgi_client import Answer, visit
from tests.conversions.sending import TOKEN, World
from tests.rest import key_of

pytestmark = pytest.mark.django_db(transaction=True)

BULK, STATUS = "/api/v1/conversions/bulk", "/api/v1/conversions/status"
JSON_ENDPOINTS = ["/postback", "/d/voluum/postback", "/aff_lsr", BULK, STATUS, "/api/v1/me", "/api/nothing"]
PAGES = ["/accounts/login/", "/accounts/password/reset/", "/admin/login/", "/admin/", "/", "/trace/", "/tools/doctor/"]
OTHERS = ["/healthz", "/readyz", "/metrics", "/api/schema/", "/api/docs/", "/robots.txt", "/pixel.gif", "/pixel.js"]
EVERYWHERE = [*JSON_ENDPOINTS, *PAGES, *OTHERS, "/c/nothing", "/d/nothing", "/static/nothing.css"]
FORM, JSON, LINES = "application/x-www-form-urlencoded", "application/json", "application/x-ndjson"
PART = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
FILE = b'--x\r\nContent-Disposition: form-data; name=a; filename="a"\r\n\r\n1\r\n'
# All of them small enough to be read of anyone.
HOSTILE: dict[str, tuple[str, bytes]] = {
    "lists in lists": (JSON, b"[" * 60_000),
    "objects in objects": (JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "an object in a list in an object": (JSON, b'{"a":[' * 9_000),
    "a number of many figures": (JSON, b'{"revenue": ' + b"1" * 60_000 + b"}"),
    "a fraction of many figures": (JSON, b'{"revenue": 0.' + b"1" * 60_000 + b"}"),
    "a huge exponent": (JSON, b'{"revenue": 1e999999999}'),
    "not a number": (JSON, b'{"revenue": NaN, "payout": -Infinity}'),
    "a name twice": (JSON, b'{"txid": "1", "txid": "2", "id": 1, "id": 2}'),
    "many names": (JSON, b"{" + b",".join(b'"a%d":1' % n for n in range(5_000)) + b"}"),
    "one long text": (JSON, b'"' + b"x" * 60_000 + b'"'),
    "escapes": (JSON, b'{"txid": "' + b"\\u0000" * 9_000 + b'"}'),
    "half a character": (JSON, b'{"txid": "\\ud800"}'),
    "no UTF-8": (JSON, b'{"txid": "\xff\xfe\xc3"}'),
    "UTF-16": (JSON, '{"txid": "a"}'.encode("utf-16")),
    "nothing": (JSON, b""),
    "null": (JSON, b"null"),
    "blanks": (JSON, b" " * 60_000),
    "lines of one figure": (LINES, b"1\n" * 30_000),
    "blank lines": (LINES, b"\n" * 60_000),
    "lines that end in nothing": (LINES, b"\r" * 60_000),
    "many fields": (FORM, b"a=1&" * 15_000),
    "fields without names": (FORM, b"&" * 60_000),
    "fields percent-encoded": (FORM, b"a=" + b"%ff" * 20_000),
    "a broken percent sign": (FORM, b"a=%zz%" * 9_000),
    "many parts": ("multipart/form-data; boundary=x", PART * 1_000 + b"--x--\r\n"),
    "many files": ("multipart/form-data; boundary=x", FILE * 900 + b"--x--\r\n"),
    "parts without an end": ("multipart/form-data; boundary=x", PART * 10),
    "parts without a boundary": ("multipart/form-data", PART * 10),
    "a part with a long head": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: " + b"a" * 50_000),
    "an unknown kind": ("text/xml", b"<a>" * 20_000),
    "a kind that is nonsense": ("\x7f/;;;=;\xe9", b"x"),
    "an unknown character set": ("application/json; charset=nonsense", b"{}"),
    "another character set": (FORM + "; charset=utf-7", b"a=+AGE-"),
}


def send(path: str, kind: str = JSON, body: bytes = b"", *, method: str = "POST", **more: Any) -> Answer:
    headers = {"content-type": kind, "content-length": str(len(body)), **more.pop("headers", {})}
    return visit(lambda client: client.request(method, path, body=body, headers=headers, **more))


def kind_of(answer: Answer) -> str:
    return {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "")


def is_json(answer: Answer) -> bool:
    return bool(json.loads(answer.body)["message"]) and kind_of(answer) == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE", "NONSENSE"])
def test_no_hostile_body_is_a_server_error_whatever_the_method(method: str) -> None:
    kinds = HOSTILE if method == "POST" else {"many names": HOSTILE["many names"], "form": HOSTILE["many fields"]}

    async def story(client: Any) -> None:
        for path in EVERYWHERE:
            for name, (kind, body) in kinds.items():
                headers = {"content-type": kind, "content-length": str(len(body))}
                answer = await client.request(method, path, body=body, headers=headers)
                assert answer.status < 500 or (path, answer.status) == ("/readyz", 503), (path, name, answer.body)

    visit(story)
    assert not Conversion.objects.exists()


@pytest.mark.parametrize("path", [BULK, "/postback", "/d/voluum/postback", STATUS, "/api/v1/links", "/api/v1/what-ifs"])
def test_hostile_bodies_of_known_senders_are_answered_in_json(path: str, olga: User) -> None:
    World()
    token = TOKEN if path in (BULK, "/postback", "/d/voluum/postback") else key_of(olga)

    async def story(client: Any) -> None:
        for name, (kind, body) in HOSTILE.items():
            headers = {"content-type": kind, "content-length": str(len(body)), "authorization": f"Bearer {token}"}
            answer = await client.request("POST", path, body=body, headers=headers)
            assert answer.status < 500, (name, answer.body)
            if path != "/d/voluum/postback":
                assert json.loads(answer.body), name
                assert "json" in kind_of(answer), name

    visit(story)
    assert not Conversion.objects.exists()


@pytest.mark.parametrize("path", JSON_ENDPOINTS)
@pytest.mark.parametrize(
    ("status", "more"),
    [
        (414, {"query": b"a=" + b"x" * 17_000}),
        (414, {"query": b"a&" * 9_000}),
        (431, {"headers": {"x-long": "x" * 40_000}}),
        (431, {"headers": {"cookie": "; ".join(f"a{n}=1" for n in range(6_000))}}),
        (400, {"raw_headers": [(b"host", b"testserver")]}),
    ],
)
def test_a_head_that_is_too_large_is_refused_in_json(path: str, status: int, more: dict[str, Any]) -> None:
    answer = send(path, method="GET", **more)
    assert answer.status == status
    assert is_json(answer)
    assert answer.headers["connection"] == "close"
    assert not Postback.objects.exists()


def test_a_head_that_is_too_large_is_refused_on_pages_as_well() -> None:
    for path in [*PAGES, "/healthz", "/metrics", "/pixel.gif", "/c/nothing", "/c/" + "x" * 20_000]:
        answer = send(path, method="GET", query=b"next=" + quote("/ü" * 4_000).encode())
        assert (answer.status, kind_of(answer)) == (414, "text/plain; charset=utf-8"), path


def test_an_address_of_usual_length_is_served() -> None:
    answer = send("/accounts/login/", method="GET", query=b"next=" + b"x" * 2_000)
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/postback", BULK])
def test_packed_events_are_not_unpacked_and_the_answer_says_so(path: str) -> None:
    World()
    headers = {"content-encoding": "gzip", "authorization": f"Bearer {TOKEN}"}
    answer = send(path, body=b"\x1f\x8b" + b"\x00" * 500, headers=headers)
    assert (answer.status, json.loads(answer.body)["reason"]) == (400, "unreadable")
    assert b"Compressed bodies are not read" in answer.body


@pytest.mark.parametrize("path", [STATUS, "/api/v1/me"])
def test_packed_bodies_are_refused_by_the_api_in_json(path: str, olga: User) -> None:
    headers = {"content-encoding": "gzip", "authorization": f"Bearer {key_of(olga)}"}
    answer = send(path, body=b"\x1f\x8b" + b"\x00" * 500, headers=headers)
    assert (answer.status, json.loads(answer.body)["error"]) == (415, "unsupported_media_type")


def test_packed_bodies_are_refused_by_pages_on_a_page() -> None:
    answer = send("/accounts/login/", FORM, b"a=1", headers={"content-encoding": "br"})
    assert answer.status == 415
    assert b"That was compressed" in answer.body


@pytest.mark.parametrize("names", [201, 5_000])
def test_a_json_body_has_no_more_names_than_a_form_may_have(names: int) -> None:
    World()
    event = {f"a{number}": 1 for number in range(names)}
    headers = {"authorization": f"Bearer {TOKEN}"}
    alone = send("/postback", body=json.dumps(event).encode(), headers=headers)
    assert (alone.status, json.loads(alone.body)["reason"]) == (413, "too_large")
    in_bulk = send(BULK, body=json.dumps([event]).encode(), headers=headers)
    assert json.loads(in_bulk.body)["decisions"][0]["reason"] == "too_large"


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/", "/accounts/password/reset/", STATUS])
def test_a_large_body_of_a_stranger_is_refused_before_it_is_read(path: str) -> None:
    body = b"a=" + b"x" * 100_000
    answer = send(path, FORM, body)
    assert answer.status == (401 if path == STATUS else 413)
    assert answer.headers["connection"] == "close"


def test_a_large_upload_without_its_csrf_token_is_refused_before_it_is_read(olga: User) -> None:
    answer = send("/admin/conversions/conversion/import/", "multipart/form-data; boundary=x", PART * 3_000)
    assert answer.status == 413


def test_no_platform_makes_an_amount_of_a_million_figures_more_than_it_is() -> None:
    World()
    amounts = ["1e999999999", "1e999999", "-1e999999", "0e999999", "1e-999999", "1|1e999999", "1" * 300, "NaN"]

    async def story(client: Any) -> None:
        for name, dialect in BY_NAME.items():
            money = {sent for ours in MONEY for sent in dialect.mapping.fields.get(ours, ())}
            for amount in amounts:
                body = json.dumps(dict.fromkeys(money or {"payout"}, amount)).encode()
                headers = {"content-type": JSON, "authorization": f"Bearer {TOKEN}"}
                answer = await client.request("POST", f"/d/{name}/postback", body=body, headers=headers)
                assert answer.status < 500, (name, amount)
                assert len(answer.body) < 20_000, (name, amount)

    visit(story)
    assert not Conversion.objects.exists()
