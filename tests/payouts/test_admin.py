"""How finance works in the panel: plans, the ledger, closing and paying."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, LedgerEntry, Payout, PeriodClose, PlanVersion, Statement
from payouts.queries import balances
from payouts.statements import statements
from payouts.tasks import close_periods
from tests.factories import (
    AffiliateFactory,
    CommissionPlanFactory,
    CommissionRuleFactory,
    ConversionFactory,
    GoalFactory,
    LedgerEntryFactory,
    OfferFactory,
    PercentRuleFactory,
    PlanVersionFactory,
)

CONFIRMED = {"confirmed": "yes"}
CLOSE = "/admin/payouts/statement/close/"


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def booked(affiliate, amount: str = "100", **fields) -> LedgerEntry:
    """A line of the affiliate's account, made by the ledger itself."""
    from payouts.ledger.booking import adjust
    from tests.factories import OperatorFactory

    at = fields.pop("now", datetime(2026, 9, 5, tzinfo=UTC))
    return adjust(
        affiliate=affiliate, amount=Decimal(amount), currency="EUR", arithmetic="Bonus", actor=OperatorFactory(), now=at
    )


@pytest.mark.parametrize("kind", LedgerEntry.Kind)
def test_the_ledger_shows_lines_of_every_kind(desk, kind) -> None:
    if kind in (LedgerEntry.Kind.COMMISSION, LedgerEntry.Kind.REVERSAL):
        LedgerEntryFactory(kind=kind, conversion=ConversionFactory())
    else:
        LedgerEntryFactory(kind=kind)
    assert str(kind.label) in desk.get("/admin/payouts/ledgerentry/").content.decode()


class TestNewVersion:
    @pytest.fixture
    def plan(self, db) -> CommissionPlan:
        plan = CommissionPlanFactory(offer=OfferFactory(currency="EUR"))
        self.ftd = GoalFactory(offer=plan.offer, code="ftd", name="FTD", position=1)
        self.deposit = GoalFactory(offer=plan.offer, code="deposit", name="Deposit", position=2)
        return plan

    def path(self, plan: CommissionPlan) -> str:
        return reverse("admin:payouts_commissionplan_new_version", args=[plan.pk])

    def fields(self, ftd=("", "", "EUR"), deposit=("", "", "EUR"), **others) -> dict[str, Any]:
        given = {"note": "", "rule": [], **others}
        for key, goal, (kind, value, currency) in (("r1", self.ftd, ftd), ("r2", self.deposit, deposit)):
            if not kind:
                continue
            prefix, price = f"rule-{key}", "amount" if kind == "flat" else "percent"
            given["rule"].append(key)
            given |= {f"{prefix}-kind": kind, f"{prefix}-goal": goal.pk, f"{prefix}-{price}": value}
            given[f"{prefix}-currency"] = currency
        return given

    def test_is_published_with_its_rules_and_who_did_it(self, desk, olga, plan):
        fields = self.fields(("flat", "120", "EUR"), ("percent", "25", "EUR"), at_once="on", note="Launch")
        response = desk.post(self.path(plan), fields, follow=True)
        version = PlanVersion.objects.get()
        assert (version.number, version.note, version.created_by) == (1, "Launch", olga)
        assert [(r.goal.code, r.amount, r.currency, r.percent) for r in version.rules.all()] == [
            ("ftd", Decimal(120), "EUR", None),
            ("deposit", None, "", Decimal(25)),
        ]
        page = response.content.decode()
        assert "FTD: 120.00 EUR" in page
        assert "Deposit: 25 % of revenue" in page

    def test_begins_with_what_is_paid_now(self, desk, plan):
        version = PlanVersionFactory(plan=plan)
        CommissionRuleFactory(version=version, goal=self.ftd, amount=Decimal("120.50"))
        PercentRuleFactory(version=version, goal=self.deposit, percent=Decimal("12.5"))
        page = desk.get(self.path(plan)).content.decode()
        assert 'value="120.5"' in page
        assert 'value="12.5"' in page

    def test_may_begin_later(self, desk, plan):
        later = timezone.now() + timedelta(days=3)
        moment = {"effective_from_0": f"{later:%Y-%m-%d}", "effective_from_1": "00:00"}
        desk.post(self.path(plan), self.fields(("flat", "120", "EUR"), **moment))
        assert PlanVersion.objects.get().effective_from.date() == later.date()

    @pytest.mark.parametrize(
        ("ftd", "others", "sentence"),
        [
            (("flat", "", "EUR"), {"at_once": "on"}, "Say how much."),
            (("percent", "", "EUR"), {"at_once": "on"}, "Say how many percent."),
            (("percent", "101", "EUR"), {"at_once": "on"}, "At most 100 percent."),
            (("flat", "-1", "EUR"), {"at_once": "on"}, "greater than or equal to 0"),
            (("flat", "1.001", "EUR"), {"at_once": "on"}, "has more decimals than EUR is counted in (2)"),
            (("", "", "EUR"), {"at_once": "on"}, "A version needs at least one rule"),
            (("flat", "1", "EUR"), {}, "Give day and time"),
        ],
    )
    def test_says_what_is_wrong_and_publishes_nothing(self, desk, plan, ftd, others, sentence):
        page = desk.post(self.path(plan), self.fields(ftd, **others)).content.decode()
        assert sentence in page
        assert not PlanVersion.objects.exists()

    def test_a_new_plan_leads_to_its_first_version(self, desk, plan):
        other = OfferFactory()
        path = reverse("admin:payouts_commissionplan_add")
        response = desk.post(path, {"offer": other.pk, "affiliate": "", "name": "Standard"})
        made = CommissionPlan.objects.get(offer=other)
        assert response["Location"] == self.path(made)

    def test_the_offers_page_says_what_it_pays(self, desk, plan, ana):
        version = PlanVersionFactory(plan=plan)
        CommissionRuleFactory(version=version, goal=self.ftd)
        CommissionPlanFactory(offer=plan.offer, affiliate=ana, name="Ana's deal")
        page = desk.get(reverse("admin:affiliates_offer_change", args=[plan.offer_id])).content.decode()
        assert "FTD: 120.00 EUR" in page
        assert "No version is in force: nothing is earned." in page


