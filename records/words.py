"""Numbers, counts and durations in words, written the same on every page and in every trace."""

from datetime import timedelta
from decimal import Decimal

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 link`, `1,204 links`; `plural` is for nouns that take more than an s: `2 tries`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def plain(number: Decimal) -> str:
    """A number without trailing zeros or exponent: 12.500000 is 12.5, 100 stays 100."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration_words(value: timedelta) -> str:
    """`30 days`, `1 day 12 hours`, `45 minutes`: the two largest units that are not zero; below a minute `12 s`."""
    rest = value.total_seconds()
    if rest < 60:
        return f"{rest:.3g} s"
    parts = []
    for size, name in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(counted(int(count), name))
    if int(rest):
        parts.append(f"{int(rest)} s")
    return " ".join(parts[:2])
