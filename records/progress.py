"""Progress of a long command: bars on a terminal, else a line for every tenth of a stage."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

# A command that ends within so many seconds shows no progress.
SILENCE = 3.0


class Output(Protocol):
    """Where a command writes: Django's wrapper around a stream."""

    def write(self, text: str) -> Any: ...

    def isatty(self) -> bool: ...


class ShownProgress:
    """Call it with the stage, the number done and the total; use it as a context manager.

    It writes to standard error, so that a command's results can be piped; or to `output`, if progress is the command's
    only output. `names` are the display names of the stages.
    """

    def __init__(
        self, *, names: Mapping[str, str] | None = None, output: Output | None = None, silence: float = SILENCE
    ) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._names, self._output, self._silence = names or {}, output, silence
        self._console = Console(stderr=output is None, highlight=False)
        self._on_terminal = output.isatty() if output else self._console.is_terminal
        self._bars = Progress(*columns, console=self._console, disable=not self._on_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}
        self._started = time.monotonic()

    def __enter__(self) -> "ShownProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Remove the bars while something else is written."""
        self._bars.stop()
        yield
        self._bars.start()

    def __call__(self, stage: str, done: int, total: int) -> None:
        name = self._names.get(stage, stage)
        if self._on_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(name)
            self._bars.update(self._tasks[stage], completed=done, total=total)
            return
        tenth = done * 10 // total if total else 10
        if tenth > self._tenths.get(stage, 0) and time.monotonic() - self._started > self._silence:
            self._tenths[stage] = tenth
            self._say(f"{name}: {done:,} of {total:,}")

    def _say(self, line: str) -> None:
        if self._output is not None:
            self._output.write(line)
        else:
            self._console.print(line)
