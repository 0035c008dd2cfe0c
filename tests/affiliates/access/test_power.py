"""Who gives power over an account: never more than one has, whichever page or list it is given on."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.urls import reverse

from affiliates.access.power import MEMBERS, may_act_for, may_bind, refusal
from affiliates.assigning import assign
from affiliates.models import Affiliate, AffiliateMember, ApiKey, CustomRole, User
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory, ApiKeyFactory, OperatorFactory, SuperuserFactory, UserFactory
from tests.rights import operator_with

pytestmark = pytest.mark.django_db
USERS = ("affiliates.view_user", "affiliates.change_user", "affiliates.delete_user")


class TestRules:
    def test_an_operator_acts_for_one_with_the_same_permissions_or_fewer(self) -> None:
        actor = operator_with("affiliates.view_offer", "payouts.view_payout")
        assert may_act_for(actor, operator_with("affiliates.view_offer"))
        assert may_act_for(actor, operator_with("affiliates.view_offer", "payouts.view_payout"))
        assert not may_act_for(actor, operator_with("affiliates.view_offer", "payouts.change_payout"))

    def test_an_affiliates_person_acts_for_no_operator_and_everyone_for_oneself(self) -> None:
        person = UserFactory()
        assert may_act_for(person, person)
        assert not may_act_for(person, OperatorFactory())
        assert may_act_for(person, UserFactory())

    def test_a_member_is_acted_for_only_by_who_may_change_affiliates_and_members(self) -> None:
        member = AffiliateMemberFactory().user
        assert may_act_for(operator_with(*MEMBERS), member)
        for half in MEMBERS:
            assert not may_act_for(operator_with(half), member)

    def test_what_a_role_gives_counts_also_while_the_account_is_inactive(self) -> None:
        target = OperatorFactory(roles=["support"], is_active=False)
        assert not may_act_for(OperatorFactory(), target)
        assert may_act_for(OperatorFactory(roles=["support"]), target)
        assert not may_act_for(OperatorFactory(roles=["auditor"]), target)

    def test_a_role_for_all_affiliates_is_more_than_the_same_for_assigned_ones(self) -> None:
        lead = CustomRole.objects.create(name="Lead", roles=["manager"], actions=["see_accounts"])
        night = CustomRole.objects.create(name="Night", actions=["see_affiliates"])
        one, everywhere = OperatorFactory(), OperatorFactory()
        one.custom_roles.add(lead)
        everywhere.custom_roles.add(night)
        assert not may_act_for(one, everywhere)

    def test_a_manager_of_other_affiliates_is_out_of_reach(self, ana: Affiliate, ben: Affiliate) -> None:
        one, other = OperatorFactory(roles=["manager"]), OperatorFactory(roles=["manager"])
        assign(affiliate_ids=[ana.pk], manager=one)
        assign(affiliate_ids=[ben.pk], manager=other)
        assert not may_act_for(one, other)
        assign(affiliate_ids=[ana.pk, ben.pk], manager=one)
        assert may_act_for(User.objects.get(pk=one.pk), other)

    def test_a_member_of_two_affiliates_is_acted_for_by_one_who_reaches_both(
        self, ana: Affiliate, ben: Affiliate
    ) -> None:
        role = CustomRole.objects.create(
            name="Desk", actions=["change_affiliates", "change_members"], only_assigned=True
        )
        desk, person = OperatorFactory(), AffiliateMemberFactory(affiliate=ana).user
        desk.custom_roles.add(role)
        assign(affiliate_ids=[ana.pk], manager=desk)
        assert may_act_for(desk, person)
        AffiliateMemberFactory(affiliate=ben, user=person)
        assert not may_act_for(desk, person)

    def test_only_one_who_manages_members_binds_a_key_to_an_affiliate(self, ana: Affiliate) -> None:
        assert not may_bind(OperatorFactory(), ana.pk)
        assert may_bind(operator_with(*MEMBERS), ana.pk)
        assert may_bind(SuperuserFactory(), ana.pk)

    def test_a_refusal_names_the_account_and_who_can_help(self) -> None:
        assert refusal(UserFactory(name="Ana")).startswith("Ana has rights that you lack")
        assert "administrator" in refusal(UserFactory())


class TestUsersPage:
    def fields(self, user: User, **changed: Any) -> dict[str, Any]:
        rows = {f"{name}-{part}_FORMS": "0" for name in ("memberships", "assignments") for part in ("TOTAL", "INITIAL")}
        own = {"email": user.email, "name": user.name, "time_zone": "UTC", "is_active": "on"}
        return {**own, **rows, **changed}

    def change(self, actor: User, target: User, **changed: Any) -> int:
        path = reverse("admin:affiliates_user_change", args=[target.pk])
        return as_user(actor).post(path, self.fields(target, **changed)).status_code

    def test_an_operator_changes_the_address_of_an_equal(self) -> None:
        target = UserFactory()
        assert self.change(operator_with(*USERS), target, email="new@x.example") == 302
        target.refresh_from_db()
        assert target.email == "new@x.example"

    def test_no_field_of_power_is_taken_from_one_who_is_no_superuser(self) -> None:
        target = UserFactory()
        sent = {"is_staff": "on", "is_superuser": "on", "roles": ["administrator", "finance"]}
        assert self.change(operator_with(*USERS), target, **sent) == 302
        target.refresh_from_db()
        assert (target.is_staff, target.is_superuser, target.roles) == (False, False, [])

    def test_ones_own_account_is_no_way_to_more(self) -> None:
        actor = operator_with(*USERS)
        self.change(actor, actor, is_staff="on", is_superuser="on")
        actor.refresh_from_db()
        assert (actor.is_staff, actor.is_superuser) == (True, False)

    @pytest.mark.parametrize("page", ["change", "delete"])
    def test_an_account_with_more_is_neither_changed_nor_deleted(self, page: str) -> None:
        boss = SuperuserFactory(email="boss@operator.example")
        path = reverse(f"admin:affiliates_user_{page}", args=[boss.pk])
        answer = as_user(operator_with(*USERS)).post(path, self.fields(boss, email="e@evil.example", post="yes"))
        assert answer.status_code == 403
        assert User.objects.get(pk=boss.pk).email == "boss@operator.example"

    def test_the_lists_action_deletes_none_when_one_of_them_has_more(self) -> None:
        boss, plain = SuperuserFactory(), UserFactory()
        chosen = {"action": "delete_selected", "_selected_action": [boss.pk, plain.pk], "post": "yes"}
        as_user(operator_with(*USERS)).post("/admin/affiliates/user/", chosen)
        assert User.objects.filter(pk__in=(boss.pk, plain.pk)).count() == 2

    def test_the_lists_action_deletes_those_with_less(self) -> None:
        plain = UserFactory()
        chosen = {"action": "delete_selected", "_selected_action": [plain.pk], "post": "yes"}
        as_user(operator_with(*USERS)).post("/admin/affiliates/user/", chosen)
        assert not User.objects.filter(pk=plain.pk).exists()


class TestKeysAndAddresses:
    def test_no_key_is_deleted_from_the_list(self) -> None:
        rows = [ApiKeyFactory(user=SuperuserFactory()), ApiKeyFactory(user=UserFactory())]
        client = as_user(operator_with("affiliates.view_apikey", "affiliates.delete_apikey"))
        chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
        client.post("/admin/affiliates/apikey/", chosen)
        assert ApiKey.objects.count() == 2

    def test_the_lists_action_revokes_none_when_one_of_them_is_of_one_with_more(self) -> None:
        rows = [ApiKeyFactory(user=SuperuserFactory()), ApiKeyFactory(user=UserFactory())]
        client = as_user(operator_with("affiliates.view_apikey", "affiliates.change_apikey"))
        chosen = {"action": "revoke", "_selected_action": [row.pk for row in rows], "confirmed": "yes"}
        client.post("/admin/affiliates/apikey/", chosen)
        assert not ApiKey.objects.exclude(revoked_at=None).exists()

    def test_an_operators_key_is_bound_only_by_who_manages_members_and_the_form_says_so(self, ana: Affiliate) -> None:
        views = ("affiliates.add_apikey", "affiliates.view_apikey", "affiliates.view_user", "affiliates.view_affiliate")
        actor = operator_with(*views)
        sent = {"name": "x", "user": actor.pk, "affiliate": ana.pk}
        page = as_user(actor).post("/admin/affiliates/apikey/add/", sent).content.decode()
        assert "Leave the affiliate empty, or ask an administrator." in page
        assert not ApiKey.objects.exists()

    def test_an_address_is_not_moved_to_an_account_with_more(self) -> None:
        boss, plain = SuperuserFactory(), UserFactory()
        row = EmailAddress.objects.create(user=plain, email="a@x.example", verified=True)
        rights = ("account.view_emailaddress", "account.change_emailaddress", "affiliates.view_user")
        sent = {"user": boss.pk, "email": row.email, "verified": "on"}
        page = as_user(operator_with(*rights)).post(f"/admin/account/emailaddress/{row.pk}/change/", sent)
        assert "has rights that you lack" in page.content.decode()
        assert EmailAddress.objects.get().user == plain


class TestSecondFactors:
    @pytest.mark.parametrize(("is_superuser", "left"), [(True, 0), (False, 1)])
    def test_are_taken_away_by_a_superuser_only(self, is_superuser: bool, left: int) -> None:
        row = Authenticator.objects.create(user=UserFactory(), type=Authenticator.Type.TOTP, data={"secret": "x"})
        rights = ("mfa.view_authenticator", "mfa.delete_authenticator", "mfa.change_authenticator")
        actor = SuperuserFactory() if is_superuser else operator_with(*rights)
        as_user(actor).post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
        assert Authenticator.objects.count() == left

    def test_no_page_shows_their_secret(self, olga: User) -> None:
        row = Authenticator.objects.create(user=olga, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DPEHPK3PXP"})
        for page in ("/admin/mfa/authenticator/", f"/admin/mfa/authenticator/{row.pk}/change/"):
            assert "JBSWY3DPEHPK3PXP" not in as_user(olga).get(page).content.decode()


class TestMemberships:
    def rows(self, ana: Affiliate, user: User, **more: Any) -> dict[str, Any]:
        none = {
            f"{name}-{part}_FORMS": "0"
            for name in ("enrollments", "assignments", "parentage")
            for part in ("TOTAL", "INITIAL")
        }
        own = {"name": ana.name, "country": "DE", "currency": "EUR", "website": ""}
        member = {"members-TOTAL_FORMS": "1", "members-INITIAL_FORMS": "0", "members-0-user": user.pk}
        return {**own, **none, **member, "members-0-roles": "owner", **more}

    RIGHTS = (
        *("affiliates.view_affiliate", "affiliates.change_affiliate", "affiliates.view_user"),
        *("affiliates.view_affiliatemember", "affiliates.add_affiliatemember", "affiliates.change_affiliatemember"),
    )

    def add(self, actor: User, ana: Affiliate, user: User) -> str:
        path = reverse("admin:affiliates_affiliate_change", args=[ana.pk])
        return as_user(actor).post(path, self.rows(ana, user)).content.decode()

    def test_an_operator_becomes_a_member_only_by_a_superuser(self, olga: User, ana: Affiliate) -> None:
        clerk, friend = operator_with(*self.RIGHTS), OperatorFactory()
        assert "Only an administrator can make" in self.add(clerk, ana, friend)
        assert not AffiliateMember.objects.exists()
        self.add(olga, ana, friend)
        assert AffiliateMember.objects.get().user == friend

    def test_a_person_is_made_a_member_by_who_may_change_affiliates(self, ana: Affiliate) -> None:
        person = UserFactory()
        self.add(operator_with(*self.RIGHTS), ana, person)
        row = AffiliateMember.objects.get()
        assert (row.user, row.affiliate, row.roles) == (person, ana, ["owner"])

    def test_one_person_is_a_member_once(self, olga: User, ana: Affiliate) -> None:
        member = AffiliateMemberFactory(affiliate=ana)
        sent = self.rows(ana, member.user, **{"members-TOTAL_FORMS": "2", "members-INITIAL_FORMS": "1"})
        sent |= {"members-0-id": member.pk, "members-0-affiliate": ana.pk}
        sent |= {"members-1-user": member.user.pk, "members-1-roles": "read_only", "members-1-affiliate": ana.pk}
        answer = as_user(olga).post(reverse("admin:affiliates_affiliate_change", args=[ana.pk]), sent)
        assert answer.status_code == 200
        assert AffiliateMember.objects.count() == 1
