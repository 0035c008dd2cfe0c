"""How pages write money, moments, statuses, IDs and icons."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from django.templatetags.static import static
from django.utils import dateformat, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from records.money import format_money

SPRITE = "vendor/tabler-icons-3.51.0/sprite.svg"
NOTHING = "–"

# The kit's colour and an icon for each status that a page shows; the word always stands beside it.
STATUS_LOOKS = {
    "pending": ("yellow", "clock"),
    "approved": ("green", "check"),
    "rejected": ("red", "x"),
    "active": ("green", "check"),
    "paused": ("yellow", "player-pause"),
    "ended": ("secondary", "flag"),
    "draft": ("secondary", "pencil"),
    "suspended": ("red", "ban"),
    "blocked": ("red", "ban"),
    "closed": ("secondary", "lock"),
    "off": ("secondary", "player-pause"),
    "due": ("yellow", "clock"),
    "paid": ("green", "check"),
    "commission": ("green", "plus"),
    "reversal": ("red", "arrow-back-up"),
    "adjustment": ("blue", "adjustments"),
    "payment": ("secondary", "building-bank"),
    "fee": ("secondary", "building-bank"),
    "returned": ("yellow", "arrow-back-up"),
    "vat": ("blue", "file-text"),
    "revoked": ("secondary", "ban"),
    "open": ("yellow", "clock"),
    "upheld": ("green", "check"),
    "dismissed": ("secondary", "x"),
}


def icon(name: str, classes: str = "") -> SafeString:
    """An icon of the vendored sprite; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        static(SPRITE),
        name,
    )


def nothing(words: str = "") -> SafeString:
    return format_html('<span class="text-secondary">{}</span>', words or NOTHING)


def money(amount: Decimal | int | None, currency: str) -> SafeString:
    """`1,234.50 EUR` in one unbroken, aligned piece; a dash for no amount."""
    if amount is None:
        return nothing()
    number, _, code = format_money(Decimal(amount), currency).rpartition(" ")
    sign = "money money-negative" if amount < 0 else "money"
    return format_html(
        '<span class="{}">{} <span class="money-currency">{}</span></span>', sign, number.replace("-", "−"), code
    )


def amounts(values: Iterable[tuple[str, Decimal]]) -> SafeString:
    """One amount a line; a dash for none."""
    lines = format_html_join("", "<div>{}</div>", ((money(amount, currency),) for currency, amount in values))
    return lines or nothing()


def status_badge(status: str, label: str) -> SafeString:
    colour, symbol = STATUS_LOOKS.get(status, ("secondary", "point"))
    return format_html('<span class="badge bg-{0}-lt status-badge">{1} {2}</span>', colour, icon(symbol), label)


FORMATS = {"day": "j M Y", "minutes": "j M Y, H:i", "seconds": "j M Y, H:i:s"}


def moment(value: datetime | None, style: str = "minutes") -> SafeString | str:
    """A moment in the reader's zone as `20 Nov 2026, 14:05`, with the exact one in UTC for machines and on hover."""
    if value is None:
        return NOTHING
    local, utc = timezone.localtime(value), value.astimezone(UTC)
    text = dateformat.format(local, FORMATS[style])
    exact = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time class="text-nowrap" datetime="{}" title="{}">{}</time>', utc.isoformat(), exact, text)


def day(value: datetime | date | None) -> str:
    """`20 Nov 2026`, in the reader's zone."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    return dateformat.format(local, FORMATS["day"])


def short_id(value: str) -> str:
    """Both ends of a long ID: enough to distinguish two IDs, short enough for a row."""
    return value if len(value) <= 18 else f"{value[:8]}…{value[-6:]}"
