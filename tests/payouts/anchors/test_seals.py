"""No field of what a close wrote can change unnoticed: each is refused by the database, and found where it is not.

The fields come from the models, so a new one is tried as soon as it is there.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.anchors.making import make_anchor
from payouts.ledger.booking import adjust
from payouts.models import (
    Anchor,
    AnchorAccount,
    AnchoredStatement,
    AnchorKey,
    BilledClicks,
    CommissionRule,
    LedgerEntry,
    Payout,
    PayoutBatch,
    PayoutMethod,
    PlanVersion,
    Statement,
    StatementSeal,
)
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import (
    AffiliateFactory,
    CommissionRuleFactory,
    ConversionFactory,
    OfferFactory,
    OperatorFactory,
    PlanVersionFactory,
    TrackingLinkFactory,
)
from tests.payouts.statements.test_documents import close_two_months
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db

DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MODELS: list[Any] = [Statement, Payout, StatementSeal, LedgerEntry, Anchor, AnchorAccount, AnchoredStatement, AnchorKey]
# Not history: when a public key was first used is a remark beside it, and reasons of a failure come and go.
# Where a payout is on its way changes as well. Who booked an adjustment is for operators alone: an affiliate's proof
# does not name them.
# How a payout is sent (`batch`, `method`) and who marked it are written once by the payment, and then the database
# refuses to change them: the file that was released, which is append-only, says it as well.
PROTECTED_BY_THE_DATABASE = {
    "payouts.AnchorKey.since", "payouts.Payout.failure", "payouts.Payout.batch", "payouts.Payout.method",
    "payouts.Payout.paid_by", "payouts.Payout.in_flight", "payouts.Payout.in_flight_at", "payouts.LedgerEntry.actor",
}  # fmt: skip
NOT_HISTORY = {"payouts.Payout.failure", "payouts.Payout.in_flight", "payouts.Payout.in_flight_at"}
FIELDS = [
    (model, field)
    for model in MODELS
    for field in model._meta.concrete_fields
    if not isinstance(field, models.AutoField)
]


def name_of(value: Any) -> str:
    return str(value) if isinstance(value, models.Field) else str(value.__name__)


@pytest.fixture(scope="module")
def history(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Statements of three months with payouts, one of them paid, and two anchors over them.

    Made once for this file: each test's changes are undone after it, and all of it at the end.
    """
    keys = ["1:b25seS1mb3ItdGVzdHMtYW5jaG9yLWtleS1udW1iZXI"]
    with django_db_blocker.unblock(), override_settings(ANCHOR_KEYS=keys), transaction.atomic():
        olga = OperatorFactory()
        statements = close_two_months(AffiliateFactory(name="Ana"), olga)
        make_anchor(now=DECEMBER)
        one = {"affiliate": statements[0].affiliate, "currency": "EUR", "arithmetic": "Bonus", "actor": olga}
        adjust(amount=Decimal(5), now=DECEMBER, **one)
        close_period(ends_at=JANUARY, now=JANUARY, actor=olga)
        make_anchor(now=JANUARY)
        yield
        transaction.set_rollback(True)


def other(field: Any, row: Any) -> Any:
    """Another value that the column takes."""
    value = getattr(row, field.attname)
    if field.is_relation:
        return other_row(field, row)
    if isinstance(field, models.DecimalField):
        return (value or Decimal(0)) + Decimal("0.00000001")
    if isinstance(field, models.DateTimeField):
        return (value or DECEMBER) + timedelta(microseconds=1)
    if isinstance(field, models.DateField):
        return (value or date(2026, 10, 1)) + timedelta(days=1)
    if isinstance(field, models.IntegerField):
        return value + 1000
    if field.name == "status":
        return "returned" if value == "due" else "due"
    text = "x" if not value or value[0] != "x" else "y"
    return (text + (value or "")[1:]) if field.name != "currency" else "GBP"


def other_row(field: Any, row: Any) -> Any:
    made = {
        Affiliate: AffiliateFactory,
        User: OperatorFactory,
        Conversion: ConversionFactory,
        PlanVersion: PlanVersionFactory,
        CommissionRule: CommissionRuleFactory,
        BilledClicks: billed_clicks,
        PayoutBatch: lambda: PayoutBatch.objects.create(kind="sepa", currency="EUR", created_by=OperatorFactory()),
        PayoutMethod: lambda: PayoutMethod.objects.create(affiliate=row.affiliate, kind="sepa", encrypted="", hint=""),
    }
    if field.related_model in made:
        return made[field.related_model]().pk
    rows = field.related_model._default_manager.exclude(pk=getattr(row, field.attname))
    return rows.values_list("pk", flat=True).earliest("pk")


def billed_clicks() -> BilledClicks:
    link = TrackingLinkFactory()
    return BilledClicks.objects.create(
        affiliate=AffiliateFactory(), offer=OfferFactory(), link=link, day=date(2026, 10, 1), clicks=1, parts=[],
        counted_at=DECEMBER, booked_at=DECEMBER,
    )  # fmt: skip


def wanted_row(model: Any) -> Any:
    """The row to change: of payouts the one that is paid."""
    return model.objects.filter(status="paid").get() if model is Payout else model.objects.order_by("pk").first()


def change(model: Any, field: Any) -> None:
    """Change one field of one row in SQL."""
    row = wanted_row(model)
    value = other(field, row)
    query = f'UPDATE {model._meta.db_table} SET "{field.column}" = %s WHERE "{model._meta.pk.column}" = %s'  # noqa: S608
    values = [value, row.pk]
    if field.name == "status" and value == "due":
        query = query.replace(" WHERE", ", paid_at = NULL WHERE")
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=name_of)
def test_the_database_refuses_to_change_it(history: None, model: Any, field: Any) -> None:
    if str(field) in NOT_HISTORY:
        return
    with pytest.raises(DatabaseError, match="Cannot update|never changes|nothing else"), transaction.atomic():
        change(model, field)


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=name_of)
def test_a_change_by_the_owner_of_the_tables_is_found(history: None, model: Any, field: Any) -> None:
    if str(field) in PROTECTED_BY_THE_DATABASE:
        return
    assert list(Verification().findings()) == []
    try:
        with transaction.atomic(), without_triggers():
            change(model, field)
    except IntegrityError:
        return  # The database's own constraints refuse it, too.
    assert list(Verification().findings()) != []


def without_triggers() -> ExitStack:
    stack = ExitStack()
    for model in MODELS:
        stack.enter_context(triggers_off(model))
    return stack


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_row_that_the_owner_of_the_tables_takes_out_is_missed(history: None, model: Any) -> None:
    with transaction.atomic(), without_triggers(), connection.cursor() as cursor:
        row = wanted_row(model)
        drop_references(cursor)
        cursor.execute(f'DELETE FROM {model._meta.db_table} WHERE "{model._meta.pk.column}" = %s', [row.pk])  # noqa: S608
    assert list(Verification().findings()) != []


def drop_references(cursor: Any) -> None:
    """Foreign keys would name the row that goes; the tables' owner can take them away."""
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint "
        "WHERE contype = 'f' AND confrelid::regclass::text LIKE 'payouts_%'"
    )
    for table, name in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