class TestClosing:
    def test_proposes_the_first_of_the_month(self, desk):
        page = desk.get(CLOSE).content.decode()
        assert f'value="{timezone.now():%Y-%m}-01"' in page
        assert not Statement.objects.exists()

    def test_makes_statements_and_payouts(self, desk, olga, ana):
        booked(ana, "100")
        page = desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"}, follow=True).content.decode()
        assert "Waiting for a worker" in page
        assert 'hx-trigger="every 2s"' in page
        assert "HX-Refresh" not in desk.get(self.path(), headers={"HX-Request": "true"})
        assert not Statement.objects.exists()
        assert close_periods() == 1
        statement = Statement.objects.get()
        assert (statement.affiliate, statement.closing, statement.closed_by) == (ana, Decimal(100), olga)
        assert statement.ends_at == datetime(2026, 10, 1, tzinfo=UTC)
        assert Payout.objects.get().statement == statement
        page = desk.get(self.path()).content.decode()
        assert "1 of 1" in page
        assert "every 2s" not in page
        assert desk.get(self.path(), headers={"HX-Request": "true"})["HX-Refresh"] == "true"

    def path(self) -> str:
        return reverse("admin:payouts_periodclose_change", args=[PeriodClose.objects.get().pk])

    def test_asking_twice_before_a_worker_begins_asks_once(self, desk, olga, ana):
        booked(ana)
        for _ in range(2):
            answer = desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"})
            assert answer["Location"] == self.path()
        assert PeriodClose.objects.get().asked_by == olga

    def test_a_failed_close_says_why_and_goes_on_when_asked(self, desk, ana, monkeypatch):
        booked(ana)
        monkeypatch.setattr(statements, "close_block", Mock(side_effect=RuntimeError("The power went")))
        desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"})
        assert close_periods() == 0
        failed = self.path()
        page = desk.get(failed).content.decode()
        assert "Failed for 1 of 1 affiliates" in page
        assert "RuntimeError: The power went" in page
        assert f"verify_ledger --affiliate {ana.public_id}" in page
        monkeypatch.undo()
        again = reverse("admin:payouts_periodclose_again", args=[PeriodClose.objects.get().pk])
        assert again in page
        desk.post(again, CONFIRMED)
        assert close_periods() == 1
        assert Statement.objects.get().affiliate == ana
        assert [close.state for close in PeriodClose.objects.all()] == ["done", "failed"]

    def test_a_second_time_says_that_there_is_nothing_to_close(self, desk, ana):
        booked(ana)
        desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"})
        close_periods()
        page = desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"}, follow=True).content.decode()
        assert "Nothing to close: no ledger line before 2026-10-01 lacks a statement." in page
        assert Statement.objects.count() == 1

    def test_a_day_ahead_is_refused(self, desk, ana):
        page = desk.post(CLOSE, {**CONFIRMED, "ends_on": "2099-01-01"}).content.decode()
        assert "The period is not over" in page

    def test_needs_the_permission(self, client, ana):
        from tests.factories import OperatorFactory

        booked(ana)
        client.force_login(OperatorFactory())
        assert client.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"}).status_code == 403
        assert not PeriodClose.objects.exists()

    def test_a_statement_leads_to_the_lines_that_it_covers(self, desk, ana):
        booked(ana)
        desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"})
        close_periods()
        booked(ana, now=datetime(2026, 10, 5, tzinfo=UTC))
        page = desk.get(reverse("admin:payouts_statement_change", args=[Statement.objects.get().pk])).content.decode()
        assert "#1 to #1, those in EUR" in page
        lines = desk.get(
            "/admin/payouts/ledgerentry/",
            {"affiliate__id__exact": ana.pk, "currency__exact": "EUR", "sequence__gte": 1, "sequence__lte": 1},
        )
        assert [row.sequence for row in lines.context["cl"].result_list] == [1]


