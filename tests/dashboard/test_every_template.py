"""Every template compiles, and is rendered with each kind of row that the demo data hold.

The demo is made once for this file, in a transaction that is rolled back at its end.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import models, transaction
from django.template import Template
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory, override_settings
from django.test.signals import template_rendered
from django.urls import URLResolver, get_resolver, reverse

from affiliates.models import Advertiser, Affiliate, Enrollment
from conversions.lifecycle.refunds import refund
from conversions.models import Conversion, Postback, StatusChange
from dashboard.demo.seeding import seed
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, PeriodClose, Statement
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory, OperatorFactory, UserFactory
from tracking.click_id.codec import text_of
from tracking.models import TrackingLink

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
TEMPLATES = Path(settings.BASE_DIR) / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
# A list of rows is walked by these fields: one row for each value that occurs.
KINDS = ("status", "kind", "outcome", "reason", "state", "method", "action_flag", "decision")

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker) -> Iterator[None]:
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        transaction.atomic(),
    ):
        assert seed(now=NOW, scale=0.02)
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module", autouse=True)
def rendered() -> Iterator[set[str]]:
    """The names of all templates that this file's tests rendered so far."""
    names: set[str] = set()

    def note(template: Template, **_rest: object) -> None:
        names.add(str(template.name))

    template_rendered.connect(note)
    yield names
    template_rendered.disconnect(note)


@pytest.fixture
def desk(demo) -> Client:
    return as_user(OperatorFactory(is_superuser=True))


def rows_of_each_kind(model: type[models.Model]) -> list[models.Model]:
    """The newest row, and one for each value of each field that distinguishes kinds."""
    rows = model._default_manager.order_by("-pk")
    found = {row.pk: row for row in rows[:1]}
    for name in KINDS:
        if name in {field.name for field in model._meta.fields}:
            for value in rows.order_by().values_list(name, flat=True).distinct():
                row = rows.filter(**{name: value}).first()
                assert row is not None
                found[row.pk] = row
    return list(found.values())


def refused(client: Client, addresses: list[str]) -> dict[str, int]:
    """The addresses that did not answer 200, with their answers."""
    answers = {address: client.get(address).status_code for address in addresses}
    return {address: status for address, status in answers.items() if status != 200}


@pytest.mark.parametrize("name", NAMES)
def test_compiles(name):
    get_template(name)


def test_panel_pages_open_for_each_kind_of_row(desk):
    addresses = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{name}_changelist"))
        addresses += [reverse(f"{name}_change", args=[row.pk]) for row in rows_of_each_kind(model)]
    assert refused(desk, addresses) == {}


def test_the_trace_opens_for_each_kind_of_row(desk):
    give_back_some_money()
    conversions = rows_of_each_kind(Conversion)
    conversions += list(Conversion.objects.filter(refunded__gt=0)[:3])
    conversions += list(Conversion.objects.filter(is_test=True)[:1])
    conversions += list(Conversion.objects.filter(click_id=None)[:1])
    clicks = {row.click_id for row in conversions if row.click_id}
    addresses = [reverse("trace:conversion", args=[row.public_id]) for row in conversions]
    addresses += [reverse("trace:postback", args=[row.public_id]) for row in rows_of_each_kind(Postback)]
    addresses += [f"{reverse('trace:search')}?q={text_of(click)}" for click in clicks]
    assert refused(desk, addresses) == {}


def give_back_some_money() -> None:
    """A partial refund of one sale, and a full one of another."""
    rows = Conversion.objects.filter(status="approved", revenue__gte=20, is_test=False, refunded=0).order_by("pk")
    sale, other = rows[0], rows[1]
    by_operator = {"source": StatusChange.Source.OPERATOR, "now": NOW}
    refund(conversion=sale, amount=Decimal(5), refund_id="R1", note="One of two", occurred_at=NOW, **by_operator)
    refund(conversion=other, amount=other.revenue, occurred_at=NOW, **by_operator)
    book_changes(now=NOW)


def test_portal_pages_open_for_each_kind_of_row(demo):
    for affiliate in rows_of_each_kind(Affiliate):
        client = as_user(AffiliateMemberFactory(affiliate=affiliate).user)
        assert refused(client, portal_addresses(affiliate)) == {}


def portal_addresses(affiliate: Affiliate) -> list[str]:
    plain = (
        "overview offers links new_link conversions clicks funnel earnings statements payouts invoices profile"
        " payout_method billing api_keys"
    )
    own = {"affiliate": affiliate}
    addresses = [reverse(f"portal:{name}") for name in plain.split()]
    if affiliate.status != Affiliate.Status.ACTIVE:
        addresses.remove(reverse("portal:new_link"))
    for enrollment in Enrollment.objects.filter(**own):
        addresses.append(reverse("portal:offer", args=[enrollment.offer.public_id]))
    for row in TrackingLink.objects.filter(enrollment__affiliate=affiliate)[:2]:
        addresses.append(reverse("portal:link", args=[row.code]))
    for status in Conversion.Status.values:
        for row in Conversion.objects.filter(status=status, **own)[:3]:
            addresses.append(reverse("portal:conversion", args=[row.public_id]))
    addresses += [reverse("portal:statement", args=[row.number]) for row in Statement.objects.filter(**own)[:2]]
    return addresses


