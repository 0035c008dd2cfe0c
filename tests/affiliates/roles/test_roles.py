"""Rights come from roles: what each gives, how several add up, and who gives them."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from affiliates.access.masking import masked_for
from affiliates.assigning import assign, unassign
from affiliates.models import Affiliate, AffiliateMember, Assignment, CustomRole, User
from affiliates.roles.backend import RoleBackend
from affiliates.roles.page import roles_page
from affiliates.roles.table import ROLES
from conversions.decisions.bulk import Wish, decide_many
from conversions.models import Conversion
from conversions.reasons.codes import Reason
from tests.conversions.sending import NOW
from tests.dashboard.portal_pages import as_user
from tests.factories import (
    AffiliateFactory,
    AffiliateMemberFactory,
    ConversionFactory,
    EnrollmentFactory,
    GoalFactory,
    OperatorFactory,
    StatementFactory,
    UserFactory,
)
from tests.rest import client_of

pytestmark = pytest.mark.django_db


def manager_of(*affiliates: Affiliate, roles: tuple[str, ...] = ("manager",)) -> User:
    person: User = OperatorFactory(roles=list(roles))
    assign(affiliate_ids=[each.pk for each in affiliates], manager=person)
    return person


def pending(affiliate: Affiliate) -> Conversion:
    goal = GoalFactory()
    EnrollmentFactory(affiliate=affiliate, offer=goal.offer)
    row: Conversion = ConversionFactory(goal=goal, affiliate=affiliate, status="pending")
    return row


def decide(person: User, row: Conversion) -> int:
    path = reverse("admin:conversions_conversion_approve", args=[row.pk])
    answer = as_user(person).post(
        path, {"confirmed": "yes", "note": "Checked.", "reason": Reason.OPERATOR_APPROVED.value}
    )
    assert answer.status_code != 200, answer.context["form"].errors
    return answer.status_code


class TestWhatRolesGive:
    @pytest.mark.parametrize("role", ROLES, ids=lambda role: role.code)
    def test_a_person_has_the_permissions_of_the_role_and_no_others(self, role: Any) -> None:
        assert RoleBackend().get_all_permissions(OperatorFactory(roles=[role.code])) == role.permissions

    def test_rows_of_djangos_permission_tables_give_nothing(self) -> None:
        person, group = OperatorFactory(), Group.objects.create(name="Old")
        right = Permission.objects.get(codename="view_offer")
        person.user_permissions.add(right)
        group.permissions.add(right)
        person.groups.add(group)
        assert not RoleBackend().has_perm(person, "affiliates.view_offer")

    def test_roles_of_one_who_is_inactive_or_no_operator_give_nothing(self) -> None:
        for person in (OperatorFactory(roles=["auditor"], is_active=False), UserFactory(roles=["auditor"])):
            assert RoleBackend().get_all_permissions(person) == set()

    def test_the_database_takes_no_unknown_role(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            OperatorFactory(roles=["emperor"])
        with pytest.raises(IntegrityError), transaction.atomic():
            AffiliateMemberFactory(roles=[])

    def test_a_role_of_the_programs_own_adds_actions_to_roles(self) -> None:
        person = OperatorFactory()
        person.custom_roles.add(
            CustomRole.objects.create(name="Night", roles=["support"], actions=["handle_postbacks"])
        )
        found = RoleBackend().get_all_permissions(User.objects.get(pk=person.pk))
        assert {"conversions.change_postback", "affiliates.view_affiliate"} <= found
        assert "payouts.view_ledgerentry" not in found


class TestReach:
    def test_a_manager_changes_the_assigned_and_an_auditor_nothing(self, ana: Affiliate, ben: Affiliate) -> None:
        own, other = pending(ana), pending(ben)
        both = manager_of(ana, roles=("manager", "auditor"))
        page = as_user(both).get("/admin/conversions/conversion/").content.decode()
        assert own.public_id in page
        assert other.public_id in page
        assert decide(both, other) in (403, 404)
        assert decide(both, own) == 302
        assert [Conversion.objects.get(pk=row.pk).status for row in (own, other)] == ["approved", "pending"]

    def test_nor_by_the_action_of_the_list_nor_by_a_file(self, ana: Affiliate, ben: Affiliate) -> None:
        own, other = pending(ana), pending(ben)
        both = manager_of(ana, roles=("manager", "auditor"))
        chosen = {"action": "approve", "_selected_action": [own.pk, other.pk], "confirmed": "yes"}
        assert as_user(both).post("/admin/conversions/conversion/", chosen).status_code == 403
        wishes = [Wish(status="approved", id=row.public_id) for row in (own, other)]
        assert [each.result for each in decide_many(wishes, actor=both, now=NOW)] == ["changed", "refused"]

    def test_nor_by_the_api(self, ana: Affiliate, ben: Affiliate) -> None:
        own, other = pending(ana), pending(ben)
        client = client_of(manager_of(ana, roles=("manager", "auditor")))
        assert client.get(f"/api/v1/conversions/{other.public_id}/").status_code == 200
        answers = [
            client.post(f"/api/v1/conversions/{row.public_id}/approve/", {}, "application/json").status_code
            for row in (own, other)
        ]
        assert answers == [200, 404]

    def test_a_role_of_the_programs_own_may_be_for_assigned_affiliates(self, ana: Affiliate, ben: Affiliate) -> None:
        role = CustomRole.objects.create(name="Desk", roles=["auditor"], only_assigned=True)
        person = manager_of(ana, roles=())
        person.custom_roles.add(role)
        page = as_user(person).get("/admin/affiliates/affiliate/").content.decode()
        assert ana.public_id in page
        assert ben.public_id not in page
        assert as_user(person).get("/admin/payouts/payoutbatch/").status_code == 200

    def test_an_affiliate_that_a_manager_adds_is_assigned_to_the_manager(self, ana: Affiliate) -> None:
        person = manager_of(ana)
        sent = {"name": "New Star", "status": "active", "country": "DE", "currency": "EUR", "website": ""}
        none = {
            f"{name}-{part}_FORMS": "0"
            for name in ("members", "enrollments", "assignments", "parentage")
            for part in ("TOTAL", "INITIAL")
        }
        as_user(person).post("/admin/affiliates/affiliate/add/", {**sent, **none})
        assert Assignment.objects.get(affiliate__name="New Star").manager == person

    def test_the_parent_is_neither_shown_nor_lost(self, ana: Affiliate, ben: Affiliate) -> None:
        Affiliate.objects.filter(pk=ana.pk).update(parent=ben)
        client, path = as_user(manager_of(ana)), reverse("admin:affiliates_affiliate_change", args=[ana.pk])
        assert ben.public_id not in client.get(path).content.decode()
        sent = {"name": "Ana & Co", "country": "DE", "currency": "EUR", "website": ""}
        none = {
            f"{n}-{part}_FORMS": "0" for n in ("enrollments", "members", "assignments") for part in ("TOTAL", "INITIAL")
        }
        assert client.post(path, {**sent, **none}).status_code == 302
        ana.refresh_from_db()
        assert (ana.name, ana.parent) == ("Ana & Co", ben)

    def test_names_beyond_reach_are_left_out_of_stored_texts(self, ana: Affiliate) -> None:
        AffiliateFactory(name="Zwölfender (Nord)")
        stored = [{"note": "The customer stays with Zwölfender (Nord); this click was Ana's.", "input": {"n": 1}}]
        masked = [{"note": "The customer stays with another affiliate; this click was Ana's.", "input": {"n": 1}}]
        assert masked_for(manager_of(ana), stored) == masked
        assert masked_for(OperatorFactory(roles=["auditor"]), stored) == stored


class TestAssigning:
    def test_many_at_once_and_again_changes_nothing(self, olga: User, ana: Affiliate, ben: Affiliate) -> None:
        person = OperatorFactory(roles=["manager"])
        chosen = {"action": "assign", "_selected_action": [ana.pk, ben.pk], "confirmed": "yes", "manager": person.pk}
        for _ in range(2):
            as_user(olga).post("/admin/affiliates/affiliate/", {**chosen, "how": "add"})
        assert {each.affiliate for each in person.assignments.all()} == {ana, ben}

    def test_instead_of_another_and_no_more(self, ana: Affiliate, ben: Affiliate) -> None:
        first, second = manager_of(ana, ben), OperatorFactory()
        assert assign(affiliate_ids=[ana.pk], manager=second, instead=True) == 1
        assert [each.affiliate for each in first.assignments.all()] == [ben]
        assert unassign(affiliate_ids=[ana.pk, ben.pk], manager=second) == 1

    def test_a_manager_assigns_no_one(self, ana: Affiliate) -> None:
        person = manager_of(ana)
        path = reverse("admin:affiliates_affiliate_assign", args=[ana.pk])
        assert as_user(person).post(path, {"confirmed": "yes", "manager": person.pk}).status_code == 403


class TestThePageOfAPerson:
    def fields(self, user: User, **changed: Any) -> dict[str, Any]:
        none = {f"{name}-{part}_FORMS": "0" for name in ("memberships", "assignments") for part in ("TOTAL", "INITIAL")}
        own = {"email": user.email, "name": user.name, "time_zone": "UTC", "is_active": "on"}
        return {**own, **none, **changed}

    def save(self, actor: User, target: User, **changed: Any) -> str:
        path = reverse("admin:affiliates_user_change", args=[target.pk])
        return as_user(actor).post(path, self.fields(target, **changed)).content.decode()

    def test_an_administrator_ticks_roles(self, olga: User) -> None:
        target = OperatorFactory()
        self.save(olga, target, roles=["finance", "support"])
        target.refresh_from_db()
        assert (target.roles, target.is_staff, target.is_superuser) == (["finance", "support"], True, False)

    def test_administrator_is_a_tick_like_the_others(self, olga: User) -> None:
        target = OperatorFactory()
        self.save(olga, target, roles=["administrator"])
        target.refresh_from_db()
        assert (target.roles, target.is_superuser) == ([], True)

    def test_one_without_roles_is_no_operator(self, olga: User) -> None:
        target = OperatorFactory(roles=["support"])
        self.save(olga, target)
        target.refresh_from_db()
        assert (target.roles, target.is_staff) == ([], False)

    def test_the_last_administrator_stays_one(self, olga: User) -> None:
        assert "the only administrator" in self.save(olga, olga, roles=["support"])
        assert User.objects.get(pk=olga.pk).is_superuser

    def test_a_person_is_added_with_roles(self, olga: User) -> None:
        sent = {"email": "mia@operator.example", "name": "Mia", "roles": ["manager"], "usable_password": "false"}
        as_user(olga).post("/admin/affiliates/user/add/", self.fields(UserFactory.build(), **sent))
        mia = User.objects.get(email="mia@operator.example")
        assert (mia.roles, mia.is_staff) == (["manager"], True)

    def test_what_the_roles_allow_stands_there_in_words(self, olga: User) -> None:
        page = as_user(olga).get(reverse("admin:affiliates_user_change", args=[OperatorFactory(roles=["finance"]).pk]))
        assert "Adjust an affiliate&#x27;s balance" in page.content.decode()
        assert "Can add" not in page.content.decode()


class TestRolesPage:
    def test_says_what_each_role_may_do_and_how_many_have_it(self, olga: User) -> None:
        OperatorFactory(roles=["finance"])
        AffiliateMemberFactory(roles=["marketing"])
        page = as_user(olga).get("/admin/affiliates/customrole/")
        assert "Closes periods and pays; sees conversions but decides none." in page.content.decode()
        shown = {each.role.code: each.holders for each in page.context["operator_roles"]}
        assert (shown["finance"], shown["administrator"], shown["support"]) == (1, 1, 0)
        assert {each.role.code: each.holders for each in page.context["member_roles"]}["marketing"] == 1

    def test_an_administrator_makes_a_role_and_no_one_else(self, olga: User) -> None:
        sent = {"name": "Night shift", "roles": ["support"], "actions": ["handle_postbacks"]}
        refused = as_user(OperatorFactory(roles=["auditor"])).post("/admin/affiliates/customrole/add/", sent)
        assert refused.status_code == 403
        as_user(olga).post("/admin/affiliates/customrole/add/", sent)
        row = CustomRole.objects.get()
        assert (row.roles, row.actions, row.only_assigned) == (["support"], ["handle_postbacks"], False)

    def test_an_empty_role_is_refused(self, olga: User) -> None:
        page = as_user(olga).post("/admin/affiliates/customrole/add/", {"name": "Nothing"}).content.decode()
        assert "Tick at least one role or action" in page

    def test_the_documentation_is_the_table(self) -> None:
        call_command("roles", "--check")
        assert "| Adjust an affiliate's balance | yes | – | yes | – | – | – |" in roles_page()


class TestRightsGivenBefore:
    def test_become_roles_with_the_actions_that_they_cover_in_full(self) -> None:
        group, person = Group.objects.create(name="Desk"), OperatorFactory()
        for name in ("view_trackinglink", "view_click", "view_legacyclickid", "view_offer"):
            group.permissions.add(Permission.objects.get(codename=name))
        person.groups.add(group)
        import_module("affiliates.migrations.0005_roles_of_people").give_roles(apps, None)
        assert [(role.name, role.actions) for role in person.custom_roles.all()] == [("Desk", ["see_traffic"])]

    def test_those_of_a_single_person_too(self) -> None:
        person = OperatorFactory(email="eve@operator.example")
        person.user_permissions.add(Permission.objects.get(codename="add_ledgerentry"))
        person.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
        import_module("affiliates.migrations.0005_roles_of_people").give_roles(apps, None)
        [role] = person.custom_roles.all()
        assert (role.name, role.actions) == ("Rights of eve@operator.example", ["adjust_balances"])


class TestMembers:
    MONEY = ("/earnings/statements/", "/earnings/payouts/", "/earnings/invoices/", "/settings/payouts/")

    @pytest.mark.parametrize(
        ("role", "money", "links", "bank"),
        [
            ("owner", 200, 200, 302),
            ("finance", 200, 403, 302),
            ("marketing", 403, 200, 403),
            ("read_only", 200, 403, 403),
        ],
    )
    def test_each_opens_what_its_role_allows(
        self, ana: Affiliate, role: str, money: int, links: int, bank: int
    ) -> None:
        client = as_user(AffiliateMemberFactory(affiliate=ana, roles=[role]).user)
        assert {client.get(path).status_code for path in self.MONEY} == {money}
        assert client.get("/conversions/").status_code == 200
        assert client.get("/links/new/").status_code == links
        sent = {"kind": "paypal", "email": "ana@example.com", "password": "correct horse"}
        answer = client.post("/settings/payouts/?kind=paypal", sent)
        assert (answer.status_code == 403) is (bank == 403)

    def test_several_roles_add_up(self, ana: Affiliate) -> None:
        client = as_user(AffiliateMemberFactory(affiliate=ana, roles=["marketing", "read_only"]).user)
        assert {client.get(path).status_code for path in (*self.MONEY, "/links/new/")} == {200}

    def test_a_role_counts_for_its_affiliate_alone(self, ana: Affiliate, ben: Affiliate) -> None:
        person = AffiliateMemberFactory(affiliate=ana, roles=["marketing"]).user
        AffiliateMemberFactory(affiliate=ben, user=person, roles=["read_only"])
        client = as_user(person)
        answer = client.get("/api/v1/balances/")
        assert {row["affiliate"]["name"] for row in answer.json()["results"]} == {"Ana", "Ben"}
        for affiliate in (ana, ben):
            StatementFactory(affiliate=affiliate)
        rows = client.get("/api/v1/statements/").json()["results"]
        assert [row["affiliate"]["name"] for row in rows] == ["Ben"]

    def test_the_refusal_names_the_roles_that_allow_it(self, ana: Affiliate) -> None:
        client = as_user(AffiliateMemberFactory(affiliate=ana, roles=["marketing"]).user)
        page = client.get("/settings/payouts/").content.decode()
        assert "Roles that allow it: Owner, Finance, Read-only." in page

    def test_the_api_asks_for_the_same(self, ana: Affiliate) -> None:
        client = as_user(AffiliateMemberFactory(affiliate=ana, roles=["marketing"]).user)
        assert client.get("/api/v1/conversions/").status_code == 200
        assert client.get("/api/v1/payouts/").status_code == 403

    def test_the_navigation_shows_what_may_be_opened(self, ana: Affiliate) -> None:
        page = as_user(AffiliateMemberFactory(affiliate=ana, roles=["marketing"]).user).get("/").content.decode()
        assert 'href="/earnings/"' not in page
        assert 'href="/links/"' in page

    def test_an_owner_before_is_an_owner_now(self) -> None:
        assert AffiliateMember.OWNER == "owner"
