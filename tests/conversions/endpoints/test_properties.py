"""Whatever is sent to an endpoint for events: an answer of the contract, a stored request, nothing counted unduly.

What the rules allow is said here a second time, as plainly as possible and without a line of the code that judges.
"""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conversions.dialects.table import BY_NAME, DIALECTS
from conversions.models import Conversion, Postback, Refund, StatusChange, Trace
from conversions.reasons.codes import Reason
from records.money import PLACES
from tests.asgi_client import Answer, Standing, standing
from tests.conversions.sending import TOKEN, World
from tests.examples import examples
from tests.factories import AdvertiserSecretFactory, ClickFactory, CouponCodeFactory, LegacyClickIDFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
MANY = settings(
    max_examples=examples(100),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEY = "aft_abcdefghijklmnopqrstuvwxyz"

# Which outcome may have which status.
OUTCOMES = {
    200: {"accepted", "updated", "duplicate", "rejected"},
    202: {"held"},
    400: {"invalid"},
    401: {"unauthorized"},
    403: {"forbidden", "rejected", "unauthorized"},
    404: {"unknown_click"},
    409: {"conflict"},
    413: {"invalid"},
    422: {"invalid"},
    429: {"unauthorized", "forbidden"},
}
FIELDS = {
    *("outcome", "reason", "message", "problems", "warnings", "postback_id", "conversion_id", "status", "received"),
    *("trace_url",),
}

junk = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(codec="utf-8", categories=["Cc", "Cf", "Zs", "Nd", "Sc"]), max_size=12),
    st.sampled_from(
        [
            *(
                "{click_id}",
                "ord-{txid}",
                "[VIP]",
                "$100",
                "%%x%%",
                "\0",
                "\ud800",
                "a" * 300,
                "carl@example.com",
                "null",
            ),
            *(
                "' OR 1=1 --",
                "<script>",
                "../../etc/passwd",
                "1" * 5000,
                "\u202e",
                "-1",
                "NaN",
                "Infinity",
                "1e400",
                "٣",
            ),
        ]
    ),
)
digits = st.integers(0, 10**9).map(str)
# Digits with marks between them: of some, one reading is possible, of others two or none.
_mark = st.sampled_from([",", ".", " ", "'"])
marked = st.one_of(
    st.builds("{}{}{:03}".format, st.integers(0, 1999), _mark, st.integers(0, 999)),
    st.builds("{}{}{:02}".format, st.integers(0, 1999), _mark, st.integers(0, 99)),
    st.builds("{}{}{:03}{}{:02}".format, st.integers(1, 999), _mark, st.integers(0, 999), _mark, st.integers(0, 99)),
)
amounts = st.one_of(
    marked,
    st.builds("{}.{}".format, digits, digits),
    st.builds("{:,.2f}".format, st.decimals(0, 10**9, places=2)),
    st.builds("{}{}{}".format, digits, st.sampled_from([",", ".", " ", "'", "-", "e", "\u2212"]), digits),
    st.builds("{}{}".format, st.sampled_from(["€", "$", "EUR ", "-", "+", "(", "\u2212", "0x"]), digits),
    digits,
    junk,
)
currencies = st.one_of(st.sampled_from(["EUR", "eur", "JPY", "KWD", "BTC", "XXX", "€", " EUR "]), junk)
moments = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.integers(0, 10**19).map(str),
    st.sampled_from(["1792065600", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-10-15"]),
    junk,
)


def one_of(*known: str | None) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(known), junk)


@pytest.fixture
def unhurried(settings: Any) -> None:
    """No sender has to wait for having failed too often."""
    settings.FAILED_POSTBACKS_PER_MINUTE = 0


@pytest.fixture
def world() -> World:
    world = World()
    world.advertiser.allows_pixel = True
    world.advertiser.save()
    AdvertiserSecretFactory(advertiser=world.advertiser, text=KEY)
    CouponCodeFactory(code="ANA10", enrollment=world.ana_link.enrollment)
    LegacyClickIDFactory(foreign_id="old-1", link=world.ana_link)
    return world


@pytest.fixture
def click(world: World) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link).id)


@pytest.fixture
def endpoint(world: World) -> Iterator[Standing]:
    with standing() as application:
        yield application


