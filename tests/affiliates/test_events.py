"""Each thing that happens to affiliates and enrollments is an event, once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from affiliates.approvals import change_affiliates, decide_enrollments
from affiliates.enrollments import apply_for
from affiliates.events import KINDS
from affiliates.models import Affiliate, Enrollment, User
from records.models import Event
from tests.factories import AffiliateFactory, EnrollmentFactory, OfferFactory

pytestmark = pytest.mark.django_db


def changed(before: str, after: str) -> Callable[[User], object]:
    def change(olga: User) -> int:
        return change_affiliates(
            affiliate_ids=[AffiliateFactory(status=before).pk], to=Affiliate.Status(after), note=""
        )

    return change


def decided(before: str, after: str) -> Callable[[User], object]:
    def decide(olga: User) -> int:
        row = EnrollmentFactory(status=before)
        status = Enrollment.Status(after)
        return decide_enrollments(enrollment_ids=[row.pk], to=status, note="", actor=olga, now=timezone.now())

    return decide


def saved(factory: Callable[..., Any], status: str) -> Callable[[User], object]:
    """A change in the panel's form that no action offers."""

    def save(olga: User) -> None:
        row = factory(status=status)
        row.status = "pending"
        row.save()

    return save


CAUSES: dict[str, Callable[[User], object]] = {
    "affiliate.created": lambda olga: AffiliateFactory(),
    "affiliate.activated": changed("pending", "active"),
    "affiliate.suspended": changed("active", "suspended"),
    "affiliate.closed": changed("active", "closed"),
    "affiliate.pending": saved(AffiliateFactory, "active"),
    "enrollment.created": lambda olga: apply_for(
        affiliate=AffiliateFactory(), offer=OfferFactory(), now=timezone.now()
    ),
    "enrollment.approved": decided("pending", "approved"),
    "enrollment.rejected": decided("pending", "rejected"),
    "enrollment.blocked": decided("approved", "blocked"),
    "enrollment.pending": saved(EnrollmentFactory, "approved"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event_is_written_once(olga: User, kind: str) -> None:
    CAUSES[kind](olga)
    assert Event.objects.filter(kind=kind).count() == 1


def test_an_event_names_who_it_happened_to_and_what_changed(ana: Affiliate) -> None:
    change_affiliates(affiliate_ids=[ana.pk], to=Affiliate.Status.SUSPENDED, note="No answer to three mails")
    event = Event.objects.get(kind="affiliate.suspended")
    assert (event.subject_id, event.affiliate_id) == (ana.pk, ana.pk)
    assert event.data == {"from": "active", "to": "suspended", "note": "No answer to three mails"}


def test_a_change_of_something_else_is_no_event(ana: Affiliate) -> None:
    before = Event.objects.count()
    ana.website = "https://ana.example"
    ana.save()
    assert Event.objects.count() == before
