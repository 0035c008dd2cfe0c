"""Whatever comes through a tracking link: an answer of the contract, a click that is stored, and no other host."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote_from_bytes, urlsplit

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.models import Offer
from tests.asgi_client import BROWSER, Answer, Standing, standing
from tests.examples import examples
from tests.factories import TrackingLinkFactory
from tracking.click_id import codec
from tracking.marks import mark_clicks
from tracking.models import Click, TrackingLink

pytestmark = pytest.mark.django_db(transaction=True)
MANY = settings(
    max_examples=examples(120),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HOSTS = {"casino.example", "shop.example", "www.shop.example"}
NAMES = [
    "sub1",
    "sub10",
    "url",
    "aff_click_id",
    "source",
    "click_id",
    "visitor",
    "referrer",
    "x",
    "utm_source",
    "sub1\0",
]

hostile = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(
        [
            *(
                b"\r\nSet-Cookie: a=b",
                b"%0d%0aLocation: https://evil.example/",
                b"\r\n\r\n<script>",
                b"\0",
                b"\xff\xfe",
            ),
            *(
                b"https://evil.example/",
                b"//evil.example",
                b"https://shop.example@evil.example/",
                b"javascript:alert(1)",
            ),
            *(
                b"https://shop.example/?a={click_id}",
                b"https://shop.example.evil.example/",
                b"https://shop.example\\@e/",
            ),
            *(
                b"https://shop.example:443/x",
                b"https://www.shop.example/%0d%0a",
                b"https://[",
                b"https://shop.example:x/",
            ),
            *(b"{click_id}", b"{sub1}{sub2}", b"#", b"&", b"=", b"a" * 3000, "ü€😀".encode()),
        ]
    ),
)
queries = st.one_of(
    st.lists(st.tuples(st.sampled_from(NAMES), hostile), max_size=6).map(
        lambda pairs: b"&".join(name.encode() + b"=" + quote_from_bytes(value).encode() for name, value in pairs)
    ),
    st.binary(max_size=60),
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(b"user-agent", b"referer", b"cookie", b"x-forwarded-for", b"accept-language", b"x-request-id"),
                *(b"purpose", b"sec-purpose", b"x-forwarded-proto", b"content-length", b"dnt"),
            ]
        ),
        st.one_of(hostile, hostile.map(lambda value: b"aff_visitor=" + value + b"; aff_click_ad_1=" + value)),
    ),
    max_size=5,
)


@pytest.fixture
def link() -> TrackingLink:
    link: TrackingLink = TrackingLinkFactory(
        code="ana-shop",
        enrollment__offer__destination_url="https://casino.example/?c={click_id}&s={sub1}&r={source}#f={aff_click_id}",
        enrollment__offer__deep_link_hosts=["shop.example", "*.shop.example"],
        enrollment__offer__pass_through=Offer.PassThrough.ALL,
    )
    return link


@pytest.fixture
def endpoint(link: TrackingLink) -> Iterator[Standing]:
    with standing() as application:
        application.wait_for_hosts()
        yield application


def check_headers(answer: Answer) -> None:
    """Nothing that was sent stands in a header but encoded."""
    for name, value in answer.headers.items():
        assert value.isascii(), name
        assert value.isprintable(), name
    for cookie in answer.cookies:
        assert re.fullmatch(r"aff_(visitor|click_ad_[a-z0-9]+)=[A-Za-z0-9]+; Path=/; Max-Age=\d+; HttpOnly; .*", cookie)
    assert answer.headers["cache-control"].startswith("no-store")


def arrived(address: str) -> str:
    """The click ID that the destination gets: exactly one, also for a reader that takes the last."""
    parts = urlsplit(address)
    assert parts.scheme == "https"
    assert parts.hostname in HOSTS
    assert "@" not in parts.netloc
    names = ("c", "click_id")
    (found,) = {value for name, value in parse_qsl(parts.query) if name in names and codec.parse(value)}
    return found


@MANY
@given(query=queries, sent=headers, form=st.sampled_from(["", ".json"]), method=st.sampled_from(["GET", "GET", "HEAD"]))
def test_every_visit_is_stored_and_sent_nowhere_else(
    endpoint: Standing, link: TrackingLink, query: bytes, sent: list[tuple[bytes, bytes]], form: str, method: str
) -> None:
    before = Click.objects.count()
    answer = endpoint.request(
        method, f"/c/{link.code}{form}", query=query, raw_headers=sent, headers={"user-agent": BROWSER}
    )
    check_headers(answer)
    assert answer.status == (200 if form else 302), answer.body
    text = json.loads(answer.body)["click_id"] if form else arrived(answer.location)
    found = codec.parse(text)
    assert found is not None
    assert found.link_number == link.pk
    looks = method == "HEAD" or any(
        name in (b"purpose", b"sec-purpose") and (b"prefetch" in value or b"preview" in value) for name, value in sent
    )
    assert Click.objects.count() == before + (not looks)
    if not looks:
        row = Click.objects.get(pk=found.uuid)
        for value in (row.sub1, row.sub10, row.aff_click_id, row.source, row.referrer, row.user_agent):
            assert "\0" not in value
            assert "\n" not in value


@MANY
@given(
    path=st.one_of(
        st.text(max_size=50), st.sampled_from(["", ".", "..", "a" * 41, "ANA-SHOP", "ana-shop.xml", "ana-shop/"])
    ),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "get", "\x00"]),
    host=st.one_of(st.just("testserver"), st.text(max_size=20), st.sampled_from(["evil.example", "[::2]", "[", ":80"])),
)
def test_any_other_address_method_or_host_is_reported_so(endpoint: Standing, path: str, method: str, host: str) -> None:
    answer = endpoint.request(method, f"/c/{path}", headers={"host": host})
    is_known = path.lower().rstrip("/") == "ana-shop" and method in ("GET", "HEAD")
    assert answer.status in ({302, 421} if is_known else {404, 405, 421})
    assert answer.status == 421 or host.partition(":")[0] == "testserver"
    if answer.status != 421:
        check_headers(answer)


@pytest.mark.hypothesis
def test_hostile_clicks_can_be_marked(endpoint: Standing, link: TrackingLink) -> None:
    @settings(MANY, max_examples=examples(60))
    @given(st.lists(st.tuples(st.sampled_from([b"user-agent", b"referer", b"cookie", b"accept-language"]), hostile)))
    def visit(sent: list[tuple[bytes, bytes]]) -> None:
        endpoint.request(
            "GET", f"/c/{link.code}", raw_headers=sent, headers={"host": "testserver"}, params={"sub1": "x"}
        )

    visit()
    number = Click.objects.count()
    assert number
    assert mark_clicks(now=timezone.now(), limit=number)[0] == number
    assert not Click.objects.filter(is_bot=None).exists()