# The click, which is made anew for each test; an ID that was never sent; and the ID of the last event that counted.
GENUINE, NEW, LAST = "GENUINE", "NEW", "LAST"
_numbers = itertools.count(1)
good = st.fixed_dictionaries(
    {
        "click_id": st.sampled_from([GENUINE, GENUINE, GENUINE, "old-1"]),
        "event_type": st.sampled_from(["purchase", "purchase", "deposit", "registration", "ftd"]),
        "txid": st.sampled_from([NEW, NEW, NEW, LAST]),
        "customer_id": st.sampled_from([NEW, NEW, LAST]),
        "revenue": st.one_of(digits, marked, st.decimals(1, 10**6, places=2).map("{:,.2f}".format)),
        "currency": st.sampled_from(["EUR", "eur", "JPY"]),
    }
)
# What may stand in the place of a good value, or beside it; None leaves the field out.
changes: dict[str, st.SearchStrategy[Any]] = {
    "click_id": one_of(GENUINE.lower(), "0" * 40, None, ""),
    "event_type": one_of("PURCHASE", " purchase ", "nothing", None),
    "txid": one_of(None, "t-1"),
    "transaction_id": one_of("t-1"),
    "customer_id": one_of(None, "C-1"),
    "revenue": st.one_of(amounts, st.none()),
    "payout": amounts,
    "refund": amounts,
    "refund_id": one_of("r-1"),
    "volume": amounts,
    "fees": amounts,
    "currency": st.one_of(currencies, st.none()),
    "status": one_of("approved", "pending", "rejected", "Approved"),
    "timestamp": moments,
    "coupon": one_of("ANA10", "ana10", "BEN10"),
    "test": one_of("1", "0"),
    "sub_id1": junk,
    "x\0y": junk,
}
# A status update or a refund of a transaction that may be known needs no click.
later = st.fixed_dictionaries(
    {"event_type": st.just("purchase"), "txid": st.just(LAST)},
    optional={
        "status": st.sampled_from(["approved", "rejected", "pending"]),
        "refund": st.sampled_from(["0.01", "0.5", "1", "(5)", "1,234"]),
        "refund_id": one_of("r-1"),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, str]:
    """A good request with none, one or two of its values changed."""
    if draw(st.sampled_from([True, *[False] * 7])):
        return draw(later)
    fields: dict[str, Any] = draw(good)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        name = draw(st.sampled_from(sorted(changes)))
        fields[name] = draw(changes[name])
    return {name: value for name, value in fields.items() if value is not None}


sent = requests()


def readings(text: str) -> set[Decimal]:
    """Each value that a person could read in the digits of an amount; none where there is none."""
    body = re.sub(r"^[^\d\s.,+-]{1,5}\s?|\s?[^\d\s.,+-]{1,5}$", "", text.strip())
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", body):
        return {Decimal(body)}
    found = set()
    for mark in ("", ".", ","):
        whole, _, decimals = body.rpartition(mark) if mark and mark in body else (body, "", "")
        separators = set(re.sub(r"[0-9]", "", whole))
        grouped = re.fullmatch(r"[0-9]{1,3}([^0-9][0-9]{3})*|[0-9]+", whole) is not None
        if (
            grouped
            and len(separators) <= 1
            and mark not in (separators or {None})
            and re.fullmatch(r"[0-9]*", decimals)
        ):
            leading = separators and whole.lstrip("0")[:1] != whole[:1]
            if not leading and not (mark and mark in body and not decimals):
                found.add(Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{decimals or 0}"))
    return found


def one_reading(text: str) -> Decimal:
    """The value of an amount that was taken: there must have been exactly one."""
    text = seen(text)
    if re.fullmatch(r"[0-9.]+e[+-]?[0-9]+", text, re.IGNORECASE):
        return Decimal(text)
    (value,) = readings(text)
    return value


def books() -> tuple[Any, ...]:
    """Everything that counts."""
    rows = Conversion.objects.order_by("pk").values_list("pk", "status", "revenue", "transaction_id", "currency")
    return (
        list(rows),
        StatusChange.objects.count(),
        list(Refund.objects.order_by("pk").values_list("pk", "amount")),
    )


def check_answer(answer: Answer) -> dict[str, Any]:
    """The closed shape, and the request with its decision and trace in the database."""
    reported: dict[str, Any] = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    check_body(answer.status, reported)
    return reported


def check_body(status: int, text: dict[str, Any]) -> None:
    assert text["outcome"] in OUTCOMES[status], text
    assert text.keys() >= FIELDS
    assert text.keys() <= FIELDS | {"is_test", "waiting", "index", "http_status"}
    assert text["reason"] in Reason.values
    for problem in text["problems"]:
        assert problem.keys() == {"code", "field", "value", "message", "remedy", "help"}
        assert problem["code"] in Reason.values
        assert problem["remedy"]
    assert bool(text["problems"]) == (text["outcome"] == "invalid") or text["outcome"] != "accepted"
    stored = Postback.objects.get(public_id=text["postback_id"])
    assert (stored.outcome, stored.reason) == (text["outcome"], text["reason"])
    trace = Trace.objects.get(postback=stored)
    assert (trace.http_status, trace.outcome) == (status, stored.outcome)
    assert TOKEN not in json.dumps([stored.parameters, stored.headers, stored.body, text])


def seen(text: str) -> str:
    """What a person sees of a value: no control or format characters, every space alike, none at the ends."""
    shown = (" " if each.isspace() else each for each in text if each.isspace() or unicodedata.category(each)[0] != "C")
    return unicodedata.normalize("NFC", "".join(shown)).strip()


def check_counted(row: Conversion, fields: dict[str, str], genuine: str) -> None:
    """The rules for what may count, said again."""
    given = {name: seen(value) for name, value in fields.items()}
    assert row.goal.code == given["event_type"].lower()
    if given.get("click_id"):
        assert given["click_id"].lower() in (genuine, "old-1"), fields
    else:
        assert given.get("coupon", "").upper() == "ANA10" or given.get("customer_id"), fields
    assert row.affiliate.name == "Ana"
    for name, value in (("revenue", row.revenue), ("payout", row.payout), ("volume", row.volume)):
        assert value is None if not given.get(name) else value == one_reading(given[name]), (name, given[name])
    if given.get("currency"):
        assert row.currency == {"€": "EUR"}.get(given["currency"], given["currency"].upper())
    assert row.currency in PLACES
    if given.get("status"):
        assert given["status"].lower() in ("approved", "pending", "rejected")
    if row.goal.needs_customer_id:
        assert row.customer
    if row.goal.needs_revenue:
        assert row.revenue is not None
    assert "@" not in (row.customer.customer_id if row.customer else "")


def send(endpoint: Standing, form: str, fields: dict[str, str], token: str = TOKEN) -> Answer:
    """The request as a query, a form, JSON, or half and half."""
    pairs = [(name, value) for name, value in {"token": token, **fields}.items() if value is not None]
    half = len(pairs) // 2 if form == "half" else len(pairs) if form == "query" else 0
    query = urlencode(pairs[:half], errors="surrogatepass").encode()
    if form == "query":
        return endpoint.request("GET", "/postback", query=query)
    if form == "json":
        body, kind = json.dumps(dict(pairs[half:])).encode(), "application/json"
    else:
        body, kind = urlencode(pairs[half:], errors="surrogatepass").encode(), "application/x-www-form-urlencoded"
    return endpoint.request("POST", "/postback", query=query, body=body, headers={"content-type": kind})


def filled_in(fields: dict[str, str], click: str) -> dict[str, str]:
    last = Conversion.objects.select_related("customer").order_by("-pk").first()
    customer = last.customer.customer_id if last and last.customer else "c-none"
    marks = {"txid": last.transaction_id if last else "t-none", "customer_id": customer}
    fields = {name: f"{name}-{next(_numbers)}" if value == NEW else value for name, value in fields.items()}
    fields = {name: marks[name] if value == LAST else value for name, value in fields.items()}
    known = {GENUINE: click, GENUINE.lower(): click.upper()}
    return {name: known.get(value, value) if isinstance(value, str) else value for name, value in fields.items()}


@settings(MANY, max_examples=examples(200))
@given(fields=sent, form=st.sampled_from(["query", "form", "json", "half"]))
def test_what_counts_is_allowed_and_counts_once(
    endpoint: Standing, click: str, fields: dict[str, str], form: str
) -> None:
    before, number = books(), Postback.objects.count()
    known = set(Conversion.objects.values_list("public_id", flat=True))
    fields = filled_in(fields, click)
    reported = check_answer(send(endpoint, form, fields))
    after = books()
    # What was parked until this came is counted with it.
    is_new = reported["conversion_id"] not in (None, *known)
    if is_new:
        assert reported["outcome"] in ("accepted", "held", "rejected"), reported
        check_counted(Conversion.objects.get(public_id=reported["conversion_id"]), fields, click)
    else:
        assert reported["outcome"] != "accepted", reported
        assert len(after[0]) == len(before[0]), reported
    again = check_answer(send(endpoint, form, fields))
    assert books() == after, (reported, again)
    assert again["outcome"] not in ("accepted", "updated"), again
    assert Postback.objects.count() == number + 2


@MANY
@given(
    body=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda t: t.encode("utf-8", "replace"))),
    query=st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda rest: f"token={TOKEN}&".encode() + rest)),
    kind=st.one_of(
        st.sampled_from(
            ["application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data"]
        ),
        st.text(max_size=20),
    ),
    head=st.lists(
        st.tuples(
            st.sampled_from(
                [b"authorization", b"x-affidavit-signature", b"x-affidavit-timestamp", b"x-request-id", b"host"]
            ),
            st.binary(max_size=40),
        ),
        max_size=4,
    ),
    path=st.sampled_from(["/postback", "/pixel.gif", "/d/voluum/x/postback", "/p.ashx", "/api/v1/conversions/bulk"]),
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "\x00"]),
)
def test_bytes_of_any_kind_bring_no_endpoint_down(
    endpoint: Standing, body: bytes, query: bytes, kind: str, head: list[tuple[bytes, bytes]], path: str, method: str
) -> None:
    before = books()
    answer = endpoint.request(
        method, path, query=query, body=body, raw_headers=head, headers={"content-type": kind}, client="198.51.100.77"
    )
    assert answer.status < 500, answer.body
    assert books() == before
    for name, value in answer.headers.items():
        assert value.isprintable(), name


