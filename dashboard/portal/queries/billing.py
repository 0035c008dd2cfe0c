"""The affiliate's invoices, and what is missing for more of them."""

from django.db.models import QuerySet
from django.utils import timezone

from affiliates.models import Affiliate
from payouts.invoicing.readiness import Judge, Side, sides_of
from payouts.models import BillingDetails, Invoice, Issuer, SelfBillingAgreement


def invoices_of(affiliate: Affiliate) -> QuerySet[Invoice]:
    return Invoice.objects.filter(affiliate=affiliate).select_related("statement", "original")


def billing_of(affiliate: Affiliate) -> tuple[BillingDetails | None, SelfBillingAgreement | None]:
    """Details and agreement in force."""
    side = sides_of([affiliate.pk]).get(affiliate.pk, Side())
    return side.details, side.agreement


def billing_lacks(affiliate: Affiliate) -> list[str]:
    """What keeps the affiliate's invoices from being written as of today; nothing while nobody writes any."""
    issuer = Issuer.objects.first()
    if issuer is None:
        return []
    side = sides_of([affiliate.pk]).get(affiliate.pk, Side())
    return Judge(issuer).lacks(side, affiliate.currency, timezone.now().date())
