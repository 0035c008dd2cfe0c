"""Progress of a long command: bars on a terminal, else a plain line for every tenth of a stage."""

from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Output(Protocol):
    """Where a command writes: Django's wrapper around a stream."""

    def write(self, text: str) -> Any: ...

    def isatty(self) -> bool: ...


class ShownProgress:
    """Call it with the stage, how much is done, and of how much; use it as a context."""

    def __init__(self, output: Output, names: dict[str, str]) -> None:
        self._output, self._names = output, names
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._on_terminal = output.isatty()
        self._bars = Progress(*columns, console=Console(stderr=not self._on_terminal), disable=not self._on_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> "ShownProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        name = self._names.get(stage, stage)
        if self._on_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(name)
            self._bars.update(self._tasks[stage], completed=done, total=total)
            return
        tenth = done * 10 // total if total else 10
        if tenth > self._tenths.get(stage, 0):
            self._tenths[stage] = tenth
            self._output.write(f"{name}: {done:,} of {total:,}")
