"""Earnings: balances and the ledger, statements, payouts."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.portal import filters
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.export import amount, csv_response, download, local
from dashboard.portal.listing import page_of, render_list
from dashboard.portal.queries import earnings as queries
from dashboard.portal.queries.billing import invoices_of
from dashboard.portal.queries.objects import statement_for
from payouts.documents import pdf_response
from payouts.documents.proof import NotSealed, account_proof, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from payouts.models import LedgerEntry
from payouts.queries import earnings

LEDGER_HEADER = ["number", "booked_at", "occurred_at", "kind", "conversion_id", "payout_id", "transaction_id"]
LEDGER_HEADER += ["arithmetic", "amount", "currency", "previous_hash", "hash"]


@require_safe
@portal_view
def ledger(request: HttpRequest, portal: Portal) -> HttpResponse:
    form = filters.LedgerFilterForm(portal, request.GET)
    page = page_of(form.apply(queries.entries_of(portal.affiliate)), request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": queries.with_balances(portal.affiliate, list(page)),
        "money": earnings(portal.affiliate),
        "due": queries.due_by_currency(portal.affiliate),
    }
    return render_list(request, portal, "portal/earnings/earnings.html", context)


def _ledger_line(entry: LedgerEntry, portal: Portal) -> list[object]:
    return [
        entry.sequence,
        local(entry.booked_at, portal.zone),
        local(entry.occurred_at, portal.zone),
        entry.kind,
        entry.conversion.public_id if entry.conversion else "",
        entry.payout.public_id if entry.payout else "",
        entry.conversion.transaction_id if entry.conversion else "",
        entry.words,
        amount(entry.amount, entry.currency),
        entry.currency,
        entry.previous_hash,
        entry.hash,
    ]


@require_safe
@portal_view
def export(request: HttpRequest, portal: Portal) -> Any:
    form = filters.LedgerFilterForm(portal, request.GET)
    entries = form.apply(queries.entries_of(portal.affiliate)).order_by("sequence")
    lines = (_ledger_line(entry, portal) for entry in entries.iterator(chunk_size=2000))
    return csv_response(request, "ledger.csv", LEDGER_HEADER, lines)


@require_safe
@portal_view
def proof(request: HttpRequest, portal: Portal) -> Any:
    """The whole chain for checking without this program, with every statement that was closed over it."""
    name = f"account-{portal.affiliate.public_id}.json"
    return download(request, name, "application/json", account_proof(portal.affiliate))


@require_safe
@portal_view
def statements(request: HttpRequest, portal: Portal) -> HttpResponse:
    page = page_of(queries.statements_of(portal.affiliate), request.GET.get("page"))
    return render_list(request, portal, "portal/earnings/statements.html", {"page": page})


@require_safe
@portal_view
def statements_export(request: HttpRequest, portal: Portal) -> Any:
    header = ["number", "currency", "starts_at", "ends_at", "first_line", "last_line"]
    header += ["opening", "earned", "paid", "closing", "closed_at", "payout_id", "payout_status", "chain_hash"]
    lines = (
        [
            each.number,
            each.currency,
            local(each.starts_at, portal.zone),
            local(each.ends_at, portal.zone),
            each.first_sequence,
            each.last_sequence,
            *(amount(value, each.currency) for value in (each.opening, each.earned, each.paid, each.closing)),
            local(each.closed_at, portal.zone),
            *((each.payout.public_id, each.payout.status) if hasattr(each, "payout") else ("", "")),
            each.chain_hash,
        ]
        for each in queries.statements_of(portal.affiliate)
    )
    return csv_response(request, "statements.csv", header, lines)


@require_safe
@portal_view
def statement(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = statement_for(portal.affiliate, number)
    lines = queries.statement_lines(found)
    page = page_of(lines, request.GET.get("page"))
    documents = invoices_of(portal.affiliate).filter(statement=found).order_by("id")
    context = {"statement": found, "page": page, "totals": queries.totals_by_kind(lines), "documents": documents}
    return render_list(request, portal, "portal/earnings/statement.html", context)


@require_safe
@portal_view
def statement_export(request: HttpRequest, portal: Portal, number: str) -> Any:
    found = statement_for(portal.affiliate, number)
    lines = (_ledger_line(entry, portal) for entry in queries.statement_lines(found).iterator(chunk_size=2000))
    return csv_response(request, f"statement-{found.number}.csv", LEDGER_HEADER, lines)


@require_safe
@portal_view
def statement_pdf_view(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = statement_for(portal.affiliate, number)
    return pdf_response(f"statement-{found.number}.pdf", statement_pdf(found))


@require_safe
@portal_view
def statement_proved(request: HttpRequest, portal: Portal, number: str) -> Any:
    found = statement_for(portal.affiliate, number)
    try:
        proof = statement_proof(found)
    except NotSealed as error:
        raise Http404(str(error)) from error
    return download(request, f"statement-{found.number}.json", "application/json", proof)


@require_safe
@portal_view
def payouts(request: HttpRequest, portal: Portal) -> HttpResponse:
    page = page_of(queries.payouts_of(portal.affiliate), request.GET.get("page"))
    return render_list(request, portal, "portal/earnings/payouts.html", {"page": page})


@require_safe
@portal_view
def payouts_export(request: HttpRequest, portal: Portal) -> Any:
    header = ["payout_id", "statement", "made_at", "amount", "currency", "vat", "fee", "sent_amount", "sent_currency"]
    header += ["status", "paid_at", "reference"]
    lines = (
        [
            payout.public_id,
            payout.statement.number,
            local(payout.created_at, portal.zone),
            amount(payout.amount, payout.currency),
            payout.currency,
            amount(payout.vat, payout.currency),
            amount(payout.fee, payout.currency),
            amount(payout.sent_amount, payout.sent_currency),
            payout.sent_currency,
            payout.status,
            local(payout.paid_at, portal.zone),
            payout.reference,
        ]
        for payout in queries.payouts_of(portal.affiliate)
    )
    return csv_response(request, "payouts.csv", header, lines)
