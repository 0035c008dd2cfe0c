"""Exchange rates by day, with their source.

All rates are stored against the euro, as the European Central Bank publishes them; other pairs are crossed over it. A
weekend or a holiday uses the last day before it, at most a week back. Exchanged amounts keep their rate: a correction
changes nothing that is booked.
"""

import calendar
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import currency_converter
from django.db import transaction

from affiliates.models import User
from payouts.models import ExchangeRate
from records.csv_bounds import MOST_COLUMNS, bounded
from records.money import PLACES, round_money

Source = ExchangeRate.Source
EURO = "EUR"
FRESH = timedelta(days=7)
PRECISION = Decimal("1e-12")
CHUNK = 5000
LARGEST = 50 * 1024 * 1024
MONTHS = tuple(name.lower() for name in calendar.month_name[1:])


class NoRate(LookupError):
    """There is no rate for these currencies around that day; the message says which and how to add it."""


class RatesRefused(ValueError):
    """A file of rates cannot be read; nothing was stored. The message names the line."""


class DailyRate(NamedTuple):
    """Units of the quoted currency for one unit of the base; `day` is the older of the two rates' days."""

    value: Decimal
    day: date
    source: str


class DayRate(NamedTuple):
    """Units of `currency` for one euro."""

    day: date
    currency: str
    per_euro: Decimal


class RatesOfDay:
    """The rates of a day, each else of the last day before it. Read once, in one query, when the first is asked for."""

    def __init__(self, day: date) -> None:
        self.day = day

    def rate(self, *, base: str, quote: str) -> DailyRate:
        """Raise `NoRate` when the last one is over a week old."""
        euros, quoted = self._per_euro(base), self._per_euro(quote)
        value = (quoted.value / euros.value).quantize(PRECISION, rounding=ROUND_HALF_UP)
        sources = dict.fromkeys(part.source for part in (euros, quoted) if part.source)
        return DailyRate(value, min(euros.day, quoted.day), " and ".join(sources))

    def exchange(self, amount: Decimal, *, base: str, quote: str) -> tuple[Decimal, DailyRate]:
        """The amount in the quoted currency, rounded once to its places, and the rate that was used."""
        used = self.rate(base=base, quote=quote)
        return round_money(amount * used.value, quote), used

    @cached_property
    def _known(self) -> dict[str, DailyRate]:
        rows = ExchangeRate.objects.filter(day__lte=self.day, day__gte=self.day - FRESH)
        newest = rows.order_by("currency", "-day", "-id").distinct("currency")
        values = newest.values_list("currency", "per_euro", "day", "source")
        return {currency: DailyRate(per_euro, day, source) for currency, per_euro, day, source in values}

    def _per_euro(self, currency: str) -> DailyRate:
        if currency == EURO:
            return DailyRate(Decimal(1), self.day, "")
        found = self._known.get(currency)
        if found is None:
            raise NoRate(
                f"There is no rate of {currency} for {self.day:%Y-%m-%d} or the week before it. Import rates "
                "(manage.py import_rates), or enter one in the panel under Money, Exchange rates."
            )
        return found


def rate(*, base: str, quote: str, day: date) -> DailyRate:
    """The rate of that day, else of the last day before it. Raise `NoRate` when the last one is over a week old."""
    return RatesOfDay(day).rate(base=base, quote=quote)


def bundled() -> Iterator[DayRate]:
    """The ECB's history as far as the installed package carries it, the newest day first."""
    return from_ecb((Path(currency_converter.__file__).parent / "eurofxref-hist.zip").read_bytes())


def from_ecb(content: bytes) -> Iterator[DayRate]:
    """The rates of the ECB's file: CSV, or a ZIP with it; a column for each currency, `N/A` where there is none."""
    if content[:2] == b"PK":
        content = _unpacked(content)
    rows = _lines(content)
    heads = [head.strip().upper() for head in next(rows, [])]
    if not heads or heads[0] != "DATE":
        raise RatesRefused("The first line must name the columns: Date, then a currency each.")
    for number, row in enumerate(rows, start=2):
        for currency, text in zip(heads[1:], row[1:], strict=False):
            if currency in PLACES and text.strip() not in ("", "N/A"):
                yield DayRate(_day(row[0], number), currency, _value(text, number))


