"""Which rows a request sees: an operator all of a permission, a member its own affiliates, no one else any."""

from typing import Any

import pytest
from django.test import Client

from affiliates.access.reach import Reach, require
from affiliates.models import Affiliate, Enrollment, User
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory, EnrollmentFactory, OperatorFactory, UserFactory
from tests.rights import operator_with

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_named_affiliates_and_an_operators_all(ana: Affiliate, ben: Affiliate) -> None:
    for affiliate in (ana, ben):
        EnrollmentFactory(affiliate=affiliate)
    user: User = UserFactory()
    rows = Enrollment.objects.all()

    def seen(reach: Reach) -> set[str]:
        return {row.affiliate.name for row in reach.within(rows, "affiliate")}

    assert seen(Reach(user, is_operator=False, ids=(ana.pk,))) == {"Ana"}
    assert seen(Reach(user, is_operator=False, ids=(ana.pk, ben.pk))) == {"Ana", "Ben"}
    assert seen(Reach(user, is_operator=False, ids=())) == set()
    assert seen(Reach(user, is_operator=True)) == {"Ana", "Ben"}


def test_an_operators_own_membership_does_not_narrow_what_operators_see(ana: Affiliate, ben: Affiliate) -> None:
    user = operator_with("affiliates.view_affiliate")
    AffiliateMemberFactory(affiliate=ana, user=user)
    answer = as_user(user).get("/api/v1/affiliates/").json()
    assert {row["name"] for row in answer["results"]} == {"Ana", "Ben"}


def test_the_permission_that_is_lacking_is_named_with_where_to_get_it(ana: Affiliate) -> None:
    answer = as_user(OperatorFactory()).get("/api/v1/links/")
    assert answer.status_code == 403
    assert "affiliates.view_trackinglink" in answer.json()["message"] or "tracking.view_trackinglink" in answer.text
    assert "under Users" in answer.json()["message"]


def test_the_first_permission_that_is_lacking_stops(ana: Affiliate) -> None:
    user = operator_with("affiliates.view_offer")
    require(user, ["affiliates.view_offer"])
    with pytest.raises(Exception, match=r"affiliates\.view_affiliate"):
        require(user, ["affiliates.view_offer", "affiliates.view_affiliate", "payouts.view_payout"])


@pytest.mark.parametrize("account", [UserFactory, lambda: UserFactory(is_active=True)])
def test_an_account_of_no_affiliate_learns_what_to_do(account: Any) -> None:
    answer = as_user(account()).get("/api/v1/me/")
    assert answer.status_code == 403
    assert "does not belong to an affiliate" in answer.json()["message"]


def test_a_member_sees_a_row_of_a_rival_as_one_that_is_not_there(ana: Affiliate, ben: Affiliate) -> None:
    client: Client = as_user(AffiliateMemberFactory(affiliate=ana).user)
    assert client.get(f"/api/v1/affiliates/{ben.public_id}/").status_code == 403
    theirs = EnrollmentFactory(affiliate=ben)
    assert client.get(f"/api/v1/links/{theirs.pk}/").status_code == 404
