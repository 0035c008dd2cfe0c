"""The operator panel's sidebar: the pages that an operator may see, in the order of the work, with badges of open
items.
"""

from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from affiliates.access.operators import operator
from affiliates.models import Affiliate, Enrollment, User
from conversions.models import Appeal, ConflictReview, Conversion, Postback, RiskReview
from payouts.models import Payout
from records.translation import gettext_lazy as _

# The upper limit of badges: a larger number says no more than "many".
BOUND = 1000


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """Work that waits for an operator, each counted up to a bound; conversions that wait for a date only are none."""

    affiliates: int
    enrollments: int
    conversions: int
    postbacks: int
    payouts: int
    reviews: int
    conflicts: int
    appeals: int


def waiting_within(user: User) -> WaitingWork:
    """The same counts for a person who sees assigned affiliates only."""

    def number(rows: Any) -> int:
        found: int = user.rows_within(rows)[:BOUND].count()
        return found

    return WaitingWork(
        affiliates=number(Affiliate.objects.filter(status=Affiliate.Status.PENDING)),
        enrollments=number(Enrollment.objects.filter(status=Enrollment.Status.PENDING)),
        conversions=number(Conversion.objects.filter(status=Conversion.Status.PENDING, approve_at=None)),
        postbacks=number(Postback.objects.filter(decided_at=None)),
        payouts=number(Payout.objects.filter(status=Payout.Status.DUE)),
        reviews=number(RiskReview.objects.filter(resolved_at=None)),
        conflicts=number(ConflictReview.objects.filter(resolved_at=None)),
        appeals=number(Appeal.objects.filter(state=Appeal.State.OPEN)),
    )


def waiting() -> WaitingWork:
    """Counts of open items, in one query; every part is bounded, so no table is read in full for a badge."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM (SELECT FROM affiliates_affiliate WHERE status = 'pending' LIMIT %(n)s) AS a),
                   (SELECT count(*) FROM (SELECT FROM affiliates_enrollment WHERE status = 'pending' LIMIT %(n)s) AS e),
                   (SELECT count(*) FROM (SELECT FROM conversions_conversion
                                          WHERE status = 'pending' AND approve_at IS NULL LIMIT %(n)s) AS c),
                   (SELECT count(*) FROM (SELECT FROM conversions_postback WHERE decided_at IS NULL LIMIT %(n)s) AS p),
                   (SELECT count(*) FROM (SELECT FROM payouts_payout WHERE status = 'due' LIMIT %(n)s) AS o),
                   (SELECT count(*) FROM (SELECT FROM conversions_riskreview
                                          WHERE resolved_at IS NULL LIMIT %(n)s) AS r),
                   (SELECT count(*) FROM (SELECT FROM conversions_conflictreview
                                          WHERE resolved_at IS NULL LIMIT %(n)s) AS k),
                   (SELECT count(*) FROM (SELECT FROM conversions_appeal WHERE state = 'open' LIMIT %(n)s) AS l)
            """,
            {"n": BOUND},
        )
        return WaitingWork(*cursor.fetchone())


def waiting_for(request: HttpRequest) -> WaitingWork:
    """Counts of open items, computed once for a page even if several parts of it show them."""
    if not hasattr(request, "_waiting"):
        user = operator(request)
        request._waiting = waiting_within(user) if user.has_limits else waiting()  # type: ignore[attr-defined]
    return cast(WaitingWork, request._waiting)  # type: ignore[attr-defined]


