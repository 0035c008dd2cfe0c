"""Applications of affiliates for offers."""

from datetime import datetime

from django.utils.translation import gettext

from affiliates.models import Affiliate, Enrollment, Offer


class OfferNotOpen(ValueError):
    """The offer accepts no applications now, or the affiliate may not apply; nothing was stored."""


def apply_for(*, affiliate: Affiliate, offer: Offer, now: datetime) -> tuple[Enrollment, bool]:
    """The affiliate's enrollment in the offer, and whether it is new.

    Approved at once when the offer needs no approval, else pending until an operator decides. A second application
    changes nothing: the database allows one enrollment per affiliate and offer.
    """
    if offer.status != Offer.Status.ACTIVE:
        raise OfferNotOpen(
            gettext("{offer} does not accept applications: it is {status}.").format(
                offer=offer, status=offer.get_status_display().lower()
            )
        )
    if affiliate.status != Affiliate.Status.ACTIVE:
        raise OfferNotOpen(
            gettext("{affiliate} cannot apply: the account is {status}.").format(
                affiliate=affiliate, status=affiliate.get_status_display().lower()
            )
        )
    waits = offer.requires_approval
    status = Enrollment.Status.PENDING if waits else Enrollment.Status.APPROVED
    defaults = {"status": status, "created_at": now, "decided_at": None if waits else now}
    return Enrollment.objects.get_or_create(affiliate=affiliate, offer=offer, defaults=defaults)
