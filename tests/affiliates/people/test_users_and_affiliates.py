"""People and affiliates as operators make and find them: one account per address, a status that starts open."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from affiliates.access.operators import first_operator
from affiliates.models import Affiliate, AffiliateMember, Parentage, User
from tests.dashboard.portal_pages import words
from tests.factories import (
    AffiliateFactory,
    AffiliateMemberFactory,
    EnrollmentFactory,
    LedgerEntryFactory,
    OperatorFactory,
    SuperuserFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/affiliates/affiliate/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def listed(desk: Client, path: str = LIST, **query: str) -> set[str]:
    page: Any = desk.get(path, query)
    return {str(row) for row in page.context["cl"].result_list}


class TestUsers:
    def test_are_found_by_their_address_in_any_case(self) -> None:
        user = User.objects.create_user("Ana@Affiliates.Example", "secret-words-9", name="Ana")
        assert User.objects.get_by_natural_key("ana@affiliates.example") == user
        assert (user.check_password("secret-words-9"), user.is_staff, user.is_superuser) == (True, False, False)

    def test_a_superuser_is_an_operator_with_all_rights(self) -> None:
        user = User.objects.create_superuser("olga@operator.example", "secret-words-9")
        assert (user.is_staff, user.is_superuser, user.has_perm("payouts.change_payout")) == (True, True, True)

    def test_without_a_password_no_password_opens_the_account(self) -> None:
        user = User.objects.create_user("ana@affiliates.example")
        assert not user.has_usable_password()

    def test_the_database_has_an_address_once_in_any_case(self) -> None:
        UserFactory(email="ana@affiliates.example")
        with pytest.raises(IntegrityError, match="user_email_once"), transaction.atomic():
            UserFactory(email="ANA@affiliates.example")

    def test_are_called_by_their_name_or_else_their_address(self) -> None:
        assert [str(User(name="Ana", email="a@x.example")), str(User(email="a@x.example"))] == ["Ana", "a@x.example"]

    def test_the_list_says_who_is_what(self, desk: Client) -> None:
        UserFactory(), OperatorFactory()
        page = words(desk.get("/admin/affiliates/user/"))
        assert all(role in page for role in ("Administrator", "Operator without a role", "Affiliate"))

    def test_one_who_did_nothing_is_deleted_and_the_memberships_go_along(self, desk: Client) -> None:
        row = AffiliateMemberFactory()
        desk.post(reverse("admin:affiliates_user_delete", args=[row.user_id]), {"post": "yes"})
        assert not User.objects.filter(pk=row.user_id).exists()
        assert Affiliate.objects.filter(pk=row.affiliate_id).exists()

    def test_one_who_decided_something_stays(self, desk: Client, olga: User) -> None:
        operator = OperatorFactory()
        EnrollmentFactory(decided_by=operator)
        with pytest.raises(ProtectedError):
            operator.delete()


class TestFirstOperator:
    def test_is_a_superuser_before_others_and_the_oldest_of_equals(self) -> None:
        assert first_operator() is None
        plain = OperatorFactory()
        assert first_operator() == plain
        boss, _ = SuperuserFactory(), SuperuserFactory()
        assert first_operator() == boss

    def test_is_never_one_who_left_nor_an_affiliates_person(self) -> None:
        SuperuserFactory(is_active=False), UserFactory()
        assert first_operator() is None


class TestAffiliates:
    def add(self, desk: Client, **changed: str) -> Any:
        rows = {
            f"{name}-{part}_FORMS": "0"
            for name in ("members", "enrollments", "parentage", "assignments")
            for part in ("TOTAL", "INITIAL")
        }
        own = {"name": "Ana", "status": "pending", "country": "DE", "currency": "EUR", "website": "", **rows}
        return desk.post(f"{LIST}add/", {**own, **changed})

    @pytest.mark.parametrize("status", ["pending", "active"])
    def test_start_open_or_undecided(self, desk: Client, status: str) -> None:
        assert self.add(desk, status=status).status_code == 302
        assert Affiliate.objects.get().status == status

    @pytest.mark.parametrize(
        ("name", "value"),
        [("status", "closed"), ("status", "suspended"), ("country", "de"), ("country", "DEU"), ("currency", "XXX"),
         ("website", "javascript:alert(1)"), ("name", " ")],
    )  # fmt: skip
    def test_start_with_nothing_that_cannot_be(self, desk: Client, name: str, value: str) -> None:
        page = self.add(desk, **{name: value})
        assert list(page.context["adminform"].form.errors) == [name]
        assert not Affiliate.objects.exists()

    def test_a_website_without_a_scheme_is_read_as_https(self, desk: Client) -> None:
        self.add(desk, website="ana.example")
        assert Affiliate.objects.get().website == "https://ana.example"

    def test_are_found_by_name_id_website_and_a_members_address(self, desk: Client) -> None:
        ana = AffiliateFactory(name="Ana", website="https://blog.example")
        AffiliateFactory(name="Ben")
        AffiliateMemberFactory(affiliate=ana, user__email="person@mail.example")
        for asked in ("ana", ana.public_id, "blog.example", "person@mail"):
            assert listed(desk, q=asked) == {"Ana"}

    def test_a_member_more_makes_no_row_more(self, desk: Client) -> None:
        ana = AffiliateFactory(name="Ana")
        for number in range(3):
            AffiliateMemberFactory(affiliate=ana, user__email=f"p{number}@mail.example")
            EnrollmentFactory(affiliate=ana)
        page: Any = desk.get(LIST, {"q": "mail.example"})
        [row] = page.context["cl"].result_list
        assert row.approved_count == 3

    def test_one_that_earned_is_not_deleted(self, desk: Client) -> None:
        ana = LedgerEntryFactory().affiliate
        desk.post(reverse("admin:affiliates_affiliate_delete", args=[ana.pk]), {"post": "yes"})
        assert Affiliate.objects.filter(pk=ana.pk).exists()

    def test_each_step_is_in_the_log_with_its_note(self, desk: Client, ana: Affiliate) -> None:
        path = reverse("admin:affiliates_affiliate_close", args=[ana.pk])
        desk.post(path, {"confirmed": "yes", "note": "Asked for it"})
        assert LogEntry.objects.get().get_change_message() == "1 affiliate closed. Note: Asked for it"


class TestParents:
    def test_of_a_new_affiliate_are_parents_from_the_beginning(self, ana: Affiliate) -> None:
        cleo = AffiliateFactory(parent=ana)
        assert list(Parentage.objects.values_list("affiliate", "parent", "since")) == [(cleo.pk, ana.pk, None)]

    def test_a_change_of_anything_else_writes_no_line(self, ana: Affiliate) -> None:
        AffiliateFactory(parent=ana)
        Affiliate.objects.update(status=Affiliate.Status.SUSPENDED)
        assert Parentage.objects.count() == 1

    def test_an_affiliate_is_not_its_own_parent(self, ana: Affiliate) -> None:
        ana.parent = ana
        with pytest.raises(ValidationError, match="parents cannot form a circle"):
            ana.full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            Affiliate.objects.filter(pk=ana.pk).update(parent=ana)

    def test_the_form_refuses_a_circle_in_words(self, desk: Client, ana: Affiliate, ben: Affiliate) -> None:
        Affiliate.objects.filter(pk=ben.pk).update(parent=ana)
        rows = {
            f"{name}-{part}_FORMS": "0"
            for name in ("members", "enrollments", "parentage")
            for part in ("TOTAL", "INITIAL")
        }
        sent = {"name": "Ana", "country": "DE", "currency": "EUR", "website": "", "parent": ben.pk, **rows}
        page = desk.post(reverse("admin:affiliates_affiliate_change", args=[ana.pk]), sent)
        assert "Ben stands below Ana: parents cannot form a circle." in words(page)

    def test_a_parent_is_not_deleted_from_above_its_children(self, ana: Affiliate) -> None:
        AffiliateFactory(parent=ana)
        with pytest.raises(ProtectedError):
            ana.delete()


class TestMembers:
    def test_go_with_their_affiliate_or_their_account(self, ana: Affiliate) -> None:
        first, second = AffiliateMemberFactory(affiliate=ana), AffiliateMemberFactory(affiliate=ana)
        first.user.delete()
        assert list(AffiliateMember.objects.all()) == [second]
        ana.delete()
        assert not AffiliateMember.objects.exists()

    def test_one_is_a_member_once_for_each_affiliate(self, ana: Affiliate, ben: Affiliate) -> None:
        row = AffiliateMemberFactory(affiliate=ana)
        AffiliateMemberFactory(affiliate=ben, user=row.user)
        with pytest.raises(IntegrityError, match="member_once_per_affiliate"), transaction.atomic():
            AffiliateMemberFactory(affiliate=ana, user=row.user)
