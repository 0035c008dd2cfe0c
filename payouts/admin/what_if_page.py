"""The report of a what-if as its page shows it: sums, a chart and a table by currency, and examples."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from affiliates.models import Affiliate
from conversions.models import Conversion
from payouts.models import CommissionRule, WhatIf, WhatIfLine
from payouts.plan_changes.what_if_report import (
    TermChange,
    Total,
    compared,
    difference_words,
    lines_by_change,
    most_moved,
    terms_before,
    totals,
)
from payouts.plans.documents import rules_from
from records.money import format_money
from web.cells import link_to, moment

# How many rows the table of a currency has, and how many bars its chart has on each side.
SHOWN, BARS = 100, 8
GREY = "#8a94a6"


@dataclass(frozen=True, slots=True)
class CurrencyPart:
    """One currency."""

    total: Total
    lines: list[WhatIfLine]
    number: int
    chart: str
    bars: int


@dataclass(frozen=True, slots=True)
class ComparisonSide:
    """One side of the comparison for a conversion: the arithmetic of its lines, or why it earns nothing."""

    amount: str
    words: list[str]


@dataclass(frozen=True, slots=True)
class ShownExample:
    conversion: SafeString | str
    affiliate: SafeString | str
    happened: str
    before: ComparisonSide
    after: ComparisonSide
    change: str
    is_loss: bool


@dataclass(frozen=True, slots=True)
class WhatIfReport:
    terms: list[TermChange]
    parts: list[CurrencyPart]
    examples: list[ShownExample]
    chart_options: str


def report_of(row: WhatIf) -> WhatIfReport:
    return WhatIfReport(
        terms=compared(terms_before(row.plan, row.starts_at), _rules(row)),
        parts=[_part(row, total) for total in totals(row)],
        examples=_examples(row.examples),
        chart_options=json.dumps(CHART_OPTIONS, cls=DjangoJSONEncoder),
    )


def _rules(row: WhatIf) -> list[CommissionRule]:
    return rules_from(row.rules, row.plan.offer)


def _part(row: WhatIf, total: Total) -> CurrencyPart:
    lines = lines_by_change(row).filter(currency=total.currency)
    bars = most_moved(row, total.currency, BARS)
    return CurrencyPart(
        total, list(lines[:SHOWN]), total.gaining + total.losing + total.same, json.dumps(_chart(bars)), len(bars)
    )


def _chart(lines: list[WhatIfLine]) -> dict[str, Any]:
    """Before and after for the affiliates that lose and gain most. The chart may round; the table does not."""

    def bars(label: str, colour: str, amounts: list[Decimal]) -> dict[str, Any]:
        return {
            "label": label,
            "data": [float(amount) for amount in amounts],
            "backgroundColor": f"var({colour})",
            "maxBarThickness": 14,
            "borderRadius": 2,
        }

    return {
        "labels": [line.affiliate.name for line in lines],
        "datasets": [
            bars(gettext("By the terms in force"), "--aff-muted", [line.before for line in lines]),
            bars(gettext("By the terms tried"), "--aff-blue", [line.after for line in lines]),
        ],
    }


CHART_OPTIONS: dict[str, Any] = {
    "indexAxis": "y",
    "maintainAspectRatio": False,
    "animation": False,
    "interaction": {"mode": "index", "intersect": False, "axis": "y"},
    "plugins": {
        "legend": {
            "display": True,
            "position": "top",
            "align": "end",
            "labels": {"boxWidth": 10, "boxHeight": 10, "color": GREY, "usePointStyle": True},
        }
    },
    "scales": {
        "x": {"beginAtZero": True, "grid": {"tickLength": 0}, "ticks": {"color": GREY, "maxRotation": 0}},
        "y": {"grid": {"display": False}, "ticks": {"color": GREY, "autoSkip": False}},
    },
}


def _examples(kept: list[dict[str, Any]]) -> list[ShownExample]:
    ids = {each["conversion"] for each in kept}
    conversions = {row.public_id: row for row in Conversion.objects.filter(public_id__in=ids)}
    affiliates = Affiliate.objects.in_bulk({each["affiliate"] for each in kept})
    return [
        ShownExample(
            conversion=link_to(conversions.get(each["conversion"])),
            affiliate=link_to(affiliates.get(each["affiliate"])),
            happened=moment(datetime.fromisoformat(each["occurred_at"])),
            before=_side(each["before"]),
            after=_side(each["after"]),
            change=difference_words(Decimal(0), Decimal(each["change"]), each["currency"]),
            is_loss=Decimal(each["change"]) < 0,
        )
        for each in kept
    ]


def _side(kept: dict[str, Any]) -> ComparisonSide:
    if not kept["lines"]:
        return ComparisonSide(gettext("Nothing"), [kept["reason"]])
    sums: dict[str, Decimal] = {}
    for line in kept["lines"]:
        sums[line["currency"]] = sums.get(line["currency"], Decimal(0)) + Decimal(line["amount"])
    shown = ", ".join(format_money(amount, currency) for currency, amount in sums.items())
    return ComparisonSide(shown, [line["arithmetic"] for line in kept["lines"]])
