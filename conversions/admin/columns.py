"""Columns that the pages of a conversion's appeals, conflicts, reviews and history share."""

from conversions.models import Conversion
from records.translation import gettext_lazy as _
from web.panel import code, column, link_to, shown, two_lines


def status_words(conversion: Conversion) -> str:
    """`Rejected: fraud`."""
    return f"{conversion.get_status_display()}: {conversion.get_reason_display().lower()}"


NAMED = two_lines(_("Conversion"), "conversion.goal.name", shown("conversion.public_id", code))
CONVERSION = column(_("Conversion"), "conversion", link_to)
WHO = two_lines(_("Affiliate and offer"), shown("conversion.affiliate", link_to), "conversion.goal.offer.name")
AFFILIATE = column(_("Affiliate"), "conversion.affiliate", link_to)
OFFER = column(_("Offer"), "conversion.goal.offer", link_to)
