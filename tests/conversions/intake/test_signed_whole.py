"""What is acted on is exactly what is signed: no change to a signed request gets through, wherever it is made."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.access.advertiser_secrets import make_secret
from affiliates.models import AdvertiserSecret
from conversions.dialects.mapping import NAMES
from conversions.models import Conversion, Postback
from tests.asgi_client import Answer, Standing, standing
from tests.conversions.sending import TOKEN, World
from tests.examples import examples
from tests.factories import ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
MANY = settings(
    max_examples=examples(120),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SECRET = "afh_a_secret_for_tests_only"
BULK = "/api/v1/conversions/bulk"
READ = sorted(name for names in NAMES.values() for name in names)


@dataclass(frozen=True)
class Sent:
    """A request, ready to be changed by a thief."""

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    kind: str = field(default="application/x-www-form-urlencoded")


@pytest.fixture(autouse=True)
def _unhurried(settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 0


@pytest.fixture
def world() -> World:
    world = World()
    make_secret(advertiser=world.advertiser, kind=AdvertiserSecret.Kind.HMAC, text=SECRET)
    return world


@pytest.fixture
def web(world: World) -> Iterator[Standing]:
    with standing() as application:
        yield application


def event(world: World) -> dict[str, str]:
    cid = codec.text_of(ClickFactory(link=world.ana_link).id)
    return {"click_id": cid, "event_type": "purchase", "txid": "t1", "revenue": "5.00", "currency": "EUR"}


def sign(method: str, path: str, query: bytes, body: bytes, stamp: str) -> str:
    """As a sender would write it, from the description alone."""
    parts = [b"v1", stamp.encode(), method.encode(), path.encode(), query, hashlib.sha256(body).hexdigest().encode()]
    return hmac.new(SECRET.encode(), b"\n".join(parts), hashlib.sha256).hexdigest()


def in_headers(world: World, sent: Sent, stamp: str = "") -> Sent:
    stamp = stamp or str(int(time.time()))
    signature = sign(sent.method, sent.path, sent.query, sent.body, stamp)
    heads = {
        "x-affidavit-advertiser": world.advertiser.public_id,
        "x-affidavit-timestamp": stamp,
        "x-affidavit-signature": f"v1={signature}",
    }
    return replace(sent, headers=tuple((name.encode(), value.encode()) for name, value in heads.items()))


def in_query(world: World, sent: Sent, stamp: str = "") -> Sent:
    stamp = stamp or str(int(time.time()))
    mine = urlencode({"advertiser": world.advertiser.public_id, "ts": stamp}).encode()
    query = b"&".join(filter(None, [sent.query, mine]))
    return replace(sent, query=query + b"&signature=" + sign(sent.method, sent.path, query, sent.body, stamp).encode())


def signed_requests(world: World) -> dict[str, Sent]:
    """One request for each place where a signature may stand."""
    fields = event(world)
    query, as_json = urlencode(fields).encode(), json.dumps(fields).encode()
    everflow = urlencode(
        {"transaction_id": fields["click_id"], "amount": "5.00", "event_id": "purchase", "order_id": "t1"}
    ).encode()
    return {
        "query of a GET": in_query(world, Sent("GET", "/postback", query)),
        "query beside a form": in_query(world, Sent("POST", "/postback", b"", query)),
        "query beside JSON": in_query(world, Sent("POST", "/postback", b"", as_json, kind="application/json")),
        "headers of a GET": in_headers(world, Sent("GET", "/postback", query)),
        "headers of a form": in_headers(world, Sent("POST", "/postback", b"", query)),
        "headers of JSON": in_headers(world, Sent("POST", "/postback", b"", as_json, kind="application/json")),
        "query of another platform": in_query(world, Sent("GET", "/d/everflow/postback", everflow)),
        "headers of another platform": in_headers(world, Sent("GET", "/d/everflow/postback", everflow)),
        "headers of many events": in_headers(
            world, Sent("POST", BULK, b"", b"[" + as_json + b"]", kind="application/json")
        ),
        "query of many events": in_query(
            world, Sent("POST", BULK, b"", b"[" + as_json + b"]", kind="application/json")
        ),
    }


PLACES = [
    *("query of a GET", "query beside a form", "query beside JSON", "headers of a GET", "headers of a form"),
    *("headers of JSON", "query of another platform", "headers of another platform"),
    *("headers of many events", "query of many events"),
]


def send(web: Standing, sent: Sent, **headers: str) -> Answer:
    given = {"content-type": sent.kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return web.request(
        sent.method, sent.path, query=sent.query, body=sent.body, raw_headers=sent.headers, headers=given
    )


def verdict(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("reason", "")


def untouched() -> bool:
    return not Conversion.objects.exists()


@pytest.mark.parametrize("place", PLACES)
def test_a_request_as_it_was_signed_is_taken_at_each_place(world: World, web: Standing, place: str) -> None:
    answer = send(web, signed_requests(world)[place])
    stored = Postback.objects.get()
    assert (answer.status, stored.signature, stored.advertiser) == (200, "valid", world.advertiser)
    assert Conversion.objects.count() == 1


names = st.one_of(
    st.sampled_from(READ),
    st.sampled_from(["token", "signature", "advertiser", "ts", "SIGNATURE", "Ts", " signature", "amp;signature"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
)
values = st.one_of(st.sampled_from(["99999.00", "approved", "forged-1", "", TOKEN, "0" * 64]), st.text(max_size=12))


def encoded(name: str, value: str, all_of_it: bool) -> bytes:
    shown = "".join(f"%{byte:02x}" for byte in name.encode("utf-8", "replace")) if all_of_it else quote(name)
    return f"{shown}={quote(value, errors='replace')}".encode()


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, Any]:
    pair = encoded(draw(names), draw(values), draw(st.booleans()))
    kind = draw(st.sampled_from(["after", "before", "within", "body", "remove", "twice", "swap", "byte"]))
    return kind, (pair, draw(st.integers(0, 30)), draw(st.sampled_from([b"&", b"&&", b";", b"#", b"+", b"%26", b"?"])))


def with_query(pairs: list[bytes], sent: Sent) -> Sent:
    return replace(sent, query=b"&".join(pairs))


def changed(sent: Sent, kind: str, how: tuple[bytes, int, bytes]) -> Sent:
    pair, number, mark = how
    pairs = sent.query.split(b"&") if sent.query else []
    where = number % max(1, len(pairs))
    if kind == "after":
        return replace(sent, query=sent.query + (mark if sent.query else b"") + pair)
    if kind == "before":
        return with_query([pair, *pairs], sent)
    if kind == "within":
        return with_query([*pairs[:where], pair, *pairs[where:]], sent)
    if kind == "remove":
        return with_query(pairs[:where] + pairs[where + 1 :], sent)
    if kind == "twice":
        return with_query([*pairs, *pairs[where : where + 1]], sent)
    if kind == "swap":
        return with_query(pairs[where:] + pairs[:where], sent)
    if kind == "body":
        return replace(sent, method="POST", body=sent.body + (b"&" if sent.body else b"") + pair)
    if not sent.body:
        return sent
    at = number % len(sent.body)
    return replace(sent, body=sent.body[:at] + b"7" + sent.body[at + 1 :])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.hypothesis
def test_nothing_can_be_changed_added_removed_or_repeated(world: World, web: Standing, place: str) -> None:
    sent = signed_requests(world)[place]

    @MANY
    @given(changes())
    def try_it(change: tuple[str, Any]) -> None:
        stolen = changed(sent, *change)
        if stolen == sent or (stolen.method, stolen.query, stolen.body) == (sent.method, sent.query, sent.body):
            return
        before = Postback.objects.count()
        answer = send(web, stolen)
        assert answer.status in (400, 401, 405, 413), (change, answer.body)
        assert json.loads(answer.body)["reason"] in ("bad_signature", "bad_token", "too_large", "unreadable")
        assert Postback.objects.count() == before + 1
        assert untouched()

    try_it()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("token", ["", TOKEN])
def test_what_follows_the_signature_is_refused_beside_a_right_token_too(
    world: World, web: Standing, place: str, token: str
) -> None:
    sent = signed_requests(world)[place]
    more = b"&" if sent.query else b""
    stolen = replace(sent, query=sent.query + more + b"revenue=99999.00&status=approved")
    answer = send(web, stolen, **({"authorization": f"Bearer {token}"} if token else {}))
    body = json.loads(answer.body)
    assert (answer.status, body["reason"]) == (401, "bad_signature")
    assert body["problems"][0]["remedy"]
    assert Postback.objects.get().advertiser is None
    assert untouched()


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("&revenue=99", "Nothing may follow"),
        ("&", "Nothing may follow"),
        ("#x", "Nothing may follow"),
        (";revenue=99", "Nothing may follow"),
        ("%26revenue=99", "Nothing may follow"),
        ("+", "Nothing may follow"),
        ("\u00e9", "Nothing may follow"),
        ("&ts=1", "ts was sent 2 times"),
        ("&TS=1", "ts was sent 2 times"),
        ("&%74s=1", "ts was sent 2 times"),
        ("&advertiser=ad_x", "advertiser was sent 2 times"),
        ("&signature=" + "0" * 64, "signature was sent 2 times"),
        ("&%73ignature=" + "0" * 64, "signature was sent 2 times"),
    ],
)
def test_each_ending_is_named(world: World, web: Standing, ending: str, says: str) -> None:
    sent = signed_requests(world)["query of a GET"]
    answer = send(web, replace(sent, query=sent.query + ending.encode()))
    assert verdict(answer) == (401, "bad_signature")
    assert says in json.loads(answer.body)["message"]
    assert Postback.objects.get().signature == "bad"


@pytest.mark.parametrize("name", ["SIGNATURE", "%73ignature", "signature%20", "+signature", "amp;signature"])
def test_a_signature_under_another_spelling_is_no_signature(world: World, web: Standing, name: str) -> None:
    sent = signed_requests(world)["query of a GET"]
    answer = send(web, replace(sent, query=sent.query.replace(b"signature", name.encode())))
    assert verdict(answer) == (401, "bad_signature")


@pytest.mark.parametrize("header", [b"x-affidavit-signature", b"x-affidavit-timestamp", b"x-affidavit-advertiser"])
def test_a_header_that_is_sent_twice_or_left_out_is_refused(world: World, web: Standing, header: bytes) -> None:
    sent = signed_requests(world)["headers of JSON"]
    again = next(each for each in sent.headers if each[0] == header)
    assert verdict(send(web, replace(sent, headers=(*sent.headers, again)))) == (401, "bad_signature")
    left = tuple(each for each in sent.headers if each[0] != header)
    assert send(web, replace(sent, headers=left)).status == 401
    assert untouched()


def test_a_signature_in_headers_and_in_the_query_is_refused(world: World, web: Standing) -> None:
    query = signed_requests(world)["query of a GET"]
    answer = send(web, in_headers(world, query))
    assert verdict(answer) == (401, "bad_signature")
    assert "Send one of them" in json.loads(answer.body)["message"]


@pytest.mark.parametrize("where", ["query", "header", "body"])
def test_an_empty_signature_is_a_wrong_one_beside_a_right_token(world: World, web: Standing, where: str) -> None:
    fields = {**event(world), "token": TOKEN}
    with_it = urlencode({**fields, "signature": ""}).encode()
    sent = {
        "query": Sent("GET", "/postback", with_it),
        "header": Sent("GET", "/postback", urlencode(fields).encode(), headers=((b"x-affidavit-signature", b""),)),
        "body": Sent("POST", "/postback", b"", with_it),
    }[where]
    assert verdict(send(web, sent)) == (401, "bad_signature")
    assert untouched()


def test_a_signature_in_the_body_is_sent_back_with_where_it_belongs(world: World, web: Standing) -> None:
    sent = Sent(
        "POST", "/postback", b"", json.dumps({**event(world), "signature": "0" * 64}).encode(), kind="application/json"
    )
    answer = send(web, sent)
    assert verdict(answer) == (401, "bad_signature")
    assert "must be the last parameter of the query" in json.loads(answer.body)["message"]


def test_a_signed_request_is_good_at_its_own_address_only(world: World, web: Standing) -> None:
    for place in ("query of a GET", "headers of a GET"):
        sent = signed_requests(world)[place]
        for path in ("/d/everflow/postback", "/d/voluum/postback", "/pixel.gif", BULK):
            answer = send(web, replace(sent, path=path))
            refused = answer.headers.get("x-affidavit-reason") or verdict(answer)[1]
            assert (refused, answer.status) in (("bad_signature", 401), ("bad_signature", 200), ("wrong_method", 405))
        assert verdict(send(web, replace(sent, method="POST"))) == (401, "bad_signature")
    assert untouched()


def test_the_content_type_cannot_give_signed_bytes_another_meaning(world: World, web: Standing) -> None:
    inner = urlencode({**event(world), "revenue": "99999.00", "x": "1"})
    for start in (b'{"note":"&', b' {"note":"&', b'["&', b'"&', b'\xef\xbb\xbf{"note":"&'):
        body = (
            start + inner.encode() + b'&"' + {b"{": b"}", b"[": b"]"}.get(start.strip(b'\xef\xbb\xbf "&note:')[:1], b"")
        )
        sent = in_headers(world, Sent("POST", "/postback", b"", body, kind="application/json"))
        for kind in ("application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data", "x/y"):
            send(web, replace(sent, kind=kind))
    assert untouched()


HOSTILE = [
    *("", " ", "\u00e9", "\u0663" * 10, "-1", "+1", "1e9", "NaN", "inf", "0x10", "1792065600.5", "1_792_065_600"),
    *("9" * 400, "9" * 5000, "1792065600000", "\u00b2" * 10, "\x00", "ad_\x00", "\ud800", "'", "%", "{ts}", "a\nb"),
]
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
READ_BEFORE_THE_STORE = [
    *("x-affidavit-advertiser", "x-affidavit-timestamp", "x-affidavit-signature", "authorization", "user-agent"),
    *("content-type", "x-forwarded-for", "x-forwarded-proto", "forwarded", "host", "x-request-id", "referer", "cookie"),
]


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b"").replace(b"\r", b"")


@pytest.mark.parametrize("name", ["ts", "advertiser", "signature"])
def test_a_hostile_value_of_a_signature_is_a_verdict(world: World, web: Standing, name: str) -> None:
    for value in HOSTILE:
        given = {**event(world), "advertiser": world.advertiser.public_id, "ts": str(int(time.time()))}
        given |= {"signature": "0" * 64} | {name: value}
        query = urlencode(given, errors="surrogatepass").encode()
        answer = send(web, Sent("GET", "/postback", query))
        assert verdict(answer) == (401, "bad_signature"), value
    assert Postback.objects.count() == len(HOSTILE)


@pytest.mark.parametrize("stamp", HOSTILE[1:])
def test_an_absurd_time_with_a_right_signature_is_a_verdict(world: World, web: Standing, stamp: str) -> None:
    shown = quote(stamp, errors="surrogatepass")
    query = urlencode({**event(world), "advertiser": world.advertiser.public_id}).encode() + b"&ts=" + shown.encode()
    text = "\n".join(["v1", stamp, "GET", "/postback", query.decode(), hashlib.sha256(b"").hexdigest()])
    signature = hmac.new(SECRET.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    answer = send(web, Sent("GET", "/postback", query + b"&signature=" + signature.encode()))
    assert answer.status == 401
    assert verdict(answer)[1] in ("stale_signature", "bad_signature")
    assert Postback.objects.count() == 1
    assert untouched()


@pytest.mark.parametrize("name", READ_BEFORE_THE_STORE)
@pytest.mark.hypothesis
def test_no_header_keeps_a_request_from_being_stored(world: World, web: Standing, settings: Any, name: str) -> None:
    settings.TRUSTED_PROXIES = ["203.0.113.9"]
    fields = {**event(world), "token": TOKEN}

    @MANY
    @given(
        hostile, st.sampled_from(["GET", "POST"]), st.sampled_from(["/postback", "/d/everflow/postback", "/pixel.gif"])
    )
    def try_it(value: str, method: str, path: str) -> None:
        before = Postback.objects.count()
        data = {"query" if method == "GET" else "body": urlencode(fields).encode()}
        heads = [(name.encode(), as_bytes(value))]
        given = {"host": "testserver"} if name != "host" else {}
        answer = web.request(method, path, raw_headers=heads, headers=given, **data)
        assert answer.status < 500, (value, answer.body)
        assert Postback.objects.count() == before + (
            answer.status not in (400, 421) or answer.status == 400 and name != "host"
        )

    try_it()


@pytest.mark.parametrize(
    "path", ["/postback", "/d/everflow/", "/d/everflow/\x00", "/d/everflow/\ud800", "/d/everflow/\n", "/pixel.gif"]
)
@pytest.mark.hypothesis
def test_no_path_or_parameter_keeps_a_request_from_being_stored(world: World, web: Standing, path: str) -> None:
    fields = {**event(world), "token": TOKEN}

    @MANY
    @given(names, st.one_of(hostile, values))
    def try_it(name: str, value: str) -> None:
        before = Postback.objects.count()
        query = urlencode({**fields, name: value}, errors="surrogatepass").encode()
        assert send(web, Sent("GET", path, query)).status < 500, (name, value)
        assert send(web, Sent("POST", path, b"", json.dumps({**fields, name: [value]}).encode())).status < 500
        assert Postback.objects.count() == before + 2

    try_it()
