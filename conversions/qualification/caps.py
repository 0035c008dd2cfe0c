"""Daily caps of offers: once a cap is reached, the links close until the next day (UTC).

Clicks are not counted on arrival, since that would make one row hot for all; a sweep counts them every few seconds. So
a cap may be exceeded by the clicks and conversions of a few seconds. None of those is lost: clicks over the cap are
clicks, conversions over it are conversions.
"""

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from affiliates.models import Offer
from conversions.models import Conversion
from tracking.click_id.codec import lowest_uuid
from tracking.models import Click


def capped(now: datetime) -> Q:
    """Offers that have a cap or were closed by one."""
    return Q(daily_click_cap__isnull=False) | Q(daily_conversion_cap__isnull=False) | Q(capped_until__gt=now)


def keep_caps(*, now: datetime) -> int:
    """Close offers that reached a cap and open those that no longer do; return how many changed."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    changed = 0
    for offer in Offer.objects.filter(capped(now)):
        until = today + timedelta(days=1) if _is_full(offer, today) else None
        if offer.capped_until != until:
            changed += Offer.objects.filter(pk=offer.pk).update(capped_until=until)
    return changed


def _is_full(offer: Offer, today: datetime) -> bool:
    """Whether the cap is reached. Counting stops at the cap, so its cost is bounded."""
    if offer.daily_click_cap is not None:
        clicks = Click.objects.filter(link__enrollment__offer=offer, id__gte=lowest_uuid(today), is_bot=False)
        if clicks[: offer.daily_click_cap].count() >= offer.daily_click_cap:
            return True
    if offer.daily_conversion_cap is None:
        return False
    counted = Conversion.objects.filter(goal__offer=offer, received_at__gte=today, is_test=False).exclude(
        status="rejected"
    )
    return counted[: offer.daily_conversion_cap].count() >= offer.daily_conversion_cap
