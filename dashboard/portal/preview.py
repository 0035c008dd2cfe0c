"""Permissions for pages of the portal, by the rows that a page shows.

A member has them by the roles in the affiliate. An operator in a preview needs the panel's for the same rows.
"""

from django.utils.translation import gettext

from affiliates.models import Affiliate, User

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
    "edit_api_key": (KEY,),
    "rotate_api_key": (KEY,),
    "revoke_api_key": (KEY,),
    # Of one's own session only.
    "switch": (),
}
# What a member's role has to allow, to post to the page.
POSTS: dict[str, tuple[str, ...]] = {
    "switch": (),
    "apply": ("affiliates.add_enrollment",),
    "change_of_terms": ("payouts.change_planconsent",),
    "new_link": ("tracking.add_trackinglink",),
    "edit_link": ("tracking.change_trackinglink",),
    "link_state": ("tracking.change_trackinglink",),
    "appeal": ("conversions.add_appeal",),
    "payout_method": ("payouts.add_payoutmethod",),
    "billing": ("payouts.add_billingdetails",),
    "end_self_billing": ("payouts.change_selfbillingagreement",),
    "api_keys": ("affiliates.add_apikey",),
    "edit_api_key": ("affiliates.add_apikey",),
    "rotate_api_key": ("affiliates.add_apikey",),
    "revoke_api_key": (KEY,),
}
# Pages that are a form alone: they are opened by those who may post to them.
FORMS = frozenset({"new_link", "edit_link", "edit_api_key"})
# The way out, and one's own account: open without any permission.
FREE = frozenset({"leave_preview", "profile"})


def lacking(user: User, name: str | None, affiliate: Affiliate | None = None) -> list[str]:
    """The permissions that the operator lacks for a page; a page that is not listed needs all rights.

    With an affiliate: those that the operator lacks for this one.
    """
    if name in FREE or user.is_superuser:
        return []
    if name is None or name not in NEEDS:
        return [gettext("all rights")]
    needed = dict.fromkeys((AFFILIATE, *NEEDS[name]))
    return [each for each in needed if not _has(user, each, affiliate)]


def _has(user: User, permission: str, affiliate: Affiliate | None) -> bool:
    within = user.affiliates_within(permission)
    return within is None or (affiliate.pk in within if affiliate else bool(within))


def lacking_of_member(permissions: frozenset[str], name: str | None, *, posts: bool) -> list[str]:
    """The permissions that a member's roles lack, to read a page or to post to it; one not listed is refused."""
    if name in FREE:
        return []
    if name is None or name not in NEEDS or (posts and name not in POSTS):
        return [gettext("all rights")]
    posting = POSTS[name] if posts or name in FORMS else ()
    return [each for each in dict.fromkeys((*NEEDS[name], *posting)) if each not in permissions]
