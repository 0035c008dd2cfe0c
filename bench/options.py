"""The command line of `python -m bench`."""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from config.embedded.places import ROOT

RESULTS = ROOT / "bench" / "results.json"
NAMES = ("clicks", "postbacks", "booking", "events", "closing", "hostile")
QUICK = {
    "seconds": 0.5,
    "rounds": 1,
    "rows": 5_000,
    "stored": 2_000,
    "conversions": 300,
    "affiliates": 60,
    "sample": 20,
    "connections": 16,
}


@dataclass(frozen=True)
class Options:
    """The benchmarks to run and their duration. `rows`: clicks already stored; `stored`: conversions already stored
    when postbacks are measured; `affiliates`: those whose period is closed; `sample`: conversions booked, and
    affiliates closed, one by one.
    """

    names: tuple[str, ...] = NAMES
    seconds: float = 5.0
    rounds: int = 3
    rows: int = 1_000_000
    stored: int = 200_000
    conversions: int = 50_000
    affiliates: int = 10_000
    sample: int = 1_000
    connections: int = 64
    quick: bool = False
    output: Path = RESULTS
    wrk: str | None = None


def read(arguments: list[str]) -> Options:
    """Read the command line; argparse ends the program with an error message on a wrong one."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    if unknown := [name for name in given["names"] if name not in NAMES]:
        parser.error(f"unknown benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    full, own = given.pop("full"), given.pop("own_generator")
    chosen = {name: value for name, value in given.items() if value is not None}
    chosen["names"] = tuple(name for name in NAMES if not given["names"] or name in given["names"])
    defaults = QUICK if chosen.get("quick") else {}
    if full:
        chosen.setdefault("conversions", 1_000_000)
    options = Options(**{**defaults, **chosen}, wrk=None if own else shutil.which("wrk"))
    for name in ("seconds", "rounds", "conversions", "affiliates", "sample", "connections"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name} must be above 0, not {getattr(options, name)}")
    for name in ("rows", "stored"):
        if (given := getattr(options, name)) < 0:
            parser.error(f"--{name} must not be negative, but is {given}; 0 leaves the growth of the tables out")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__import__('bench').__doc__} Writes a table and bench/results.json; starts its own PostgreSQL "
        "(durable, fsync on) and Redis in a directory of its own and stops them.",
        epilog="Exit code 0: every benchmark ran and its correctness checks hold (stored = answered and the like). "
        "Times decide nothing: they depend on the machine and on what else it does. Targets stand beside the ratios.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seconds", type=float, help="length of each measurement under load (5)")
    parser.add_argument("--rounds", type=int, help="how often each is measured, in turns; medians count (3)")
    parser.add_argument("--connections", type=int, help="connections of the load generator (64)")
    parser.add_argument(
        "--rows", type=int, help="clicks already stored when growth is measured, e.g. 20000000 (1000000; 0: left out)"
    )
    parser.add_argument(
        "--stored",
        type=int,
        help="conversions already stored when the growth of postbacks is measured, e.g. 5000000 (200000; 0: left out)",
    )
    parser.add_argument("--conversions", type=int, help="conversions to book (50000)")
    parser.add_argument("--full", action="store_true", help="book 1,000,000 conversions")
    parser.add_argument("--affiliates", type=int, help="affiliates whose period is closed (10000)")
    parser.add_argument(
        "--sample",
        type=int,
        help="conversions that the baseline books one by one, each round (1000); so many affiliates in all, at most a "
        "tenth of them, are closed one by one",
    )
    parser.add_argument("--quick", action="store_true", default=None, help="a run of seconds that shows that all works")
    parser.add_argument("--own-generator", action="store_true", help="do not use wrk, even if it is on PATH")
    parser.add_argument("--output", type=Path, help="where the results go (bench/results.json)")
    return parser
