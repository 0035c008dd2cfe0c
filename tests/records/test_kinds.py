"""A table of kinds is complete or does not start, and the sentence says what to add."""

from abc import ABC, abstractmethod

import pytest

from records.kinds import IncompleteKind, by_code, complete, table

PARTS = {"name": "what the page calls it.", "price": "the price of one event"}


class Base(ABC):
    code = ""
    name = ""

    @abstractmethod
    def price(self) -> int: ...


class Flat(Base):
    code, name = "flat", "Flat"

    def price(self) -> int:
        return 1


class Percent(Flat):
    code, name = "percent_2", "Percent"


def test_the_table_keeps_the_order_and_has_one_object_of_each():
    kinds = table(PARTS, Percent, Flat)
    assert list(kinds) == ["percent_2", "flat"]
    assert [type(kind) for kind in kinds.values()] == [Percent, Flat]


def test_a_kind_without_a_part_is_refused_with_the_part_and_its_use():
    class Nameless(Flat):
        code, name = "nameless", ""

    class Priceless(Base):
        code, name = "priceless", "Priceless"

    with pytest.raises(IncompleteKind, match=r"Nameless \(nameless\) lacks `name`: what the page calls it\.$"):
        table(PARTS, Flat, Nameless)
    with pytest.raises(IncompleteKind, match=r"Priceless \(priceless\) lacks `price`: the price of one event\.$"):
        complete(Priceless, PARTS)


@pytest.mark.parametrize("value", [0, False, ()])
def test_a_part_that_is_zero_or_no_is_there(value):
    class Odd(Flat):
        code, price = "odd", value  # type: ignore[assignment]

    assert complete(Odd, PARTS).price == value


@pytest.mark.parametrize("code", ["", "Flat", "2nd", "per cent", "per-cent", "é", "flat\n"])
def test_a_code_is_a_word_of_lower_case_letters_digits_and_underscores(code):
    kind = type("Coded", (Flat,), {"code": code})
    with pytest.raises(IncompleteKind, match="`code`"):
        complete(kind, PARTS)


def test_two_kinds_with_one_code_are_refused_and_both_are_named():
    class Again(Flat):
        pass

    with pytest.raises(IncompleteKind, match=r"Again has the code 'flat', which .*\.Flat has\."):
        by_code([Flat(), Again()])
