"""Formatting of values in lists and on detail pages of the operator panel."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Model
from django.template.defaultfilters import date
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from records.money import format_money

NOTHING = "–"


def moment(value: datetime | None) -> str:
    """A moment to the second, in the reader's time zone."""
    return date(timezone.localtime(value), "Y-m-d H:i:s") if value else NOTHING


def when(value: datetime | None) -> SafeString | str:
    """The same for a list: to the minute, with the seconds in a tooltip."""
    return format_html('<span title="{}">{}</span>', moment(value), moment(value)[:16]) if value else NOTHING


def money(amount: Decimal | None, currency: str) -> SafeString | str:
    """An amount whose digits stay on one line and align in a column."""
    return (
        NOTHING if amount is None else format_html('<span class="aff-money">{}</span>', format_money(amount, currency))
    )


def code(text: object) -> SafeString | str:
    """An identifier in fixed-width letters."""
    return format_html('<span class="aff-code">{}</span>', text) if text else NOTHING


def long_code(text: object) -> SafeString | str:
    """A seal or hash, which may break at the end of a line on a phone."""
    return format_html('<span class="aff-code aff-anywhere">{}</span>', text) if text else NOTHING


def clipped(text: object) -> SafeString:
    """A long text on one line of a list; all of it is in the tooltip."""
    return format_html('<span class="aff-clip" title="{}">{}</span>', text, text)


def stacked(parts: Iterable[object]) -> SafeString:
    """Each part on a line of its own."""
    return format_html_join("", "<div>{}</div>", ((part,) for part in parts))


def link_to(row: Model | None, text: object = "") -> SafeString | str:
    """A link to the row's page in the panel."""
    if row is None:
        return NOTHING
    address = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(address, args=[row.pk]), text or row)


def list_link(view: str, text: object, **filters: object) -> SafeString | str:
    """A link to a filtered list, by URL name, so that a lower app can point to a higher one's page."""
    try:
        address = reverse(view)
    except NoReverseMatch:
        return NOTHING
    query = f"?{urlencode(filters)}" if filters else ""
    return format_html('<a class="text-link" href="{}{}">{}</a>', address, query, text)


def rows_of(headers: Iterable[str], rows: Iterable[Iterable[object]], *, empty: str) -> SafeString:
    """A small table inside a detail page."""
    body = [format_html_join("", "<td>{}</td>", ((cell,) for cell in row)) for row in rows]
    if not body:
        return format_html('<p class="aff-muted">{}</p>', empty)
    return format_html(
        '<div class="aff-scroll"><table class="aff-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        format_html_join("", "<th>{}</th>", ((header,) for header in headers)),
        format_html_join("", "<tr>{}</tr>", ((row,) for row in body)),
    )
