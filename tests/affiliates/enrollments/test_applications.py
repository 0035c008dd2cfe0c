"""Applications: only for what is open, only by who may, and one for each offer whatever is clicked at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse

from affiliates.enrollments import OfferNotOpen, apply_for
from affiliates.models import Affiliate, Enrollment, Offer
from tests.dashboard.portal_pages import signed_in, words
from tests.factories import AffiliateFactory, EnrollmentFactory, OfferFactory

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
Status = Enrollment.Status


@pytest.mark.django_db
class TestRules:
    def test_one_that_needs_approval_is_undecided(self, ana: Affiliate) -> None:
        row, is_new = apply_for(affiliate=ana, offer=OfferFactory(requires_approval=True), now=NOW)
        assert (is_new, row.status, row.created_at, row.decided_at) == (True, Status.PENDING, NOW, None)

    def test_one_that_needs_none_is_approved_by_no_one_at_once(self, ana: Affiliate) -> None:
        row, is_new = apply_for(affiliate=ana, offer=OfferFactory(requires_approval=False), now=NOW)
        assert (is_new, row.status, row.decided_at, row.decided_by) == (True, Status.APPROVED, NOW, None)

    @pytest.mark.parametrize("status", Status.values)
    def test_a_second_one_changes_nothing_not_even_a_block(self, ana: Affiliate, status: str) -> None:
        before = EnrollmentFactory(affiliate=ana, status=status, note="Why", offer__requires_approval=False)
        row, is_new = apply_for(affiliate=ana, offer=before.offer, now=NOW)
        assert (row.pk, is_new, row.status, row.note) == (before.pk, False, status, "Why")

    @pytest.mark.parametrize("status", sorted(set(Offer.Status.values) - {Offer.Status.ACTIVE}))
    def test_an_offer_that_is_not_active_takes_none_and_says_why(self, ana: Affiliate, status: str) -> None:
        offer = OfferFactory(status=status, name="Fox")
        with pytest.raises(OfferNotOpen, match=f"Fox does not accept applications: it is {status}"):
            apply_for(affiliate=ana, offer=offer, now=NOW)
        assert not Enrollment.objects.exists()

    @pytest.mark.parametrize("status", sorted(set(Affiliate.Status.values) - {Affiliate.Status.ACTIVE}))
    def test_an_affiliate_that_is_not_active_may_not_apply_and_is_shown_why(self, status: str) -> None:
        gus = AffiliateFactory(name="Gus", status=status)
        with pytest.raises(OfferNotOpen, match=f"Gus cannot apply: the account is {gus.get_status_display().lower()}"):
            apply_for(affiliate=gus, offer=OfferFactory(), now=NOW)
        assert not Enrollment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_application() -> None:
    ana, offer, start = AffiliateFactory(), OfferFactory(), Barrier(4)

    def apply(_: int) -> bool:
        start.wait()
        try:
            return apply_for(affiliate=ana, offer=offer, now=NOW)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(apply, range(4))) == [False, False, False, True]
    assert Enrollment.objects.count() == 1


@pytest.mark.django_db
class TestInThePortal:
    def apply(self, affiliate: Affiliate, offer: Offer) -> str:
        client = signed_in(affiliate)
        return words(client.post(reverse("portal:apply", args=[offer.public_id]), follow=True))

    def test_an_offer_that_was_paused_meanwhile_says_so_and_stores_nothing(self, ana: Affiliate) -> None:
        offer = OfferFactory(name="Fox")
        Offer.objects.update(status=Offer.Status.PAUSED)
        self.apply(ana, offer)
        assert not Enrollment.objects.exists()

    def test_a_blocked_affiliate_gets_no_second_chance_by_applying_again(self, ana: Affiliate) -> None:
        row = EnrollmentFactory(affiliate=ana, status=Status.BLOCKED)
        self.apply(ana, row.offer)
        assert Enrollment.objects.get().status == Status.BLOCKED

    def test_an_application_is_ones_own(self, ana: Affiliate, ben: Affiliate) -> None:
        offer = OfferFactory()
        self.apply(ana, offer)
        assert Enrollment.objects.get().affiliate == ana
