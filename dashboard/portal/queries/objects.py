"""One access function per kind of object: another affiliate's object is as unknown as one that never existed."""

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from affiliates.models import Affiliate, ApiKey, Enrollment, Offer, User
from conversions.models import Conversion
from payouts.models import Invoice, Statement
from tracking.models import TrackingLink


def offer_for(affiliate: Affiliate, public_id: str) -> Offer:
    """An offer that is open to affiliates, or that this one is enrolled in. Raise Http404."""
    return get_object_or_404(visible_offers(affiliate), public_id=public_id)


def visible_offers(affiliate: Affiliate) -> QuerySet[Offer]:
    own = Enrollment.objects.filter(affiliate=affiliate).values("offer")
    return Offer.objects.filter(Q(status=Offer.Status.ACTIVE) | Q(pk__in=own)).select_related("advertiser")


def link_for(affiliate: Affiliate, code: str) -> TrackingLink:
    """Raise Http404 when the affiliate has no link of this code."""
    links = TrackingLink.objects.select_related("enrollment__offer__advertiser")
    return get_object_or_404(links, enrollment__affiliate=affiliate, code=code)


def conversion_for(affiliate: Affiliate, public_id: str) -> Conversion:
    """Raise Http404 when the affiliate has no such conversion."""
    rows = Conversion.objects.select_related("goal__offer__advertiser", "link", "customer", "appeal__owner")
    return get_object_or_404(rows, affiliate=affiliate, public_id=public_id)


def statement_for(affiliate: Affiliate, number: str) -> Statement:
    """Raise Http404 when the affiliate has no such statement."""
    return get_object_or_404(
        Statement.objects.select_related("payout", "anchored__anchor"), affiliate=affiliate, number=number
    )


def invoice_for(affiliate: Affiliate, number: str) -> Invoice:
    """Raise Http404 when the affiliate has no such invoice or credit note."""
    return get_object_or_404(
        Invoice.objects.select_related("statement", "original"), affiliate=affiliate, number=number
    )


def api_key_for(affiliate: Affiliate, user: User, pk: int, *, any_ones: bool = False) -> ApiKey:
    """A key for the affiliate that still works and that is the user's own, or anyone's.

    Raise Http404.
    """
    keys = ApiKey.objects.filter(affiliate=affiliate, revoked_at=None)
    return get_object_or_404(keys if any_ones else keys.filter(user=user), pk=pk)
