"""Benchmark results, as values, as JSON and as a table."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Sample:
    """One measurement. `others`: share of the machine that work which is not ours took meanwhile."""

    rate: float
    cpu_ms: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    others: float | None = None


@dataclass
class Row:
    """One system, or one way of working, with its measurements under one kind of load."""

    name: str
    load: str
    unit: str
    samples: list[Sample] = field(default_factory=list)

    def median(self, name: str) -> float | None:
        values = [value for sample in self.samples if (value := getattr(sample, name)) is not None]
        return statistics.median(values) if values else None

    @property
    def rate(self) -> float:
        return statistics.median(sample.rate for sample in self.samples)


@dataclass(frozen=True)
class Ratio:
    """One row's rate over another's, round by round; `target` is what the project holds itself to."""

    name: str
    values: Sequence[float]
    target: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values) if self.values else 0.0


@dataclass(frozen=True)
class Aim:
    """A figure with a target that it is meant to stay under, or to reach."""

    name: str
    value: float
    unit: str
    # None for a figure that others are held against.
    target: float | None
    reach: bool = False

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.reach else self.value <= self.target


@dataclass(frozen=True)
class Check:
    """Something that must be so, however fast the machine is; the detail gives the numbers."""

    name: str
    holds: bool
    detail: str


@dataclass
class Report:
    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def holds(self) -> bool:
        """Whether it ran, and everything that must be so was so."""
        return not self.error and bool(self.checks) and all(check.holds for check in self.checks)

    def row(self, name: str, load: str, unit: str) -> Row:
        """The row of that name, made when it is not there yet."""
        for row in self.rows:
            if (row.name, row.load) == (name, load):
                return row
        self.rows.append(Row(name, load, unit))
        return self.rows[-1]


def ratio(name: str, ours: Row, baseline: Row, target: float | None = None) -> Ratio:
    """Compare two rows round by round, because a slow round slows both."""
    pairs = zip(ours.samples, baseline.samples, strict=True)
    return Ratio(name, [mine.rate / theirs.rate for mine, theirs in pairs], target)


def cost_ratio(name: str, theirs: Row, ours: Row) -> Ratio:
    """Compare the processor time of each, round by round: steadier than rates on a machine that others use."""
    pairs = zip(theirs.samples, ours.samples, strict=True)
    return Ratio(name, [other.cpu_ms / mine.cpu_ms for other, mine in pairs if other.cpu_ms and mine.cpu_ms])


def as_json(report: Report) -> dict[str, Any]:
    """Everything that was measured, and the medians."""
    found = asdict(report) | {"holds": report.holds}
    for row, values in zip(report.rows, found["rows"], strict=True):
        values["median"] = {name: row.median(name) for name in ("rate", "cpu_ms", "p50_ms", "p99_ms", "others")}
    for each, values in zip(report.ratios, found["ratios"], strict=True):
        values["median"] = each.median
    return found


def write(path: Path, facts: dict[str, Any]) -> None:
    """Write the results whole."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(facts, indent=2, default=str) + "\n")
    fresh.replace(path)


def show(report: Report, console: Console) -> None:
    """Print the results as text."""
    console.print()
    if report.error:
        console.print(f"[bold red]{report.name} did not finish:[/] {escape(report.error)}", soft_wrap=True)
        return
    console.print(_figures(report))
    if report.ratios or report.aims:
        console.print(_ratios(report))
    for check in report.checks:
        mark = "[green]holds [/]" if check.holds else "[bold red]BROKEN[/]"
        console.print(f"  {mark} {escape(check.name)}: {escape(check.detail)}", soft_wrap=True)
    for note in report.notes:
        console.print(f"  [dim]{escape(note)}[/]", soft_wrap=True)


def _figures(report: Report) -> Table:
    table = Table(title=report.title, title_justify="left", title_style="bold", header_style="bold")
    unit = report.rows[0].unit if report.rows else ""
    table.add_column("what")
    table.add_column("load")
    for heading in (f"{unit} / s", "lowest to highest", "CPU ms each", "p50 ms", "p99 ms", "others' CPU"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.rows:
        rates = [sample.rate for sample in row.samples]
        others = row.median("others")
        table.add_row(
            row.name, row.load, f"{row.rate:,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}",
            _number(row.median("cpu_ms"), 3), _number(row.median("p50_ms"), 1), _number(row.median("p99_ms"), 1),
            "" if others is None else f"{others:.0%}",
        )  # fmt: skip
    return table


def _ratios(report: Report) -> Table:
    table = Table(header_style="bold")
    table.add_column("compared")
    for heading in ("found", "lowest to highest", "target", ""):
        table.add_column(heading, justify="right")
    for each in report.ratios:
        met = "" if each.target is None else "met" if each.median >= each.target else "[yellow]not met[/]"
        aim = "" if each.target is None else f"at least {_times(each.target)}"
        spread = f"{_times(min(each.values, default=0))} to {_times(max(each.values, default=0))}"
        table.add_row(each.name, _times(each.median), spread, aim, met)
    for figure in report.aims:
        has_aim = figure.target is not None
        aim = f"{'at least' if figure.reach else 'at most'} {figure.target:,.0f} {figure.unit}" if has_aim else ""
        met = ("met" if figure.met else "[yellow]not met[/]") if has_aim else ""
        table.add_row(figure.name, f"{figure.value:,.1f} {figure.unit}", "", aim, met)
    return table


def _times(value: float) -> str:
    return f"{value:.2f} x" if value < 10 else f"{value:.1f} x"


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"
