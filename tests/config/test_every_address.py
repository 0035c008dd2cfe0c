"""Every address and every action, with real rows, by each role: who may is stated in `tests/reach/table.py`."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver, path

from affiliates.models import AffiliateMember
from dashboard.portal.preview import NEEDS
from payouts.admin.what_if_jobs import WhatIfAdmin
from payouts.anchors.seals import seal_statements
from payouts.models import LedgerEntry, LedgerHead, Statement
from tests.dashboard.panel import populate
from tests.factories import SuperuserFactory
from tests.reach.addresses import METHODS, Address, every_address, permission
from tests.reach.people import Answer, People
from tests.reach.table import LEDGER, LIST_ACTIONS, MODELS, MORE_TO_VIEW, ONLY_POSTED, Rule

# Long on a busy machine: thousands of requests.
pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.timeout(600)]

# What actions ask for, as far as it matters here.
GIVEN = {
    "confirmed": "yes", "post": "yes", "note": "Because.", "why": "Because.", "reference": "R-1", "reason": "fraud",
    "amount": "5", "currency": "EUR", "arithmetic": "Bonus", "ends_on": "2026-01-01", "words": "No.",
}  # fmt: skip
# Power over accounts follows a further rule: test_reach.py.
# Django's own pages, the same for every model: that they open is seen in `test_every_template.py`.
PLAIN = ("_history", "_delete")
GUARDED = (
    "affiliates_user_",
    "auth_user_",
    "affiliates_apikey_",
    "account_emailaddress_",
    "mfa_authenticator_",
)


@pytest.fixture
def people() -> Iterator[People]:
    """Everyone, and a row of each kind. Each refusal would be logged with its traceback, thousands of them."""
    logging.disable(logging.CRITICAL)
    populate(1)
    member = AffiliateMember.objects.get()
    # The chain goes on after the line that is there.
    LedgerHead.objects.update(sequence=1, hash=LedgerEntry.objects.get().hash)
    seal_statements(list(Statement.objects.filter(seal=None).values_list("pk", flat=True)))
    yield People(member)
    logging.disable(logging.NOTSET)


@pytest.fixture
def addresses(people: People) -> list[Address]:
    return every_address()


def without_one(rule: Rule) -> Iterator[tuple[str, ...]]:
    """For each permission that the rule needs, the names that give it."""
    for need in rule.needs:
        yield tuple(need.split("|"))


def body_of(address: Address, method: str) -> dict[str, Any]:
    if method == "get":
        return {}
    return {"data": GIVEN, **({"content_type": "application/json"} if address.room == "api" else {})}


def wrong(people: People, address: Address, method: str, rule: Rule) -> Iterator[tuple[str, str, str, Answer]]:
    """Answers that the rule does not allow."""
    asked = {"method": method, "path": address.path, **body_of(address, method)}

    def given(role: str, expected: bool, as_whom: str = "") -> Iterator[tuple[str, str, str, Answer]]:
        answer = people.ask(role, **asked)
        is_fine = answer.is_right if expected else answer.is_refused and not answer.writes
        if not is_fine or answer.status >= 500:
            yield address.name, method, as_whom or role, answer

    yield from given("anonymous", rule.public)
    yield from given("owner", rule.affiliates or rule.public)
    if address.room == "api" or method == "post":
        yield from given("member", (rule.affiliates and not rule.owners_only) or rule.public)
        yield from given("operator", rule.operators and not rule.needs, "an operator without permissions")
    for names in without_one(rule):
        with people.allowed_all_but(*names):
            yield from given("operator", False, f"an operator with all but {' and '.join(names)}")
    is_guarded = address.name.startswith(GUARDED)
    if not is_guarded and method == "get" and not address.name.endswith(PLAIN):
        with people.allowed(*(need.split("|")[0] for need in rule.needs)):
            yield from given("operator", rule.operators, "an operator with what is needed")
    if is_guarded or method != "get":
        yield from given("superuser", rule.operators)


def none_of(found: list[tuple[str, str, str, Answer]]) -> None:
    """Fail with every answer that is not right."""
    if found:
        pytest.fail(reported(found), pytrace=False)


def reported(found: list[tuple[str, str, str, Answer]]) -> str:
    return "\n".join(
        f"{method} {name} by {role}: {answer.status} {answer.location} {answer.writes} written"
        for name, method, role, answer in found
    )


def walk(people: People, addresses: list[Address], *rooms: str, method: str = "") -> list[tuple[str, str, str, Answer]]:
    return [
        each
        for address in addresses
        if address.room in rooms
        for name, rule in address.rules.items()
        if method in ("", name)
        for each in wrong(people, address, name, rule)
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_each_page_and_action_of_the_panel_is_for_those_whom_the_table_names(people, addresses, method):
    none_of(walk(people, addresses, "panel", "page", method=method))


def test_each_method_of_the_api_is_for_those_whom_the_table_names(people, addresses):
    none_of(walk(people, addresses, "api"))


def test_no_address_of_the_api_takes_another_method(people, addresses):
    found = [
        (address.name, method, "superuser", answer)
        for address in addresses
        if address.room == "api"
        for method in METHODS
        if method not in address.rules and not address.name.startswith("postback-log")
        for answer in [people.ask("superuser", method, address.path, content_type="application/json")]
        if answer.status not in (403, 405) or answer.writes
    ]
    none_of(found)


def test_each_action_on_chosen_rows_is_for_those_whom_the_table_names(people):
    request = RequestFactory().get("/")
    request.user = SuperuserFactory()
    found = []
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        actions = set(page.get_actions(request)) - {"export_admin_action"}
        assert actions == LIST_ACTIONS.get(label, set()) | ({"delete_selected"} if "d" in MODELS[label] else set())
        row = model._default_manager.order_by("-pk").first()
        address = f"/admin/{label.replace('.', '/')}/"
        for action in actions:
            rule = permission(label, "delete" if action == "delete_selected" else "change")
            data = {**GIVEN, "action": action, "_selected_action": str(row.pk)}
            for role, names in (("anonymous", ()), ("owner", ()), ("member", ()), ("operator", rule.needs)):
                with people.allowed_all_but(*names):
                    answer = people.ask(role, "post", address, data)
                if answer.writes or answer.status >= 500:
                    found.append((label, action, f"{role} with all but {names}", answer))
            answer = people.ask("superuser", "post", address, data)
            if answer.status >= 500 or answer.is_refused:
                found.append((label, action, "superuser", answer))
    none_of(found)


def test_each_page_of_the_portal_is_for_members_and_what_owners_do_for_owners(people, addresses):
    """An affiliate's own pages; a rival finds nothing at an address with a row in it."""
    found = []
    for address in (each for each in addresses if each.room == "portal"):
        for method in ("get", "post"):
            rule = address.rules.get(method)
            for role in ("anonymous", "owner", "member", "operator", "superuser"):
                answer = people.ask(role, method, address.path, **body_of(address, method))
                expected = rule is not None and role in ("owner", "member") and rule.affiliates
                expected = expected and not (role == "member" and address.name in OF_ONESELF)
                expected = expected or (address.name in ("profile", "leave_preview") and role != "anonymous")
                is_fine = answer.status < 500 and (expected or (answer.is_refused and not answer.writes))
                is_open = not answer.is_refused or address.name == "leave_preview"
                if not is_fine or (expected and method == "get" and not is_open):
                    found.append((address.name, method, role, answer))
            if _has_row(address):
                answer = people.ask("rival", method, address.path, **body_of(address, method))
                # Terms that no one is asked about any more lead to the overview, whichever affiliate they belong to.
                if (answer.status not in (404, 405) and answer.location != "/") or answer.writes:
                    found.append((address.name, method, "rival", answer))
    none_of(found)


