"""A deep link carries the click ID under the offer's own name, exactly once, whatever it held before.

What arrives is read by urllib, which shares no line with the code under test.
"""

from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.capture.destination import click_pairs, compile_template, deep_link, deep_template, render

HOSTS = ["shop.example"]
NEW = "n" * 40
# Offers with the click ID under our name, another, two at once, within a text, in the path, and nowhere.
OFFERS = {
    "https://shop.example/?click_id={click_id}&utm_source={sub1}": {"click_id": NEW},
    "https://shop.example/welcome?btag={click_id}&src={sub1}": {"btag": NEW},
    "https://shop.example/?a={click_id}&b={click_id}": {"a": NEW, "b": NEW},
    "https://shop.example/?ref=aff_{affiliate_id}_{click_id}": {"ref": f"aff_af_1_{NEW}"},
    "https://shop.example/go/{click_id}/?x=1": {"click_id": NEW},
    "https://shop.example/": {"click_id": NEW},
}
offers = st.sampled_from(sorted(OFFERS))
plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Z"]), min_size=1, max_size=8)
names = st.sampled_from(
    ["click_id", "Click_ID", "CLICK_ID", "btag", "BTag", "a", "b", "ref", "size", "color", "q", "id"]
)


@st.composite
def copied_pages(draw: st.DrawFn) -> str:
    """The address of a page as it is copied from a browser, with parameters that may hold old IDs."""
    encode = draw(st.sampled_from([quote, quote_plus]))
    sent = draw(st.lists(st.tuples(st.one_of(names, plain), plain), max_size=6))
    query = "&".join(f"{encode(name, safe='')}={encode(value, safe='')}" for name, value in sent)
    separator = draw(st.sampled_from(["", "", "&"]))
    fragment = draw(st.sampled_from(["", "#top", "#/cart"]))
    return f"https://shop.example/p/7{'?' if query else ''}{query}{separator if query else ''}{fragment}"


def arrived(page: str, offer: str) -> list[tuple[str, str]]:
    template = deep_template(page, HOSTS, click_pairs(offer))
    assert template is not None
    address = render(template, {"click_id": NEW, "affiliate_id": "af_1"})
    assert urlsplit(address)._replace(query="") == urlsplit(deep_link(page, HOSTS) or "")._replace(query="")
    return parse_qsl(urlsplit(address).query, keep_blank_values=True)


@given(copied_pages(), offers)
def test_the_click_id_arrives_exactly_once_under_the_offers_own_names(page: str, offer: str) -> None:
    found, wanted = arrived(page, offer), OFFERS[offer]
    for name, value in wanted.items():
        assert [each for sent, each in found if sent.lower() == name] == [value]
    assert [sent for sent, _ in found if sent.lower() == "click_id"] == (["click_id"] if "click_id" in wanted else [])


@given(copied_pages(), offers)
def test_all_other_parameters_arrive_as_they_were(page: str, offer: str) -> None:
    taken = {"click_id", *OFFERS[offer]}
    before = [pair for pair in parse_qsl(urlsplit(page).query, keep_blank_values=True) if pair[0].lower() not in taken]
    assert [pair for pair in arrived(page, offer) if pair[0].lower() not in taken] == before


OLD = [
    "btag=old",
    "BTAG=old",
    "b%74ag=old",
    "btag[]=old",
    "btag%5B0%5D=old",
    "amp;btag=old",
    "btag",
    "btag=",
    "click_id=x",
] + ["click.id=x", "click%20id=x", "click_id%E2%80%8B=x", "btag=old&btag=older"]


@pytest.mark.parametrize("old", OLD)
def test_old_ids_go_in_every_spelling_that_a_server_may_read(old: str) -> None:
    page = f"https://shop.example/p?size=9&{old}&color=red"
    found = arrived(page, "https://shop.example/welcome?btag={click_id}")
    assert found == [("size", "9"), ("color", "red"), ("btag", NEW)]


@pytest.mark.parametrize("old", OLD)
def test_old_ids_go_behind_a_semicolon_too(old: str) -> None:
    """Some servers part parameters there."""
    address = address_of(f"https://shop.example/p?size=9;{old};color=red")
    found = parse_qsl(urlsplit(address).query.replace(";", "&"), keep_blank_values=True)
    assert found == [("size", "9"), ("color", "red"), ("btag", NEW)]


@pytest.mark.parametrize("old", OLD)
@pytest.mark.parametrize("route", ["", "/cart?", "!/cart?"])
def test_old_ids_go_from_the_fragment_too(route: str, old: str) -> None:
    """Pages of one script read their parameters there, and our tag may."""
    address = address_of(f"https://shop.example/p#{route}size=9&{old}&color=red")
    assert address == f"https://shop.example/p?btag={NEW}#{route}size=9&color=red"
    alone = address_of(f"https://shop.example/p#{route}{old}")
    assert urlsplit(alone).fragment == route.rstrip("?")


@pytest.mark.parametrize("fragment", ["top", "/cart", "!", "a=1;b=2", "x?y=1&&z", ":~:text=btag", "é"])
def test_other_fragments_stay_as_they_are(fragment: str) -> None:
    page = f"https://shop.example/p#{fragment}"
    assert urlsplit(address_of(page)).fragment == urlsplit(deep_link(page, HOSTS) or "").fragment


def address_of(page: str) -> str:
    template = deep_template(page, HOSTS, click_pairs("https://shop.example/welcome?btag={click_id}"))
    assert template is not None
    return render(template, {"click_id": NEW})


def test_an_affiliates_own_landing_page_carries_the_offers_name_too() -> None:
    pairs = click_pairs("https://shop.example/welcome?btag={click_id}")
    page = compile_template("https://shop.example/garden?btag=old#top", pairs)
    assert render(page, {"click_id": NEW}) == f"https://shop.example/garden?btag={NEW}#top"
