"""What finance sees before money leaves: affiliates without access, missing invoices, a missing account of our own."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.test import Client

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import Payout, PayoutBatch
from payouts.paying.methods import set_method
from payouts.statements.statements import close_period
from tests.factories import IssuerFactory, OperatorFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
PAYOUTS, BATCHES = "/admin/payouts/payout/", "/admin/payouts/payoutbatch/"
IBAN = "DE89370400440532013000"


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme Ltd", "NL91ABNA0417164300", ""


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(SuperuserFactory())
    return client


def due(olga: User, *affiliates: Affiliate) -> list[Payout]:
    for each in affiliates:
        details = {"holder": "Ana", "iban": IBAN}
        set_method(affiliate=each, kind="sepa", details=details, actor=None, now=OCTOBER)
        adjust(affiliate=each, amount=Decimal(50), currency="EUR", arithmetic="X", actor=olga, now=OCTOBER)
    close_period(ends_at=NOVEMBER, now=NOVEMBER)
    return list(Payout.objects.filter(affiliate__in=affiliates).order_by("pk"))


def ask(desk: Client, payouts: list[Payout]) -> Any:
    return desk.post(PAYOUTS, {"action": "batch_up", ACTION_CHECKBOX_NAME: [row.pk for row in payouts]})


def make(desk: Client, payouts: list[Payout], seen: str | None = None, **ticks: str) -> str:
    given = {"action": "batch_up", ACTION_CHECKBOX_NAME: [row.pk for row in payouts], "confirmed": "yes", **ticks}
    page = desk.post(PAYOUTS, {**given, **({"seen": seen} if seen is not None else {})}, follow=True)
    return " ".join(page.content.decode().split())


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def batched() -> set[Affiliate]:
    return {row.affiliate for row in Payout.objects.exclude(batch=None)}


@pytest.mark.parametrize("status", ["suspended", "closed", "pending"])
def test_affiliates_without_access_are_shown_and_left_out_unless_ticked(
    desk: Client, olga: User, ana: Affiliate, ben: Affiliate, status: str
) -> None:
    rows = due(olga, ana, ben)
    Affiliate.objects.filter(pk=ana.pk).update(status=status)
    assert f"affiliate {Affiliate.Status(status).label.lower()}" in text(desk.get(PAYOUTS))
    page = ask(desk, rows)
    assert "Also to affiliates that are suspended, closed or not approved yet: 1 · 50.00 EUR to send" in text(page)
    assert "2 · 100.00 EUR to send" in text(page)
    done = make(desk, rows, page.context["form"].seen())
    assert "Left out: 1." in done
    assert "Goes to an affiliate that is" in done
    assert batched() == {ben}
    make(desk, rows[:1], ask(desk, rows[:1]).context["form"].seen(), with_affiliate="on")
    assert batched() == {ana, ben}


def test_what_has_no_invoice_is_shown_and_left_out_unless_ticked(desk: Client, olga: User, ana: Affiliate) -> None:
    IssuerFactory()
    rows = due(olga, ana)
    assert "no invoice" in text(desk.get(PAYOUTS))
    page = ask(desk, rows)
    assert "Also without an invoice: 1 · 50.00 EUR to send" in text(page)
    assert "Billing details are missing" in make(desk, rows, page.context["form"].seen())
    assert batched() == set()
    make(desk, rows, page.context["form"].seen(), with_invoice="on")
    assert batched() == {ana}


def test_without_an_issuer_no_invoice_is_missed(desk: Client, olga: User, ana: Affiliate) -> None:
    rows = due(olga, ana)
    assert "no invoice" not in text(desk.get(PAYOUTS))
    make(desk, rows)
    assert batched() == {ana}


def test_who_is_suspended_after_the_question_is_left_out_in_spite_of_the_tick(
    desk: Client, olga: User, ana: Affiliate, ben: Affiliate
) -> None:
    rows = due(olga, ana, ben)
    Affiliate.objects.filter(pk=ana.pk).update(status="suspended")
    seen = ask(desk, rows).context["form"].seen()
    Affiliate.objects.filter(pk=ben.pk).update(status="closed")
    assert "Changed since the question was shown" in make(desk, rows, seen, with_affiliate="on")
    assert batched() == {ana}


def test_the_approver_sees_it_with_numbers_and_money(desk: Client, olga: User, ana: Affiliate, ben: Affiliate) -> None:
    make(desk, due(olga, ana, ben))
    batch = PayoutBatch.objects.get()
    Affiliate.objects.filter(pk__in=[ana.pk, ben.pk]).update(status="suspended")
    desk.force_login(SuperuserFactory())
    for page in ("approve/", "change/"):
        shown = text(desk.get(f"{BATCHES}{batch.pk}/{page}"))
        assert "2 payouts, 100.00 EUR: goes to an affiliate that is suspended" in shown, page
    assert "affiliate suspended" in text(desk.get(f"{BATCHES}{batch.pk}/change/"))
    desk.post(f"{BATCHES}{batch.pk}/approve/", {"confirmed": "yes"})
    assert "2 payouts, 100.00 EUR: goes to an affiliate that is suspended" in text(
        desk.get(f"{BATCHES}{batch.pk}/release/")
    )


@pytest.mark.parametrize(
    ("iban", "bic", "name", "lacks"),
    [
        ("", "", "Acme", "OPERATOR_IBAN"),
        ("NL00ABNA0417164300", "", "Acme", "OPERATOR_IBAN"),
        ("NL91ABNA0417164300", "NOPE", "Acme", "OPERATOR_BIC"),
        ("NL91ABNA0417164300", "", "🙂", "OPERATOR_NAME"),
    ],
)
def test_a_missing_account_of_ours_is_reported_before_every_step(
    desk: Client, olga: User, ana: Affiliate, settings: Any, iban: str, bic: str, name: str, lacks: str
) -> None:
    rows = due(olga, ana)
    right = (settings.OPERATOR_IBAN, settings.OPERATOR_BIC, settings.OPERATOR_NAME)
    settings.OPERATOR_IBAN, settings.OPERATOR_BIC, settings.OPERATOR_NAME = iban, bic, name
    page = ask(desk, rows)
    assert lacks in text(page)
    assert lacks in make(desk, rows, page.context["form"].seen())
    batch = PayoutBatch.objects.get()
    desk.force_login(SuperuserFactory())
    for step in ("change", "approve"):
        assert lacks in text(desk.get(f"{BATCHES}{batch.pk}/{step}/")), step
    assert lacks in text(desk.post(f"{BATCHES}{batch.pk}/approve/", {"confirmed": "yes"}))
    settings.OPERATOR_IBAN, settings.OPERATOR_BIC, settings.OPERATOR_NAME = right
    desk.post(f"{BATCHES}{batch.pk}/approve/", {"confirmed": "yes"})
    settings.OPERATOR_IBAN, settings.OPERATOR_BIC, settings.OPERATOR_NAME = iban, bic, name
    refused = text(desk.post(f"{BATCHES}{batch.pk}/release/", {"confirmed": "yes"}))
    assert lacks in refused
    assert "environment or .env file" in refused
    batch.refresh_from_db()
    assert batch.status == "approved"


def test_only_what_fits_is_offered_on_a_batch_and_its_file_stays(desk: Client, olga: User, ana: Affiliate) -> None:
    make(desk, due(olga, ana))
    desk.force_login(SuperuserFactory())
    address = f"{BATCHES}{PayoutBatch.objects.get().pk}/"

    def offered() -> set[str]:
        page = desk.get(f"{address}change/").content.decode()
        return {name for name in ("approve", "release", "file", "pay_all") if f'href="{address}{name}' in page}

    assert offered() == {"approve"}
    desk.post(f"{address}approve/", {"confirmed": "yes"})
    assert offered() == {"release"}
    desk.post(f"{address}release/", {"confirmed": "yes"})
    assert offered() == {"file", "pay_all"}
    first = desk.get(f"{address}file/").content
    desk.post(f"{address}pay_all/", {"confirmed": "yes", "reference": "BANK 1"})
    assert offered() == {"file"}
    desk.post(f"{address}cancel/", {"confirmed": "yes", "note": "x"})
    assert desk.get(f"{address}file/").content == first
    assert b"<InstdAmt" in first


def test_an_operator_who_may_only_look_does_not_get_account_numbers(desk: Client, olga: User, ana: Affiliate) -> None:
    make(desk, due(olga, ana))
    batch = PayoutBatch.objects.get()
    approver = Client()
    approver.force_login(SuperuserFactory())
    for step in ("approve", "release"):
        approver.post(f"{BATCHES}{batch.pk}/{step}/", {"confirmed": "yes"})
    looking = OperatorFactory()
    looking.user_permissions.set(_permissions("view_payoutbatch"))
    desk.force_login(looking)
    assert desk.get(f"{BATCHES}{batch.pk}/change/").status_code == 200
    assert IBAN not in desk.get(f"{BATCHES}{batch.pk}/file/", follow=True).content.decode()


def _permissions(*names: str) -> Any:
    return Permission.objects.filter(codename__in=names)