def addresses_without_arguments() -> list[str]:
    """Every address of Django's part that needs nothing but a name, downloads and the sign-out apart."""
    found = []
    for prefix, patterns in (("/", get_resolver().url_patterns),):
        found += list(_plain(prefix, patterns))
    skipped = ("export", "/download", "/logout", "jsi18n", "/api/schema", "/autocomplete")
    return [address for address in found if not any(part in address for part in skipped)]


def _plain(prefix: str, patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        route = str(pattern.pattern).lstrip("^").removesuffix("\\Z").removesuffix("$")
        if "<" in route or "(" in route or "\\" in route:
            continue
        if isinstance(pattern, URLResolver):
            yield from _plain(prefix + route, pattern.url_patterns)
        else:
            yield prefix + route


def test_every_address_without_arguments_opens_for_an_operator_or_refuses_with_a_page(desk):
    answers = {address: desk.get(address).status_code for address in addresses_without_arguments()}
    assert {address: status for address, status in answers.items() if status >= 500} == {}
    assert len([status for status in answers.values() if status == 200]) > 100


def test_pages_that_need_a_row_open(desk):
    plan = CommissionPlan.objects.order_by("pk").first()
    advertiser = Advertiser.objects.order_by("pk").first()
    assert plan
    assert advertiser
    close = PeriodClose.objects.create(ends_at=NOW)
    addresses = [
        reverse("admin:affiliates_advertiser_secrets", args=[advertiser.pk]),
        reverse("admin:payouts_commissionplan_new_version", args=[plan.pk]),
        reverse("admin:payouts_periodclose_change", args=[close.pk]),
    ]
    assert refused(desk, addresses) == {}


def test_pages_of_signing_in_and_of_refusal_open(demo):
    stranger, member = Client(), as_user(UserFactory())
    owner = as_user(AffiliateMemberFactory(affiliate=Affiliate.objects.filter(status="active").first()).user)
    closed = as_user(AffiliateMemberFactory(affiliate=Affiliate.objects.filter(status="closed").first()).user)
    public = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/help/reasons/bad_token/"]
    assert refused(stranger, public) == {}
    assert refused(owner, ["/accounts/logout/", "/accounts/2fa/", "/accounts/password/change/"]) == {}
    assert member.get("/").status_code == 403
    assert closed.get(reverse("portal:new_link")).status_code == 403


def test_pages_of_errors_render_without_a_context():
    for name in ("400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"):
        assert "<h1" in render_to_string(name, request=RequestFactory().get("/"))


# Parts of allauth's pages that stand ready for its other pages, and what a test of its own renders.
RENDERED_ELSEWHERE = {
    "allauth/layouts/base.html": "extended by pages of allauth that have no template of ours",
    "admin/affiliates/apikey/made.html": "tests/affiliates/test_admin.py",
    "admin/confirm.html": "tests/conversions/admin/test_admin.py",
    "admin/_groups.html": "tests/conversions/decisions/test_bulk_decisions.py",
    "admin/payouts/commissionplan/_preview.html": "tests/payouts/plans/test_version_editor.py",
    "admin/payouts/commissionplan/_table.html": "tests/payouts/plans/test_version_editor.py",
    "admin/payouts/commissionplan/_cards.html": "tests/payouts/plans/test_version_editor.py",
    "portal/terms/change_of_terms.html": "tests/dashboard/portal/test_change_of_terms.py",
    "body_refused.html": "tests/faults/test_hostile_bodies.py",
    "portal/earnings/cells/download_of_invoice.html": "tests/dashboard/portal/test_invoices.py",
    "portal/earnings/cells/number_of_invoice.html": "tests/dashboard/portal/test_invoices.py",
    "portal/earnings/cells/vat_of_invoice.html": "tests/dashboard/portal/test_invoices.py",
    "portal/access/preview_lacks.html": "tests/config/test_reach.py",
    "portal/access/role_lacks.html": "tests/affiliates/roles/test_roles.py",
    "portal/settings/api_key.html": "tests/config/test_every_address.py",
    "portal/access/preview_refused.html": "tests/dashboard/portal/test_access.py",
}


def test_no_template_was_left_out(rendered):
    """Run the whole file: this looks at what the tests before it rendered."""
    left_out = [name for name in NAMES if name not in rendered | RENDERED_ELSEWHERE.keys()]
    left_out = [name for name in left_out if not name.startswith("allauth/elements/")]
    assert left_out == [], "\n".join(left_out)
