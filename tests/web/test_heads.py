"""What is read of a request before Django: bounded heads, first values, and answers that no cache keeps."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import http

KB = 1024


def scope(*headers: tuple[bytes, bytes], path: str = "/postback", query: bytes = b"") -> dict[str, Any]:
    return {"path": path, "query_string": query, "headers": headers}


def refused(*headers: tuple[bytes, bytes], **kwargs: Any) -> int | None:
    found = http.head_problem(scope(*headers, **kwargs))
    return found[0] if found else None


def test_an_address_may_have_16_kb_and_not_one_byte_more() -> None:
    assert refused(path="/c/x", query=b"a" * (16 * KB - 4)) is None
    assert refused(path="/c/x", query=b"a" * (16 * KB - 3)) == 414


def test_headers_may_have_32_kb_together_names_and_values() -> None:
    assert refused((b"cookie", b"x" * (16 * KB)), (b"accept", b"x" * (16 * KB - 12))) is None
    assert refused((b"cookie", b"x" * (16 * KB)), (b"accept", b"x" * (16 * KB - 11))) == 431


def test_two_hosts_are_refused_as_a_proxy_could_read_the_other_one() -> None:
    assert refused((b"host", b"a.example")) is None
    assert refused((b"host", b"a.example"), (b"host", b"b.example")) == 400


def test_a_refusal_says_what_to_change() -> None:
    problem = http.head_problem(scope(query=b"a" * 20 * KB))
    assert problem
    assert "in the body" in problem[1]


def test_the_first_value_of_a_header_counts_cleaned_and_cut() -> None:
    head = scope((b"user-agent", b"a\x00b\xff"), (b"user-agent", b"second"))
    assert http.header(head, b"user-agent") == "ab\N{REPLACEMENT CHARACTER}"
    assert http.header(head, b"user-agent", limit=1) == "a"
    assert http.header(head, b"referer") == ""


def test_all_lines_of_a_list_header_are_one_list_in_their_order() -> None:
    head = scope((b"forwarded", b"for=1"), (b"accept", b"x"), (b"forwarded", b"for=2"))
    assert http.joined(head, b"forwarded") == "for=1,for=2"


@given(st.text(), st.integers(0, 50))
def test_a_clean_text_can_be_stored_and_keeps_what_can_be_read(text: str, limit: int) -> None:
    found = http.clean(text, limit)
    assert len(found) <= limit
    found.encode()
    assert not any(ord(char) < 32 or 0x7F <= ord(char) <= 0x9F for char in found)
    assert not text.isprintable() or found == text[:limit]


@given(st.text(max_size=100))
def test_a_request_id_is_safe_to_log_whatever_was_sent(text: str) -> None:
    made = http.request_id(scope((b"x-request-id", text.encode("utf-8", "replace"))))
    assert 1 <= len(made) <= 64
    assert made.isascii()
    assert made.replace("-", "").replace("_", "").isalnum()


def test_without_an_id_of_the_sender_each_request_gets_its_own() -> None:
    assert len({http.request_id(scope()) for _ in range(100)}) == 100
    assert http.request_id(scope((b"x-request-id", b"order-4711"))) == "order-4711"


@pytest.mark.parametrize(
    ("encoded", "fields"),
    [
        (b"", []),
        (b"a", [("a", "")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a=%20+b&&=x", [("a", "  b"), ("", "x")]),
        (b"a=caf%e9", [("a", "café")]),
        (b"a=caf\xe9&b=%d0%bf%e9", [("a", "café"), ("b", "пé")]),
        (b"a=%81", [("a", "\N{REPLACEMENT CHARACTER}")]),
        ("a=é".encode(), [("a", "é")]),
        (b"a=%zz", [("a", "%zz")]),
    ],
)
def test_parameters_are_read_in_their_order_with_empty_ones(encoded: bytes, fields: list[tuple[str, str]]) -> None:
    assert http.pairs(encoded) == fields


@pytest.mark.parametrize("part", [b"a=1", b"a=%31"])
def test_a_flood_of_parameters_is_refused_at_the_same_number_on_each_way(part: bytes) -> None:
    assert len(http.pairs(b"&".join([part] * http.MAX_FIELDS))) == http.MAX_FIELDS
    with pytest.raises(http.TooManyFields):
        http.pairs(b"&".join([part] * (http.MAX_FIELDS + 1)))


def test_a_flood_of_encoded_characters_is_refused() -> None:
    assert http.pairs(b"a=" + b"%31" * http.MAX_ESCAPES) == [("a", "1" * http.MAX_ESCAPES)]
    with pytest.raises(http.TooManyFields, match="percent-encoded"):
        http.pairs(b"a=" + b"%31" * (http.MAX_ESCAPES + 1))


def test_an_answer_in_json_keeps_its_letters_and_is_stored_nowhere() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(http.respond_json(send, 202, {"reason": "café €"}, [(b"x-request-id", b"1")]))
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], json.loads(sent[1]["body"])) == (202, {"reason": "café €"})
    assert headers[b"cache-control"] == b"no-store, max-age=0"
    assert headers[b"x-request-id"] == b"1"
    assert int(headers[b"content-length"]) == len(sent[1]["body"])
    assert "café €".encode() in sent[1]["body"]
