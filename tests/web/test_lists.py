"""Columns of lists: what a declaration refuses, how lists take each other's columns, and what each kind writes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from web.lists import (
    API,
    EXPORT,
    PAGE,
    Amounts,
    Code,
    Column,
    Columns,
    Decimals,
    Dress,
    Flag,
    Kind,
    Length,
    Moment,
    Money,
    Number,
    Rows,
    Text,
)
from web.lists.cells import Table
from web.lists.export import header, lines
from web.lists.sorting import sorting

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Row:
    """What the kinds are tried with."""

    value: Any
    currency: str = "EUR"
    below: list[Any] = field(default_factory=list)


def html(columns: Columns, row: Any) -> str:
    (cells,) = Table(columns, [row], QueryDict()).rows
    return "".join(cells)


def exported(column: Column, row: Any) -> object:
    ((value,),) = lines([column], row, BERLIN)
    return value


class TestWhatIsRefused:
    def test_two_columns_of_one_name(self) -> None:
        with pytest.raises(ValueError, match="Two columns are named status"):
            Columns(Column("status"), Column("status"))

    def test_a_name_that_the_base_has(self) -> None:
        with pytest.raises(ValueError, match="Two columns are named status"):
            Columns(Column("status"), base=Columns(Column("status")))

    @pytest.mark.parametrize("dress", [{"gaol": Dress()}, {"goal": Dress(lines=("ofer",))}])
    def test_a_dress_or_a_line_that_no_column_has(self, dress: dict[str, Dress]) -> None:
        with pytest.raises(ValueError, match="No column is named (gaol|ofer)"):
            Columns(base=Columns(Column("goal"), Column("offer")), dress=dress)

    @pytest.mark.parametrize("names", [{"after": "gaol"}, {"only": ["gaol"]}])
    def test_a_place_that_no_column_has(self, names: dict[str, Any]) -> None:
        own = [Column("offer", after=names["after"])] if "after" in names else []
        with pytest.raises(ValueError, match="No column is named gaol"):
            Columns(*own, base=Columns(Column("goal")), only=names.get("only", ()))

    @pytest.mark.parametrize("places", [PAGE, EXPORT, PAGE | API, EXPORT | API])
    def test_a_column_for_operators_where_affiliates_read(self, places: Any) -> None:
        with pytest.raises(ValueError, match="revenue is for operators"):
            Column("revenue", is_for_operators=True, places=places)


class TestListsOfLists:
    BASE = Columns(Column("goal"), Column("offer"), Column("ip", places=API, is_for_operators=True))

    def test_a_column_stands_after_the_one_that_it_names(self) -> None:
        columns = Columns(Column("sub1", after="goal"), Column("commission"), base=self.BASE)
        assert [column.name for column in columns] == ["goal", "sub1", "offer", "ip", "commission"]

    def test_a_column_that_is_added_to_the_base_is_in_every_list_above(self) -> None:
        base = Columns(Column("goal"))
        upper = Columns(Column("commission"), base=Columns(base=base))
        base.own = (*base.own, Column("offer"))
        assert [column.name for column in upper] == ["goal", "offer", "commission"]

    def test_some_are_taken_in_the_order_given(self) -> None:
        assert [column.name for column in Columns(base=self.BASE, only=("offer", "goal"))] == ["offer", "goal"]

    def test_the_bases_record_is_found_in_the_row(self) -> None:
        upper = Columns(Column("sub1"), base=Columns(Column("goal", read="goal.name")), at="conversion")
        row = SimpleNamespace(sub1="a", conversion=SimpleNamespace(goal=SimpleNamespace(name="Sale")))
        assert [column.of(row) for column in upper] == ["Sale", "a"]

    def test_a_line_has_no_cell_of_its_own(self) -> None:
        columns = Columns(base=self.BASE, dress={"goal": Dress(lines=("offer",))})
        assert [column.name for column in columns.cells] == ["goal"]


@pytest.mark.parametrize(
    ("kind", "value", "page", "export"),
    [
        (Text(3), "long", "lo…", "long"),
        (Text(), "<b>", "&lt;b&gt;", "<b>"),
        (Code(2), "abcd", '<code class="cell-id" title="abcd">ab</code>', "abcd"),
        (Money(), Decimal("-1234.5"), "−1,234.50", Decimal("-1234.50")),
        (Number(), 1234, "1,234", 1234),
        (Decimals(), Decimal("23.00"), "23", Decimal(23)),
        (Flag(), True, "Yes", "yes"),
        (Flag(), False, "No", "no"),
        (Length(), timedelta(hours=36), "1 day 12 hours", Decimal("1.5")),
        (Moment(), NOON, '<time class="text-nowrap" datetime="2026-11-20T12:00:00+00:00"', "2026-11-20T13:00:00+01:00"),
        (Amounts(), [("EUR", Decimal(5)), ("JPY", Decimal(700))], "5.00", "5.00 EUR; 700 JPY"),
    ],
)
def test_each_kind_writes_a_cell_and_a_value(kind: Kind, value: Any, page: str, export: object) -> None:
    column = Column("value", kind)
    assert page in html(Columns(column), Row(value))
    assert exported(column, Row(value)) == export


@pytest.mark.parametrize("kind", [Text(), Code(), Money(), Number(), Decimals(), Length(), Moment(), Amounts()])
def test_a_value_that_is_not_there_is_a_dash_and_an_empty_cell(kind: Kind) -> None:
    column = Column("value", kind)
    assert '<span class="text-secondary">–</span>' in html(Columns(column), Row(None))
    assert "cell-empty" in html(Columns(column), Row(None))
    assert exported(column, Row(None)) == ""


def test_words_stand_for_a_value_that_is_not_there() -> None:
    shown = html(Columns(Column("value", dress=Dress(empty="Carried over"))), Row(None))
    assert "Carried over" in shown
    assert "cell-empty" not in shown


def test_a_link_leads_from_the_value_and_texts_cannot_leave_it() -> None:
    columns = Columns(Column("value", dress=Dress(link=lambda row: f'/x/"{row.value}')))
    assert html(columns, Row("<i>")) == (
        '<td class="" data-label="Value"><a class="" href="/x/&quot;&lt;i&gt;">&lt;i&gt;</a></td>'
    )


def test_an_export_repeats_the_row_for_each_row_below() -> None:
    columns = [Column("currency"), Column("below", Rows(Columns(Column("name")), "goal_"))]
    goals = [SimpleNamespace(name="Sale"), SimpleNamespace(name="Lead")]
    assert header(columns) == ["currency", "goal_name"]
    assert list(lines(columns, Row(1, below=goals), BERLIN)) == [["EUR", "Sale"], ["EUR", "Lead"]]
    assert list(lines(columns, Row(1), BERLIN)) == [["EUR", ""]]


@pytest.mark.parametrize(
    ("wanted", "key", "fields"),
    [("name", "name", ("name", "-pk")), ("-name", "-name", ("-name", "pk")), ("revenue", "-made", ("-created_at",))],
)
def test_sorts_by_known_columns_only(wanted: str, key: str, fields: tuple[str, ...]) -> None:
    order = sorting(wanted, {"name": ("name", "-pk"), "made": ("created_at",)}, "-made")
    assert (order.key, order.fields) == (key, fields)
