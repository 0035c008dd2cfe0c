"""Every address by every role; and a manager of one affiliate never sees anything of another.

Who may is computed from two tables: the permissions that an address needs (`tests/reach/table.py`), and the roles.
"""

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.contrib import admin
from django.db.models import Value
from django.urls import reverse

from affiliates.admin.people import AffiliateAdmin
from affiliates.models import Affiliate
from affiliates.roles.actions import ACTIONS, MEMBER_ACTIONS
from affiliates.roles.paths import OF_ALL, PATHS, SHARED
from affiliates.roles.table import ADMINISTRATOR, AUDITOR, MEMBER_ROLES, ROLES, SUPPORT
from conversions.models import Conversion
from dashboard.portal.preview import NEEDS, POSTS
from dashboard.trace.lookup import look_up
from payouts.api.earnings import LedgerEntryViewSet
from payouts.api.invoices import InvoiceViewSet
from payouts.models import Invoice, LedgerEntry, Statement
from tests.reach.addresses import Address
from tests.reach.people import Answer
from tests.reach.roles import (
    EVERYWHERE,
    FOURTH,
    OWN,
    TwoAffiliates,
    allows,
    exports,
    lists,
    model_of,
    searches,
    two_affiliates,
)
from tests.reach.table import LIST_ACTIONS, MODELS

# Long on a busy machine: thousands of requests.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

GIVEN = {
    "confirmed": "yes", "post": "yes", "note": "Because.", "why": "Because.", "reference": "R-1", "reason": "fraud",
    "amount": "5", "currency": "EUR", "arithmetic": "Bonus", "ends_on": "2026-01-01", "words": "No.",
}  # fmt: skip
MANAGER = "manager"
# A page of one's own key, and what an advertiser's token opens, are tested with the keys; an app's page lists what else
# the person may open.
ASIDE = ("affiliates_apikey_", "postback-log", "app_list")
# Pages about all affiliates together, and the page of a person who acts for none: beyond the reach of a manager.
BEYOND = {"doctor", "payouts_invoice_missing", "affiliates_user_change", "affiliates_user_history"}
Found = list[tuple[str, str, Answer, set[str]]]


@pytest.fixture
def two() -> Iterator[TwoAffiliates]:
    logging.disable(logging.CRITICAL)
    yield two_affiliates()
    logging.disable(logging.NOTSET)


def body_of(address: Address, method: str) -> dict[str, Any]:
    if method == "get":
        return {}
    return {"data": GIVEN, **({"content_type": "application/json"} if address.room == "api" else {})}


def leaks(two: TwoAffiliates, *names: str) -> Found:
    """Answers to the manager that show or change something of the fourth affiliate: of all addresses, or of these."""
    found: Found = []
    for address in two.of_fourth:
        if address.room not in ("panel", "page", "api") or (names and address.name not in names):
            continue
        for method in address.rules:
            answer = two.ask(MANAGER, method, address.path, **body_of(address, method))
            found += _leak(two, address, method, answer)
    return found


def found_by_search(two: TwoAffiliates, only: str = "") -> Found:
    """Searches of the manager that show something of the fourth affiliate."""
    found: Found = []
    for path in (each for each in searches(two) if each.startswith(only)):
        answer = two.ask(MANAGER, "get", path)
        # What was typed stands in the search field.
        shown = two.shown(answer) - {mark for mark in two.marks if mark in _typed(path)}
        if shown or answer.status >= 500:
            found.append((path, "get", answer, shown))
    return found


def _leak(two: TwoAffiliates, address: Address, method: str, answer: Answer) -> Found:
    shown = two.shown(answer) - {mark for mark in two.marks if mark in address.path}
    is_theirs = _is_row_of_fourth(two, address)
    opened = is_theirs and not answer.is_refused
    if shown or opened or answer.status >= 500 or (method != "get" and is_theirs and answer.writes):
        return [(address.name, method, answer, shown)]
    return []


def _typed(path: str) -> str:
    return unquote_plus(path)


def _is_row_of_fourth(two: TwoAffiliates, address: Address) -> bool:
    """Whether the address names a row that belongs to the fourth affiliate, or to several together."""
    same = {each.path for each in two.of_own}
    if address.path in same or "?" in address.path:
        return False
    if address.room == "panel":
        return not PATHS[model_of(address.path)].is_shared
    return address.room == "api" and not address.name.startswith("offer")


