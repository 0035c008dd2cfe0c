"""Addresses of the portal, below `/`."""

from django.urls import path

from dashboard.portal.views import clicks, conversions, earnings, funnel, links, offers, overview, settings, terms

app_name = "portal"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("switch/", overview.switch, name="switch"),
    path("leave-preview/", overview.leave_preview, name="leave_preview"),
    path("offers/", offers.offers, name="offers"),
    path("offers/export/", offers.export, name="offers_export"),
    path("offers/<str:public_id>/", offers.offer, name="offer"),
    path("offers/<str:public_id>/apply/", offers.apply, name="apply"),
    path("terms/<str:public_id>/", terms.change_of_terms, name="change_of_terms"),
    path("links/", links.links, name="links"),
    path("links/export/", links.export, name="links_export"),
    path("links/new/", links.new, name="new_link"),
    path("link/<str:code>/", links.link, name="link"),
    path("link/<str:code>/edit/", links.edit, name="edit_link"),
    path("link/<str:code>/qr.svg", links.qr, {"kind": "svg"}, name="link_qr_svg"),
    path("link/<str:code>/qr.png", links.qr, {"kind": "png"}, name="link_qr_png"),
    path("link/<str:code>/state/", links.state, name="link_state"),
    path("conversions/", conversions.conversions, name="conversions"),
    path("conversions/export/", conversions.export, name="conversions_export"),
    path("conversions/<str:public_id>/", conversions.conversion, name="conversion"),
    path("clicks/", clicks.clicks, name="clicks"),
    path("clicks/export/", clicks.export, name="clicks_export"),
    path("funnel/", funnel.funnel, name="funnel"),
    path("earnings/", earnings.ledger, name="earnings"),
    path("earnings/export/", earnings.export, name="earnings_export"),
    path("earnings/proof/", earnings.proof, name="earnings_proof"),
    path("earnings/statements/", earnings.statements, name="statements"),
    path("earnings/statements/export/", earnings.statements_export, name="statements_export"),
    path("earnings/statements/<str:number>/", earnings.statement, name="statement"),
    path("earnings/statements/<str:number>/export/", earnings.statement_export, name="statement_export"),
    path("earnings/statements/<str:number>/pdf/", earnings.statement_paper, name="statement_pdf"),
    path("earnings/statements/<str:number>/proof/", earnings.statement_proved, name="statement_proof"),
    path("earnings/payouts/", earnings.payouts, name="payouts"),
    path("earnings/payouts/export/", earnings.payouts_export, name="payouts_export"),
    path("settings/", settings.profile, name="profile"),
    path("settings/payouts/", settings.payout_method, name="payout_method"),
    path("settings/api-keys/", settings.api_keys, name="api_keys"),
    path("settings/api-keys/<int:pk>/revoke/", settings.revoke_api_key, name="revoke_api_key"),
]