class TestPaying:
    @pytest.fixture
    def payout(self, desk, ana) -> Payout:
        booked(ana)
        desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-10-01"})
        close_periods()
        return Payout.objects.get()

    def pay(self, desk: Client, payout: Payout, reference: str):
        path = reverse("admin:payouts_payout_pay", args=[payout.pk])
        return desk.post(path, {**CONFIRMED, "reference": reference}, follow=True)

    def test_books_the_payment_with_the_reference(self, desk, olga, payout, ana):
        page = self.pay(desk, payout, "SEPA-7").content.decode()
        payout.refresh_from_db()
        assert (payout.status, payout.reference, payout.paid_by) == (Payout.Status.PAID, "SEPA-7", olga)
        assert balances(ana) == [("EUR", Decimal(0))]
        assert "1 payout marked paid, reference SEPA-7." in page

    def test_a_second_time_is_refused(self, desk, payout):
        self.pay(desk, payout, "SEPA-7")
        page = self.pay(desk, payout, "SEPA-8").content.decode()
        assert f"Nothing was changed: {payout.public_id} was paid before." in page
        assert LedgerEntry.objects.filter(kind="payment").count() == 1

    def test_a_reference_is_needed(self, desk, payout):
        assert "This field is required" in self.pay(desk, payout, "").content.decode()
        assert Payout.objects.get().status == Payout.Status.DUE

    def test_a_batch_shares_its_reference(self, desk, payout, ben):
        booked(ben, now=datetime(2026, 10, 5, tzinfo=UTC))
        desk.post(CLOSE, {**CONFIRMED, "ends_on": "2026-11-01"})
        close_periods()
        chosen = {"action": "pay", "_selected_action": [row.pk for row in Payout.objects.all()]}
        desk.post("/admin/payouts/payout/", {**chosen, **CONFIRMED, "reference": "BATCH-1"})
        assert set(Payout.objects.values_list("status", "reference")) == {("paid", "BATCH-1")}


