"""Where and when the demo data may be made: in an empty database, whole or not at all, on any day of the year."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from dashboard.demo import desk, seeding
from dashboard.demo.facts import facts
from dashboard.demo.seeding import SeedCounts, SeedRefused, SeedState, figures, seed, state
from payouts.invoicing.pending import pending
from payouts.models import Invoice, Payout
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
NOTHING = SeedCounts(0, 0, 0, 0, 0, 0)

pytestmark = pytest.mark.django_db


def test_refuses_a_database_that_holds_other_data():
    AffiliateFactory()
    with pytest.raises(SeedRefused, match=r"not the demo's \(1 affiliates\).*Make an empty database"):
        seed(now=NOW, scale=0.01)
    assert figures() == NOTHING


def test_a_run_that_breaks_off_leaves_nothing_and_can_be_repeated(monkeypatch):
    def breaks(*args, **given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(desk.Desk, "pay", breaks)
        with pytest.raises(KeyboardInterrupt):
            seed(now=NOW, scale=0.01)
    assert state() is SeedState.EMPTY
    assert figures() == NOTHING
    assert seed(now=NOW, scale=0.01)


def test_facts_need_demo_data():
    with pytest.raises(SeedRefused, match="Run `manage.py seed_demo` first"):
        facts()


@pytest.mark.parametrize("scale", ["0", "-1", "1000", "nan"])
def test_refuses_a_scale_that_makes_no_sense(scale):
    with pytest.raises(CommandError, match="makes no sense"):
        call_command("seed_demo", "--scale", scale, stdout=io.StringIO())


def test_says_to_migrate_first(monkeypatch):
    monkeypatch.setattr(seeding, "_is_migrated", lambda: False)
    with pytest.raises(CommandError, match="manage.py migrate"):
        call_command("seed_demo", stdout=io.StringIO())


@pytest.mark.long
@pytest.mark.parametrize(
    "now",
    [
        datetime(2027, 1, 1, 0, 3, tzinfo=UTC),
        datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
        datetime(2026, 8, 30, 23, 59, tzinfo=UTC),
    ],
    ids=["minutes-into-the-year", "after-a-short-month", "one-closing-only"],
)
def test_has_payouts_paid_and_due_on_any_day(now):
    assert seed(now=now, scale=0.01)
    assert set(Payout.objects.values_list("status", flat=True)) >= {"paid", "due"}
    assert list(Verification().findings()) == []


@pytest.mark.long
def test_has_invoices_by_several_tax_rules_and_a_credit_note():
    assert seed(now=NOW, scale=0.1)
    invoices = Invoice.objects.filter(kind="invoice")
    assert set(invoices.values_list("rule", flat=True)) >= {"domestic", "reverse_charge", "outside", "small_business"}
    note = Invoice.objects.get(kind="credit_note")
    assert (note.affiliate.name, note.rule, note.vat < 0) == ("Ana Duarte Media", "domestic", True)
    assert {row.affiliate.name for row in pending()} >= {"Nordic Bonus Hub", "Brightlane Clicks"}


def test_shows_its_progress_in_lines_where_there_is_no_terminal():
    out = io.StringIO()
    call_command("seed_demo", "--scale", "0.01", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[-1].startswith("Made the demo data in")
    assert sum(line.startswith("Days played:") for line in lines) >= 9
