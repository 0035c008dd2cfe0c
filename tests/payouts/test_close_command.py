from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts import statements
from payouts.ledger import adjust
from payouts.models import Payout, Statement

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = (datetime(2025, month, 1, tzinfo=UTC) for month in (10, 11))


@pytest.fixture
def owed(ana: Affiliate, ben: Affiliate, olga: User) -> None:
    for affiliate in (ana, ben):
        amounts: dict[str, Any] = {"amount": Decimal(80), "currency": "EUR"}
        adjust(affiliate=affiliate, arithmetic="A bonus", actor=olga, now=OCTOBER, **amounts)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("close_period", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.usefixtures("owed")
def test_closes_every_affiliate_once() -> None:
    assert "the period up to 2025-11-01: 2." in run("--ends", "2025-11-01")
    assert ": 0." in run("--ends", "2025-11-01")
    assert (Statement.objects.count(), Payout.objects.count()) == (2, 2)


@pytest.mark.usefixtures("owed")
def test_closes_last_month_unless_told_otherwise() -> None:
    run()
    first = timezone.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert set(Statement.objects.values_list("ends_at", flat=True)) == {first}


def test_refuses_a_period_that_is_not_over() -> None:
    with pytest.raises(CommandError, match="in the future"):
        run("--ends", "2999-01-01")


@pytest.mark.usefixtures("owed")
def test_goes_on_where_a_crash_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    close, seen = statements.close_affiliate, []

    def crash_at_the_second(affiliate_id: int, *rest: Any) -> list[Statement]:
        seen.append(affiliate_id)
        if len(seen) == 2:
            raise RuntimeError("The power went")
        return close(affiliate_id, *rest)

    monkeypatch.setattr(statements, "close_affiliate", crash_at_the_second)
    with pytest.raises(RuntimeError, match="The power went"):
        run("--ends", "2025-11-01")
    [kept] = Statement.objects.all()
    assert ": 1." in run("--ends", "2025-11-01")
    assert Statement.objects.filter(pk=kept.pk).exists()
    assert seen == [kept.affiliate_id, seen[1], seen[1]]
    assert Statement.objects.count() == 2
