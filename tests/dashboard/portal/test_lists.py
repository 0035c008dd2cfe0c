"""Every column of every list stands on the page, in the export and in the API where it says so, with one value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.dateparse import parse_duration

from affiliates.models import Affiliate, User
from config.api_urls import described
from conversions.lists import conversions as conversion_columns
from conversions.reasons.codes import Reason
from dashboard.portal.lists.base import PortalList
from dashboard.portal.lists.clicks import ClickList
from dashboard.portal.lists.conversions import ConversionList
from dashboard.portal.lists.invoices import InvoiceList
from dashboard.portal.lists.ledger import LedgerList, StatementLines
from dashboard.portal.lists.links import LinkList
from dashboard.portal.lists.offers import OfferList
from dashboard.portal.lists.payouts import PayoutList
from dashboard.portal.lists.statements import StatementList
from dashboard.portal.urls import urlpatterns
from payouts.models import LedgerEntry
from records.words import duration_words
from tests.dashboard.portal_pages import World, rows_of, signed_in, words, world_of
from tests.factories import (
    InvoiceFactory,
    LedgerEntryFactory,
    PayoutFactory,
    StatementFactory,
)
from tests.rest import client_of, results
from tracking.models import SUB_IDS
from web.lists import API, EXPORT, PAGE, Amounts, Choice, Column, Flag, Length, Moment, Money, Named, Rows

pytestmark = pytest.mark.django_db

# The REST list that shows the same rows.
LISTS: dict[type[PortalList], str] = {
    OfferList: "offers",
    LinkList: "links",
    ConversionList: "conversions",
    ClickList: "clicks",
    LedgerList: "ledger-entries",
    StatementLines: "ledger-entries",
    StatementList: "statements",
    PayoutList: "payouts",
    InvoiceList: "invoices",
}
# What the portal shows is an affiliate's own.
WHOSE = {"affiliate", "advertiser"}
HOW_TO = Path(settings.BASE_DIR) / "docs" / "how-to" / "add-a-column.md"
OCTOBER = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def world(ana: Affiliate) -> World:
    """One row in every list, with a value in every column."""
    world = world_of(ana, name="Casino & Co", requires_approval=True)
    labels = {name: f"label of {name}" for name in (*SUB_IDS, "aff_click_id", "source", "referrer")}
    consent = {"consent": "denied", "consent_basis": "consent=no"}
    click = world.click(country="DE", device="phone", is_bot=True, is_duplicate=True, **labels, **consent)
    given = {"transaction_id": "tx-<1>", "click_id": click.pk, "is_test": True, "occurred_at": OCTOBER}
    late = {"status": "pending", "reason": Reason.AWAITS_APPROVAL, "received_at": OCTOBER + timedelta(days=3)}
    conversion = world.conversion(**given, **late)
    LedgerEntryFactory(
        affiliate=ana,
        kind=LedgerEntry.Kind.COMMISSION,
        amount=Decimal("-1234.5"),
        conversion=conversion,
        plan_version=world.offer.commission_plans.get().versions.get(),
        occurred_at=OCTOBER,
    )
    statement = StatementFactory(affiliate=ana, closing=Decimal("1234.5"), opening=Decimal("1134.5"))
    PayoutFactory(
        statement=statement,
        status="paid",
        vat=Decimal("7.5"),
        fee=Decimal("1.25"),
        sent_amount=Decimal(200_000),
        sent_currency="JPY",
        rate=Decimal("162.5"),
        rate_day=OCTOBER.date(),
        rate_source="ecb",
        reference="SEPA-1",
        paid_at=OCTOBER,
    )
    bill = InvoiceFactory(statement=statement)
    InvoiceFactory(statement=statement, kind="credit_note", original=bill, net=Decimal(-5), percent=Decimal("19.00"))
    return world


def address(kind: type[PortalList], world: World, suffix: str = "") -> str:
    number = world.affiliate.statements.get().number if kind is StatementLines else None
    return reverse(f"portal:{kind.name}{suffix}", args=[number] if number else [])


@dataclass
class Shown:
    """The first row of a list in the three places: its cells by heading, its line, its object."""

    headings: list[str]
    cells: dict[str, str]
    line: dict[str, str]
    fields: dict[str, Any]


def shown(kind: type[PortalList], world: World, client: Client) -> Shown:
    html = client.get(address(kind, world)).content.decode()
    line = rows_of(client.get(address(kind, world, "_export")))[0]
    listing = html.split('id="listing"')[1]
    fields = results(client_of(world.affiliate), LISTS[kind])[0]
    if kind is OfferList:  # Cards, without headings.
        return Shown([], {column.name: listing for column in kind.columns.cells}, line, fields)
    headings = [plain(each) for each in re.findall(r"(?s)<th\b.*?</th>", listing)]
    cells = re.findall(r"(?s)<td\b.*?</td>", re.search(r"(?s)<tbody>(.*?)</tbody>", listing)[1].split("</tr>")[0])  # type: ignore[index]
    names = [column.name for column in kind.columns.cells]
    return Shown(headings, dict(zip(names, cells, strict=True)), line, fields)


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def cell_of(kind: type[PortalList], found: Shown, name: str) -> str:
    """The cell that has the column, or the one in which it is a line."""
    owner = next((each.name for each in kind.columns.cells if name in (each.name, *each.dress.lines)), name)
    return unescape(found.cells[owner])


def same_in_export(column: Column, written: str, field: Any) -> bool:
    if isinstance(column.kind, Moment):
        return datetime.fromisoformat(written) == datetime.fromisoformat(field).replace(microsecond=0)
    return written == exported(column, field)


def exported(column: Column, field: Any) -> str:
    """What the export writes for the API's value."""
    match column.kind:
        case Named():
            return str(field["name"])
        case Amounts():
            return "; ".join(f"{each['amount']} {each['currency']}" for each in field)
        case Flag():
            return "yes" if field else "no"
        case _:
            return "" if field is None else str(field)


