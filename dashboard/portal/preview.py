"""Permissions for the portal preview: an operator needs the panel's permissions for the rows that a page shows."""

from collections.abc import Iterable

from django.utils.translation import gettext

from affiliates.models import User

AFFILIATE = "affiliates.view_affiliate"
OFFER, ENROLLMENT, KEY = "affiliates.view_offer", "affiliates.view_enrollment", "affiliates.view_apikey"
LINK, CLICK = "tracking.view_trackinglink", "tracking.view_click"
CONVERSION, PLAN = "conversions.view_conversion", "payouts.view_commissionplan"
LEDGER, STATEMENT, PAYOUT = "payouts.view_ledgerentry", "payouts.view_statement", "payouts.view_payout"
INVOICE, METHOD, TERMS = "payouts.view_invoice", "payouts.view_payoutmethod", "payouts.view_payoutterms"
BILLING, AGREEMENT = "payouts.view_billingdetails", "payouts.view_selfbillingagreement"
TRACE = "conversions.view_trace"

_OFFERS = (OFFER, ENROLLMENT, PLAN)
_LINKS = (LINK, CLICK, CONVERSION, LEDGER)
_CONVERSION = (CONVERSION, CLICK, LEDGER, TRACE)
_EARNINGS = (LEDGER, STATEMENT, PAYOUT)
_STATEMENT = (STATEMENT, LEDGER, PAYOUT, INVOICE)

# By the name of the address. A page that is not listed is refused: add it here with what it shows.
NEEDS: dict[str, tuple[str, ...]] = {
    "overview": (*_LINKS, PLAN),
    "offers": _OFFERS,
    "offers_export": _OFFERS,
    "offer": (*_OFFERS, *_LINKS),
    "apply": _OFFERS,
    "change_of_terms": (PLAN, CONVERSION, LEDGER),
    "links": _LINKS,
    "links_export": _LINKS,
    "new_link": _LINKS,
    "link": _LINKS,
    "edit_link": _LINKS,
    "link_qr_svg": (LINK,),
    "link_qr_png": (LINK,),
    "link_state": (LINK,),
    "conversions": (CONVERSION, CLICK, LEDGER),
    "conversions_export": (CONVERSION, CLICK, LEDGER),
    "conversion": _CONVERSION,
    "appeal": _CONVERSION,
    "clicks": (CLICK, LINK),
    "clicks_export": (CLICK, LINK),
    "funnel": (CLICK, CONVERSION),
    "earnings": _EARNINGS,
    "earnings_export": (LEDGER,),
    "earnings_proof": (LEDGER, STATEMENT, PAYOUT),
    "statements": (STATEMENT, PAYOUT),
    "statements_export": (STATEMENT, PAYOUT),
    "statement": _STATEMENT,
    "statement_export": _STATEMENT,
    "statement_pdf": _STATEMENT,
    "statement_proof": _STATEMENT,
    "payouts": (PAYOUT,),
    "payouts_export": (PAYOUT,),
    "invoices": (INVOICE,),
    "invoices_export": (INVOICE,),
    "invoice_pdf": (INVOICE,),
    "invoice_json": (INVOICE,),
    "invoice_csv": (INVOICE,),
    "payout_method": (METHOD, TERMS),
    "billing": (BILLING, AGREEMENT),
    "end_self_billing": (BILLING, AGREEMENT),
    "api_keys": (KEY,),
    "revoke_api_key": (KEY,),
    # Of one's own session only.
    "switch": (),
}
# The way out, and one's own account: open without any permission.
FREE = frozenset({"leave_preview", "profile"})


def lacking(user: User, name: str | None) -> list[str]:
    """The permissions that the operator lacks for a page; a page that is not listed needs all rights."""
    if name in FREE or user.is_superuser:
        return []
    if name is None or name not in NEEDS:
        return [gettext("all rights")]
    return _without(user, (AFFILIATE, *NEEDS[name]))


def _without(user: User, permissions: Iterable[str]) -> list[str]:
    return [each for each in dict.fromkeys(permissions) if not user.has_perm(each)]
