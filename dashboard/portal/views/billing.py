"""Invoices: those that the operator wrote in the affiliate's name, and the affiliate's billing details on them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.portal.access import Portal, portal_view
from dashboard.portal.billing_form import BillingForm
from dashboard.portal.listing import render_page
from dashboard.portal.queries import billing as queries
from dashboard.portal.queries.objects import invoice_for
from payouts.documents import pdf_response
from payouts.invoicing.billing import AgreementRefused, agree, end_agreement, set_details
from payouts.invoicing.files import invoice_csv, invoice_data
from payouts.invoicing.pdf import invoice_pdf
from payouts.models import Issuer


@require_safe
@portal_view
def invoice_pdf_view(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = invoice_for(portal.affiliate, number)
    return pdf_response(f"{found.number}.pdf", invoice_pdf(found))


@require_safe
@portal_view
def invoice_json(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = invoice_for(portal.affiliate, number)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.number}.json"',
        "Cache-Control": "private, no-store",
    }
    return JsonResponse(invoice_data(found), json_dumps_params={"ensure_ascii": False, "indent": 1}, headers=headers)


@require_safe
@portal_view
def invoice_sheet(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = invoice_for(portal.affiliate, number)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.number}.csv"',
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(invoice_csv([found]), content_type="text/csv; charset=utf-8", headers=headers)


def as_download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def billing(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Whom the affiliate's invoices are from, and that the operator may write them. Owners and finance say so."""
    issuer, details, agreement = Issuer.objects.first(), *queries.billing_of(portal.affiliate)
    may_change = portal.may("payouts.add_billingdetails")
    form = BillingForm(
        request.POST or None,
        current=details,
        asks_agreement=agreement is None and issuer is not None,
        initial={} if details else {"legal_name": portal.affiliate.name, "country": portal.affiliate.country},
    )
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        set_details(affiliate=portal.affiliate, given=form.cleaned_data, actor=portal.user, now=now)
        if form.cleaned_data.get("agreed") and issuer:
            agree(affiliate=portal.affiliate, actor=portal.user, now=now, words=issuer.agreement_words)
        messages.success(
            request, gettext("Saved. Your next invoices use these details; earlier ones stay as they are.")
        )
        return redirect("portal:billing")
    context = {
        "form": form,
        "details": details,
        "agreement": agreement,
        "issuer": issuer,
        "may_change": may_change,
        "lacks": queries.billing_lacks(portal.affiliate),
    }
    return render_page(request, portal, "portal/settings/billing.html", context, status=400 if form.errors else 200)


@require_POST
@portal_view
def end_self_billing(request: HttpRequest, portal: Portal) -> HttpResponse:
    try:
        end_agreement(affiliate=portal.affiliate, actor=portal.user, now=timezone.now())
        messages.success(request, gettext("The agreement is ended. No further invoices are written in your name."))
    except AgreementRefused:
        messages.info(request, gettext("There was no agreement in force."))
    return redirect("portal:billing")
