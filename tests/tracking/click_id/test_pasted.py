"""IDs are found in whatever people paste."""

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.public_ids import conversion_id
from tracking.click_id import codec
from tracking.click_id.pasted import LONGEST, MOST_TOKENS, click_ids_in, narrowed, public_ids_in, tokens_in

CLICK = codec.new(link_number=7).text
OTHER = codec.new(link_number=8).text
URL = f"https://casaverbena.example/?click_id={CLICK}&utm_source=opux"

PASTED = {
    "alone": CLICK,
    "capitals": CLICK.upper(),
    "redirect": URL,
    "redirect under another name": f"https://shop.example/de?subid={CLICK}#top",
    "in the path": f"https://shop.example/go/{CLICK}/x",
    "encoded": quote(URL, safe=""),
    "encoded twice": quote(quote(URL, safe=""), safe=""),
    "html": URL.replace("&", "&amp;"),
    "html in a link": f'<a href="{URL}">here</a>',
    "curl": f"curl -sS 'http://127.0.0.1:8000/postback?token=t_1&click_id={CLICK}&txid=A-1'",
    "curl with a body": f"curl -d '{json.dumps({'click_id': CLICK})}' https://x.example/postback",
    "json": json.dumps({"event": {"click": CLICK}, "n": 1}),
    "csv": f"2026-10-01,{CLICK},ftd,50.00,EUR",
    "semicolons": f'"{CLICK}";"ftd";"50,00"',
    "tabs": f"1\t{CLICK}\t2",
    "sentence": f"Hello, our player (click {CLICK}). Why was it refused?",
    "quoted printable": f"https://a.example/?click_id=3D{CLICK}",
    "soft break": f"https://a.example/?click_id=3D{CLICK[:20]}=\n{CLICK[20:]}",
    "lines": f"\n\n  {CLICK}\n",
    "form": urlencode({"click_id": CLICK, "txid": "ä"}),
}


@pytest.mark.parametrize("text", PASTED.values(), ids=list(PASTED))
def test_finds_the_click_id(text):
    assert click_ids_in(text) == [CLICK]
    assert narrowed(text).lower() == CLICK


def test_takes_only_genuine_ones_each_once_in_their_order():
    forged = CLICK[:-1] + ("0" if CLICK[-1] != "0" else "1")
    assert click_ids_in(f"{forged} {OTHER} {CLICK} {OTHER.upper()}") == [OTHER, CLICK]


def test_finds_ids_of_ours():
    row = conversion_id()
    assert public_ids_in(f"https://a.example/trace/conversion/{row}/?x=1") == [row]
    assert narrowed(f"see {row.upper()}, please") == row


def test_a_text_without_an_id_stays_as_it_is():
    assert narrowed("  order 4711 ") == "order 4711"
    assert tokens_in("order_id=4711&name=Ana, please.") == ["order_id", "4711", "name", "Ana", "please"]


@given(st.text(), st.text())
def test_anything_around_it_that_is_no_letter_or_digit_does_not_matter(before, after):
    assert CLICK in click_ids_in(f"{before[:2000]} {CLICK} {after}")


@pytest.mark.parametrize(
    "text", ["%25" * 9_000, "&amp;" * 9_000, "a" * 9_000_000, "0" * 40 + " " * 9_000, "=\n" * 9_000]
)
def test_hostile_text_is_cut(text):
    assert click_ids_in(text) == []
    assert len(tokens_in(text)) <= MOST_TOKENS
    assert click_ids_in(" " * LONGEST + CLICK) == []
