"""From which status an operator moves an affiliate, an offer and an enrollment where: all steps, and no others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from affiliates.approvals import StepNotAllowed, change_affiliates, change_offers, decide_enrollments
from affiliates.models import Affiliate, Enrollment, Offer, User
from tests.factories import AffiliateFactory, EnrollmentFactory, OfferFactory, OperatorFactory

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
# The same as the pages promise: closed and ended are for good, rejected may be approved later, blocked given back.
AFFILIATES = {
    *[("pending", "active"), ("pending", "closed"), ("active", "suspended"), ("active", "closed")],
    *[("suspended", "active"), ("suspended", "closed")],
}
OFFERS = {
    *[("draft", "active"), ("draft", "ended"), ("active", "paused"), ("active", "ended")],
    *[("paused", "active"), ("paused", "ended")],
}
ENROLLMENTS = {
    *[("pending", "approved"), ("pending", "rejected"), ("rejected", "approved")],
    *[("approved", "blocked"), ("blocked", "approved")],
}


def move_affiliate(row: Affiliate, to: str) -> int:
    return change_affiliates(affiliate_ids=[row.pk], to=Affiliate.Status(to), note="")


def move_offer(row: Offer, to: str) -> int:
    return change_offers(offer_ids=[row.pk], to=Offer.Status(to))


def move_enrollment(row: Enrollment, to: str) -> int:
    actor = OperatorFactory()
    return decide_enrollments(enrollment_ids=[row.pk], to=Enrollment.Status(to), note="", actor=actor, now=NOW)


def moves(make: Any, move: Callable[..., int], froms: list[str], tos: list[str]) -> set[tuple[str, str]]:
    """The steps that are allowed, by trying every pair of two statuses."""
    allowed = set()
    for before in froms:
        for after in set(tos) - {before}:
            row = make(status=before)
            try:
                move(row, after)
            except StepNotAllowed:
                row.refresh_from_db()
                assert row.status == before
            else:
                row.refresh_from_db()
                assert row.status == after
                allowed.add((before, after))
    return allowed


@pytest.mark.django_db
class TestSteps:
    def test_of_affiliates(self) -> None:
        values = Affiliate.Status.values
        assert moves(AffiliateFactory, move_affiliate, values, ["active", "suspended", "closed"]) == AFFILIATES

    def test_of_offers(self) -> None:
        assert moves(OfferFactory, move_offer, Offer.Status.values, ["active", "paused", "ended"]) == OFFERS

    def test_of_enrollments(self) -> None:
        values = Enrollment.Status.values
        assert moves(EnrollmentFactory, move_enrollment, values, ["approved", "rejected", "blocked"]) == ENROLLMENTS

    def test_one_that_is_there_already_is_left_alone_with_its_note(self, ana: Affiliate) -> None:
        Affiliate.objects.update(status_note="Welcome")
        assert change_affiliates(affiliate_ids=[ana.pk], to=Affiliate.Status.ACTIVE, note="Again") == 0
        ana.refresh_from_db()
        assert ana.status_note == "Welcome"

    def test_of_many_all_are_moved_or_none(self) -> None:
        rows = [EnrollmentFactory(status=status) for status in ("pending", "rejected", "blocked")]
        ids = [row.pk for row in rows]
        with pytest.raises(StepNotAllowed, match=r"is “Blocked” and cannot become “Rejected”\."):
            decide_enrollments(
                enrollment_ids=ids, to=Enrollment.Status.REJECTED, note="", actor=OperatorFactory(), now=NOW
            )
        assert [Enrollment.objects.get(pk=pk).status for pk in ids] == ["pending", "rejected", "blocked"]

    def test_a_decision_stores_who_when_and_why_on_those_that_it_changed(self, olga: User) -> None:
        new, old = EnrollmentFactory(status="pending"), EnrollmentFactory(status="approved", note="Before")
        ids = [new.pk, old.pk]
        changed = decide_enrollments(
            enrollment_ids=ids, to=Enrollment.Status.APPROVED, note="Fine", actor=olga, now=NOW
        )
        new.refresh_from_db()
        old.refresh_from_db()
        assert changed == 1
        assert (new.note, new.decided_by, new.decided_at) == ("Fine", olga, NOW)
        assert (old.note, old.decided_by, old.decided_at) == ("Before", None, None)

    def test_rows_that_are_gone_are_not_counted(self) -> None:
        assert change_offers(offer_ids=[10**9], to=Offer.Status.ACTIVE) == 0
        assert change_offers(offer_ids=[], to=Offer.Status.ACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_decide_an_application_once() -> None:
    """One approves, one rejects: the first decides, the second gets a message that it is decided."""
    row, actor, start = EnrollmentFactory(status="pending"), OperatorFactory(), Barrier(2)

    def decide(to: Enrollment.Status) -> str:
        start.wait()
        try:
            decide_enrollments(enrollment_ids=[row.pk], to=to, note=to.value, actor=actor, now=NOW)
        except StepNotAllowed:
            return "refused"
        finally:
            connection.close()
        return to.value

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(decide, (Enrollment.Status.BLOCKED, Enrollment.Status.REJECTED)))
    row.refresh_from_db()
    assert done == ["refused", "rejected"]
    assert (row.status, row.note) == ("rejected", "rejected")
