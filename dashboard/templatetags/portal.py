"""How the pages write money, times, statuses and icons."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.urls import reverse
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from affiliates.models import AffiliateMember, User
from dashboard.periods import DayPeriod
from dashboard.portal.access import Portal, portal_of, zone_of
from dashboard.portal.preview import lacking
from payouts.invoicing.tax import NAMES
from payouts.models import Invoice, Statement
from payouts.plan_changes.what_if_report import difference_words
from payouts.pricing import plain
from records import words
from records.money import format_money

register = template.Library()

SPRITE = "vendor/tabler-icons-3.51.0/sprite.svg"

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

# Addresses that belong to an entry of the navigation though they do not begin with its address.
SECTIONS = {"portal:links": ("/link/",), "portal:profile": ("/accounts/",)}


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """An icon of the vendored sprite; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        static(SPRITE),
        name,
    )


@register.simple_tag
def money(amount: Decimal | int | None, currency: str) -> SafeString:
    """`1,234.50 EUR` in one unbroken, aligned piece; a dash for no amount."""
    if amount is None:
        return format_html('<span class="text-secondary">{}</span>', "–")
    number, _, code = format_money(Decimal(amount), currency).rpartition(" ")
    sign = "money money-negative" if amount < 0 else "money"
    return format_html(
        '<span class="{}">{} <span class="money-currency">{}</span></span>', sign, number.replace("-", "−"), code
    )


@register.filter
def in_currency(amounts: list[tuple[str, Decimal]], currency: str) -> Decimal | None:
    """The amount in this currency among several, if there is one."""
    return dict(amounts).get(currency)


@register.simple_tag
def status_badge(status: str, label: str) -> SafeString:
    colour, symbol = STATUS_LOOKS.get(status, ("secondary", "point"))
    return format_html('<span class="badge bg-{0}-lt status-badge">{1} {2}</span>', colour, icon(symbol), label)


@register.filter
def tax_words(invoice: Invoice) -> str:
    """`Domestic VAT 23 %`, `Reverse charge`."""
    percent = f" {plain(invoice.percent)} %" if invoice.percent else ""
    return f"{NAMES.get(invoice.rule, invoice.rule)}{percent}"


@register.simple_tag
def test_badge(is_test: bool) -> SafeString | str:
    """A badge on conversions of test clicks; nothing on others."""
    title = gettext("From a test click: judged and shown, never counted nor paid.")
    return format_html('<span class="badge bg-purple-lt" title="{}">Test</span>', title) if is_test else ""


@register.filter
def moment(value: datetime | None, style: str = "minutes") -> SafeString | str:
    """A moment in the reader's zone as `20 Nov 2026, 14:05`, with the exact one in UTC for machines and on hover."""
    if value is None:
        return "–"
    local, utc = timezone.localtime(value), value.astimezone(UTC)
    text = dateformat.format(local, "j M Y, H:i:s") if style == "seconds" else dateformat.format(local, "j M Y, H:i")
    exact = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time class="text-nowrap" datetime="{}" title="{}">{}</time>', utc.isoformat(), exact, text)


@register.simple_tag
def zone_name() -> str:
    """The zone in force with its offset now: `Europe/Berlin (UTC+01:00)`."""
    zone = str(timezone.get_current_timezone())
    offset = timezone.localtime().strftime("%z")
    return zone if zone == "UTC" else f"{zone.replace('_', ' ')} (UTC{offset[:3]}:{offset[3:]})"


@register.simple_tag
def change_words(before: Decimal, after: Decimal, currency: str) -> str:
    """`12.00 EUR more`, `no change`."""
    return difference_words(before, after, currency)


@register.filter
def day(value: datetime | date | None) -> str:
    """`20 Nov 2026`, in the reader's zone."""
    if value is None:
        return "–"
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    return dateformat.format(local, "j M Y")


@register.filter
def period_words(value: DayPeriod) -> str:
    return f"{day(value.first_on)} – {day(value.last_on)}"


@register.filter
def statement_period(statement: Statement) -> str:
    """First and last day of a closed period, in UTC, in which periods are cut."""
    last = statement.ends_at - timedelta(microseconds=1)
    return f"{day(statement.starts_at.astimezone(UTC).date())} – {day(last.astimezone(UTC).date())}"


@register.filter
def counted(count: int, noun: str) -> str:
    """`1 link`, `1,204 links`."""
    return words.counted(count, noun)


