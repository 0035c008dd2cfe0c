"""A link leads each visitor's system to its app, store or page, with exactly one click ID where it gets through.

What arrives is read by urllib, which shares no line with the code under test.
"""

from html import unescape
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affiliates.destination_kinds import KINDS
from affiliates.models import Offer, OfferDestination
from tests.asgi_client import Answer, visit
from tests.factories import TrackingLinkFactory
from tracking.capture.app_destinations import compile_destination
from tracking.capture.destination import click_pairs, render
from tracking.models import Click, TrackingLink
from tracking.visitors.agents import is_in_app_browser

NEW = "n" * 40
VALUES = {"click_id": NEW, "affiliate_id": "af_1", "offer_id": "of_1", "link_code": "ana-shop"}
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"  # noqa: E501
PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IN_APPS = {
    "Facebook on iOS": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A3354 [FBAN/FBIOS;FBAV/480.0]",  # noqa: E501
    "Facebook on Android": "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/480.0;]",  # noqa: E501
    "Instagram": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A Instagram 350.0",  # noqa: E501
    "TikTok": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A musical_ly_36.0 BytedanceWebview/d8a21c6",  # noqa: E501
    "a view of any app on iOS": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A3354",  # noqa: E501
}
OFFERS = {
    "https://shop.example/?click_id={click_id}": {"click_id": NEW},
    "https://shop.example/welcome?btag={click_id}&src={sub1}": {"btag": NEW},
    "https://shop.example/?a={click_id}&b={click_id}": {"a": NEW, "b": NEW},
    "https://shop.example/?ref=aff_{affiliate_id}_{click_id}": {"ref": f"aff_af_1_{NEW}"},
    "https://shop.example/": {"click_id": NEW},
}
# The names under which a kind carries the click ID, if not under the offer's own.
OWN_NAMES = {"appsflyer": {"clickid": NEW}, "adjust": {"label": NEW}, "adjust_branded": {"adj_label": NEW}}
STARTS = {
    "web": "https://m.shop.example/p",
    "universal_link": "https://shop.example/p",
    "app_link": "https://shop.example/p",
    "app_store": "https://apps.apple.com/de/app/shop/id123456789",
    "play_store": "https://play.google.com/store/apps/details",
    "custom_scheme": "exampleshop://p/7",
    "appsflyer": "https://acme.onelink.me/Ab1c",
    "adjust": "https://app.adjust.com/abc123",
    "adjust_branded": "https://acme.go.link/p",
}
NEEDED = {"play_store": "id=com.example.shop", "appsflyer": "pid=acme_int", "adjust_branded": "adj_t=abc123"}
names = st.sampled_from(
    ["btag", "BTag", "click_id", "clickid", "a", "b", "ref", "label", "adj_label", "s", "q", "pt", "utm_source"]
)
plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Z"]), min_size=1, max_size=8)


