"""No page, file or answer shows commission to an operator who may see everything but money."""

import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from affiliates.models import AffiliateMember
from conversions.models import Conversion
from payouts.models import (
    BilledClicks,
    DraftVersion,
    LedgerEntry,
    LedgerHead,
    PlanConsent,
    PlanEffect,
    PlanVersion,
    WhatIf,
    WhatIfLine,
)
from tests.dashboard.panel import populate
from tests.factories import LedgerEntryFactory
from tests.reach.addresses import every_address
from tests.reach.people import People
from tests.reach.table import LEDGER

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.timeout(600)]

# Stands nowhere but in what is earned.
AMOUNT, SHOWN = Decimal("8642.31"), "8642.31"
# Rows that are money themselves, each with a permission of its own.
OWN = ("payoutbatch", "payout", "invoice", "ledgerhead", "statement")
MONEY = (
    LEDGER,
    "payouts.change_ledgerentry",
    *(f"payouts.{verb}_{each}" for each in OWN for verb in ("view", "change")),
)


@pytest.fixture
def people() -> Iterator[People]:
    populate(1)
    member = AffiliateMember.objects.get()
    affiliate, sums = member.affiliate, dict.fromkeys(("before", "expected_before"), AMOUNT)
    changed = {**sums, "after": AMOUNT * 2, "expected_after": AMOUNT * 2, "affiliate": affiliate, "currency": "EUR"}
    row, draft = WhatIf.objects.get(), DraftVersion.objects.get()
    WhatIf.objects.filter(pk=row.pk).update(
        state="done", done=1, total=1, finished_at=timezone.now(), starts_at=draft.effective_from,
        examples=[{
            "conversion": Conversion.objects.get().public_id, "affiliate": affiliate.pk, "currency": "EUR",
            "occurred_at": timezone.now().isoformat(), "change": SHOWN,
            "before": {"lines": [{"amount": SHOWN, "currency": "EUR", "arithmetic": "flat"}], "reason": ""},
            "after": {"lines": [], "reason": "none"},
        }],
    )  # fmt: skip
    WhatIfLine.objects.create(what_if=row, **changed)
    version = PlanVersion.objects.get()
    PlanEffect.objects.create(plan=version.plan, digest=version.digest, **changed)
    PlanConsent.objects.create(
        draft=draft, digest=draft.digest, affiliate=affiliate, answer="accepted", source="portal",
        answered_by=member.user, shown={"money": [f"{SHOWN} EUR more"], "terms": []},
    )  # fmt: skip
    earned = {"affiliate": affiliate, "kind": "commission", "amount": AMOUNT}
    LedgerEntryFactory(conversion=Conversion.objects.get(), **earned, sequence=2)
    LedgerEntryFactory(clicks=BilledClicks.objects.get(), **earned, sequence=3)
    # The chain goes on after the lines that are there.
    LedgerHead.objects.update(sequence=3, hash=LedgerEntry.objects.order_by("sequence").last().hash)
    logging.disable(logging.CRITICAL)
    yield People(member)
    logging.disable(logging.NOTSET)


def amounts() -> set[str]:
    """The amount, and the sums of which it is a part: what the conversion earned, and the balance."""
    euros = LedgerEntry.objects.filter(currency="EUR")
    parts = (euros.filter(conversion=Conversion.objects.get()), euros)
    return {SHOWN, *(f"{sum(each.values_list('amount', flat=True)):.2f}" for each in parts)}


def showing(people: People, role: str) -> set[str]:
    """The names of the addresses that show the amount, or a sum of which it is a part."""
    found, wanted = set(), amounts()
    for address in every_address():
        if address.room in ("panel", "page", "api") and "get" in address.rules:
            text = people.ask(role, "get", address.path).text.replace(",", "")
            if any(each in text for each in wanted):
                found.add(address.name)
    return found


def test_an_operator_with_all_but_the_permissions_for_money_is_shown_none(people):
    with people.allowed_all_but(*MONEY):
        assert showing(people, "operator") == set()


def test_a_superuser_is_shown_it_on_these_pages_among_others(people):
    """Or the test above would find nothing whatever stood there."""
    expected = {
        *("payouts_whatif_change", "what-if-detail", "what-if-lines", "payouts_planconsent_change"),
        *("payouts_billedclicks_change", "conversions_conversion_change", "conversions_conversion_changelist"),
        *("trace:conversion", "trace-api", "conversion-list", "balance-list"),
    }
    assert expected - showing(people, "superuser") == set()


def test_the_history_of_an_adjusted_affiliate_names_no_amount(people):
    affiliate = AffiliateMember.objects.order_by("pk")[0].affiliate
    given = {"amount": SHOWN, "currency": "EUR", "arithmetic": "Bonus", "confirmed": "yes"}
    boss = people.clients["superuser"]
    boss.post(f"/admin/affiliates/affiliate/{affiliate.pk}/adjust/", given)
    reported = LogEntry.objects.latest("pk").change_message
    assert "Booked an adjustment in EUR" in reported
    assert SHOWN not in reported
