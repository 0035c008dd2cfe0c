"""The environment of a measurement: the machine, its load, and all versions."""

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from config.embedded.places import ROOT

PACKAGES = ("django", "granian", "psycopg")
# Share of the cores: above it, other work affects the figures.
BUSY = 0.25


def describe(home: Path) -> dict[str, Any]:
    """Facts about the machine; `home` is where the database keeps its files."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _first(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "load_at_start": [round(value, 2) for value in os.getloadavg()],
        "fsync_ms": round(fsync_ms(home), 2),
        "file_system": file_system(home),
    }


def versions(*, database: str, redis: str, wrk: str | None, nginx: str | None) -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version(), "postgresql": database, "redis": redis}
    found |= {name: version(name) for name in PACKAGES}
    found["wrk"] = _first(r"wrk (\S+)", _output_of([wrk, "-v"])) if wrk else None
    found["nginx"] = _first(r"nginx/(\S+)", _output_of([nginx, "-v"])) if nginx else None
    commit = _output_of(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]).strip()
    changed = bool(_output_of(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"]).strip())
    found["affidavit"] = f"{commit}{' with changes' if changed else ''}" if re.fullmatch(r"[0-9a-f]+", commit) else None
    return found


def warnings(machine: dict[str, Any]) -> list[str]:
    """Reasons why this run's figures are less reliable."""
    found = []
    load, cores = machine["load_at_start"][0], machine["cores"]
    if load > BUSY * cores:
        found.append(
            f"The machine was busy at the start: load average {load} on {cores} cores. Expect lower and less steady "
            "figures; ratios suffer less than rates."
        )
    if machine["file_system"] == "tmpfs":
        found.append("The database was kept in memory (tmpfs): its fsync costs nothing, so stored clicks look cheap.")
    if sys.gettrace():
        found.append("A debugger or a coverage tool was running.")
    return found


def fsync_ms(folder: Path, times: int = 40) -> float:
    """The median time of a small synced write on this machine, which each commit waits for."""
    path, spent = folder / "fsync-probe", []
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(times):
            started = time.perf_counter()
            os.write(file, b"x" * 8192)
            os.fdatasync(file)
            spent.append(time.perf_counter() - started)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(spent) * 1000


def file_system(folder: Path) -> str:
    """The kind of file system that the folder is on."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, found, *_ = line.split()
        if len(point) > len(best) and folder.resolve().is_relative_to(point):
            best, kind = point, found
    return kind


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1].strip() if found else None


def _output_of(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return ""
    return done.stdout + done.stderr
