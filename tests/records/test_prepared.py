"""Values of prepared statements arrive in PostgreSQL as they were given."""

import json
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.models import Conversion
from records.prepared import array, from_json, prepared_cursor, to_json

HOSTILE = ["", "NULL", "null", "a,b", "{}", "{a}", '"', "\\", '\\"', "'; --", " padded ", "two\nlines", "€漢😀", "%s"]


def asked(cast: str, values: list[object]) -> list[object]:
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT %s::{cast}[]", [array(values)])
        return list(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cast", "values"),
    [
        ("text", HOSTILE),
        ("text", []),
        ("text", [None, "x"]),
        ("bigint", [1, -(2**63), 2**63 - 1, None]),
        ("uuid", [UUID(int=0), UUID(int=2**128 - 1)]),
    ],
)
def test_an_array_arrives_with_each_of_its_elements(cast, values):
    assert asked(cast, values) == values


@pytest.mark.django_db
def test_an_array_of_any_texts_arrives_as_it_was():
    # Without NUL and halves of characters, which no text in PostgreSQL has.
    texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)

    @given(st.lists(texts, max_size=5))
    def check(values: list[str]) -> None:
        assert asked("text", values) == values

    check()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1234567890123456.12345678"), '"1234567890123456.12345678"'),
        (datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC), '"2026-03-01 12:00:00.000005+00:00"'),
        (timedelta(days=-3, hours=30), '"-P1DT18H00M00S"'),
        (b"\x00\xff", '"\\\\x00ff"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        (Conversion.Status.APPROVED, '"approved"'),
        (namedtuple("Pair", "name value")("a", 1), '["a",1]'),
        ((1, "two"), '[1,"two"]'),
        (2**70, "1180591620717411303424"),
        ({1: "a", Conversion.Status.PENDING: "b"}, '{"1":"a","pending":"b"}'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_each_kind_of_value_is_written_as_postgresql_reads_it(value, written):
    assert to_json([value]) == f"[{written}]"


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_json_reads_back_as_the_standard_librarys_does(value):
    assert from_json(to_json(value)) == from_json(json.dumps(value))
