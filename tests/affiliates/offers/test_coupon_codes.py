"""Coupon codes: one affiliate's for good, the same in any case, and silent once they are switched off."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.models import CouponCode, Enrollment, User
from conversions.models import Conversion
from tests.conversions.sending import World, outcome, send
from tests.factories import AdvertiserFactory, CouponCodeFactory, EnrollmentFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/affiliates/couponcode/add/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


@pytest.fixture
def world(db: None) -> World:
    return World()


def coupon(world: World, code: str = "SAVE10", **fields: Any) -> CouponCode:
    row: CouponCode = CouponCodeFactory(enrollment=world.ana_link.enrollment, code=code, **fields)
    return row


class TestCredit:
    @pytest.mark.parametrize("typed", ["SAVE10", "save10", "Save10", " SAVE10 "])
    def test_goes_to_the_affiliate_however_a_customer_types_the_code(self, world: World, typed: str) -> None:
        coupon(world)
        decision = send(coupon=typed, txid="t-1", event_type="purchase", revenue="40", currency="EUR")
        assert outcome(decision)[:2] == (200, "accepted")
        assert Conversion.objects.get().affiliate == world.ana

    def test_goes_to_no_one_by_a_code_that_is_switched_off(self, world: World) -> None:
        coupon(world, is_active=False)
        send(coupon="SAVE10", txid="t-1", event_type="purchase", revenue="40", currency="EUR")
        assert not Conversion.objects.exists()

    def test_goes_to_no_one_by_a_code_of_another_advertisers_offer(self, world: World) -> None:
        CouponCodeFactory(
            enrollment=EnrollmentFactory(offer__advertiser=AdvertiserFactory(name="Rival")), code="THEIRS"
        )
        send(coupon="THEIRS", txid="t-1", event_type="purchase", revenue="40", currency="EUR")
        assert not Conversion.objects.exists()

    def test_of_a_blocked_enrollment_is_decided_by_a_person(self, world: World) -> None:
        coupon(world)
        Enrollment.objects.filter(pk=world.ana_link.enrollment_id).update(status="blocked")
        send(coupon="SAVE10", txid="t-1", event_type="purchase", revenue="40", currency="EUR")
        assert Conversion.objects.get().status == Conversion.Status.PENDING


class TestInThePanel:
    def test_a_code_that_another_has_in_other_letters_is_refused_in_the_form(self, desk: Client, world: World) -> None:
        coupon(world)
        page: Any = desk.post(ADD, {"enrollment": world.ben_link.enrollment_id, "code": "save10", "is_active": "on"})
        assert page.status_code == 200
        assert page.context["adminform"].form.errors
        assert CouponCode.objects.count() == 1

    def test_and_by_the_database_too(self, world: World) -> None:
        coupon(world)
        with pytest.raises(IntegrityError, match="coupon_code_once"), transaction.atomic():
            CouponCodeFactory(code="Save10")

    def test_a_code_is_given_to_no_other_affiliate_and_keeps_its_text(self, desk: Client, world: World) -> None:
        row = coupon(world)
        sent = {"enrollment": world.ben_link.enrollment_id, "code": "OTHER"}
        desk.post(reverse("admin:affiliates_couponcode_change", args=[row.pk]), sent)
        row.refresh_from_db()
        assert (row.enrollment, row.code, row.is_active) == (world.ana_link.enrollment, "SAVE10", False)

    def test_spaces_around_a_code_are_no_part_of_it(self, desk: Client, world: World) -> None:
        desk.post(ADD, {"enrollment": world.ana_link.enrollment_id, "code": "  SAVE10 ", "is_active": "on"})
        assert CouponCode.objects.get().code == "SAVE10"

    def test_an_enrollment_with_a_code_is_not_deleted(self, desk: Client, world: World) -> None:
        row = coupon(world)
        desk.post(reverse("admin:affiliates_enrollment_delete", args=[row.enrollment_id]), {"post": "yes"})
        assert CouponCode.objects.filter(pk=row.pk).exists()
