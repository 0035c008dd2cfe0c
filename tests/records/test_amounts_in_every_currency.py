"""Money in currencies of 0, 2, 3, 4, 6 and 8 decimals: rounded once, split to the last unit, never in another code."""

from decimal import Decimal
from itertools import permutations

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from affiliates.models import Affiliate
from records.money import MAX_AMOUNT, PLACES, AmountField, CurrencyField, format_money, round_money, split_money

OF_EACH = st.sampled_from(["JPY", "EUR", "KWD", "CLF", "USDT", "BTC"])
WEIGHTS = st.lists(st.decimals(min_value="0.01", max_value=10**6, places=8), min_size=1, max_size=8)


@st.composite
def totals(draw: st.DrawFn) -> tuple[Decimal, str]:
    """A rounded total of any size that a column holds, with its currency."""
    currency = draw(OF_EACH)
    units = draw(st.integers(-(10**15), 10**15))
    return round_money(Decimal(units).scaleb(-PLACES[currency]), currency), currency


@given(totals(), WEIGHTS)
def test_the_parts_of_a_split_are_whole_units_and_add_up_in_every_currency(total, weights):
    amount, currency = total
    parts = split_money(amount, weights, currency)
    assert sum(parts) == amount
    assert [round_money(part, currency) for part in parts] == parts


@given(totals(), WEIGHTS)
def test_who_has_more_weight_never_gets_less_and_no_part_turns_its_sign(total, weights):
    amount, currency = total
    parts = split_money(amount, weights, currency)
    for (light, less), (heavy, more) in permutations(zip(weights, parts, strict=True), 2):
        assert light >= heavy or abs(less) <= abs(more)
    assert all(part * amount >= 0 for part in parts)


@given(totals(), WEIGHTS)
def test_a_split_of_a_debt_is_that_of_the_same_credit(total, weights):
    amount, currency = total
    assert split_money(-amount, weights, currency) == [-part for part in split_money(amount, weights, currency)]


@pytest.mark.parametrize(
    ("total", "weights", "currency", "parts"),
    [
        ("100", "1 1 1", "JPY", "34 33 33"),
        ("2", "1 1 1", "JPY", "1 1 0"),
        ("-2", "1 1 1", "JPY", "-1 -1 0"),
        ("10.000", "1 2 4", "KWD", "1.429 2.857 5.714"),
        ("0.00000002", "1 1 1", "BTC", "0.00000001 0.00000001 0"),
        ("0.05", "3 3 4", "EUR", "0.02 0.01 0.02"),
        ("0", "1 2", "EUR", "0 0"),
        ("9.99", "0 1", "EUR", "0 9.99"),
    ],
)
def test_units_that_are_left_over_go_to_those_who_lost_most_the_first_of_equals(total, weights, currency, parts):
    found = split_money(Decimal(total), [Decimal(weight) for weight in weights.split()], currency)
    assert found == [Decimal(part) for part in parts.split()]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0", "JPY", "0 JPY"),
        ("-0.005", "EUR", "-0.01 EUR"),
        ("1234567.8905", "KWD", "1,234,567.891 KWD"),
        ("0.123456785", "BTC", "0.12345679 BTC"),
        ("1E+3", "USDT", "1,000.000000 USDT"),
        ("9999999999999999.99999999", "BTC", "9,999,999,999,999,999.99999999 BTC"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(amount, currency, text):
    assert format_money(Decimal(amount), currency) == text


def test_the_largest_amount_of_a_column_is_rounded_without_an_error_in_every_currency():
    largest = MAX_AMOUNT - Decimal("1E-8")
    for currency, places in PLACES.items():
        assert abs(round_money(largest, currency) - largest) <= Decimal(1).scaleb(-places) / 2


def test_currencies_have_the_decimals_of_the_standard_and_none_stands_twice():
    """A few of ISO 4217 that are often wrong: pesos and krónur without cents, dinars with three."""
    known = {"CLP": 0, "ISK": 0, "UGX": 0, "VND": 0, "HUF": 2, "IDR": 2, "TND": 3, "BHD": 3, "UYW": 4, "ETH": 8}
    assert {code: PLACES[code] for code in known} == known
    assert all(code.isascii() and code.isupper() and 3 <= len(code) <= 5 for code in PLACES)


class TestFields:
    @pytest.mark.parametrize("code", ["XXX", "eur", "EU", "EURO€", "ABCDE", "EUR "])
    def test_a_code_that_no_amount_can_have_is_refused(self, code):
        with pytest.raises(ValidationError):
            Affiliate(name="Ana", country="DE", currency=code).clean_fields()

    @pytest.mark.parametrize("code", ["EUR", "JPY", "USDT"])
    def test_a_known_code_is_taken(self, code):
        Affiliate(name="Ana", country="DE", currency=code).clean_fields()

    def test_their_size_is_theirs_alone_so_no_migration_can_narrow_it(self):
        assert (AmountField().max_digits, AmountField().decimal_places) == (24, 8)
        _, _, _, kwargs = AmountField(null=True).deconstruct()
        assert kwargs == {"null": True}
        _, _, _, kwargs = CurrencyField(default="EUR").deconstruct()
        assert (CurrencyField().max_length, kwargs["default"], "max_length" in kwargs) == (5, "EUR", False)