@register.filter
def duration(value: timedelta) -> str:
    return words.shown_duration(value)


@register.filter
def percent(value: float | None) -> str:
    """A share as a percentage: `12.5 %`; a dash where there is none."""
    return "–" if value is None else f"{value * 100:.3g} %"


@register.filter
def span_words(value: timedelta | None) -> str:
    """A length of time; a dash where there is none."""
    return "–" if value is None else words.shown_duration(value)


@register.filter
def number(value: int) -> str:
    return f"{value:,}"


@register.filter
def short_hash(value: str) -> str:
    return value[:10]


@register.filter
def short_id(value: str) -> str:
    """Both ends of a long ID: enough to distinguish two IDs, short enough for a row."""
    return value if len(value) <= 18 else f"{value[:8]}…{value[-6:]}"


@register.filter
def initials(name: str) -> str:
    words = [word for word in name.replace("@", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.simple_tag(takes_context=True)
def current_portal(context: template.Context) -> Portal | None:
    """The portal of the request, for pages that are not the portal's own (sign-in, security)."""
    request = context.get("request")
    return portal_of(request) if request is not None and hasattr(request, "user") else None


@register.simple_tag(takes_context=True)
def by_whom(context: template.Context, user: User | None) -> str:
    """` by Ana` for a member of the affiliate's account; operators' names are not shown."""
    if user is None:
        return ""
    members = AffiliateMember.objects.filter(affiliate=context["portal"].affiliate, user=user)
    return gettext(" by {name}").format(name=user.get_short_name()) if members.exists() else gettext(" by the operator")


@register.simple_tag(takes_context=True)
def current_zone(context: template.Context) -> ZoneInfo:
    """The signed-in user's time zone, for `{% timezone %}`."""
    user = getattr(context.get("request"), "user", None)
    return zone_of(user) if isinstance(user, User) else ZoneInfo("UTC")


@register.simple_tag
def field(bound: BoundField, **attributes: Any) -> SafeString:
    """A form field drawn with the kit's classes, tied to its help and its errors for screen readers."""
    kind = bound.widget_type
    classes = {"select": "form-select", "checkbox": "form-check-input", "radioselect": "form-check-input"}.get(
        kind, "form-control"
    )
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        classes += " is-invalid"
        described.append(f"{bound.auto_id}_errors")
        attributes["aria-invalid"] = "true"
    attributes = {name.replace("_", "-"): value for name, value in attributes.items()}
    attributes["class"] = f"{classes} {bound.field.widget.attrs.get('class', '')} {attributes.pop('class', '')}".strip()
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return bound.as_widget(attrs=attributes)


@register.inclusion_tag("portal/parts/_nav_item.html", takes_context=True)
def nav_item(context: template.Context, view: str, label: str, symbol: str) -> dict[str, Any]:
    """An entry of the side navigation, marked when the page lies below it."""
    url, path = reverse(view), context["request"].path
    active = path == url if url == "/" else path.startswith((url, *SECTIONS.get(view, ())))
    return {"url": url, "label": label, "symbol": symbol, "active": active, "hidden": not may_open(context, view)}


@register.simple_tag(takes_context=True)
def may_open(context: template.Context, view: str) -> bool:
    """Whether an operator in a preview may open the page; an affiliate's own pages are always open to it."""
    shown = portal_of(context["request"])
    if shown is None or not shown.is_preview:
        return True
    return not lacking(shown.user, view.removeprefix("portal:"))


@register.simple_tag(takes_context=True)
def sort_heading(context: template.Context, column: str, label: str, classes: str = "") -> SafeString:
    """A column's heading that sorts the list by it, and the other way round when pressed again."""
    order, request = context["sorting"], context["request"]
    is_current = order.column == column
    target = f"-{column}" if is_current and not order.is_descending else column
    params = request.GET.copy()
    params.pop("page", None)
    params["sort"] = target
    direction, mark = "none", icon("selector")
    if is_current:
        direction = "descending" if order.is_descending else "ascending"
        mark = icon("chevron-down") if order.is_descending else icon("chevron-up")
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a class="sort {}" href="?{}" hx-boost="true">{} {}</a></th>',
        classes,
        direction,
        "sort-current" if is_current else "",
        params.urlencode(),
        label,
        mark,
    )


@register.filter
def person(user: User) -> str:
    """The person behind an action, as shown to affiliates: a member by name, an operator by role alone."""
    return gettext("an operator") if user.is_staff else user.get_short_name()
