"""Counts, numbers and lengths of time in words."""

from datetime import timedelta
from decimal import Decimal

import pytest

from records.words import counted, duration_words, plain


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 links"), (1, "1 link"), (2, "2 links"), (1204, "1,204 links"), (-1, "-1 links")]
)
def test_a_count_has_the_plural_of_its_number(number, words):
    assert counted(number, "link") == words


def test_a_plural_may_be_named():
    assert [counted(number, "try", "tries") for number in (1, 2)] == ["1 try", "2 tries"]


@pytest.mark.parametrize(
    ("number", "words"),
    [("12.500000", "12.5"), ("100", "100"), ("100.00", "100"), ("1E+3", "1000"), ("-0.10", "-0.1"), ("0E-8", "0")],
)
def test_a_number_has_neither_trailing_zeros_nor_an_exponent(number, words):
    assert plain(Decimal(number)) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": 0}, "0 s"),
        ({"milliseconds": 500}, "0.5 s"),
        ({"seconds": 59}, "59 s"),
        ({"seconds": 60}, "1 minute"),
        ({"seconds": 90}, "1 minute 30 s"),
        ({"minutes": 45, "milliseconds": 1}, "45 minutes"),
        ({"hours": 36}, "1 day 12 hours"),
        ({"hours": 1, "seconds": 5}, "1 hour 5 s"),
        ({"days": 30, "minutes": 1, "seconds": 1}, "30 days 1 minute"),
        ({"days": 1204}, "1,204 days"),
    ],
)
def test_a_length_of_time_is_written_in_its_two_largest_units(length, words):
    assert duration_words(timedelta(**length)) == words
