"""What a rule's form asks for, as data: the panel draws it (`payouts.admin.rule_form`), a kind of commission names it.

`label` is the name of the input where it is left empty. `missing` is the sentence for one that is left empty and must
be given; without it the input may stay empty.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of money, at least 0."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """From 0 to 100."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """One of the currencies that amounts are kept in."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of some values, each with its words."""

    choices: Sequence[tuple[str, str]]
    label: str = ""
    help: str = ""
    missing: str = ""
    initial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Yes or no."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text, or several lines of it; `read` gives its value, or raises `ValueError` with what is wrong."""

    read: Callable[[str], Any]
    label: str = ""
    help: str = ""
    missing: str = ""
    lines: int = 1
    longest: int = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table: any number of rows with these columns, of which empty ones are left out.

    `read` makes of a row's values (numbers as text, "" for none) what the formula keeps, or raises `ValueError`.
    """

    columns: Mapping[str, Amount | Percent | Text]
    read: Callable[[Mapping[str, str]], dict[str, str]]
    label: str = ""
    help: str = ""
    missing: str = ""


Input = Amount | Percent | Currency | Choice | Switch | Text | Rows

HOW_MUCH, WHICH_CURRENCY, HOW_MANY_PERCENT = "Say how much.", "Say in which currency.", "Say how many percent."
