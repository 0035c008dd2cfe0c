"""A statement as PDF, and as JSON that the offline program checks: honest files pass, tampering is found."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.documents.account import account_of
from payouts.documents.proof import account_proof, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from payouts.ledger.booking import adjust, book_changes
from payouts.models import LedgerEntry, Statement
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period
from tests.dashboard.portal_pages import signed_in
from tests.factories import ConversionFactory, GoalFactory, OperatorFactory
from tests.payouts.deals import deal, flat, move, percent
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
VERIFIER = Path(settings.BASE_DIR) / "static" / "tools" / "verify_statement.py"

_SPEC = importlib.util.spec_from_file_location("verify_statement", VERIFIER)
assert _SPEC
assert _SPEC.loader
verify_statement = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(verify_statement)

Document = dict[str, Any]


@pytest.fixture
def two_statements(ana: Affiliate, olga: User) -> list[Statement]:
    return close_two_months(ana, olga)


def close_two_months(ana: Affiliate, olga: User) -> list[Statement]:
    """October: a bonus in euros and one in yen, a correction; November: October is paid, and a bonus."""

    def booked(amount: str, at: datetime, currency: str = "EUR", why: str = "Bonus <b>& more</b> Ж") -> None:
        adjust(affiliate=ana, amount=Decimal(amount), currency=currency, arithmetic=why, actor=olga, now=at)

    booked("100", OCTOBER + timedelta(days=2))
    booked("7000", OCTOBER + timedelta(days=3), "JPY")
    booked("-12.50", OCTOBER + timedelta(days=4))
    first = next(each for each in close_period(ends_at=NOVEMBER, now=NOVEMBER) if each.currency == "EUR")
    mark_paid(payout=first.payout, reference="SEPA 1", actor=olga, now=NOVEMBER + timedelta(days=2))
    booked("40", NOVEMBER + timedelta(days=3))
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER)
    return [first, second]


def document(statement: Statement) -> Document:
    return dict(json.loads("".join(statement_proof(statement))))


def checked(tmp_path: Path, *documents: Document) -> tuple[int, str]:
    """What the program says, run as an affiliate runs it: alone, without this project."""
    paths = []
    for number, content in enumerate(documents):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(content), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, *paths], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_honest_statements_pass(tmp_path: Path, two_statements: list[Statement], ana: Affiliate) -> None:
    code, output = checked(tmp_path, *(document(each) for each in reversed(two_statements)))
    assert (code, output.count(": well.")) == (0, 2), output
    whole = json.loads("".join(account_proof(ana)))
    assert [entry["sequence"] for entry in whole["entries"]] == [1, 2, 3, 4, 5]
    assert len(whole["statements"]) == 3
    code, output = checked(tmp_path, whole)
    assert code == 0, output


TAMPERED: dict[str, tuple[Callable[[Document], object], str]] = {
    "an amount": (lambda d: d["entries"][0].update(amount="1000.00000000"), "#1 (1000.00000000 EUR) does not match"),
    "a sentence": (lambda d: d["entries"][2].update(arithmetic="Nothing"), "#3 (-12.50000000 EUR) does not match"),
    "an entry taken out": (lambda d: d["entries"].pop(1), "stands where #2 should be"),
    "the last entry": (lambda d: d["entries"].pop(), "which are not all here"),
    "the last entry and the head": (lambda d: d.update(entries=[]), "entries are missing"),
    "opening and closing together": (
        lambda d: d["statements"][0].update(opening="-5.00000000", closing="82.50000000"),
        "does not match its seal",
    ),
    "the period": (lambda d: d["statements"][0].update(ends_at="2026-10-31T00:00:00.000000Z"), "match its seal"),
    "the number": (lambda d: d["statements"][0].update(number="2026-09"), "does not match its seal"),
    "no statements": (lambda d: d.update(statements=[]), "statements are missing"),
    "the payout": (lambda d: d["statements"][0]["payout"].update(amount="1.00000000"), "does not match its seal"),
    "another account": (lambda d: d.update(affiliate="af_somebody"), "belongs to another account"),
    "the beginning": (lambda d: d.update(previous_hash="1" * 64), "must follow the seal of 64 zeros"),
    "a sum": (lambda d: d["statements"][0].update(earned="90.00000000"), "says earned"),
    "the closing balance": (lambda d: d["statements"][0].update(closing="99.00000000"), "does not add up"),
    "an opening balance": (
        lambda d: d["statements"][0].update(opening="5.00000000", closing="92.50000000"),
        "yet it opens with 5.0",
    ),
    "the seal": (lambda d: d["statements"][0].update(chain_hash="0" * 64), "closed over another chain"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_altered_is_found(tmp_path: Path, two_statements: list[Statement], what: str) -> None:
    change, expected = TAMPERED[what]
    found = document(two_statements[0])
    change(found)
    code, output = checked(tmp_path, found)
    assert code == 1
    assert expected in output


def test_an_account_that_was_written_anew_contradicts_the_file_kept_from_before(
    tmp_path: Path, two_statements: list[Statement]
) -> None:
    """Whoever alters an entry and seals everything after it again makes a chain that fits, but not the old files."""
    kept, forged = document(two_statements[0]), document(two_statements[1])
    entries = [*document(two_statements[0])["entries"], *forged["entries"]]
    entries[0]["amount"] = "1.00000000"
    before = "0" * 64
    for entry in entries:
        entry["previous_hash"] = before
        before = entry["hash"] = verify_statement.seal(entry)
    forged["previous_hash"], forged["statements"][0]["chain_hash"] = entries[2]["hash"], entries[-1]["hash"]
    forged["entries"], forged["head"]["hash"] = entries[3:], entries[-1]["hash"]
    forged["statements_end"] = forged["statements"][0]["hash"] = verify_statement.seal(forged["statements"][0])
    assert checked(tmp_path, forged)[0] == 0
    code, output = checked(tmp_path, kept, forged)
    assert code == 1
    assert "Entry #3 differs between the files" in output


def test_a_file_that_is_no_proof_is_named(tmp_path: Path) -> None:
    code, output = checked(tmp_path, {"format": "something else"})
    assert (code, "cannot be read as a statement's proof" in output) == (2, True)


def test_the_proof_finds_what_was_altered_in_the_database(tmp_path: Path, two_statements: list[Statement]) -> None:
    with triggers_off(LedgerEntry):
        LedgerEntry.objects.filter(sequence=1).update(amount=101)
    code, output = checked(tmp_path, document(two_statements[0]))
    assert code == 1
    assert "Entry #1 (101.00000000 EUR) does not match its seal" in output


def test_the_account_groups_commissions_by_goal_and_adds_up(ana: Affiliate, olga: User) -> None:
    ftd = GoalFactory(code="ftd", name="First deposit")
    deposit = GoalFactory(offer=ftd.offer, code="deposit", name="Deposit", position=2)
    deal(flat(ftd, "80"), percent(deposit, "10"))
    facts = {"affiliate": ana, "advertiser": ftd.offer.advertiser, "currency": "EUR", "status": "approved"}
    at = {"occurred_at": OCTOBER, "received_at": OCTOBER}
    kept, reversed_ = (ConversionFactory(goal=ftd, **facts, **at) for _ in range(2))
    ConversionFactory(goal=deposit, revenue=Decimal("50"), **facts, **at)
    book_changes(now=OCTOBER)
    move(reversed_, Conversion.Status.REJECTED)
    book_changes(now=OCTOBER + timedelta(days=1))
    adjust(affiliate=ana, amount=Decimal(3), currency="EUR", arithmetic="A bonus", actor=olga, now=OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    account = account_of(statement)
    rows = [(row.goal, row.lines, row.commission, row.reversed, row.total) for row in account.earned]
    assert rows == [("First deposit", 3, 160, -80, 80), ("Deposit", 1, 5, 0, 5)]
    assert [(entry.kind, entry.amount) for entry in account.others] == [("adjustment", 3)]
    assert account.earned_total + sum(entry.amount for entry in account.others) == statement.earned == 88
    assert kept.pk


def test_the_pdf_is_a_pdf_and_always_the_same(two_statements: list[Statement]) -> None:
    first = statement_pdf(two_statements[0])
    assert first.startswith(b"%PDF-")
    assert first == statement_pdf(Statement.objects.get(pk=two_statements[0].pk))
    assert len(first) > 10_000


@pytest.mark.parametrize("name", ["pdf", "proof"])
def test_an_operator_downloads_it_and_a_stranger_does_not(
    client: Client, two_statements: list[Statement], name: str
) -> None:
    address = f"/admin/payouts/statement/{two_statements[0].pk}/{name}"
    assert client.get(address).status_code == 302
    client.force_login(OperatorFactory(is_superuser=True))
    response = client.get(address, follow=True)
    assert response.status_code == 200
    assert two_statements[0].number in response["Content-Disposition"]


@pytest.mark.parametrize("form", ["pdf", "proof", "export"])
def test_an_affiliate_downloads_its_own_and_no_other_affiliates(
    two_statements: list[Statement], ana: Affiliate, ben: Affiliate, form: str
) -> None:
    address = f"/earnings/statements/{two_statements[0].number}/{form}/"
    assert signed_in(ana).get(address).status_code == 200
    assert signed_in(ben).get(address).status_code == 404
