"""Columns of the panel: declared once for lists, detail pages and exports."""

import ast
import csv
import io
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from inspect import getsource, isfunction, unwrap
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import FieldError
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.html import escape
from import_export.admin import ExportMixin

from affiliates.models import Affiliate, User
from payouts.admin import PayoutAdmin
from payouts.models import Payout, Statement
from tests.dashboard.panel import populate
from tests.factories import AffiliateFactory, PayoutFactory, StatementFactory
from web.panel import column, export_of, two_lines
from web.panel.columns import PanelColumn

PAGE = Path(settings.BASE_DIR) / "docs" / "how-to" / "add-a-panel-column.md"
OURS = ("web", "affiliates", "tracking", "conversions", "payouts")
EXPORTS = {
    "tracking_click": (
        "clicked_at click_id affiliate_id affiliate offer link_code country device os browser asn is_data_centre"
        " is_bot is_duplicate source aff_click_id sub1 sub2 sub3 sub4 sub5 sub6 sub7 sub8 sub9 sub10 referrer"
        " consent consent_basis"
    ),
    "conversions_postback": (
        "public_id received_at endpoint method advertiser ip outcome reason click_id transaction_id conversion_id"
        " parameters"
    ),
    "conversions_conversion": (
        "public_id status reason affiliate_id affiliate advertiser offer goal transaction_id customer_id click_id"
        " link_code evidence revenue refunded payout currency extras occurred_at received_at approve_at booked_at"
        " commission"
    ),
    "payouts_ledgerentry": (
        "affiliate_id affiliate sequence kind amount currency conversion_id payout_id plan_version arithmetic"
        " occurred_at booked_at previous_hash hash"
    ),
    "payouts_payout": (
        "public_id affiliate_id affiliate statement amount currency vat fee sent_amount sent_currency rate status"
        " reference created_at paid_at"
    ),
    "payouts_invoice": (
        "number kind issued_at affiliate_id supplier supplier_vat_number statement corrects rule percent net vat gross"
        " currency local_vat local_currency local_rate"
    ),
}


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    """Olga's browser."""
    client.force_login(olga)
    return client


def path_of(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def tables() -> Iterator[Any]:
    """Every list of the panel, and every table on a page."""
    for model, page in admin.site._registry.items():
        yield page
        yield from (table(model, admin.site) for table in page.inlines)


def exported(desk: Client, path: str) -> list[dict[str, str]]:
    """The rows of an export with all its columns."""
    form = desk.get(path).context["form"]
    boxes = [name for name in form.fields if name not in ("format", "resource", "export_items")]
    answer = desk.post(path, {"format": "0", "resource": "0", **dict.fromkeys(boxes, "on")})
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_every_column_can_be_read_for_a_row(olga):
    """A detail page shows an `AttributeError` as an empty field, so opening the page would not find it."""
    populate(1)
    request = RequestFactory().get("/")
    request.user = olga
    read = 0
    for page in tables():
        row = page.get_queryset(request).order_by("pk").first()
        for name in dir(type(page)):
            declared = getattr(type(page), name, None)
            if isinstance(declared, PanelColumn) and row is not None:
                assert not re.search(r"bound method|functools|object at 0x", str(declared(row))), f"{page} {name}"
                declared.value(row)
                read += 1
    assert read > 200


def display_methods() -> dict[str, Callable[..., Any]]:
    """The methods of all pages and tables that lists and detail pages show, by name."""
    return {
        method.__qualname__: method
        for page in tables()
        for kind in type(page).__mro__
        for method in map(unwrap, filter(isfunction, vars(kind).values()))
        if hasattr(method, "short_description") and method.__module__.partition(".")[0] in OURS
    }


def test_a_value_of_one_expression_is_a_declared_column_and_no_method():
    methods = display_methods()
    short = [name for name, method in methods.items() if len(statements(method)) == 1]
    assert methods
    assert short == []


def statements(method: Callable[..., Any]) -> list[ast.stmt]:
    [function] = ast.parse(dedent(getsource(method))).body
    assert isinstance(function, ast.FunctionDef)
    return function.body[1 if ast.get_docstring(function) else 0 :]


def test_every_list_opens_sorted_by_each_column_that_sorts(desk):
    populate(1)
    for model, page in admin.site._registry.items():
        for number, name in enumerate(page.list_display, start=1):
            if page.sortable_by is None or name in page.sortable_by:
                assert desk.get(path_of(model, "changelist"), {"o": f"-{number}"}).status_code == 200, name


def test_every_list_that_exports_is_listed_here():
    exporting = [model for model, page in admin.site._registry.items() if isinstance(page, ExportMixin)]
    assert {f"{model._meta.app_label}_{model._meta.model_name}" for model in exporting} == EXPORTS.keys()


@pytest.mark.parametrize("name", EXPORTS)
def test_the_headings_of_an_export_and_their_order_stay(desk, name):
    populate(1)
    row = exported(desk, reverse(f"admin:{name}_export"))[0]
    assert list(row) == EXPORTS[name].split()


def test_the_export_has_the_plain_values_of_what_the_page_shortens(desk):
    payout = PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(name="Ana & Co")))
    [row] = exported(desk, path_of(Payout, "export"))
    assert (row["affiliate"], row["statement"]) == ("Ana & Co", payout.statement.number)
    assert "Ana &amp; Co" in desk.get(path_of(Payout, "changelist")).content.decode()


