"""How the operator panel's own pages write money, moments and IDs."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django import template
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext

from payouts.plan_changes.what_if_report import difference_words
from tracking.click_id.codec import text_of
from web.cells import moment as as_moment
from web.cells import money as as_money

register = template.Library()


@register.simple_tag
def money(amount: Decimal | None, currency: str) -> SafeString | str:
    return as_money(amount, currency)


@register.simple_tag
def change_words(before: Decimal, after: Decimal, currency: str) -> str:
    """`12.00 EUR more`, `no change`."""
    return difference_words(before, after, currency)


@register.filter
def moment(value: datetime | None) -> str:
    return as_moment(value)


@register.filter
def ago(value: datetime) -> str:
    """`4 days ago`: the largest unit only, as it stands in a list."""
    return gettext("{time} ago").format(time=timesince(value, depth=1)).replace("\xa0", " ")


@register.filter
def click_text(key: UUID) -> str:
    """The signed click ID of a stored key."""
    return text_of(key)
