"""Progress of a long command, on standard error: bars on a terminal, else a line for every tenth of a stage."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

# Seconds in which a command may end without having said where it is.
SILENCE = 3.0


class ShownProgress:
    """Call it with the stage, how much is done, and of how much; use it as a context."""

    def __init__(self) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
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

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage)
            self._bars.update(self._tasks[stage], completed=done, total=total)
            return
        tenth = done * 10 // total if total else 10
        if tenth > self._tenths.get(stage, 0) and time.monotonic() - self._started > SILENCE:
            self._tenths[stage] = tenth
            self._console.print(f"{stage}: {done:,} of {total:,}")
