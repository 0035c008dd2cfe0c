"""Numbers, counts and durations in words, written the same on every page and in every trace."""

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import gettext, ngettext

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 link`, `1,204 links`; `plural` is for nouns that take more than an s: `2 tries`.

    In English, for what is stored; a page takes `ngettext` or `blocktranslate count`.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def plain(number: Decimal) -> str:
    """A number without trailing zeros or exponent: 12.500000 is 12.5, 100 stays 100."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=1024)
def duration_words(value: timedelta) -> str:
    """`30 days`, `1 day 12 hours`, `45 minutes`: the two largest units that are not zero; below a minute `12 s`.

    In English, for what is stored; pages show `shown_duration`.
    """
    return " ".join(f"{number:.3g} s" if unit == "s" else counted(int(number), unit) for number, unit in _units(value))


def shown_duration(value: timedelta) -> str:
    """The same in the reader's language."""
    return " ".join(_shown(number, unit) for number, unit in _units(value))


def _units(value: timedelta) -> list[tuple[float, str]]:
    """The two largest units that are not zero, each with its number."""
    rest = value.total_seconds()
    if rest < 60:
        return [(rest, "s")]
    found: list[tuple[float, str]] = []
    for size, name in UNITS:
        number, rest = divmod(rest, size)
        if number:
            found.append((int(number), name))
    if int(rest):
        found.append((int(rest), "s"))
    return found[:2]


def _shown(number: float, unit: str) -> str:
    match unit:
        case "day":
            return ngettext("{number} day", "{number} days", int(number)).format(number=f"{number:,}")
        case "hour":
            return ngettext("{number} hour", "{number} hours", int(number)).format(number=number)
        case "minute":
            return ngettext("{number} minute", "{number} minutes", int(number)).format(number=number)
        case _:
            return gettext("{number} s").format(number=f"{number:.3g}")
