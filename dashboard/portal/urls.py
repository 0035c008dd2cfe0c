"""Addresses of the portal, below `/`."""

from django.urls import path

from dashboard.portal.lists.clicks import ClickList
from dashboard.portal.lists.conversions import ConversionList
from dashboard.portal.lists.invoices import InvoiceList
from dashboard.portal.lists.ledger import LedgerList, StatementLines
from dashboard.portal.lists.links import LinkList
from dashboard.portal.lists.offers import OfferList
from dashboard.portal.lists.payouts import PayoutList
from dashboard.portal.lists.statements import StatementList
from dashboard.portal.views import (
    api_keys,
    billing,
    conversions,
    earnings,
    funnel,
    links,
    lists,
    offers,
    overview,
    settings,
    terms,
)

app_name = "portal"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("switch/", overview.switch, name="switch"),
    path("leave-preview/", overview.leave_preview, name="leave_preview"),
    path("offers/", lists.page(OfferList), name="offers"),
    path("offers/export/", lists.export(OfferList), name="offers_export"),
    path("offers/<str:public_id>/", offers.offer, name="offer"),
    path("offers/<str:public_id>/apply/", offers.apply, name="apply"),
    path("terms/<str:public_id>/", terms.change_of_terms, name="change_of_terms"),
    path("links/", lists.page(LinkList), name="links"),
    path("links/export/", lists.export(LinkList), name="links_export"),
    path("links/new/", links.new, name="new_link"),
    path("link/<str:code>/", links.link, name="link"),
    path("link/<str:code>/edit/", links.edit, name="edit_link"),
    path("link/<str:code>/qr.svg", links.qr, {"kind": "svg"}, name="link_qr_svg"),
    path("link/<str:code>/qr.png", links.qr, {"kind": "png"}, name="link_qr_png"),
    path("link/<str:code>/state/", links.state, name="link_state"),
    path("conversions/", lists.page(ConversionList), name="conversions"),
    path("conversions/export/", lists.export(ConversionList), name="conversions_export"),
    path("conversions/<str:public_id>/", conversions.conversion, name="conversion"),
    path("conversions/<str:public_id>/appeal/", conversions.appeal, name="appeal"),
    path("clicks/", lists.page(ClickList), name="clicks"),
    path("clicks/export/", lists.export(ClickList), name="clicks_export"),
    path("funnel/", funnel.funnel, name="funnel"),
    path("earnings/", lists.page(LedgerList), name="earnings"),
    path("earnings/export/", lists.export(LedgerList), name="earnings_export"),
    path("earnings/proof/", earnings.proof, name="earnings_proof"),
    path("earnings/statements/", lists.page(StatementList), name="statements"),
    path("earnings/statements/export/", lists.export(StatementList), name="statements_export"),
    path("earnings/statements/<str:number>/", lists.page(StatementLines), name="statement"),
    path("earnings/statements/<str:number>/export/", lists.export(StatementLines), name="statement_export"),
    path("earnings/statements/<str:number>/pdf/", earnings.statement_pdf_view, name="statement_pdf"),
    path("earnings/statements/<str:number>/proof/", earnings.statement_proved, name="statement_proof"),
    path("earnings/payouts/", lists.page(PayoutList), name="payouts"),
    path("earnings/payouts/export/", lists.export(PayoutList), name="payouts_export"),
    path("earnings/invoices/", lists.page(InvoiceList), name="invoices"),
    path("earnings/invoices/export/", lists.export(InvoiceList), name="invoices_export"),
    path("earnings/invoices/<str:number>/pdf/", billing.invoice_pdf_view, name="invoice_pdf"),
    path("earnings/invoices/<str:number>/json/", billing.invoice_json, name="invoice_json"),
    path("earnings/invoices/<str:number>/csv/", billing.invoice_sheet, name="invoice_csv"),
    path("settings/", settings.profile, name="profile"),
    path("settings/payouts/", settings.payout_method, name="payout_method"),
    path("settings/billing/", billing.billing, name="billing"),
    path("settings/billing/end-agreement/", billing.end_self_billing, name="end_self_billing"),
    path("settings/api-keys/", api_keys.api_keys, name="api_keys"),
    path("settings/api-keys/<int:pk>/", api_keys.edit_api_key, name="edit_api_key"),
    path("settings/api-keys/<int:pk>/rotate/", api_keys.rotate_api_key_view, name="rotate_api_key"),
    path("settings/api-keys/<int:pk>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
]
