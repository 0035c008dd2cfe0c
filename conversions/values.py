"""Parse values as senders write them: amounts and times. Certain repairs are made and reported.

Money is never guessed: `1,234` may be a thousand or one, so it is refused with both ways to write it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime

from records.money import MAX_AMOUNT, PLACES, exact_money

# Deductions from the gross for a share of net revenue, in the event's currency; and all facts that are money.
DEDUCTIONS = ("bonus", "winnings", "chargebacks", "fees", "tax")
MONEY = ("payout", "revenue", "refund", *DEDUCTIONS)

PLAIN = re.compile(r"^[0-9]{1,16}(\.[0-9]{1,8})?$")
_GROUPED = re.compile(r"^[1-9][0-9]{0,2}([ '’\u00a0\u202f_,.])[0-9]{3}(\1[0-9]{3})*$")
# India's groups: three digits, then two and two. Only one reading is possible.
_INDIAN = re.compile(r"^[1-9][0-9]?(,[0-9]{2})+,[0-9]{3}(\.[0-9]{1,8})?$")
# A round price as it is written in Germany, the Netherlands, Sweden and Switzerland: 100,- and 100.--
_ROUND = re.compile(r"^(.*[0-9])[.,]\s?(?:[-\u2013\u2014]{1,2}|\u2e3a)$")
_SCIENTIFIC = re.compile(r"^[0-9]{1,16}(\.[0-9]{1,15})?e[+-]?[0-9]{1,2}$", re.IGNORECASE)
_COINED = re.compile(
    r"^(?P<before>[^\d\s.,+-]{1,5})?\s?(?P<amount>[0-9][0-9 .,'’\u00a0\u202f_]*)\s?(?P<after>[^\d\s.,+-]{1,5})?$"
)
# Signs that belong to one currency only; $, ¥ and kr do not.
_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₴": "UAH", "₽": "RUB", "₩": "KRW", "₿": "BTC", "zł": "PLN"}
_AMBIGUOUS_SIGNS = frozenset({"$", "¥", "kr", "us$", "r$", "a$", "c$"})
# -5, the same with another of Unicode's signs, 5- and (5): the ways people and programs write negative amounts.
_NEGATIVE = re.compile(r"^(?:[-\u2212\u2012\u2013\ufe63\uff0d]\s*(.+)|(.*[0-9].*)[-\u2212]|\((.*[0-9].*)\))$")
_MICRO, _MILLI, _NANO = 10**14, 10**11, 10**17
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")


class ParsedAmount(NamedTuple):
    """An amount, its currency if one was written with it, and how it was repaired, in words, if it was.

    `sign` is the currency sign as written, also one that several currencies share.
    """

    value: Decimal
    currency: str = ""
    repaired: str = ""
    sign: str = ""


class NoAmount(ValueError):
    """The text is not clearly an amount; the message says why, ready to follow `revenue=… `."""


def read_amount(text: str) -> ParsedAmount:
    """Read an amount of zero or more. Raise `NoAmount`."""
    if PLAIN.match(text):
        return ParsedAmount(_bounded(Decimal(text)))
    if round_price := _ROUND.match(text):
        found = read_amount(round_price[1])
        return found._replace(repaired=f"read as {found.value:f}")
    if minus := _NEGATIVE.match(text):
        raise NoAmount(_what_is_negative(minus))
    if _SCIENTIFIC.match(text):
        value = _bounded(Decimal(text))
        return ParsedAmount(value, repaired=f"read as {value:f}")
    parts = _COINED.match(text)
    if parts is None:
        raise NoAmount("is not an amount such as 1234.50.")
    before, after = _currency_of(parts["before"] or ""), _currency_of(parts["after"] or "")
    if before and after and before != after:
        raise NoAmount(f"names two currencies, {before} and {after}: send the one it is in as currency=.")
    currency = before or after
    value = _bounded(_number(parts["amount"].strip()))
    sign = (parts["before"] or parts["after"] or "").strip()
    return ParsedAmount(value, currency, f"read as {value:f}{f' {currency}' if currency else ''}", sign)


def _what_is_negative(minus: "re.Match[str]") -> str:
    """Why a negative amount is refused, with its reading if there is one, and what to send instead."""
    inner = next(part for part in minus.groups() if part).strip()
    try:
        reading = f"{read_amount(inner).value:f}"
    except NoAmount:
        reading = ""
    shown = f", read as minus {reading}" if reading and f"-{reading}" != minus[0] else ""
    return (
        f"is negative{shown}: send refund={reading or '…'} for what went back to the customer, or status=rejected for "
        f"all of it. A player's loss to the house is revenue, a player's win is winnings={reading or '…'}."
    )


def _bounded(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if value >= MAX_AMOUNT or (isinstance(exponent, int) and exponent < -8):
        raise NoAmount("has more digits than an amount can have.")
    return value


def _currency_of(text: str) -> str:
    """The currency of a sign or code, empty for none and for a sign that several share."""
    sign = text.strip().rstrip(".").lower()
    if not sign or sign in _AMBIGUOUS_SIGNS:
        return ""
    if found := _SIGNS.get(sign) or (sign.upper() if sign.upper() in PLACES else ""):
        return found
    raise NoAmount(f"is not an amount such as 1234.50: {text.strip()!r} is no currency that is known here.")


def sign_of_one(text: str) -> str:
    """The currency of a sign that belongs to one currency only, else an empty text."""
    return _SIGNS.get(text.strip().lower(), "")


def _number(text: str) -> Decimal:
    """Digits with points, commas or spaces between them, if only one reading is possible."""
    marks = [char for char in text if not char.isdigit()]
    if _INDIAN.match(text):
        return Decimal(text.replace(",", ""))
    try:
        if not marks or (marks == ["."]):
            return Decimal(text)
        if len(set(marks)) == 1 and len(marks) > 1:
            return Decimal(_ungrouped(text))
        if len(marks) == 1:
            return _single(text, marks[0])
        whole, mark, rest = text.rpartition(marks[-1])
        if mark not in ",." or set(marks[:-1]) & {mark} or not rest.isdigit():
            raise NoAmount("is not an amount such as 1234.50.")
        return Decimal(f"{_ungrouped(whole)}.{rest}")
    except InvalidOperation as error:
        raise NoAmount("is not an amount such as 1234.50.") from error


def _ungrouped(text: str) -> str:
    if not _GROUPED.match(text):
        raise NoAmount("is not an amount such as 1234.50: its digits are not in groups of three.")
    return "".join(char for char in text if char.isdigit())


def _single(text: str, mark: str) -> Decimal:
    if mark != ",":
        return Decimal(_ungrouped(text))
    whole, _, rest = text.partition(",")
    if len(rest) == 3 and whole.lstrip("0"):
        raise NoAmount(f"may be {whole}{rest} or {whole}.{rest}: write it with a decimal point and no grouping.")
    return Decimal(f"{whole}.{rest}")


class Moment(NamedTuple):
    """A time; `is_day` if only a day was named: then it is the day's beginning."""

    at: datetime
    is_day: bool = False


