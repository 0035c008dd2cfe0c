"""The lines that show how far a start has come."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator


class Failed(Exception):
    """A step that failed; the text says why and what to do."""


class ShownStep:
    """A line of progress: a live one on a terminal, one at the start and one at the end elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started = self.shown = time.monotonic()
        self.out = sys.stdout  # what runs in the step may have its own output redirected
        self.live = self.out.isatty()
        self._write("...", "", end="\r" if self.live else "\n")

    def detail(self, text: str, now: bool = False) -> None:
        """Show the step's progress: at once on a terminal or if `now`, every ten seconds elsewhere."""
        at = time.monotonic()
        if now or at - self.shown >= (0.1 if self.live else 10):
            self.shown = at
            self._write("...", f"{at - self.started:5.0f} s  {text}", end="\r" if self.live else "\n")

    def done(self, note: str = "") -> None:
        self._write("ok ", f"{time.monotonic() - self.started:5.1f} s  {note}")

    def failed(self) -> None:
        self._write("FAILED", f"after {time.monotonic() - self.started:.1f} s")

    def _write(self, mark: str, text: str, end: str = "\n") -> None:
        line = f"  {mark} {self.title:<34} {text}".rstrip()
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            line = f"\033[K{line[:width]}"
        print(line, end=end, flush=True, file=self.out)


@contextlib.contextmanager
def step(title: str) -> Iterator[ShownStep]:
    """Show a step while its block runs; an error in it ends the step as failed."""
    shown = ShownStep(title)
    try:
        yield shown
    except BaseException:
        shown.failed()
        raise
    shown.done()
