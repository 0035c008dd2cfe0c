"""Every page of the operator panel: opens, keeps to its query budget, and is for operators only."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import CompositePrimaryKey
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from affiliates.admin import AffiliateAdmin
from affiliates.models import Affiliate
from payouts.models import Issuer
from tests.dashboard.panel import populate
from tests.factories import AffiliateFactory, AffiliateMemberFactory, OperatorFactory, UserFactory
from web.panel import RecordAdmin
from web.panel.counting import BoundedPaginator, Estimate

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
HISTORY = (
    "tracking.Click",
    "conversions.Postback",
    "conversions.Trace",
    "conversions.StatusChange",
    "conversions.Conversion",
    "conversions.ParkedPostback",
    "conversions.Touch",
    "tracking.LegacyClickID",
    "payouts.PlanVersion",
    "payouts.PlanConsent",
    "payouts.CommissionRule",
    "payouts.LedgerEntry",
    "payouts.Statement",
    "payouts.Payout",
    "payouts.Invoice",
    "payouts.BillingDetails",
    "payouts.SelfBillingAgreement",
    "admin.LogEntry",
)

# Edited with their affiliate or goal, shown on the conversion that they are about, or no more than digests.
# Lines of what-ifs and proofs of no loss are shown with what they are of.
SHOWN_ELSEWHERE = {
    "Assignment",
    *("WhatIfLine", "PlanEffect"),
    *("AffiliateMember", "QualificationRule", "QualificationWait", "AddressSighting", "MemberAddress"),
    # The last number of a year, and that a statement was invoiced: its invoices stand on its page.
    *("InvoiceCounter", "Invoicing"),
    *("AffiliatePace", "Refund", "Correction", "Parentage", "WorkedExample"),
    "CloseFailure",
    # In the trace of the refund that named the sale so.
    "SourceReference",
    # On the page of the batch.
    *("PayoutFile", "SentLine", "AnswerRow"),
    # On the page of the close and on the statement; the state of the file is in readiness and metrics.
    *("Anchor", "AnchoredStatement", "StatementSeal", "AnchorAccount", "AnchorKey", "AnchorFile"),
}


def address(model, page, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def label(model) -> str:
    return model._meta.label


@pytest.fixture
def desk(olga, client) -> Client:
    """Olga's browser."""
    client.force_login(olga)
    return client


def test_every_model_of_the_five_apps_has_a_page():
    from django.apps import apps

    ours = {
        model
        for app in ("affiliates", "tracking", "conversions", "payouts")
        for model in apps.get_app_config(app).get_models()
    }
    # Sums over clicks (composite keys) are shown in reports.
    without = {model for model in ours if isinstance(model._meta.pk, CompositePrimaryKey)}
    assert {model.__name__ for model in ours - without - set(MODELS)} <= SHOWN_ELSEWHERE


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_lists_and_forms_open(desk, model):
    populate(1)
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    assert desk.get(address(model, "changelist")).status_code == 200
    assert desk.get(address(model, "changelist"), {"q": "nothing like it"}).status_code == 200
    assert desk.get(address(model, "change", row.pk)).status_code == 200
    is_record = isinstance(admin.site._registry[model], RecordAdmin)
    # There is one issuer of invoices, and it is there.
    assert desk.get(address(model, "add")).status_code == (403 if is_record or model is Issuer else 200)


def queries_of_lists(desk: Client) -> dict[str, int]:
    """How many queries each list takes."""
    taken = {}
    for model in MODELS:
        with CaptureQueriesContext(connection) as queries:
            desk.get(address(model, "changelist"))
        taken[label(model)] = len(queries)
    return taken


def test_lists_take_the_same_queries_however_long(desk):
    populate(1)
    queries_of_lists(desk)
    few = queries_of_lists(desk)
    for number in range(2, 5):
        populate(number)
    assert queries_of_lists(desk) == few
    assert max(few.values()) <= 8


@pytest.mark.parametrize("model", [m for m in MODELS if m._meta.label in HISTORY], ids=label)
def test_history_is_read_only(desk, model):
    populate(1)
    row = model._default_manager.first()
    assert desk.get(address(model, "add")).status_code == 403
    assert desk.post(address(model, "change", row.pk), {"_save": "Save"}).status_code == 403
    assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert b'name="_save"' not in desk.get(address(model, "change", row.pk)).content


def test_history_is_listed_without_an_omission():
    assert set(HISTORY) <= {model._meta.label for model in MODELS}


@pytest.mark.parametrize("path", ["/admin/", "/admin/affiliates/affiliate/", "/admin/search/?s=x", "/trace/"])
class TestWhoMayEnter:
    def test_strangers_are_asked_to_sign_in_through_allauth(self, client, db, path):
        response = client.get(path, follow=True)
        assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")
        assert response.status_code == 200

    def test_affiliates_are_refused(self, client, db, path):
        client.force_login(AffiliateMemberFactory().user)
        assert client.get(path, follow=True).status_code == 403


