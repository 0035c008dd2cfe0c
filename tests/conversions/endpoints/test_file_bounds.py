"""A file costs no more than its length: what is too wide is refused in words before it is worked through.

Each file here would keep a reader that looks at every pair of its parts busy for hours.
"""

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from affiliates.models import User
from conversions.decisions.bulk import read_wishes
from payouts.paying.answers import import_result
from payouts.paying.batches import BatchRefused
from payouts.rates.daily import RatesRefused, from_ecb, from_list
from records.csv_files import FileRefused, read_table
from tests.rest import client_of
from tracking.legacy.clicks import UnusableFile, import_clicks
from web.rest.fields import Text, is_line

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WIDE = ",".join(f"c{number}" for number in range(1_000_000)).encode()
LONG_NAME = b"status," + b"x" * 200_000


def legacy(content: bytes) -> None:
    import_clicks(io.StringIO(content.decode()), source="old", now=NOW)


def answer(content: bytes) -> None:
    import_result(content=content, actor=User(), now=NOW)


Reader = Callable[[bytes], object]
READERS: list[Reader] = [
    lambda content: list(read_table(content).rows),
    read_wishes,
    legacy,
    answer,
    lambda content: list(from_ecb(b"Date," + content)),
    lambda content: list(from_list(b"day,currency,per_euro," + content)),
]
REFUSED = (FileRefused, UnusableFile, BatchRefused, RatesRefused)


@pytest.mark.parametrize("read", READERS)
def test_a_line_of_a_million_columns_is_refused(read: Reader) -> None:
    with pytest.raises(REFUSED, match=r"has [\d,]+ characters; 250,000 are read at most"):
        read(WIDE)


@pytest.mark.parametrize("read", READERS)
def test_more_columns_than_any_file_has_are_refused(read: Reader) -> None:
    with pytest.raises(REFUSED, match=r"[\d,]+ columns; at most 200 are read"):
        read(WIDE[:5_000])


@pytest.mark.parametrize("read", READERS[:4])
def test_a_name_longer_than_any_is_refused_without_being_repeated(read: Reader) -> None:
    with pytest.raises(REFUSED) as refused:
        read(LONG_NAME)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", [b"a,b\n1," + b"x" * 300_000, b'a,b\n1,"' + b"x\n" * 150_000, b"a" * 140_000])
def test_a_value_longer_than_any_is_refused_in_words(read: Reader, content: bytes) -> None:
    with pytest.raises(REFUSED) as refused:
        read(content)
    assert len(str(refused.value)) < 500


def test_a_delimiter_at_the_end_of_each_row_is_no_value() -> None:
    [row] = read_table(b"a;b\n1;2;;\n").rows
    assert row.values == {"a": "1", "b": "2"}


def reference(text: str) -> bool:
    """What a line is, said without a pattern."""
    control = any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u2028\u2029" for c in text)
    return not control and any(
        c not in " \u00a0\u1680\u202f\u205f\u3000" and not 0x2000 <= ord(c) <= 0x200A for c in text
    )


@given(st.text(alphabet=st.sampled_from("ab \u00a0\u1680\u2003\u2028\u202f\u3000\x00\n\x85é\u200b"), max_size=8))
def test_a_line_of_text_is_what_it_was(text: str) -> None:
    assert is_line(text) == reference(text)


@pytest.mark.parametrize("bad_end", ["\x01", "\n", "\u2028"])
def test_a_long_text_with_a_bad_end_is_read_once(bad_end: str) -> None:
    assert not is_line("a" * 1_000_000 + bad_end)
    assert not is_line(" " * 1_000_000 + bad_end)


@pytest.mark.django_db
def test_an_api_answers_a_megabyte_with_a_bad_end(olga: User) -> None:
    sent = {"offer": "a" * 1_000_000 + "\x01", "rules": []}
    response = client_of(olga).post("/api/v1/what-ifs/", sent, "application/json")
    assert response.status_code == 400
    assert "no more than 16 characters" in response.text


def test_a_text_is_measured_as_it_is_sent() -> None:
    field = Text(max_length=4)
    assert field.run_validation("\u00a0abc") == "abc"
    with pytest.raises(ValidationError, match="no more than 4 characters"):
        field.run_validation("\u00a0abcd")