# Of the member who made the key: here the owner.
OF_ONESELF = {"edit_api_key", "rotate_api_key"}
# Offers are open to all affiliates.
SHARED = {"offer", "apply"}


def _has_row(address: Address) -> bool:
    routes = {each.name: str(each.pattern) for each in get_resolver("dashboard.portal.urls").url_patterns}
    return "<" in routes[address.name] and address.name not in SHARED


def test_a_preview_of_each_page_needs_what_the_panel_needs(people, addresses):
    affiliate = AffiliateMember.objects.order_by("pk")[0].affiliate
    asked = f"?as={affiliate.public_id}"
    found = []
    for address in (each for each in addresses if each.room == "portal" and each.name in NEEDS):
        needs = ("affiliates.view_affiliate", *NEEDS[address.name]) if NEEDS[address.name] else ()
        for name in needs:
            with people.allowed_all_but(name):
                answer = people.ask("operator", "get", address.path + asked)
            if answer.status != (405 if address.name in ONLY_POSTED else 403) or answer.writes:
                found.append((address.name, "get", f"all but {name}", answer))
        with people.allowed("affiliates.view_affiliate", *needs):
            answer = people.ask("operator", "get", address.path + asked)
        if answer.status >= 400 and answer.status != 405 and address.name not in OF_ONESELF:
            found.append((address.name, "get", "what is needed", answer))
        answer = people.ask("superuser", "post", address.path + asked, GIVEN)
        if answer.status not in (403, 405) or answer.writes:
            found.append((address.name, "post", "superuser", answer))
    none_of(found)


def test_pages_of_signing_in_answer_each_role(people, addresses):
    found = [
        (address.name, method, role, answer)
        for address in addresses
        if address.room == "account"
        for method in ("get", "post")
        for role in ("anonymous", "owner", "operator")
        for answer in [people.ask(role, method, address.path, **({"data": {}} if method == "post" else {}))]
        if answer.status >= 500 or (answer.writes and role == "anonymous")
    ]
    none_of(found)


def test_an_address_that_the_table_does_not_list_is_found(people, monkeypatch):
    leak = path("leak/", lambda request: HttpResponse("all"), name="leak")
    monkeypatch.setattr(get_resolver(), "url_patterns", [leak, *get_resolver().url_patterns])
    with pytest.raises(KeyError, match="leak"):
        every_address()


def test_a_page_that_forgets_its_permission_is_found(people, addresses, monkeypatch):
    """As one does whose action names none."""
    monkeypatch.setattr(WhatIfAdmin, "has_view_permission", lambda *_args: True)
    listed = [each for each in addresses if each.name == "payouts_whatif_download"]
    assert f"by an operator with all but {LEDGER}: 200" in reported(walk(people, listed, "panel"))


def test_every_model_of_the_panel_is_in_the_table():
    assert {model._meta.label_lower for model in admin.site._registry} == MODELS.keys()
    assert MORE_TO_VIEW.keys() <= MODELS.keys()