def test_the_admins_own_login_page_is_never_shown(client, db):
    response = client.get("/admin/login/?next=/admin/payouts/payout/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2Fpayouts%2Fpayout%2F"


class TestPermissions:
    def test_an_operator_without_permissions_sees_no_rows_and_no_money(self, client, db):
        populate(1)
        client.force_login(OperatorFactory())
        page = client.get("/admin/")
        assert page.status_code == 200
        assert b"Nothing to show yet" in page.content
        assert b"Approved revenue" not in page.content
        assert client.get("/admin/payouts/ledgerentry/").status_code == 403
        assert client.get("/trace/?q=anything").status_code == 403

    def test_an_operator_sees_what_the_permissions_say(self, client, db):
        operator = OperatorFactory()
        operator.user_permissions.add(Permission.objects.get(codename="view_affiliate"))
        client.force_login(operator)
        assert client.get("/admin/affiliates/affiliate/").status_code == 200
        page = client.get("/admin/").content.decode()
        assert "Affiliates waiting" in page
        assert reverse("admin:payouts_payout_changelist") not in page

    def test_exports_need_the_permission_to_view(self, client, db):
        client.force_login(OperatorFactory())
        for name in ("conversions_conversion", "payouts_ledgerentry", "tracking_click"):
            assert client.get(reverse(f"admin:{name}_export")).status_code == 403

    def test_viewing_is_not_enough_for_an_action(self, client, db):
        affiliate = AffiliateFactory(status=Affiliate.Status.PENDING)
        operator = OperatorFactory()
        operator.user_permissions.add(Permission.objects.get(codename="view_affiliate"))
        client.force_login(operator)
        path = reverse("admin:affiliates_affiliate_approve", args=[affiliate.pk])
        assert client.post(path, {"confirmed": "yes"}).status_code == 403
        affiliate.refresh_from_db()
        assert affiliate.status == Affiliate.Status.PENDING

    def test_an_operator_cannot_take_over_a_superuser(self, client, olga):
        operator = OperatorFactory()
        operator.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
        client.force_login(operator)
        assert client.post(f"/admin/affiliates/user/{olga.pk}/password/", {"password1": "x"}).status_code == 403
        page = client.get(address(type(olga), "change", UserFactory().pk)).content
        assert b'name="is_superuser"' not in page


class TestContentPolicy:
    @pytest.mark.parametrize("path", ["/admin/", "/trace/"])
    def test_the_panel_allows_what_it_needs_and_no_more(self, desk, path):
        policy = desk.get(path)["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self' 'unsafe-eval';" in policy
        assert "frame-ancestors 'none'" in policy

    def test_other_pages_keep_the_strict_policy(self, client, db):
        assert "unsafe" not in client.get("/accounts/login/")["Content-Security-Policy"]

    @pytest.mark.parametrize("path", ["/admin/", "/admin/affiliates/offer/", "/trace/"])
    def test_no_script_stands_in_the_page(self, desk, path):
        page = desk.get(path).content.decode()
        assert "<script>" not in page
        assert "onclick=" not in page


class TestCounting:
    def test_a_small_list_is_counted_exactly(self, db):
        AffiliateFactory.create_batch(3)
        paginator = BoundedPaginator(Affiliate.objects.order_by("pk"), 2)
        assert (paginator.count, str(paginator.count), paginator.num_pages) == (3, "3", 2)

    def test_a_long_list_is_estimated_and_paged_to_the_bound_only(self, db, monkeypatch):
        monkeypatch.setattr(BoundedPaginator, "BOUND", 4)
        AffiliateFactory.create_batch(7)
        paginator = BoundedPaginator(Affiliate.objects.order_by("pk"), 2)
        assert str(paginator.count).startswith("about ")
        assert paginator.count >= 5
        assert paginator.num_pages == 2

    @pytest.mark.parametrize(
        ("number", "shown"), [(10_234_567, "about 10,000,000"), (12_900, "about 13,000"), (5, "about 5")]
    )
    def test_an_estimate_says_that_it_is_one(self, number, shown):
        assert str(Estimate(number)) == shown


def test_times_are_shown_in_the_operators_zone(desk, olga):
    olga.time_zone = "Asia/Tokyo"
    olga.save()
    assert "days in Asia/Tokyo" in desk.get("/admin/").content.decode()


def test_the_panel_reads_what_an_affiliate_is_called(desk, ana):
    assert isinstance(admin.site._registry[Affiliate], AffiliateAdmin)
    assert "Open portal as Ana" in desk.get(address(Affiliate, "change", ana.pk)).content.decode()
    assert f"?as={ana.public_id}" in desk.get(address(Affiliate, "change", ana.pk)).content.decode()
