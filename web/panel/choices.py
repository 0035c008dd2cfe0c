"""Confirmations for many rows: shown in groups with their amounts; rows that need a check are left out unless ticked.

The page has a fingerprint of what it showed of each row. A row that has changed by the time of the answer is left out
and named: the answer applies to what was shown.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.utils.translation import gettext
from unfold.widgets import UnfoldBooleanSwitchWidget

from records.money import format_money
from records.translation import gettext_lazy as _
from web.panel.confirm import ConfirmForm

# By the tick that a row needs, the reason in words.
Keys = Mapping[str, str]
# Lines of a group on the page, and names that an answer lists for one reason.
SHOWN, NAMED = 100, 200
CHANGED = _("changed since the question was shown")


class Worth(NamedTuple):
    """The affiliate of a row, and its amounts with their currencies."""

    affiliate: str
    amounts: Sequence[tuple[Decimal, str]] = ()


class RowGroup(NamedTuple):
    """Rows that are confirmed together."""

    title: str
    needs_tick: bool
    number: int
    totals: str
    affiliates: list[tuple[str, int, str]]
    rows: list[tuple[str, str]]
    hidden: int


class Left(NamedTuple):
    """A row that was left out, and why in words."""

    name: str
    why: str


class ChoosingForm(ConfirmForm):
    """A `ConfirmForm` whose rows may need a tick; `ticks` has the label of each."""

    most = 5_000
    ticks: ClassVar[dict[str, str]] = {}
    # The label of the totals.
    counts: ClassVar[str] = ""

    def __init__(self, rows: Sequence[Any], data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.standing = self.keys_of(rows)
        for key, label in self.ticks.items():
            found = [row for row in rows if key in self.standing.get(row.pk, {})]
            if found or (data is not None and f"with_{key}" in data):
                self.fields[f"with_{key}"] = forms.BooleanField(
                    required=False,
                    label=gettext("Also {label}: {counted}").format(label=label, counted=self._counted(found)),
                    help_text=gettext("Left out unless you tick it."),
                    widget=UnfoldBooleanSwitchWidget,
                )

    def keys_of(self, rows: Sequence[Any]) -> dict[int, Keys]:
        """By row, the ticks that it needs in its current state, each with its reason in words."""
        raise NotImplementedError

    def worth(self, row: Any) -> Worth:
        raise NotImplementedError

    def kind_of(self, row: Any) -> str:
        """The heading of rows that need no tick."""
        return ""

    def seen(self) -> str:
        """The fingerprints of the rows on the page, to be sent back with the answer."""
        return " ".join(f"{row.pk}:{self._print(row, self.standing)}" for row in self.rows)

    def _print(self, row: Any, standing: Mapping[int, Keys]) -> str:
        shown = [self.kind_of(row), self.describe(row), *sorted(standing.get(row.pk, {}).values())]
        return hashlib.sha256("\n".join(shown).encode()).hexdigest()[:12]

    def sorted_out(self, rows: Sequence[Any]) -> tuple[list[Any], list[Left]]:
        """The rows that the answer is for, read again under their locks, and those that are left out."""
        standing = self.keys_of(rows)
        seen = seen_in(self.data) if "seen" in self.data else None
        chosen: list[Any] = []
        left: list[Left] = []
        for row in rows:
            keys = standing.get(row.pk, {})
            missing = [why for key, why in keys.items() if not self.cleaned_data.get(f"with_{key}")]
            if seen is not None and seen.get(row.pk) != self._print(row, standing):
                left.append(Left(f"{row} ({self._now(row, keys)})", CHANGED))
            elif missing:
                left.append(Left(str(row), " and ".join(missing)))
            else:
                chosen.append(row)
        if seen is not None and (gone := len(seen.keys() - {row.pk for row in rows})):
            left.append(Left(str(gone), gettext("not there any more")))
        return chosen, left

    def _now(self, row: Any, keys: Keys) -> str:
        return gettext("now {names}").format(names=", ".join([self.kind_of(row).lower(), *keys.values()]).strip(", "))

    def groups(self) -> list[RowGroup]:
        """The groups of the page: first rows that need no tick, by kind, then the others, by their reasons."""
        ordinary: dict[str, list[Any]] = defaultdict(list)
        ticked: dict[str, list[Any]] = defaultdict(list)
        for row in self.rows:
            if keys := self.standing.get(row.pk):
                title = " · ".join(str(label) for key, label in self.ticks.items() if key in keys)
                ticked[f"{title[:1].upper()}{title[1:]}"].append(row)
            else:
                ordinary[self.kind_of(row)].append(row)
        return [
            *(self._group(title, rows, needs_tick=False) for title, rows in sorted(ordinary.items())),
            *(self._group(title, rows, needs_tick=True) for title, rows in sorted(ticked.items())),
        ]

    def sum_words(self) -> str:
        """The totals of all rows of the confirmation."""
        return self._counted(self.rows)

    def _counted(self, rows: Sequence[Any]) -> str:
        money = totals([self.worth(row) for row in rows])
        return f"{len(rows):,} · {money} {self.counts}".strip() if money else f"{len(rows):,}"

    def _group(self, title: str, rows: list[Any], *, needs_tick: bool) -> RowGroup:
        by_affiliate: dict[str, list[Worth]] = defaultdict(list)
        for row in rows:
            worth = self.worth(row)
            by_affiliate[worth.affiliate].append(worth)
        lines = [(name, len(found), totals(found)) for name, found in sorted(by_affiliate.items())]
        described = [(str(row), self._described(row)) for row in rows[:SHOWN]]
        return RowGroup(title, needs_tick, len(rows), self._counted(rows), lines, described, len(rows) - len(described))

    def _described(self, row: Any) -> str:
        return " · ".join([self.describe(row), *self.standing.get(row.pk, {}).values()])


def seen_in(data: Mapping[str, Any]) -> dict[int, str]:
    """The rows that a page showed, by their primary keys, with the fingerprint of each."""
    found: dict[int, str] = {}
    for part in str(data.get("seen", "")).split():
        pk, _, shown = part.partition(":")
        if pk.isascii() and pk.isdigit() and len(pk) <= 18:
            found[int(pk)] = shown
    return found


def totals(worths: Iterable[Worth]) -> str:
    """`120.00 EUR + 10.00 USD`; currencies are never added."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for worth in worths:
        for amount, currency in worth.amounts:
            sums[currency] += amount
    return " + ".join(format_money(amount, currency) for currency, amount in sorted(sums.items()))


def left_words(left: Sequence[Left]) -> str:
    """`Left out: 3. Held for review: cv_1, cv_2. Over a cap: cv_3.` Empty for none."""
    if not left:
        return ""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for each in left:
        by_reason[each.why].append(each.name)
    parts = [f"{why[:1].upper()}{why[1:]}: {_names(names)}." for why, names in by_reason.items()]
    return " ".join([gettext("Left out: {number_of_left:,}.").format(number_of_left=len(left)), *parts])


def _names(names: Sequence[str]) -> str:
    more = (
        gettext(" and {number_of_names:,} more").format(number_of_names=len(names) - NAMED)
        if len(names) > NAMED
        else ""
    )
    return f"{', '.join(names[:NAMED])}{more}"