def _lines(content: bytes) -> Iterator[list[str]]:
    """The rows of a CSV, bounded in width and length."""
    reader = csv.reader(bounded(io.StringIO(content.decode("utf-8-sig"))))
    try:
        for row in reader:
            if len(row) > MOST_COLUMNS:
                raise RatesRefused(f"Line {reader.line_num} has {len(row):,} columns; at most {MOST_COLUMNS} are read.")
            yield row
    except csv.Error as error:
        raise RatesRefused(f"Line {reader.line_num + 1} is not CSV: {error}.") from error


def _unpacked(content: bytes) -> bytes:
    """The first file in the ZIP, which must not swell beyond what rates can take."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            first = packed.infolist()[0]
            if first.file_size > LARGEST:
                raise RatesRefused(f"{first.filename} has {first.file_size:,} bytes; a file of rates is smaller.")
            return packed.read(first)
    except (zipfile.BadZipFile, IndexError) as error:
        raise RatesRefused(f"The ZIP cannot be opened: {error}.") from error


def from_list(content: bytes) -> Iterator[DayRate]:
    """The rates of a CSV with the columns day, currency, per_euro: for currencies that the ECB does not quote, such as
    crypto.
    """
    lines = _lines(content)
    heads = [head.strip().lower() for head in next(lines, [])]
    for number, values in enumerate(lines, start=2):
        row = dict(zip(heads, values, strict=False))
        currency = (row.get("currency") or "").strip().upper()
        if currency not in PLACES or currency == EURO:
            raise RatesRefused(f"Line {number}: {currency[:40] or 'nothing'} is not a supported currency.")
        yield DayRate(_day(row.get("day") or "", number), currency, _value(row.get("per_euro") or "", number))


def _day(text: str, line: int) -> date:
    for form in (date.fromisoformat, _english):
        try:
            return form(text.strip())
        except ValueError:
            continue
    raise RatesRefused(f"Line {line}: {text[:40]!r} is not a day such as 2026-10-30.")


def _english(text: str) -> date:
    """`30 October 2026`, as the ECB writes the day in its daily file."""
    day, month, year = text.split()
    return date(int(year), MONTHS.index(month.lower()) + 1, int(day))


def _value(text: str, line: int) -> Decimal:
    try:
        value = Decimal(text.strip()).quantize(PRECISION)
    except InvalidOperation:
        value = Decimal(0)
    if not (value.is_finite() and 0 < value < Decimal("1e12")):
        raise RatesRefused(f"Line {line}: {text[:40]!r} is not a rate above zero.")
    return value


@transaction.atomic
def store(rates: Iterable[DayRate], *, source: Source, actor: User | None = None, note: str = "") -> int:
    """Store the rates that are new or differ from those in force, all or none; return how many. It may run twice.

    Of several rates for a currency and day the last one counts.
    """
    stored, waiting = 0, []
    for each in rates:
        waiting.append(each)
        if len(waiting) == CHUNK:
            stored += _store(waiting, source, actor, note)
            waiting = []
    return stored + _store(waiting, source, actor, note)


def _store(rates: list[DayRate], source: Source, actor: User | None, note: str) -> int:
    if not rates:
        return 0
    last = {(each.day, each.currency): each for each in rates}
    days = [day for day, _ in last]
    known = ExchangeRate.objects.filter(day__range=(min(days), max(days)), source=source).order_by("id")
    in_force = {(day, currency): value for day, currency, value in known.values_list("day", "currency", "per_euro")}
    rows = [
        ExchangeRate(
            day=each.day, currency=each.currency, per_euro=each.per_euro, source=source, created_by=actor, note=note
        )
        for key, each in last.items()
        if in_force.get(key) != each.per_euro
    ]
    return len(ExchangeRate.objects.bulk_create(rows, batch_size=CHUNK))
