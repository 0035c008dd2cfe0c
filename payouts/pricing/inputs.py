"""A rule's form as data: a kind of commission lists the inputs, the panel renders them (`payouts.admin.rule_form`).

`label` is the input's name where it is left empty. `missing` is the error for a required input that is left empty;
without it the input is optional.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from records.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountInput:
    """An amount of money, at least 0."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentInput:
    """From 0 to 100."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """One of the supported currencies."""

    label: str = ""
    help: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceInput:
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
class TextInput:
    """A text, or several lines of it; `read` gives its value, or raises `ValueError` with the error."""

    read: Callable[[str], Any]
    label: str = ""
    help: str = ""
    missing: str = ""
    lines: int = 1
    longest: int = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table with any number of rows of these columns; empty rows are left out.

    `read` turns a row's values (numbers as text, "" for none) into the formula's data, or raises `ValueError`.
    """

    columns: Mapping[str, AmountInput | PercentInput | TextInput]
    read: Callable[[Mapping[str, str]], dict[str, str]]
    label: str = ""
    help: str = ""
    missing: str = ""


Input = AmountInput | PercentInput | Currency | ChoiceInput | Switch | TextInput | Rows

HOW_MUCH, WHICH_CURRENCY, HOW_MANY_PERCENT = _("Say how much."), _("Say in which currency."), _("Say how many percent.")
