"""The cost of work: processor time and memory of process trees, read from /proc (Linux only)."""

import os
import resource
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    # User and system time of the process, and of its children that have ended.
    seconds: float


def _processes() -> Iterator[_Process]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            yield _Process(int(entry.name), int(fields[1]), sum(map(int, fields[11:15])) / TICKS)


def tree(roots: Collection[int]) -> list[_Process]:
    """The processes with these numbers and all that descend from them."""
    children: dict[int, list[_Process]] = {}
    found = []
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
        if process.pid in roots:
            found.append(process)
    for process in found:
        found += [child for child in children.get(process.pid, []) if child.pid not in roots]
    return found


def cpu_seconds(roots: Collection[int]) -> float:
    """Processor time that these trees have used so far, those of their processes that have ended included."""
    return sum(process.seconds for process in tree(roots))


def peak_megabytes(pid: int | str = "self") -> float:
    """The most memory that the process has held at once (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/status does not tell the peak memory.")


def machine_seconds() -> float:
    """Processor time that the whole machine has been busy since it started."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS


class Watch:
    """How much processor time these process trees take, and how much of the machine work that is not ours takes."""

    def __init__(self, roots: Collection[int]) -> None:
        self.roots, self.ours, self.others = roots, 0.0, 0.0

    def __enter__(self) -> "Watch":
        self._began, self._all = time.monotonic(), machine_seconds()
        self._ours, self._load = cpu_seconds(self.roots), _own_and_children_seconds()
        return self

    def __exit__(self, *failure: object) -> None:
        self.ours = cpu_seconds(self.roots) - self._ours
        known = self.ours + (_own_and_children_seconds() - self._load if os.getpid() not in self.roots else 0)
        spent = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        self.others = max(0.0, (machine_seconds() - self._all - known) / spent)


def _own_and_children_seconds() -> float:
    """Processor time of this process and of the load generators that it ran and waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(each.ru_utime + each.ru_stime for each in spent)
