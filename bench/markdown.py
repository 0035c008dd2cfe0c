"""The tables of a run as Markdown, for docs/benchmarks.md: `python -m bench.markdown [results.json ...]`."""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.options import RESULTS


def tables(report: dict[str, Any]) -> str:
    """The result of one benchmark: its figures, their comparison, and how many checks passed."""
    unit = report["rows"][0]["unit"]
    heads = ["", "load", f"{unit}/s", "lowest to highest", "CPU ms each", "p50 ms", "p99 ms", "others' CPU"]
    lines = [f"### {report['title']}", "", *_table(heads, [_figures(row) for row in report["rows"]]), ""]
    lines += _table(["compared", "found", "lowest to highest", "target", ""], _comparisons(report))
    held = sum(check["holds"] for check in report["checks"])
    return "\n".join([*lines, "", f"{held} of {len(report['checks'])} checks held.", ""])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---" if place < 1 else "---:" for place in range(len(heads))]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def _figures(row: dict[str, Any]) -> list[str]:
    median, rates = row["median"], [sample["rate"] for sample in row["samples"]]
    return [
        row["name"],
        row["load"],
        f"**{median['rate']:,.0f}**",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        *(_shown(median[name], form) for name, form in (("cpu_ms", ".3f"), ("p50_ms", ".1f"), ("p99_ms", ".1f"))),
        _shown(median["others"], ".0%"),
    ]


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _comparisons(report: dict[str, Any]) -> list[list[str]]:
    rows = []
    for each in report["ratios"]:
        found, target = statistics.median(each["values"]), each["target"]
        spread = f"{min(each['values']):.2f} to {max(each['values']):.2f}"
        aim = "" if target is None else f"at least {target:g}"
        rows.append([each["name"], f"**{found:.2f}**", spread, aim, "" if target is None else _met(found >= target)])
    for each in report["aims"]:
        if each["target"] is None:
            rows.append([each["name"], f"**{each['value']:,.1f}** {each['unit']}".strip(), "", "", ""])
            continue
        aim = f"{'at least' if each['reach'] else 'at most'} {each['target']:,.0f} {each['unit']}".strip()
        met = each["value"] >= each["target"] if each["reach"] else each["value"] <= each["target"]
        rows.append([each["name"], f"**{each['value']:,.1f}** {each['unit']}".strip(), "", aim, _met(met)])
    return rows


def _met(met: bool) -> str:
    return "met" if met else "not met"


if __name__ == "__main__":
    for path in [Path(given) for given in sys.argv[1:]] or [RESULTS]:
        for found in json.loads(path.read_text())["benchmarks"]:
            print(tables(found))
