"""Confirmations of many rows: in groups with their sums, what needs a look left out until it is ticked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from web.panel import ChoosingForm, Left, Worth, left_words
from web.panel.choices import NAMED, SHOWN, seen_in, totals


@dataclass
class Row:
    pk: int
    affiliate: str = "Ana"
    amount: str = "10"
    currency: str = "EUR"
    needs: tuple[str, ...] = ()
    kind: str = "Sales"

    def __str__(self) -> str:
        return f"cv_{self.pk}"


class Approve(ChoosingForm):
    title, counts = "Approve", "of revenue"
    ticks = {"held": "those on hold", "capped": "those over a cap"}
    WHY = {"held": "on hold", "capped": "over a cap"}

    def keys_of(self, rows: Any) -> Any:
        return {row.pk: {key: self.WHY[key] for key in row.needs} for row in rows if row.needs}

    def worth(self, row: Row) -> Worth:
        return Worth(row.affiliate, [(Decimal(row.amount), row.currency)])

    def kind_of(self, row: Row) -> str:
        return row.kind

    def describe(self, row: Row) -> str:
        return f"{row.amount} {row.currency}"


def answer(rows: list[Row], *, seen: bool = True, **sent: str) -> Approve:
    """The form as it comes back for rows that the page showed as they are."""
    shown = {"seen": Approve(rows).seen()} if seen else {}
    form = Approve(rows, {**shown, **sent})
    assert form.is_valid()
    return form


def numbers(rows: Any) -> list[int]:
    return [row.pk for row in rows]


def test_rows_that_need_no_tick_are_chosen_and_the_others_left_with_their_reasons():
    rows = [Row(1), Row(2, needs=("held",)), Row(3, needs=("held", "capped"))]
    chosen, left = answer(rows).sorted_out(rows)
    assert numbers(chosen) == [1]
    assert left == [Left("cv_2", "on hold"), Left("cv_3", "on hold and over a cap")]


def test_a_row_with_two_reasons_needs_both_ticks():
    rows = [Row(2, needs=("held",)), Row(3, needs=("held", "capped"))]
    assert numbers(answer(rows, with_held="on").sorted_out(rows)[0]) == [2]
    assert numbers(answer(rows, with_held="on", with_capped="on").sorted_out(rows)[0]) == [2, 3]


def test_a_tick_is_offered_only_where_a_row_needs_it():
    assert list(Approve([Row(1)]).fields) == []
    assert list(Approve([Row(1, needs=("held",))]).fields) == ["with_held"]
    assert Approve([Row(1, needs=("held",))]).fields["with_held"].label == (
        "Also those on hold: 1 · 10.00 EUR of revenue"
    )


def test_a_row_that_changed_since_the_page_is_left_out_in_spite_of_every_tick():
    form = answer([Row(1), Row(2)], with_held="on")
    chosen, left = form.sorted_out([Row(1, amount="11"), Row(2, needs=("held",))])
    assert chosen == []
    assert left == [
        Left("cv_1 (now sales)", "changed since the question was shown"),
        Left("cv_2 (now sales, on hold)", "changed since the question was shown"),
    ]


def test_a_row_that_was_not_on_the_page_is_never_chosen_and_one_that_is_gone_is_counted():
    chosen, left = answer([Row(1), Row(2)]).sorted_out([Row(1), Row(3)])
    assert numbers(chosen) == [1]
    assert [each.why for each in left] == ["changed since the question was shown", "not there any more"]
    assert left[-1].name == "1"


def test_an_answer_without_a_page_is_judged_by_the_ticks_alone():
    rows = [Row(1), Row(2, needs=("held",))]
    assert numbers(answer(rows, seen=False).sorted_out(rows)[0]) == [1]


@pytest.mark.parametrize("seen", ["", "1", "1:", "x:abc", "-1:abc", "1:abc 1:def", "²:a", "9" * 19 + ":a", "\x00:1"])
def test_an_odd_snapshot_chooses_nothing(seen):
    form = Approve([Row(1)], {"seen": seen})
    assert form.is_valid()
    assert form.sorted_out([Row(1)])[0] == []
    assert all(isinstance(number, int) for number in seen_in({"seen": seen}))


def test_groups_are_by_kind_then_by_reason_each_with_its_sums_by_affiliate():
    rows = [
        Row(1, kind="Sales"),
        Row(2, kind="Leads", amount="0.5"),
        Row(3, kind="Sales", affiliate="Ben", currency="USD"),
        Row(4, needs=("held",)),
        Row(5, needs=("capped", "held")),
    ]
    groups = Approve(rows).groups()
    assert [(group.title, group.needs_tick, group.number) for group in groups] == [
        ("Leads", False, 1),
        ("Sales", False, 2),
        ("Those on hold", True, 1),
        ("Those on hold · those over a cap", True, 1),
    ]
    assert groups[1].totals == "2 · 10.00 EUR + 10.00 USD of revenue"
    assert groups[1].affiliates == [("Ana", 1, "10.00 EUR"), ("Ben", 1, "10.00 USD")]
    assert groups[3].rows == [("cv_5", "10 EUR · over a cap · on hold")]


def test_a_long_group_shows_its_first_lines_and_says_how_many_more():
    [group] = Approve([Row(number) for number in range(SHOWN + 5)]).groups()
    assert (len(group.rows), group.hidden, group.number) == (SHOWN, 5, SHOWN + 5)
    assert group.totals == "105 · 1,050.00 EUR of revenue"


def test_currencies_are_never_added():
    worths = [Worth("Ana", [(Decimal("1.005"), "EUR"), (Decimal(1), "JPY")]), Worth("Ben", [(Decimal("0.005"), "EUR")])]
    assert totals(worths) == "1.01 EUR + 1 JPY"
    assert totals([]) == ""


def test_what_was_left_out_is_named_by_reason_and_cut_where_it_would_fill_the_page():
    left = [Left("cv_1", "on hold"), Left("cv_2", "over a cap"), Left("cv_3", "on hold")]
    assert left_words(left) == "Left out: 3. On hold: cv_1, cv_3. Over a cap: cv_2."
    assert left_words([]) == ""
    many = left_words([Left(f"cv_{number}", "on hold") for number in range(NAMED + 1_000)])
    assert many.startswith("Left out: 1,200. ")
    assert many.endswith("cv_199 and 1,000 more.")
