"""Values as they are sent and answered: amounts keep every digit, a line is a line, yes is `true`."""

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from records.money import PLACES
from web.rest.body import JsonBody
from web.rest.fields import AmountSent, AmountText, Flag, Text, amount_text, is_line


class Sent(serializers.Serializer[Any]):
    amount = AmountSent(required=False)
    name = Text(required=False, max_length=10)
    note = Text(required=False, allow_blank=True)
    flag = Flag(required=False)


def problems(**sent: Any) -> dict[str, str]:
    form = Sent(data=sent)
    return {} if form.is_valid() else {name: str(found[0]) for name, found in form.errors.items()}


def read(**sent: Any) -> Any:
    form = Sent(data=sent)
    form.is_valid(raise_exception=True)
    return form.validated_data


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=8), st.sampled_from(sorted(PLACES)))
def test_an_amount_as_text_is_the_amount_with_at_least_the_decimals_of_its_currency(amount, currency):
    text = amount_text(amount, currency)
    assert Decimal(text) == amount
    assert len(text.partition(".")[2]) >= PLACES[currency]
    assert "E" not in text
    assert len(text.partition(".")[2]) == PLACES[currency] or not text.endswith("0")


def test_an_amount_is_answered_as_text_by_the_currency_beside_it_and_none_as_null():
    class Row(serializers.Serializer[Any]):
        paid = AmountText()
        held = AmountText(currency_field="account.currency")

    row = SimpleNamespace(paid=Decimal("5"), currency="KWD", held=None, account=SimpleNamespace(currency="JPY"))
    assert json.loads(json.dumps(Row(row).data)) == {"paid": "5.000", "held": None}
    row.held = Decimal("7.00")
    assert Row(row).data["held"] == "7"


@given(st.decimals(min_value="0.00000001", max_value=10**15, places=8))
def test_an_amount_sent_as_text_is_read_to_the_last_digit(amount):
    assert read(amount=f"{amount:f}")["amount"] == amount


@pytest.mark.parametrize(
    "amount",
    [
        *(12.5, 12, True, None, "", " 1", "1 ", "1\n", "-1", "+1", "0", "0.00", "1e3", "1,50", "1_000", ".5", "1."),
        *("NaN", "Infinity", "12.123456789", "12345678901234567", "\u0661", "1" * 5000),
    ],
)
def test_no_other_amount_is_taken(amount):
    assert list(problems(amount=amount)) == ["amount"]


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "a\u2028b", "tab\there", "a\x85"])
def test_a_text_is_one_line_without_control_characters(text):
    assert problems(name=text) == {"name": "Send one line of text, without control characters."}


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}])
def test_a_text_is_text_and_no_number_that_may_have_lost_digits(value):
    assert problems(name=value) == {"name": "Not a valid string."}


def test_a_text_is_measured_as_sent_and_kept_without_spaces_around_it():
    assert read(name=" Ana \u00e9 ")["name"] == "Ana \u00e9"
    assert "no more than 10" in problems(name=" " * 8 + "Ana")["name"]


def test_an_empty_text_may_be_sent_where_it_means_none_but_not_spaces():
    assert read(note="")["note"] == ""
    assert list(problems(note="  ")) == ["note"]
    assert list(problems(name="")) == ["name"]


@given(st.text(max_size=30))
def test_a_line_has_something_to_see_and_nothing_that_breaks_it(text):
    has_sign = any(not char.isspace() and ord(char) not in (*range(0x20), *range(0x7F, 0xA0)) for char in text)
    breaks = any(ord(char) in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029) for char in text)
    assert is_line(text) is (has_sign and not breaks)


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", None, [], "False"])
def test_only_true_and_false_are_yes_and_no(value):
    assert list(problems(flag=value)) == ["flag"]
    assert read(flag=True)["flag"] is True
    assert read(flag=False)["flag"] is False


@pytest.mark.parametrize(
    "body", ["{", "[1,]", "NaN", '{"a": Infinity}', '"\\ud800"', '["\\udfff"]', '{"\\udc00": 1}', "\xff", "[" * 50_000]
)
def test_a_body_that_is_no_json_of_whole_characters_is_refused(body):
    from io import BytesIO

    with pytest.raises(serializers.ValidationError.__mro__[1]):
        JsonBody().parse(BytesIO(body.encode("latin-1")), "application/json", {})


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)))
def test_a_body_of_whole_characters_is_read_as_it_was_sent(value):
    from io import BytesIO

    for ascii_only in (True, False):
        sent = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert JsonBody().parse(BytesIO(sent), "application/json", {}) == value
