"""Approving a list leaves out what waits, unless the operator ticks it."""

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from affiliates.models import Affiliate
from conversions.models import Conversion
from tests.factories import ConversionFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/conversions/conversion/"


@pytest.mark.parametrize(
    ("why", "tick"), [("risk_review", "review"), ("awaits_rules", "rules"), ("suspended", "closed")]
)
def test_a_list_leaves_out_what_waits_unless_it_is_ticked(ana: Affiliate, ben: Affiliate, why: str, tick: str) -> None:
    free = ConversionFactory(affiliate=ana, status="pending", reason="awaits_approval")
    reason = "awaits_approval" if why == "suspended" else why
    waiting = ConversionFactory(affiliate=ben, status="pending", reason=reason)
    if why == "suspended":
        Affiliate.objects.filter(pk=ben.pk).update(status="suspended")
    client = Client()
    client.force_login(SuperuserFactory())
    ask = {"action": "approve", ACTION_CHECKBOX_NAME: [free.pk, waiting.pk]}
    assert f"with_{tick}" in client.post(LIST, ask).content.decode()
    sure = {**ask, "confirmed": "yes", "reason": "operator_approved", "note": ""}
    assert "Left out: " in client.post(LIST, sure, follow=True).content.decode()
    states = dict(Conversion.objects.values_list("pk", "status"))
    assert states == {free.pk: "approved", waiting.pk: "pending"}
    client.post(LIST, {**sure, f"with_{tick}": "on"}, follow=True)
    waiting.refresh_from_db()
    assert waiting.status == "approved"
