"""The amount of an order that is sent as numbered lines: `AMT1=20.00&QTY1=3&DCNT1=5&AMT2=10.00`."""

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from decimal import Decimal

from conversions.values import NoAmount, read_amount

_NUMBERED = re.compile(r"([a-z]+?)_?(\d{1,3})")


@dataclass(frozen=True, slots=True)
class ItemLines:
    """The names of a line's parts before its number, in small letters.

    Without `quantity` the amount is that of the whole line. `discount` is taken off the line, `of_all` off the order.
    A line with `not_alone` and without an amount is no line that can be read: its meaning is not known for sure.
    """

    amount: str
    quantity: str = ""
    discount: str = ""
    of_all: str = ""
    not_alone: str = ""


def line_parts(lines: ItemLines, sent: Dictionary[str, str]) -> dict[int, dict[str, str]]:
    """The parts of each numbered line that have a value; `sent` has names in small letters."""
    wanted = {lines.amount, lines.quantity, lines.discount, lines.not_alone} - {""}
    found: dict[int, dict[str, str]] = {}
    for name, value in sent.items():
        numbered = _NUMBERED.fullmatch(name)
        if numbered and numbered[1] in wanted and value.strip():
            found.setdefault(int(numbered[2]), {})[numbered[1]] = value.strip()
    return found


def total_of(lines: ItemLines, sent: Dictionary[str, str]) -> tuple[str, str] | None:
    """The first name that was read, and the total as text; None without lines.

    A part that is no amount takes the total's place, with the name of its line: the parser refuses it by that name.
    """
    parts = line_parts(lines, sent)
    if not parts:
        return None
    total = Decimal(0)
    for number, line in sorted(parts.items()):
        if lines.amount not in line:
            return f"{lines.amount}{number}", f"missing in line {number}"
        try:
            total += _line(lines, line)
        except NoAmount:
            return f"{lines.amount}{number}", " ".join(f"{name}{number}={value}" for name, value in line.items())
    try:
        total -= read_amount(discount).value if (discount := sent.get(lines.of_all, "").strip()) else 0
    except NoAmount:
        return lines.of_all, f"{lines.of_all}={discount}"
    return f"{lines.amount}{min(parts)}", f"{total:f}"


def _line(lines: ItemLines, line: Dictionary[str, str]) -> Decimal:
    quantity = read_amount(line[lines.quantity]).value if lines.quantity in line else Decimal(1)
    discount = read_amount(line[lines.discount]).value if lines.discount in line else Decimal(0)
    return read_amount(line[lines.amount]).value * quantity - discount