def reported(found: Found) -> str:
    return "\n".join(
        f"{method} {name}: {answer.status} {answer.location} {answer.writes} written, shows {sorted(shown)}"
        for name, method, answer, shown in found
    )


def none_of(found: Found) -> None:
    if found:
        pytest.fail(reported(found), pytrace=False)


def test_a_manager_sees_nothing_of_an_affiliate_that_is_not_assigned(two):
    none_of(leaks(two))


def test_nor_by_any_search(two):
    none_of(found_by_search(two))


def test_nor_in_lists_nor_by_their_actions(two):
    found: Found = []
    for model, _page, path in lists():
        answer = two.ask(MANAGER, "get", path)
        shown = two.shown(answer)
        if shown or answer.status >= 500:
            found.append((path, "get", answer, shown))
        label = model._meta.label_lower
        rows = model._default_manager.order_by("-pk")
        for action in (*LIST_ACTIONS.get(label, ()), *(["delete_selected"] if "d" in MODELS[label] else [])):
            for across in ("0", "1"):
                data = {**GIVEN, "action": action, "_selected_action": str(rows[0].pk), "select_across": across}
                answer = two.ask(MANAGER, "post", path, data)
                if (
                    two.shown(answer)
                    or answer.status >= 500
                    or (across == "0" and answer.writes and PATHS[label] != SHARED)
                ):
                    found.append((f"{path} {action}", "post", answer, two.shown(answer)))
    none_of(found)


def test_nor_in_an_export(two):
    none_of(exported(two))


def exported(two: TwoAffiliates) -> Found:
    found: Found = []
    for path in exports():
        page = two.clients["administrator"].get(path)
        boxes = [name for name in page.context["form"].fields if name not in ("format", "resource", "export_items")]
        for kind in ("0", "1"):
            data = {"format": kind, "resource": "0", **dict.fromkeys(boxes, "on")}
            answer = two.ask(MANAGER, "post", path, data)
            if two.shown(answer) or answer.status >= 500:
                found.append((path, "post", answer, two.shown(answer)))
    return found


def test_nor_in_a_preview_of_the_portal(two):
    found: Found = []
    for name in NEEDS:
        for address in (each for each in two.of_fourth if each.room == "portal" and each.name == name):
            answer = two.ask(MANAGER, "get", f"{address.path}?as={two.fourth.public_id}")
            shown = two.shown(answer) - {mark for mark in two.marks if mark in address.path}
            if shown or not (answer.is_refused or answer.status == 302):
                found.append((address.path, "get", answer, shown))
    none_of(found)


def test_the_assigned_affiliate_is_there(two):
    """So that the walk above does not pass because nothing is shown at all."""
    for path in ("/admin/", "/admin/affiliates/affiliate/", "/admin/conversions/conversion/", "/admin/tracking/click/"):
        assert OWN in two.ask(MANAGER, "get", path).text, path
    for path in ("/admin/payouts/ledgerentry/", "/admin/payouts/statement/", "/admin/payouts/invoice/"):
        assert OWN in two.ask(MANAGER, "get", path).text, path
    for path in ("/api/v1/affiliates/", "/api/v1/conversions/", "/api/v1/ledger-entries/", "/api/v1/statements/"):
        assert two.own.public_id in two.ask(MANAGER, "get", path).text, path
    conversion = Conversion.objects.get(affiliate=two.own)
    assert OWN in two.ask(MANAGER, "get", f"/trace/conversion/{conversion.public_id}/").text
    assert "navigation" in two.ask(MANAGER, "get", f"/?as={two.own.public_id}").text


def test_those_who_reach_all_see_both(two):
    for role in EVERYWHERE:
        answer = two.ask(role.code, "get", "/admin/affiliates/affiliate/")
        assert (FOURTH in answer.text) is ("affiliates.view_affiliate" in role.permissions), role.code


def test_badges_count_what_is_within_reach(two):
    Affiliate.objects.update(status="pending")
    for who, number in ((MANAGER, 1), (SUPPORT.code, 2)):
        page = two.clients[who].get("/admin/")
        [group] = [each for each in page.context["sidebar_navigation"] if "offers" in str(each["title"])]
        [entry] = [each for each in group["items"] if str(each["title"]) == "Affiliates"]
        assert entry["badge"] == number