def badge(number: int) -> int | str:
    return f"{BOUND - 1}+" if number >= BOUND else number


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the sidebar: its label, and the model whose list it opens."""

    title: str
    icon: str
    model: str
    waits: str = ""
    tone: str = "warning"
    # A permission that the list needs beside that of the model.
    needs: str = ""


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        _("People & offers"),
        (
            Entry(_("Affiliates"), "groups", "affiliates.affiliate", waits="affiliates"),
            Entry(_("Advertisers"), "storefront", "affiliates.advertiser"),
            Entry(_("Offers"), "sell", "affiliates.offer"),
            Entry(_("Enrollments"), "how_to_reg", "affiliates.enrollment", waits="enrollments"),
            Entry(_("Coupon codes"), "confirmation_number", "affiliates.couponcode"),
        ),
    ),
    (
        _("Traffic"),
        (
            Entry(_("Tracking links"), "link", "tracking.trackinglink"),
            Entry(_("Tracking domains"), "dns", "affiliates.trackingdomain"),
            Entry(_("Apps"), "apps", "affiliates.mobileapp"),
            Entry(_("Clicks"), "ads_click", "tracking.click"),
            Entry(_("Legacy click IDs"), "history_toggle_off", "tracking.legacyclickid"),
        ),
    ),
    (
        _("Conversions"),
        (
            Entry(_("Conversions"), "task_alt", "conversions.conversion", waits="conversions"),
            Entry(_("Review queue"), "policy", "conversions.riskreview", waits="reviews"),
            Entry(_("Appeals"), "gavel", "conversions.appeal", waits="appeals"),
            Entry(_("Conflicts"), "difference", "conversions.conflictreview", waits="conflicts"),
            Entry(_("Postbacks"), "call_received", "conversions.postback", waits="postbacks", tone="danger"),
            Entry(_("Parked postbacks"), "hourglass_top", "conversions.parkedpostback"),
            Entry(_("Mappings"), "schema", "conversions.sendermapping"),
            Entry(_("Sources"), "storefront", "conversions.sourceconnection"),
            Entry(_("Goals"), "flag", "conversions.goal"),
            Entry(_("Risk policies"), "shield", "conversions.riskpolicy"),
            Entry(_("Customers"), "person", "conversions.customer"),
            Entry(_("Customer locks"), "lock", "conversions.customerlock"),
            Entry(_("Touches"), "touch_app", "conversions.touch"),
            Entry(_("Status history"), "history", "conversions.statuschange"),
            Entry(_("Decision traces"), "rule", "conversions.trace"),
        ),
    ),
    (
        _("Money"),
        (
            Entry(_("Commission plans"), "percent", "payouts.commissionplan"),
            Entry(_("Draft versions"), "edit_note", "payouts.draftversion"),
            Entry(_("What if"), "query_stats", "payouts.whatif", needs="payouts.view_ledgerentry"),
            Entry(_("Consents"), "handshake", "payouts.planconsent"),
            Entry(_("Ledger"), "menu_book", "payouts.ledgerentry"),
            Entry(_("Billed clicks"), "ads_click", "payouts.billedclicks"),
            Entry(_("Statements"), "receipt_long", "payouts.statement"),
            Entry(_("Period closes"), "event_available", "payouts.periodclose"),
            Entry(_("Invoices"), "receipt", "payouts.invoice"),
            Entry(_("Billing details"), "contact_page", "payouts.billingdetails"),
            Entry(_("Self-billing agreements"), "draw", "payouts.selfbillingagreement"),
            Entry(_("Invoice issuer"), "store", "payouts.issuer"),
            Entry(_("VAT rates"), "account_balance_wallet", "payouts.vatrate"),
            Entry(_("Payouts"), "payments", "payouts.payout", waits="payouts"),
            Entry(_("Payout batches"), "stacks", "payouts.payoutbatch"),
            Entry(_("Payout methods"), "account_balance", "payouts.payoutmethod"),
            Entry(_("Payout terms"), "contract", "payouts.payoutterms"),
            Entry(_("Exchange rates"), "currency_exchange", "payouts.exchangerate"),
        ),
    ),
    (
        _("System"),
        (
            Entry(_("Users"), "badge", "affiliates.user"),
            Entry(_("Roles"), "group", "affiliates.customrole"),
            Entry(_("Second factors"), "phonelink_lock", "mfa.authenticator"),
            Entry(_("API keys"), "vpn_key", "affiliates.apikey"),
            Entry(_("Advertiser secrets"), "key", "affiliates.advertisersecret"),
            Entry(_("What operators did"), "manage_history", "admin.logentry"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation for this operator."""
    counts, user = waiting_for(request), operator(request)
    first: list[dict[str, Any]] = [
        {"title": gettext("Overview"), "icon": "space_dashboard", "link": reverse("admin:index")}
    ]
    if request.user.has_perm("conversions.view_trace"):
        at = request.path.startswith("/trace/")
        first.append(
            {"title": gettext("Trace an ID"), "icon": "timeline", "link": reverse("trace:search"), "active": at}
        )
        if not user.has_limits:
            first.append({"title": gettext("Postback doctor"), "icon": "stethoscope", "link": reverse("doctor")})
    if request.user.has_perms(["conversions.view_conversion", "tracking.view_click"]):
        first.append({"title": gettext("Funnel"), "icon": "filter_alt", "link": reverse("funnel")})
    groups: list[dict[str, Any]] = [{"title": "", "items": first}]
    for title, entries in SECTIONS:
        items = [_item(entry, counts) for entry in entries if _may_see(request, entry)]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def _may_see(request: HttpRequest, entry: Entry) -> bool:
    app, _, model = entry.model.partition(".")
    may_see = request.user.has_perm(f"{app}.view_{model}") or request.user.has_perm(f"{app}.change_{model}")
    return may_see and (not entry.needs or request.user.has_perm(entry.needs))


def _item(entry: Entry, counts: WaitingWork) -> dict[str, Any]:
    link = reverse(f"admin:{entry.model.replace('.', '_')}_changelist")
    number = getattr(counts, entry.waits) if entry.waits else 0
    # A badge of 0 is not drawn; Unfold takes texts for callbacks, so the text of "many" must be no import path.
    return {"title": entry.title, "icon": entry.icon, "link": link, "badge": badge(number), "badge_variant": entry.tone}