# A time that ends in UTC's name, or in an offset whose + became a space: 2026-03-01 12:00:00 02:00 means +02:00.
_UTC_NAMED = re.compile(r"^(.*\d) ?(?:UTC|GMT|Z)$", re.IGNORECASE)
_LOST_PLUS = re.compile(r"^(.*\d:\d\d(?:[.,]\d+)?) (\d\d)(?::?(\d\d))?$")
_DAY = re.compile(r"^(\d{4})([-/])(\d\d?)\2(\d\d?)$")
_SLASHES = re.compile(r"^(\d{4})/(\d\d?)/(\d\d?)(?=[ T])")
# Further digits of a second than microseconds.
_NANOSECONDS = re.compile(r"([.,]\d{6})\d+")


def read_moment(text: str, pattern: str = "", zone: str = "UTC") -> Moment | None:
    """A time: seconds, milli-, micro- or nanoseconds since 1970, ISO 8601, or an e-mail's form.

    With a pattern (as for strptime) only that form is read. `zone` is that of a time without an offset. None if the
    text is none of these, or is before 1990.
    """
    is_day = _DAY.match(text) is not None if not pattern else "%H" not in pattern and "%I" not in pattern
    for at in [_by_pattern(text, pattern)] if pattern else _readings(text):
        if at is not None and 1990 <= at.year <= 9000:
            return Moment((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC), is_day)
    return None


def _by_pattern(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - a time without an offset is the sender's zone's
    except (ValueError, OverflowError):
        return None


def _readings(text: str) -> Iterator[datetime | None]:
    try:
        if text.isascii() and text.replace(".", "", 1).isdigit():
            yield datetime.fromtimestamp(_seconds(text), UTC)
            return
        yield parse_datetime(_in_iso_form(text))
    except (ValueError, OverflowError, OSError):
        yield None
    try:
        yield parsedate_to_datetime(text) if "," in text[:5] else None
    except (ValueError, TypeError, IndexError, OverflowError):
        yield None


def _in_iso_form(text: str) -> str:
    if day := _DAY.match(text):
        return f"{day[1]}-{int(day[3]):02}-{int(day[4]):02}T00:00:00"
    if slashes := _SLASHES.match(text):
        text = f"{slashes[1]}-{int(slashes[2]):02}-{int(slashes[3]):02}{text[slashes.end() :]}"
    text = _NANOSECONDS.sub(r"\1", text)
    if named := _UTC_NAMED.match(text):
        return f"{named[1]}+00:00"
    if lost := _LOST_PLUS.match(text):
        return f"{lost[1]}+{lost[2]}:{lost[3] or '00'}"
    return text


def _seconds(text: str) -> float:
    number = float(text)
    for least, unit in ((_NANO, 1e9), (_MICRO, 1e6), (_MILLI, 1e3)):
        if number >= least:
            return number / unit
    return number


def decoded_again(text: str) -> str:
    """The value without a second layer of URL encoding, or unchanged if it clearly has none."""
    if not _ENCODED.search(text):
        return text
    try:
        found = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text
    again = {quote(found, safe=""), quote(found, safe="-._~:/@,")}
    return found if text.upper() in {each.upper() for each in again} and found.isprintable() else text


def fact_in_words(name: str, value: str, currency: str) -> str:
    """A fact of an event as people read it: money with the decimals of its currency, `12.50`."""
    if not value:
        return "not given"
    return exact_money(Decimal(value), currency) if name in MONEY and currency in PLACES else value