@MANY
@given(fields=sent, by_post=st.booleans(), cookie=st.one_of(st.just(""), st.just(GENUINE), junk))
def test_a_pixel_is_an_image_and_counts_what_is_allowed_once(
    endpoint: Standing, world: World, click: str, fields: dict[str, str], by_post: bool, cookie: str
) -> None:
    before = books()
    fields = {"advertiser": world.advertiser.public_id, **filled_in(fields, click)}
    known = click if cookie == GENUINE else cookie.encode("utf-8", "replace").decode()
    heads = [(b"cookie", f"aff_click_{world.advertiser.public_id}={known}".encode())] if cookie else []

    def fetch() -> Answer:
        text = urlencode(fields, errors="surrogatepass").encode()
        if by_post:
            kind = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
            return endpoint.request("POST", "/pixel.gif", body=text, raw_headers=heads, headers=kind)
        return endpoint.request("GET", "/pixel.gif", query=text, raw_headers=heads)

    first = fetch()
    assert (first.status, first.headers["content-type"], first.body[:6]) == (200, "image/gif", b"GIF89a")
    assert first.headers["x-affidavit-reason"] in Reason.values
    assert first.headers["x-affidavit-outcome"] in set().union(*OUTCOMES.values())
    after = books()
    if len(after[0]) > len(before[0]):
        row = Postback.objects.latest("pk").conversion
        assert row is not None
        assert row.status != Conversion.Status.APPROVED
        check_counted(row, fields if fields.get("click_id", "").strip() else {**fields, "click_id": known}, click)
    assert len(after[2]) == len(before[2]), "a pixel refunds nothing"
    fetch()
    assert books() == after


