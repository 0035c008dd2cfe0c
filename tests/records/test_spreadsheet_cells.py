"""No text in any file that leaves the program runs as a formula when a spreadsheet opens it."""

import ast
import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st
from import_export.admin import ExportMixin

from affiliates.models import User
from conversions.endpoints.csv_import import ImportedConversions, LineAnswer
from payouts.models import WhatIf, WhatIfLine
from records.spreadsheet_cells import cell, csv_text
from tests.dashboard.portal_pages import as_user, rows_of, signed_in, world_of
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    InvoiceFactory,
    LedgerEntryFactory,
    PayoutFactory,
    StatementFactory,
    WhatIfFactory,
)
from tests.rest import client_of

ROOT = Path(__file__).resolve().parents[2]
APPS = ("records", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard", "config")
SHAPES = [
    *("=1+1", "\uff1d1+1", "\uff0b1", "\ufe63 1", "\uff20SUM(A1)", "-1+1", "  =1+1"),
    *("\u00a0=1+1", "\u200b=1+1", "x;=1+1", "\t=1+1"),
]
UNSEEN = " \t\r\n\u00a0\u200b\u2028\ufeff\u3000"
SIGNS = "=+-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"


def runs(text: str) -> bool:
    """Whether some program could take this cell, or a piece of it, for a formula."""
    parts = [text]
    for mark in ";\t\r\n":
        parts = [piece for part in parts for piece in part.split(mark)]
    return text[:1] in tuple("\t\r\n") or any(part.lstrip(UNSEEN)[:1] in tuple(SIGNS) for part in parts)


def loose(lines: list[dict[str, str]]) -> list[str]:
    """Texts that could run; a number is a number, whatever its sign."""
    return [value for row in lines for value in row.values() if runs(value) and not _is_number(value)]


def _is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except ArithmeticError:
        return False


@given(st.text(alphabet=UNSEEN + SIGNS + ";,'\"a1", max_size=8))
@example("\t")
@example("a;\uff1d1")
@example("\n=1")
@example("\r\n@x")
def test_a_guarded_text_never_runs_and_loses_nothing(text: str) -> None:
    guarded = str(cell(text))
    assert not runs(guarded)
    assert guarded.replace("'", "") == text.replace("'", "")
    [[read]] = csv.reader(io.StringIO(csv_text([[text]]), newline=""))
    assert read == guarded or not guarded


@pytest.mark.parametrize("text", ["", "Ana", "a=b", "1-1", "a, -b", "'=1", "facebook;de", "ana@example.com", "Müller"])
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_numbers_stay_numbers() -> None:
    assert (
        csv_text([[Decimal("-12.50"), -3, Decimal("1E+3"), Decimal("1E-8"), None]]) == "-12.50,-3,1000,0.00000001,\r\n"
    )


def test_no_other_module_writes_csv() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
        and ast.unparse(node) in ("csv.writer", "csv.DictWriter", "writer", "DictWriter")
        and "import csv" in path.read_text()
    }
    assert writers == {"records/spreadsheet_cells.py"}


@pytest.fixture
def desk(olga: User) -> Client:
    return as_user(olga)


def exports_of_the_panel() -> list[tuple[str, type]]:
    return [
        (f"{model._meta.app_label}_{model._meta.model_name}", type(shown))
        for model, shown in admin.site._registry.items()
        if isinstance(shown, ExportMixin)
    ]


def panel_export(desk: Client, name: str) -> list[dict[str, str]]:
    path = reverse(f"admin:{name}_export")
    form = desk.get(path).context["form"]
    boxes = [field for field in form.fields if field not in ("format", "resource", "export_items")]
    sent = {"format": "0", "resource": "0", **dict.fromkeys(boxes, "on")}
    answer = desk.post(path, sent)
    assert answer["Content-Type"] == "text/csv", answer.content.decode()[:2000]
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


@pytest.fixture
def planted(db: None, olga: User) -> dict[str, Any]:
    """An affiliate, an offer, links, clicks, conversions, entries and documents, all named like formulas."""
    ana = AffiliateFactory(name="=1+1")
    world = world_of(ana, name="\uff1dHYPERLINK(1)")
    world.link.name = "  =1+1"
    world.link.save()
    for shape in SHAPES:
        click = ClickFactory(link=world.link, sub1=shape, source=shape)
        world.conversion(click_id=click.pk, transaction_id=shape)
    entry = LedgerEntryFactory(affiliate=ana, amount=Decimal("-12.5"), arithmetic="\uff1d1+1")
    statement = StatementFactory(affiliate=ana)
    PayoutFactory(statement=statement)
    return {"ana": ana, "entry": entry, "invoice": InvoiceFactory(statement=statement)}


@pytest.mark.parametrize("name", [name for name, _ in exports_of_the_panel()])
def test_every_export_of_the_panel_is_guarded(desk: Client, planted: dict[str, Any], name: str) -> None:
    assert loose(panel_export(desk, name)) == []


PORTAL = ["offers", "links", "clicks", "conversions", "earnings", "statements", "payouts", "invoices"]


@pytest.mark.parametrize("name", PORTAL)
def test_every_export_of_the_portal_is_guarded(planted: dict[str, Any], name: str) -> None:
    lines = rows_of(signed_in(planted["ana"]).get(reverse(f"portal:{name}_export")))
    assert lines
    assert loose(lines) == []


def test_a_negative_amount_is_a_number_in_every_file(desk: Client, planted: dict[str, Any]) -> None:
    [line] = rows_of(signed_in(planted["ana"]).get(reverse("portal:earnings_export")))
    assert "-12.50" in line.values()
    [line] = panel_export(desk, "payouts_ledgerentry")
    assert Decimal(line["amount"]) == Decimal("-12.5")


def test_an_invoice_is_guarded_in_portal_and_api(planted: dict[str, Any]) -> None:
    path = reverse("portal:invoice_csv", args=[planted["invoice"].number])
    for answer in (
        signed_in(planted["ana"]).get(path),
        client_of(planted["ana"]).get(f"/api/v1/invoices/{planted['invoice'].number}/csv/"),
    ):
        lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert lines[0]["supplier_name"] == "'=1+1"
        assert loose(lines) == []


def test_a_what_if_is_guarded(desk: Client, planted: dict[str, Any]) -> None:
    row = WhatIfFactory(state=WhatIf.State.DONE, finished_at=datetime.now(UTC))
    WhatIfLine.objects.create(
        what_if=row, affiliate=planted["ana"], currency="EUR", before=9, after=1, expected_before=9, expected_after=1
    )
    [line] = rows_of(desk.get(reverse("admin:payouts_whatif_download", args=[row.pk]), follow=True))
    assert (line["affiliate"], line["change"]) == ("'=1+1", "-8")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_answers_to_an_imported_file_are_guarded(shape: str) -> None:
    done = ImportedConversions(answers=[LineAnswer(2, 400, "invalid", "invalid", shape, "", "")])
    assert loose(list(csv.DictReader(io.StringIO(done.as_csv(), newline="")))) == []
