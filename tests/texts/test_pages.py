"""Pages of the panel and the portal, read in a language of brackets: no text but data stands outside of them."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from affiliates.models import Advertiser, Affiliate
from conversions.dialects.table import DIALECTS
from conversions.models import Conversion, Postback
from payouts.models import CommissionPlan
from tests.dashboard.portal_pages import as_user
from tests.dashboard.test_every_template import demo, desk, portal_addresses, rows_of_each_kind
from tests.factories import AffiliateMemberFactory
from tests.texts.pseudo import bracketed, data, untranslated
from web.lists.columns import labeller

__all__ = ["demo", "desk"]

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# Names that are no words of a language, and words that answers to machines and stored texts use.
SAME = "\n".join(
    [
        "",
        "affidavit",
        "sha256",
        "authenticators",
        "post /postback",
        "get /postback",
        *(each.title.lower() for each in DIALECTS),
    ]
)


@pytest.fixture
def known(demo) -> str:
    return data() + SAME


def left_over(client: Client, addresses: list[str], known: str) -> dict[str, set[str]]:
    """By address, the texts that would be English for every reader."""
    found = {}
    for address in addresses:
        with bracketed():
            answer = client.get(address)
        assert answer.status_code == 200, address
        if texts := untranslated(answer.content.decode(), known):
            found[address] = texts
    return found


def test_pages_of_the_panel_have_no_text_outside_the_catalogue(desk, known):
    addresses = [reverse("admin:index"), reverse("doctor"), reverse("funnel"), reverse("trace:search")]
    for model, page in admin.site._registry.items():
        if page.__module__.startswith(("affiliates", "tracking", "conversions", "payouts")):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            addresses.append(reverse(f"{name}_changelist"))
            addresses += [reverse(f"{name}_change", args=[row.pk]) for row in rows_of_each_kind(model)[:2]]
    for name, model in (("advertiser_secrets", Advertiser), ("commissionplan_new_version", CommissionPlan)):
        row = model._default_manager.order_by("pk")[0]
        addresses.append(reverse(f"admin:{model._meta.app_label}_{name}", args=[row.pk]))
    assert left_over(desk, addresses, known) == {}


def test_the_trace_has_no_text_outside_the_catalogue(desk, known):
    addresses = [reverse("trace:conversion", args=[row.public_id]) for row in rows_of_each_kind(Conversion)[:4]]
    addresses += [reverse("trace:postback", args=[row.public_id]) for row in rows_of_each_kind(Postback)[:4]]
    assert left_over(desk, addresses, known) == {}


def test_pages_of_the_portal_have_no_text_outside_the_catalogue(demo, known):
    affiliate = Affiliate.objects.filter(status="active", conversions__status="approved").distinct().order_by("pk")[0]
    client = as_user(AffiliateMemberFactory(affiliate=affiliate).user)
    assert left_over(client, portal_addresses(affiliate), data() + SAME) == {}


def test_the_pages_of_signing_in_have_no_text_outside_the_catalogue(demo):
    member = as_user(AffiliateMemberFactory().user)
    assert left_over(Client(), ["/accounts/login/", "/accounts/password/reset/"], SAME) == {}
    assert left_over(member, ["/accounts/logout/", "/accounts/2fa/"], data() + SAME) == {}


def test_a_text_outside_the_catalogue_is_found():
    page = '<h1>⟦Links⟧</h1><p title="Copy">Not yet ⟦of <b>all</b>⟧</p><td>Ana Media</td>'
    assert untranslated(page, "ana media") == {"Copy", "Not yet"}


def test_a_label_that_was_read_in_one_language_is_read_in_another_after_it():
    label, row = labeller("status"), Conversion(status="approved")
    assert label(row) == "Approved"
    with bracketed():
        assert label(row) == "⟦Approved⟧"
