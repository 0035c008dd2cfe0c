from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import Payout, PeriodClose, Statement
from payouts.statements import statements
from payouts.statements.closing import ask_close
from tests.payouts.at_once import at_once

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
def test_closes_last_month_unless_reported_otherwise() -> None:
    run()
    first = timezone.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert set(Statement.objects.values_list("ends_at", flat=True)) == {first}


def test_refuses_a_period_that_is_not_over() -> None:
    with pytest.raises(CommandError, match="in the future"):
        run("--ends", "2999-01-01")


@pytest.mark.usefixtures("owed")
def test_names_who_could_not_be_closed_and_goes_on_when_run_again(
    ana: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = statements.close_block

    def fail_with_ana(affiliate_ids: list[int], *rest: Any) -> list[Statement]:
        if ana.pk in affiliate_ids:
            raise RuntimeError("The power went")
        return close(affiliate_ids, *rest)

    monkeypatch.setattr(statements, "close_block", fail_with_ana)
    with pytest.raises(CommandError, match="Failed for 1 of 2 affiliates") as reported:
        run("--ends", "2025-11-01")
    assert f"Ana ({ana.public_id}): RuntimeError: The power went\n  First run manage.py verify_ledger" in str(
        reported.value
    )
    [kept] = Statement.objects.all()
    monkeypatch.undo()
    assert ": 1." in run("--ends", "2025-11-01")
    assert Statement.objects.filter(pk=kept.pk).exists()
    assert Statement.objects.count() == 2


@pytest.mark.usefixtures("owed")
def test_goes_on_with_a_close_that_waits(olga: User) -> None:
    ask_close(ends_at=NOVEMBER, actor=olga, now=timezone.now())
    assert ": 2." in run("--until", "2025-11-01")
    close = PeriodClose.objects.get()
    assert (close.state, close.done, close.total, close.asked_by) == ("done", 2, 2, olga)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("owed")
def test_learns_that_someone_closes_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    close, output = statements.close_block, list[object]()

    def meanwhile(affiliate_ids: list[int], *rest: Any) -> list[Statement]:
        if not output:
            output.extend(at_once(lambda: run("--until", "2025-11-01")))
        return close(affiliate_ids, *rest)

    monkeypatch.setattr(statements, "close_block", meanwhile)
    assert ": 2." in run("--until", "2025-11-01")
    assert isinstance(output[0], CommandError)
    assert "is being closed already, begun by a command" in str(output[0])
