"""The kinds of columns."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.template.defaultfilters import truncatechars
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework import serializers

from records.money import round_money
from records.words import duration_words, plain
from web.lists import html
from web.lists.columns import ApiField, Column, Columns, Kind, labeller, reader
from web.lists.fields import BalanceSerializer, ReadBalances, ReadFlag, ReadLength, ReadMoment, ReadNumber, ReadText
from web.rest.fields import AmountText


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """`longest` shortens it on the page."""

    longest: int = 0

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return truncatechars(value, self.longest) if self.longest else str(value)


@dataclass(frozen=True, slots=True)
class Code(Kind):
    """An ID or a hash. `shown` is the number of its first characters that a page shows; without, both ends."""

    shown: int = 0

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        text = str(value)
        short = text[: self.shown] if self.shown else html.short_id(text)
        return format_html('<code class="cell-id" title="{}">{}</code>', text, short)


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """A word of a closed list: export and API give the code, the page its label."""

    def label(self, record: Any, column: Column) -> str:
        owner, _, name = column.path.rpartition(".")
        return labeller(name)(attrgetter(owner)(record) if owner else record)

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return self.label(record, column)


@dataclass(frozen=True, slots=True)
class Status(Choice):
    """A choice that has a colour and an icon."""

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return html.status_badge(value, self.label(record, column))


@dataclass(frozen=True, slots=True)
class Reference(Kind):
    """A link to another object: export and API give its ID, the page the words that `words` leads to."""

    words: str = ""

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return str(reader(self.words)(record)) if self.words else str(value)


@dataclass(frozen=True, slots=True)
class Named(Kind):
    """An object with a name: the page and the export give the name, the API ID and name."""

    serializer: type[serializers.BaseSerializer[Any]]

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return str(value.name)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        return value.name if value else ""

    def api(self, column: Column) -> ApiField:
        return self.serializer, {"read_only": True, **column.source}


@dataclass(frozen=True, slots=True)
class Money(Kind):
    """An amount; `currency` leads to its currency."""

    currency: str = "currency"
    css: ClassVar[str] = "num"

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return html.money(value, attrgetter(self.currency)(record))

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        """With the currency's own places, no grouping: `1234.50`."""
        return "" if value is None else round_money(value, attrgetter(self.currency)(record))

    def api(self, column: Column) -> ApiField:
        given = {"currency_field": self.currency, "allow_null": column.nullable}
        return AmountText, {**given, **column.words, **column.source}


@dataclass(frozen=True, slots=True)
class Amounts(Kind):
    """Amounts in several currencies, which are never added up."""

    css: ClassVar[str] = "num"

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return html.amounts(value)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        return "; ".join(f"{round_money(amount, currency):f} {currency}" for currency, amount in value or ())

    def api(self, column: Column) -> ApiField:
        return ReadBalances, {"read": column.value, "child": BalanceSerializer(), **column.words}


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A moment; `style` is how exactly a page shows it: seconds, minutes or day."""

    style: str = "minutes"
    read_field: ClassVar[Any] = ReadMoment

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return html.moment(value, self.style)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        """ISO 8601 in the reader's zone, with its offset."""
        return value.astimezone(zone).isoformat(timespec="seconds") if value else ""


@dataclass(frozen=True, slots=True)
class Number(Kind):
    css: ClassVar[str] = "num"
    read_field: ClassVar[Any] = ReadNumber

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return f"{value:,}"


@dataclass(frozen=True, slots=True)
class Decimals(Kind):
    """A decimal number that is not an amount, written without trailing zeros."""

    css: ClassVar[str] = "num"

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return plain(value)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        return "" if value is None else Decimal(plain(value))

    def api(self, column: Column) -> ApiField:
        def read(record: Any) -> str | None:
            value = column.value(record)
            return None if value is None else plain(value)

        return ReadText, {"read": read, "allow_null": column.nullable, **column.words}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """Yes or no; `badges` are the statuses, with their labels, that a page shows instead."""

    badges: tuple[tuple[str, str], tuple[str, str]] | None = None
    read_field: ClassVar[Any] = ReadFlag

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        if self.badges:
            return html.status_badge(*self.badges[0 if value else 1])
        return "Yes" if value else "No"

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        return "yes" if value else "no"


@dataclass(frozen=True, slots=True)
class Length(Kind):
    """A length of time: words on the page, days in an export, ISO 8601 in the API."""

    read_field: ClassVar[Any] = ReadLength

    def cell(self, value: Any, record: Any, column: Column) -> SafeString | str:
        return duration_words(value)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        return "" if value is None else Decimal(f"{value / timedelta(days=1):g}")


@dataclass(frozen=True, slots=True)
class Rows(Kind):
    """Rows below the row: an export repeats the row for each of them, with their columns named after `prefix`."""

    columns: Columns
    prefix: str