class TestAdjusting:
    def test_adds_a_line_that_says_why_and_who(self, desk, ana):
        path = reverse("admin:affiliates_affiliate_adjust", args=[ana.pk])
        desk.post(path, {**CONFIRMED, "amount": "-12.50", "currency": "EUR", "arithmetic": "Paid twice in May"})
        entry = LedgerEntry.objects.get()
        assert (entry.kind, entry.amount) == ("adjustment", Decimal("-12.5"))
        assert (entry.arithmetic, entry.actor.name) == ("Paid twice in May", "Olga")
        page = desk.get(reverse("admin:affiliates_affiliate_change", args=[ana.pk])).content.decode()
        assert "-12.50 EUR" in page

    @pytest.mark.parametrize(
        ("amount", "currency", "sentence"),
        [("0", "EUR", "moves no money"), ("1.001", "EUR", "more decimals"), ("1.5", "JPY", "more decimals")],
    )
    def test_says_what_is_wrong(self, desk, ana, amount, currency, sentence):
        path = reverse("admin:affiliates_affiliate_adjust", args=[ana.pk])
        fields = {"amount": amount, "currency": currency, "arithmetic": "Bonus"}
        assert sentence in desk.post(path, {**CONFIRMED, **fields}).content.decode()
        assert not LedgerEntry.objects.exists()


class TestCommissionOnConversions:
    def test_currencies_are_never_added(self, desk):
        conversion = ConversionFactory()
        for amount, currency in (("10", "EUR"), ("-4", "EUR"), ("7", "USD")):
            LedgerEntryFactory(
                affiliate=conversion.affiliate,
                kind="commission",
                conversion=conversion,
                amount=Decimal(amount),
                currency=currency,
            )
        page = desk.get("/admin/conversions/conversion/").content.decode()
        assert "6.00 EUR" in page
        assert "7.00 USD" in page
        assert "13.00" not in page

    def test_stands_in_the_list_and_the_export_once_it_is_booked(self, desk, ana):
        rule = CommissionRuleFactory()
        ConversionFactory(goal=rule.goal, affiliate=ana)
        assert "Being booked" in desk.get("/admin/conversions/conversion/").content.decode()
        book_changes()
        assert "120.00 EUR" in desk.get("/admin/conversions/conversion/").content.decode()
        names = ("public_id", "commission", "affiliate")
        fields = {f"conversioncolumns_{name}": "on" for name in names}
        answer = desk.post("/admin/conversions/conversion/export/", {"format": "0", "resource": "0", **fields})
        [row] = csv.DictReader(io.StringIO(answer.content.decode()))
        assert (row["commission"], row["affiliate"]) == ("120.00 EUR", "Ana")


def test_the_ledger_is_exported_with_its_seals(desk, ana):
    entry = booked(ana, "-12.5")
    fields = {f"ledgerentrycolumns_{name}": "on" for name in ("sequence", "amount", "currency", "hash", "arithmetic")}
    answer = desk.post("/admin/payouts/ledgerentry/export/", {"format": "0", "resource": "0", **fields})
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["sequence"], Decimal(row["amount"]), row["hash"]) == ("1", Decimal("-12.5"), entry.hash)


def test_affiliates_named_like_formulas_are_exported_as_text(desk):
    booked(AffiliateFactory(name="=cmd()"))
    fields = {f"ledgerentrycolumns_{name}": "on" for name in ("sequence", "affiliate")}
    answer = desk.post("/admin/payouts/ledgerentry/export/", {"format": "0", "resource": "0", **fields})
    assert next(csv.DictReader(io.StringIO(answer.content.decode())))["affiliate"] == "'=cmd()"


@pytest.mark.parametrize("page", ["payouts/periodclose", "payouts/whatif"])
@pytest.mark.parametrize("number", ["no-number", "²", "99999999999999999999"])
def test_a_page_that_renews_itself_knows_no_odd_number(desk: Client, page: str, number: str) -> None:
    answer = desk.get(f"/admin/{page}/{number}/change/", headers={"HX-Request": "true"})
    assert answer.status_code in (302, 404)
