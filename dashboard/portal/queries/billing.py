"""The affiliate's invoices, and what is missing for more of them."""

from django.db.models import QuerySet
from django.utils import timezone

from affiliates.models import Affiliate
from payouts.invoicing.readiness import InvoiceParty, TaxTreatments, sides_of
from payouts.invoicing.tax import SellerNumberMissing, Undecided
from payouts.models import BillingDetails, Invoice, Issuer, SelfBillingAgreement
from records.translation import gettext_lazy as _

NUMBER_MISSING = _("Your VAT number is missing. Without one, say that you are a small business or a private person.")


def invoices_of(affiliate: Affiliate) -> QuerySet[Invoice]:
    return Invoice.objects.filter(affiliate=affiliate).select_related("statement", "original")


def billing_of(affiliate: Affiliate) -> tuple[BillingDetails | None, SelfBillingAgreement | None]:
    """Details and agreement in force."""
    side = sides_of([affiliate.pk]).get(affiliate.pk, InvoiceParty())
    return side.details, side.agreement


def billing_lacks(affiliate: Affiliate) -> list[str]:
    """Details that the affiliate must enter before its invoices can be written; empty while no company issues any."""
    issuer = Issuer.objects.first()
    if issuer is None:
        return []
    side = sides_of([affiliate.pk]).get(affiliate.pk, InvoiceParty())
    missing = side.lacks()
    if side.details:
        try:
            TaxTreatments(issuer).treatment(side.details, timezone.now().date())
        except SellerNumberMissing:
            missing.append(NUMBER_MISSING)
        except Undecided:
            pass  # Problems that the operator has to fix are shown in the panel.
    return missing