def test_amounts_of_columns_are_exported_as_numbers_and_texts_are_guarded(desk, monkeypatch):
    PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(name="=1+1")))
    debt = column("Debt", lambda row: -row.amount)
    monkeypatch.setattr(PayoutAdmin, "resource_classes", (export_of(Payout, ("debt", debt), ("name", "affiliate")),))
    [row] = exported(desk, path_of(Payout, "export"))
    assert (Decimal(row["debt"]), row["name"]) == (-Payout.objects.get().amount, "'=1+1")


@pytest.mark.parametrize("name", ["<b>Ana</b>", "{} {0}", "Ana's “München” & Söhne"])
def test_names_are_escaped_in_links_and_in_cells_of_two_lines(desk, name):
    PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(name=name)))
    for model in (Affiliate, Statement, Payout):
        page = desk.get(path_of(model, "changelist")).content.decode()
        assert escape(name) in page
        assert name == "{} {0}" or name not in page


def test_a_path_through_an_empty_relation_is_shown_as_missing(desk):
    statement = StatementFactory()
    page = desk.get(path_of(type(statement), "change", statement.pk)).content.decode()
    assert "None: nothing was due" in page


def test_a_path_that_names_no_attribute_fails_with_its_name(desk, monkeypatch):
    payout = PayoutFactory()
    monkeypatch.setattr(PayoutAdmin, "shown_id", column("Payout", "affiliate.nickname"))
    for path in (path_of(Payout, "changelist"), path_of(Payout, "change", payout.pk)):
        with pytest.raises(FieldError, match="reads affiliate.nickname, but Affiliate has no nickname"):
            desk.get(path)


def test_a_column_can_be_a_line_of_another(desk, monkeypatch):
    PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(name="Ana", country="FR")))
    country = column("Country", "affiliate.country", lambda code: f"from {code}")
    monkeypatch.setattr(PayoutAdmin, "shown_id", two_lines("Payout", "affiliate.name", country))
    assert "from FR" in desk.get(path_of(Payout, "changelist")).content.decode()


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """The column that the documentation adds to the list of payouts."""
    module = ModuleType("documented")
    exec(PAGE.read_text().split("```python\n")[1].split("```")[0], vars(module))  # noqa: S102 # our own page
    for name, value in vars(module.PayoutWithCountryAdmin).items():
        if not name.startswith("__") and name != "media":
            monkeypatch.setattr(PayoutAdmin, name, value, raising=False)


def test_the_documented_column_stands_in_list_page_and_export(desk, documented):
    payout = PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(country="FR")))
    PayoutFactory(statement=StatementFactory(affiliate=AffiliateFactory(country="")))
    listed = desk.get(path_of(Payout, "changelist")).content.decode()
    assert '<span class="aff-code">FR</span>' in listed
    assert "Not known" in listed
    assert "Country" in desk.get(path_of(Payout, "change", payout.pk)).content.decode()
    assert sorted(row["country"] for row in exported(desk, path_of(Payout, "export"))) == ["", "FR"]