class TestPlantedLeaks:
    """The walk finds a leak of each sort."""

    def test_in_a_list(self, two, monkeypatch):
        everyone = Affiliate.objects.annotate(approved_count=Value(1)).order_by("-pk")
        monkeypatch.setattr(AffiliateAdmin, "get_queryset", lambda *_args: everyone)
        assert FOURTH in reported(leaks(two, "affiliates_affiliate_changelist"))

    def test_in_a_page_of_a_row(self, two, monkeypatch):
        page = admin.site._registry[Statement]
        monkeypatch.setattr(type(page), "get_queryset", lambda *_args: Statement.objects.order_by("-pk"))
        assert "get payouts_statement_change: 200" in reported(leaks(two, "payouts_statement_change"))

    def test_in_an_export(self, two, monkeypatch):
        page = admin.site._registry[LedgerEntry]
        monkeypatch.setattr(type(page), "get_export_queryset", lambda *_args: LedgerEntry.objects.all())
        assert FOURTH in reported(exported(two))

    def test_in_the_search(self, two, monkeypatch):
        monkeypatch.setattr("dashboard.operator.search.look_up_for", lambda _user, text: look_up(text))
        assert "/admin/search/" in reported(found_by_search(two, only="/admin/search/"))

    def test_in_the_api(self, two, monkeypatch):
        monkeypatch.setattr(LedgerEntryViewSet, "get_queryset", lambda _self: LedgerEntry.objects.all())
        assert "get ledger-entry-list: 200" in reported(leaks(two, "ledger-entry-list"))

    def test_in_a_file(self, two, monkeypatch):
        monkeypatch.setattr(InvoiceViewSet, "get_queryset", lambda _self: Invoice.objects.all())
        assert "get invoice-pdf: 200" in reported(leaks(two, "invoice-pdf"))


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.code)
def test_each_address_is_for_the_roles_whose_actions_need_it(two, role):
    found: Found = []
    for address in two.of_own:
        if address.room not in ("panel", "page", "api") or address.name.startswith(ASIDE):
            continue
        for method, rule in address.rules.items():
            if role.code == MANAGER and address.room == "panel" and PATHS[model_of(address.path)] == OF_ALL:
                continue
            answer = two.ask(role.code, method, address.path, **body_of(address, method))
            is_open = rule.public or allows(role, rule)
            is_fine = (answer.is_right if is_open else answer.is_refused and not answer.writes) or (
                is_open and role.only_assigned and answer.is_refused and address.name in BEYOND
            )
            if (not is_fine and (method == "get" or not is_open)) or answer.status >= 500:
                found.append((address.name, method, answer, set()))
            if role is AUDITOR and answer.writes:
                found.append((address.name, f"{method} by the auditor", answer, set()))
    none_of(found)


class TestTables:
    def test_every_model_of_the_panel_has_its_path_to_affiliates(self):
        assert {model._meta.label_lower for model in admin.site._registry} <= PATHS.keys()

    def test_every_permission_that_an_address_needs_is_given_by_an_action_or_kept_for_administrators(self, two):
        given = {each for action in ACTIONS for each in action.permissions}
        needed = {
            name
            for address in two.of_own
            for rule in address.rules.values()
            for need in rule.needs
            for name in need.split("|")
        }
        assert needed - given <= {
            *("affiliates.add_customrole", "affiliates.change_customrole", "affiliates.delete_customrole"),
            *("affiliates.delete_user", "affiliates.delete_affiliate", "affiliates.delete_enrollment"),
            *("affiliates.delete_couponcode", "mfa.delete_authenticator", "mfa.change_authenticator"),
            *(name for name in needed if ".change_" in name and name.replace("change_", "view_") in given),
        }

    def test_an_auditor_has_every_permission_to_view_and_no_other(self):
        assert all(".view_" in each for each in AUDITOR.permissions)
        viewed = {each for action in ACTIONS for each in action.permissions if ".view_" in each}
        # Who reads a secret can send events as the advertiser.
        assert viewed - AUDITOR.permissions == {"affiliates.view_advertisersecret"}

    def test_roles_have_codes_of_their_own_and_words(self):
        for roles in ([ADMINISTRATOR, *ROLES], MEMBER_ROLES):
            assert len({role.code for role in roles}) == len(roles)
            assert all(role.words and role.actions for role in roles)

    def test_every_page_of_the_portal_that_is_posted_to_names_what_it_needs(self):
        known = {each for action in MEMBER_ACTIONS for each in action.permissions}
        assert {need for needs in POSTS.values() for need in needs} <= known
        assert {need for needs in NEEDS.values() for need in needs} <= known
        assert reverse("portal:overview") == "/"