def same_on_page(column: Column, html: str, line: dict[str, str]) -> bool:
    """Whether the cell says what the export says, in words."""
    written, text = unquoted(line[column.name]), plain(html)
    match column.kind:
        case Moment():
            return f'datetime="{datetime.fromisoformat(written).astimezone(UTC):%Y-%m-%dT%H:%M:%S}' in html
        case Money(currency=currency):
            return f"{Decimal(written):,}".replace("-", "−") + f" {line[currency]}" in text
        case Amounts():
            return all(f"{Decimal(one.split()[0]):,}".replace("-", "−") in text for one in written.split("; "))
        case Flag(badges=badges):
            return (badges[0][1] if badges else column.heading).lower() in text.lower()
        case Choice():
            return written.replace("_", " ") in text.lower()
        case _:
            return written in html or f"{int(written):,}" in text


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_every_column_stands_where_it_is_declared(kind: type[PortalList], world: World) -> None:
    found = shown(kind, world, signed_in(world.affiliate))
    assert found.headings == ([column.heading for column in kind.columns.cells] if found.headings else [])
    plain_columns = [column.name for column in kind.columns.within(EXPORT) if not isinstance(column.kind, Rows)]
    assert [name for name in found.line if not name.startswith("goal_")] == plain_columns
    declared = {column.name: column.is_for_operators for column in kind.columns.within(API)}
    assert {name for name, is_hidden in declared.items() if not is_hidden} == declared.keys() & found.fields.keys()


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_export_and_api_give_one_value(kind: type[PortalList], world: World) -> None:
    found = shown(kind, world, signed_in(world.affiliate, time_zone="Asia/Tokyo"))
    both = kind.columns.within(EXPORT | API)
    assert both
    written = {column.name: found.line[column.name] for column in both}
    assert {name for name, value in written.items() if value == ""} <= {"clicks", "payout", "original"}
    assert [c.name for c in both if not same_in_export(c, unquoted(written[c.name]), found.fields[c.name])] == []


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_page_and_export_give_one_value(kind: type[PortalList], world: World) -> None:
    found = shown(kind, world, signed_in(world.affiliate, time_zone="Asia/Tokyo"))
    both = [column for column in kind.columns.within(PAGE | EXPORT) if found.line[column.name]]
    assert len(both) > 2
    wrong = [c.name for c in both if not same_on_page(c, cell_of(kind, found, c.name), found.line)]
    assert wrong == []