@st.composite
def destinations(draw: st.DrawFn) -> tuple[str, str]:
    """A kind, and an address of it with parameters that may hold old IDs; of a Play Store one in its referrer."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    sent = draw(st.lists(st.tuples(names, plain), max_size=5))
    query = "&".join(f"{name}={quote(value.replace('{', ''), safe='')}" for name, value in sent)
    if KINDS[kind].nested_in and query:
        query = f"referrer={quote(query, safe='')}"
    query = "&".join(filter(None, [NEEDED.get(kind, ""), query]))
    return kind, STARTS[kind] + (f"?{query}" if query else "") + draw(st.sampled_from(["", "#top"]))


def arrived(kind: str, address: str) -> list[tuple[str, str]]:
    """The parameters that reach the app or page."""
    found = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    if KINDS[kind].nested_in:
        (referrer,) = [value for name, value in found if name == KINDS[kind].nested_in]
        assert NEW not in str([pair for pair in found if pair[1] != referrer])
        return parse_qsl(referrer, keep_blank_values=True)
    return found


@given(destinations(), st.sampled_from(sorted(OFFERS)))
def test_exactly_one_click_id_arrives_under_its_name_in_every_kind(destination: tuple[str, str], offer: str) -> None:
    code, url = destination
    kind = KINDS[code]
    address = render(compile_destination(url, kind, click_pairs(offer)), VALUES)
    found, wanted = arrived(code, address), OWN_NAMES.get(code, OFFERS[offer])
    for name, value in wanted.items():
        assert [each for sent, each in found if sent.lower() == name] == [value]
    assert len([value for _, value in found if NEW in value]) == len(wanted)
    assert address.isascii()
    assert urlsplit(address).netloc == urlsplit(url).netloc


@given(destinations(), st.sampled_from(sorted(OFFERS)))
def test_the_other_parameters_of_an_operator_stay_as_they_are(destination: tuple[str, str], offer: str) -> None:
    code, url = destination
    address = render(compile_destination(url, KINDS[code], click_pairs(offer)), VALUES)
    taken = {"click_id", *OWN_NAMES.get(code, OFFERS[offer])}
    nested = KINDS[code].nested_in and "referrer=" in url
    before = arrived(code, url) if nested or not KINDS[code].nested_in else []
    kept = [pair for pair in before if pair[0].lower() not in taken]
    assert [pair for pair in arrived(code, address) if pair in kept][: len(kept)] == kept


def test_a_value_in_the_install_referrer_is_encoded_for_both_queries() -> None:
    url = "https://play.google.com/store/apps/details?id=com.example.shop&referrer=s%3D{sub1}"
    template = compile_destination(url, KINDS["play_store"], click_pairs("https://shop.example/?btag={click_id}"))
    found = dict(arrived("play_store", render(template, {**VALUES, "sub1": "a&btag=evil é"})))
    assert (found["s"], found["btag"], found["utm_source"]) == ("a&btag=evil é", NEW, "af_1")


def test_the_campaign_token_is_the_links_code_beside_a_provider_token_alone() -> None:
    def token(url: str) -> dict[str, str]:
        template = compile_destination(url, KINDS["app_store"], ("click_id={click_id}",))
        return dict(parse_qsl(urlsplit(render(template, VALUES)).query))

    found = token("https://apps.apple.com/app/id123456789?pt=117")
    assert (found["pt"], found["ct"], found["mt"]) == ("117", "ana-shop", "8")
    assert token("https://apps.apple.com/app/id123456789?pt=117&ct=own")["ct"] == "own"
    assert "ct" not in token("https://apps.apple.com/app/id123456789")


class TestChoice:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture(autouse=True)
    def link(self) -> TrackingLink:
        url = "https://shop.example/?btag={click_id}"
        link: TrackingLink = TrackingLinkFactory(
            code="ana", enrollment__offer__destination_url=url, enrollment__offer__deep_link_hosts=["shop.example"]
        )
        return link

    def add(self, kind: str, url: str, **fields: object) -> None:
        row = OfferDestination(offer=Offer.objects.get(), name=kind, kind=kind, destination_url=url, **fields)
        row.full_clean()
        row.save()

    def click(self, agent: str, **params: str) -> Answer:
        answer: Answer = visit(lambda client: client.get("/c/ana", params, headers={"user-agent": agent}))
        return answer

    def test_each_system_goes_to_its_own_and_others_to_the_page(self) -> None:
        self.add("app_store", "id123456789")
        self.add("play_store", "com.example.shop")
        assert self.click(IPHONE).location.startswith("https://apps.apple.com/app/id123456789?btag=")
        assert self.click(PIXEL).location.startswith("https://play.google.com/store/apps/details?id=com.example.shop&")
        assert self.click(DESKTOP).location.startswith("https://shop.example/?btag=")
        assert Click.objects.count() == 3

    @pytest.mark.parametrize("where", sorted(IN_APPS))
    def test_browsers_inside_apps_get_the_page_in_place_of_a_link_that_would_not_open(self, where: str) -> None:
        self.add("universal_link", "https://app.shop.example/")
        self.add("app_link", "https://app.shop.example/")
        self.add("custom_scheme", "exampleshop://home")
        assert self.click(IN_APPS[where]).location.startswith("https://shop.example/?btag=")
        assert self.click(IPHONE).location.startswith("https://app.shop.example/?btag=")

    def test_a_store_is_reached_from_a_browser_inside_an_app(self) -> None:
        self.add("app_store", "id123456789")
        assert self.click(IN_APPS["Instagram"]).location.startswith("https://apps.apple.com/")

    def test_an_app_goes_before_a_page_that_fits_as_well(self) -> None:
        self.add("web", "https://m.shop.example/", devices=["phone"], weight=1000)
        self.add("universal_link", "https://app.shop.example/", weight=1)
        assert {urlsplit(self.click(IPHONE).location).hostname for _ in range(8)} == {"app.shop.example"}
        assert urlsplit(self.click(PIXEL).location).hostname == "m.shop.example"

    def test_an_own_scheme_is_reached_by_a_page_with_two_links(self) -> None:
        self.add("custom_scheme", "exampleshop://home?x={sub1}", systems=["iOS"])
        answer = self.click(IPHONE, sub1='"><script>')
        body = unescape(answer.body.decode())
        (stored,) = Click.objects.all()
        assert (answer.status, "location" in answer.headers, len(answer.cookies)) == (200, False, 2)
        assert 'href="exampleshop://home?x=%22%3E%3Cscript%3E&btag=' in body
        assert 'href="https://shop.example/?btag=' in body
        assert "<script" not in answer.body.decode()
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert stored.sub1 == '"><script>'

    def test_a_deep_link_leads_to_its_page_on_every_system(self) -> None:
        self.add("app_store", "id123456789")
        self.add("custom_scheme", "exampleshop://home")
        for agent in (IPHONE, PIXEL, DESKTOP):
            found = self.click(agent, url="https://shop.example/p/7").location
            assert found.startswith("https://shop.example/p/7?btag=")

    def test_another_page_has_the_click_id_under_the_offers_name(self) -> None:
        self.add("web", "https://m.shop.example/?btag=old", devices=["phone"])
        assert [*self.click(IPHONE).query] == ["btag"]


@pytest.mark.parametrize("agent", [IPHONE, PIXEL, DESKTOP])
def test_a_persons_own_browser_is_not_taken_for_one_inside_an_app(agent: str) -> None:
    assert not is_in_app_browser(agent)
