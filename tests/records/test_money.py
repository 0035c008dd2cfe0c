from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.money import PLACES, format_money, places, round_money, round_together, split_money

CURRENCIES = st.sampled_from(sorted(PLACES))
AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=8)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("2.345", "EUR", "2.35"),
        ("2.3449999", "EUR", "2.34"),
        ("-2.345", "EUR", "-2.35"),
        ("100.5", "JPY", "101"),
        ("100.4999", "JPY", "100"),
        ("1.0005", "KWD", "1.001"),
        ("0.000000005", "BTC", "0.00000001"),
    ],
)
def test_rounds_half_up_to_the_places_of_the_currency(amount: str, currency: str, rounded: str) -> None:
    assert f"{round_money(Decimal(amount), currency):f}" == rounded


@pytest.mark.parametrize(
    ("currency", "expected"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("USDT", 6), ("BTC", 8)]
)
def test_knows_the_places_of_a_currency(currency: str, expected: int) -> None:
    assert places(currency) == expected


def test_an_unknown_currency_has_no_places() -> None:
    with pytest.raises(KeyError):
        places("XXX")


@given(AMOUNTS, CURRENCIES)
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    unit = Decimal(1).scaleb(-places(currency))
    rounded = round_money(amount, currency)
    assert abs(rounded - amount) * 2 <= unit
    assert round_money(rounded, currency) == rounded


def test_writes_an_amount_with_its_currency() -> None:
    assert format_money(Decimal("1234.5"), "EUR") == "1,234.50 EUR"
    assert format_money(Decimal("1234.5"), "JPY") == "1,235 JPY"


def test_splits_a_total_into_parts_that_add_up() -> None:
    thirds = [Decimal(1)] * 3
    assert split_money(Decimal("100.00"), thirds, "EUR") == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]


@given(
    st.decimals(min_value=-1000, max_value=10**9, places=2),
    st.lists(st.decimals(min_value="0.01", max_value=1000, places=2), min_size=1, max_size=8),
)
def test_a_split_adds_up_and_no_part_is_off_by_a_whole_unit(total: Decimal, weights: list[Decimal]) -> None:
    parts = split_money(total, weights, "EUR")
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) < Decimal("0.011")


EXACT_AMOUNTS = st.lists(st.decimals(min_value=0, max_value=10**15, places=16), min_size=1, max_size=8)


@given(EXACT_AMOUNTS, CURRENCIES, st.sampled_from([1, -1]))
def test_amounts_rounded_together_come_to_their_sum(exact: list[Decimal], currency: str, sign: int) -> None:
    with localcontext(prec=60):
        amounts = [sign * amount for amount in exact]
        whole = sum(amounts, Decimal(0))
    parts = round_together(amounts, currency)
    unit = Decimal(1).scaleb(-places(currency))
    with localcontext(prec=60):
        assert sum(parts, Decimal(0)) == round_money(whole, currency)
        for part, amount in zip(parts, amounts, strict=True):
            assert abs(part - amount) < unit
            assert part % unit == 0