values_by_field = {"revenue": amounts, "payout": amounts, "currency": currencies, "timestamp": moments}


@MANY
@given(data=st.data(), dialect=st.sampled_from(DIALECTS))
def test_a_request_in_another_platforms_form_counts_once_and_is_answered_in_its_words(
    endpoint: Standing, click: str, data: st.DataObject, dialect: Any
) -> None:
    """The platform's own sample, with some of its values changed to anything."""
    method, _, address = dialect.sample.partition(" ")
    path, _, query = address.partition("?")
    filled = {"click": click, "token": KEY, "goal": "purchase"}
    for name, value in filled.items():
        path, query = path.replace(f"{{{name}}}", value), query.replace(f"{{{name}}}", value)
    names = [name for found in dialect.mapping.fields.values() for name in found]
    extra = data.draw(
        st.dictionaries(st.sampled_from(names), st.one_of(amounts, currencies, moments, junk), max_size=3)
    )
    body = {name: value.format(**filled) if "{" in value else value for name, value in dialect.sample_body.items()}
    text = json.dumps({**body, **extra}).encode() if body else b""
    added = "" if body else "&" + urlencode(extra, errors="surrogatepass")
    heads = {"content-type": "application/json", "authorization": f"Bearer {KEY}"} if body else {}

    def ask() -> Answer:
        return endpoint.request(method, path, query=(query + added).encode(), body=text, headers=heads)

    number = Postback.objects.count()
    first = ask()
    assert first.status < 500
    assert first.headers["x-affidavit-outcome"] in set().union(*OUTCOMES.values())
    kinds = {"text/plain", "text/html", "text/xml", "application/json", "application/xml", "image/gif"}
    assert first.headers["content-type"].partition(";")[0] in kinds
    after = books()
    again = ask()
    assert books() == after
    assert again.headers["x-affidavit-outcome"] not in ("accepted", "updated")
    assert Postback.objects.count() == number + 2
    stored = Postback.objects.latest("pk")
    assert stored.mapping == dialect.name
    assert KEY not in json.dumps([stored.parameters, stored.path, stored.headers, stored.body])


