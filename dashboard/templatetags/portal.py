"""How the pages write money, times, statuses and icons."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.forms import BoundField
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from affiliates.models import AffiliateMember, User
from affiliates.roles.scopes import BY_CODE as SCOPES
from dashboard.periods import DayPeriod
from dashboard.portal.access import Portal, portal_of, zone_of
from dashboard.portal.lists.statements import period_words as statement_period
from payouts.invoicing.tax import NAMES
from payouts.models import Invoice
from payouts.plan_changes.what_if_report import difference_words
from payouts.pricing import plain
from records import words
from web.lists import html

register = template.Library()

# Addresses that belong to an entry of the navigation though they do not begin with its address.
SECTIONS = {"portal:links": ("/link/",), "portal:profile": ("/accounts/",)}


register.simple_tag(html.icon)
register.simple_tag(html.money)
register.simple_tag(html.status_badge)
register.filter(html.moment)
register.filter(html.day)
register.filter(html.short_id)
register.filter("statement_period", statement_period)


@register.simple_tag
def version() -> str:
    """The version that runs here."""
    return str(settings.VERSION)


@register.filter
def in_currency(amounts: list[tuple[str, Decimal]], currency: str) -> Decimal | None:
    """The amount in this currency among several, if there is one."""
    return dict(amounts).get(currency)


@register.filter
def tax_words(invoice: Invoice) -> str:
    """`Domestic VAT 23 %`, `Reverse charge`."""
    percent = f" {plain(invoice.percent)} %" if invoice.percent else ""
    return f"{NAMES.get(invoice.rule, invoice.rule)}{percent}"


@register.filter
def code_words(text: object) -> SafeString:
    """The text with what stands between backticks as code: names of parameters, values."""
    parts = enumerate(str(text).split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts))


@register.simple_tag
def test_badge(is_test: bool) -> SafeString | str:
    """A badge on conversions of test clicks; nothing on others."""
    title = gettext("From a test click: evaluated and shown, but never counted or paid.")
    return format_html('<span class="badge bg-purple-lt" title="{}">Test</span>', title) if is_test else ""


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
def period_words(value: DayPeriod) -> str:
    return f"{html.day(value.first_on)} – {html.day(value.last_on)}"


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
    """Whether the person may open the page: a member by the roles, an operator in a preview by the panel's rights."""
    shown = portal_of(context["request"])
    return shown is None or not shown.lacks(view.removeprefix("portal:"))


@register.filter
def scope_words(codes: list[str]) -> str:
    """The scopes of an API key: `Read, Links`."""
    return ", ".join(str(SCOPES[code].title) for code in codes if code in SCOPES)


@register.filter
def person(user: User) -> str:
    """The person behind an action, as shown to affiliates: a member by name, an operator by role alone."""
    return gettext("an operator") if user.is_staff else user.get_short_name()