def unquoted(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running a text."""
    return text.removeprefix("'")


def test_a_length_of_time_is_one_on_page_and_in_the_api(world: World) -> None:
    found = shown(OfferList, world, signed_in(world.affiliate))
    columns = [column for column in OfferList.columns.within(PAGE | API) if isinstance(column.kind, Length)]
    assert columns
    for column in columns:
        length = parse_duration(found.fields[column.name])
        assert length is not None
        assert duration_words(length) in plain(cell_of(OfferList, found, column.name))


def test_an_export_of_offers_gives_the_goals_as_the_api_does(world: World) -> None:
    found = shown(OfferList, world, signed_in(world.affiliate))
    goal = found.fields["goals"][0]
    assert (found.line["goal_code"], found.line["goal_name"]) == (goal["code"], goal["name"])


def test_every_list_is_tried_and_has_a_page_and_an_export() -> None:
    assert set(LISTS) == set(PortalList.__subclasses__())
    names = {str(pattern.name) for pattern in urlpatterns}
    assert {f"{kind.name}{suffix}" for kind in LISTS for suffix in ("", "_export")} <= names


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_every_list_names_its_filters_and_says_what_to_do_when_nothing_is_left(
    kind: type[PortalList], world: World
) -> None:
    client, query = signed_in(world.affiliate), "?q=nothing" if "q" in kind.filters.base_fields else "?until=2001-01-01"
    if kind is ClickList:
        query = "?sub1=nothing"
    page = client.get(address(kind, world) + query)
    assert str(kind.no_match.title) in words(page)
    assert str(kind.no_match.text) in words(page)
    assert "Clear filters" in words(page)
    assert rows_of(client.get(address(kind, world, "_export") + query)) == []


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_headings_sort_page_and_export_both_ways(kind: type[PortalList], world: World) -> None:
    client = signed_in(world.affiliate)
    for name in kind.columns.sorts:
        for key in (name, f"-{name}"):
            page = client.get(f"{address(kind, world)}?sort={key}")
            assert page.status_code == 200
            assert page.context["list"].sorting().key == key
            assert rows_of(client.get(f"{address(kind, world, '_export')}?sort={key}"))


@pytest.mark.parametrize(
    ("path", "sort", "column", "first", "last"),
    [
        ("statements", "closing", "closing", "100.00", "300.00"),
        ("payouts", "amount", "amount", "100.00", "300.00"),
        ("invoices", "gross", "gross", "100.00", "300.00"),
    ],
)
def test_lists_of_money_are_sorted_by_amount(
    ana: Affiliate, path: str, sort: str, column: str, first: str, last: str
) -> None:
    for amount, currency in ((200, "EUR"), (100, "USD"), (300, "GBP")):
        statement = StatementFactory(affiliate=ana, earned=Decimal(amount), currency=currency)
        PayoutFactory(statement=statement)
        InvoiceFactory(statement=statement)
    client = signed_in(ana)

    up, down = (rows_of(client.get(f"/earnings/{path}/export/?sort={key}")) for key in (sort, f"-{sort}"))

    assert (up[0][column], up[-1][column]) == (first, last)
    assert down == up[::-1]
    page = words(client.get(f"/earnings/{path}/?sort=-{sort}"))
    assert page.index("300.00") < page.index("200.00") < page.index("100.00")


@pytest.mark.parametrize(
    ("path", "query", "numbers"),
    [
        ("statements", "currency=USD", ["USD"]),
        ("statements", "until=2026-10-30", []),
        ("payouts", "status=paid", ["EUR"]),
        ("payouts", "status=due&currency=EUR", []),
        ("invoices", "kind=credit_note", []),
        ("invoices", "kind=invoice&currency=EUR", ["EUR"]),
    ],
)
def test_lists_of_money_are_filtered_on_page_and_in_export(
    ana: Affiliate, path: str, query: str, numbers: list[str]
) -> None:
    for currency, status in (("EUR", "paid"), ("USD", "due")):
        statement = StatementFactory(affiliate=ana, currency=currency)
        paid = {"status": "paid", "reference": "SEPA", "paid_at": OCTOBER} if status == "paid" else {}
        PayoutFactory(statement=statement, **paid)
        InvoiceFactory(statement=statement)
    client = signed_in(ana)

    assert [row["currency"] for row in rows_of(client.get(f"/earnings/{path}/export/?{query}"))] == numbers
    assert client.get(f"/earnings/{path}/?{query}").context["page"].paginator.count == len(numbers)


class TestAColumnThatIsAdded:
    """The example of docs/how-to/add-a-column.md, put into the file as that page says."""

    @pytest.fixture(autouse=True)
    def added(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        function, entry = re.findall(r"(?s)```python\n(.*?)```", HOW_TO.read_text())
        text = Path(str(conversion_columns.__file__)).read_text().replace(" Named,", " Named, Number,", 1)
        head, start, columns = text.partition("CONVERSIONS = Columns(\n")
        module = ModuleType(conversion_columns.__name__)
        code = f"{head}{function}\n\n{start}{columns.rstrip().removesuffix(')')}    {entry.rstrip()},\n)\n"
        exec(compile(code, "conversions/lists/conversions.py", "exec"), vars(module))  # noqa: S102 # our own page
        monkeypatch.setattr(conversion_columns.CONVERSIONS, "own", module.CONVERSIONS.own)
        described.cache_clear()
        yield
        described.cache_clear()

    def test_stands_on_the_page(self, world: World) -> None:
        found = shown(ConversionList, world, signed_in(world.affiliate))
        assert found.headings[1:3] == ["Happened", "Days to report"]
        assert plain(found.cells["days_to_report"]) == "3"

    def test_stands_in_the_export(self, world: World) -> None:
        assert shown(ConversionList, world, signed_in(world.affiliate)).line["days_to_report"] == "3"

    def test_stands_in_the_api_of_affiliates_and_operators(self, world: World, olga: User) -> None:
        for asker in (world.affiliate, olga):
            assert [row["days_to_report"] for row in results(client_of(asker), "conversions")] == [3]

    def test_stands_in_the_description_of_the_api(self) -> None:
        fields = described()["components"]["schemas"]["Conversion"]["properties"]
        assert fields["days_to_report"] == {"type": "integer", "readOnly": True}


def test_a_column_from_another_row_needs_no_query_for_each_row(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    base = conversion_columns.CONVERSIONS
    far = Column("parent", read="link.enrollment.affiliate.parent.name", nullable=True)
    client, script = signed_in(world.affiliate), client_of(world.affiliate)
    places = ((client, "/conversions/"), (client, "/conversions/export/"), (script, "/api/v1/conversions/"))
    before = [queries_of(asker, path) for asker, path in places]

    monkeypatch.setattr(base, "own", (*base.own, far))
    for _ in range(3):
        world.conversion()

    assert [queries_of(asker, path) for asker, path in places] == before


def queries_of(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        response: Any = client.get(path)
        assert b"".join(response.streaming_content) if response.streaming else response.content
    return len(caught)


def test_affiliates_get_no_column_that_is_for_operators(world: World, olga: User) -> None:
    for kind, resource in LISTS.items():
        hidden = {column.name for column in kind.columns if column.is_for_operators}
        assert not hidden & {column.name for column in kind.columns.within(PAGE)}
        assert not hidden & {column.name for column in kind.columns.within(EXPORT)}
        assert not hidden & results(client_of(world.affiliate), resource)[0].keys()
        assert hidden <= results(client_of(olga), resource)[0].keys()