odd = st.one_of(
    st.none(), junk, st.lists(st.integers(), max_size=2), st.dictionaries(st.text(), st.floats(), max_size=3)
)


@settings(MANY, max_examples=examples(60))
@given(
    events=st.lists(st.integers(0, 5).flatmap(lambda n: sent if n else odd), min_size=1, max_size=4),
    wrapped=st.booleans(),
)
def test_every_event_of_many_is_stored_answered_and_counted_once(
    endpoint: Standing, click: str, events: list[Any], wrapped: bool
) -> None:
    rows = [filled_in(event, click) if isinstance(event, dict) else event for event in events]
    body = json.dumps({"events": rows} if wrapped else rows).encode()
    heads = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}

    def post() -> tuple[int, dict[str, Any]]:
        answer = endpoint.request("POST", "/api/v1/conversions/bulk", body=body, headers=heads)
        return answer.status, json.loads(answer.body)

    number = Postback.objects.count()
    status, output = post()
    assert (status, output["events"], len(output["decisions"])) == (200, len(rows), len(rows))
    assert sum(output["counts"].values()) == len(rows)
    for index, decision in enumerate(output["decisions"]):
        assert decision["index"] == index
        check_body(decision["http_status"], decision)
        if decision["outcome"] == "accepted":
            check_counted(Conversion.objects.get(public_id=decision["conversion_id"]), rows[index], click)
    after = books()
    post()
    assert books() == after
    assert Postback.objects.count() == number + 2 * len(rows)


@pytest.mark.usefixtures("unhurried")
@MANY
@given(
    token=st.one_of(st.text(max_size=60), st.sampled_from(["", "aft_", KEY[:-1], TOKEN.upper(), TOKEN + "\0"])),
    fields=sent,
)
def test_no_one_counts_anything_without_a_token(
    endpoint: Standing, click: str, token: str, fields: dict[str, str]
) -> None:
    assume(token.strip() not in (TOKEN, KEY))
    answer = send(endpoint, "query", filled_in(fields, click), token)
    assert answer.status in (400, 401, 413)
    assert not Conversion.objects.exists()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_each_dialect_has_a_sample_to_start_from(name: str) -> None:
    assert BY_NAME[name].sample


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_the_second_telling_of_the_rules_reads_plain_amounts(whole: int, cents: int) -> None:
    value = Decimal(f"{whole}.{cents:02}")
    for text in (f"{value}", f"{value:,.2f}", f"{value:,.2f}".translate(str.maketrans(",.", ".,"))):
        assert readings(text) == {value} or (len(readings(text)) == 2 and whole < 1000)
    assert readings("1,234") == {Decimal("1234"), Decimal("1.234")}
    with pytest.raises((ValueError, InvalidOperation)):
        one_reading("1,234")
    assert not list(itertools.chain(readings("x"), readings("1.2.3")))
