"""Numbers of exported files: with spaces between the digits, and with a sign."""

from decimal import Decimal

from conversions.sources.errors import Unreadable
from conversions.values import NoAmount, read_amount

_MINUS = "-\u2212\u2013"


def number(text: str, *, name: str) -> Decimal:
    """The number of a cell; 0 for an empty one. Raise `Unreadable`."""
    plain = text.strip()
    if not plain or plain in _MINUS:
        return Decimal(0)
    is_negative = plain[0] in _MINUS or (plain[0] == "(" and plain[-1] == ")")
    try:
        found = read_amount(plain.strip(_MINUS + "+() \u00a0\u202f")).value
    except NoAmount as error:
        raise Unreadable(f"{name}={plain[:40]} {error}") from error
    return -found if is_negative else found
