"""`python -m bench`: run benchmarks on their own servers, and show and store the results."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any, NoReturn, Protocol

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from bench import machine, options, results, servers
from bench.booking import Booking
from bench.clicks import Clicks
from bench.closing import Closing
from bench.events import Events
from bench.hostile import Hostile
from bench.installation import Installation, ProgramFailed
from bench.load import LoadFailed
from bench.options import Options
from bench.postbacks import Postbacks
from bench.results import Report
from config.embedded.places import EmbeddedError

# Of the tables, where the output is not a terminal.
WIDTH = 130
# What these say is for the reader; anything else shows where it came from.
EXPLAINED = (EmbeddedError, ProgramFailed, LoadFailed)


class Benchmark(Protocol):
    """A benchmark: created for an installation, run once."""

    report: Report

    def run(self) -> Report: ...


BENCHMARKS: dict[str, Callable[[Installation, Options, Callable[[str], None]], Benchmark]] = {
    "clicks": Clicks,
    "postbacks": Postbacks,
    "booking": Booking,
    "events": Events,
    "closing": Closing,
    "hostile": Hostile,
}


def main() -> int:
    """Run the benchmarks named on the command line. Exit code 0 when all ran and every check passed, else 1."""
    chosen = options.read(sys.argv[1:])
    if sys.platform != "linux":
        print("The benchmarks read what work costs from /proc: run them on Linux.", file=sys.stderr)
        return 1
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    signal.signal(signal.SIGTERM, _stop)
    try:
        return 0 if _run_all(chosen, console) else 1
    except KeyboardInterrupt:
        console.print("\nInterrupted: everything was stopped, nothing was written.")
    except EXPLAINED as error:
        console.print(f"[bold red]The benchmarks could not start:[/] {escape(str(error))}", soft_wrap=True)
    return 1


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """A SIGTERM ends the run in the same order as Ctrl-C."""
    raise KeyboardInterrupt


def _run_all(chosen: Options, console: Console) -> bool:
    """Run, show and write; say whether all went well."""
    reports = []
    with console.status("starting PostgreSQL and Redis") as status, Installation() as site:
        facts = _describe(site, chosen, console)
        for name in chosen.names:
            reports.append(_run(name, site, chosen, partial(_report, status, name)))
            results.show(reports[-1], console)
    facts["load_at_end"] = [round(value, 2) for value in os.getloadavg()]
    results.write(chosen.output, {**facts, "benchmarks": [results.as_json(report) for report in reports]})
    console.print(f"\nWritten: {chosen.output}", soft_wrap=True)
    return all(report.holds for report in reports)


def _report(status: Status, name: str, text: str) -> None:
    status.update(f"{name}: {text}")


def _run(name: str, site: Installation, chosen: Options, say: Callable[[str], None]) -> Report:
    """Run one benchmark in its own database, so that none starts with another's rows."""
    began = time.monotonic()
    with site.own_database(name):
        benchmark = BENCHMARKS[name](site, chosen, say)
        try:
            benchmark.run()
        except EXPLAINED as error:
            benchmark.report.error = str(error)
        except Exception:
            benchmark.report.error = traceback.format_exc()
    benchmark.report.notes.append(f"Took {time.monotonic() - began:.0f} s.")
    return benchmark.report


def _describe(site: Installation, chosen: Options, console: Console) -> dict[str, Any]:
    """Show the machine's facts before the first measurement."""
    found = machine.describe(site.home)
    facts: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": vars(chosen),
        "machine": found,
        "versions": machine.versions(
            database=site.query("SHOW server_version")[0][0],
            redis=site.redis_version(),
            wrk=chosen.wrk,
            nginx=servers.nginx_program(),
        ),
        "warnings": machine.warnings(found),
    }
    console.print(
        f"{found['cores']} cores ({found['processor']}), {found['memory_gb']} GB; load average "
        f"{found['load_at_start'][0]}; a synced write takes {found['fsync_ms']} ms on {found['file_system']}.",
        soft_wrap=True,
    )
    console.print(", ".join(f"{name} {value}" for name, value in facts["versions"].items() if value), soft_wrap=True)
    for warning in facts["warnings"]:
        console.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)
    return facts


if __name__ == "__main__":
    raise SystemExit(main())
