"""Bring the database, the static files and the demo data up to date, in one process: importing Django is slow.

Run by the demo as `python -m config.embedded.prepare <file for the facts> [everything]` in the demo's environment.
Without `everything` the database and the static files are as this version left them.
"""

import gc
import hashlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TextIO

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from config.embedded import places
from config.embedded.installing.progress import ShownStep, step

LOG = places.LOGS / "prepare.log"
STATIC_STAMP = places.DATA / "static.stamp"


class StepOutput(io.TextIOBase):
    """The output of a command: written to the log, its last line shown beside the step."""

    def __init__(self, log: TextIO, shown: ShownStep) -> None:
        self.log, self.shown = log, shown

    def write(self, text: str) -> int:
        self.log.write(text)
        line = text.strip().rpartition("\n")[2]
        if line and line != "OK":
            self.shown.detail(line)
        return len(text)

    def flush(self) -> None:
        self.log.flush()


def main() -> int:
    # This process ends soon: looking for garbage among a demo's objects costs a tenth of its time.
    gc.disable()
    # Nothing waits for the disk here: what a crash loses is made again at the next start.
    os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")
    facts_file, everything = Path(sys.argv[1]), sys.argv[2:] == ["everything"]
    steps: list[tuple[str, Callable[[StepOutput], None]]] = [
        ("Load the project", lambda output: django.setup()),
        *([("Bring the database up to date", migrate), ("Collect static files", collect_static)] if everything else []),
        ("Make demo data (once)", seed),
        ("Read the demo's facts", lambda output: places.write_private(facts_file, json.dumps(facts(output)))),
    ]
    with LOG.open("w") as log:
        for title, action in steps:
            try:
                with step(title) as shown, redirect_stdout(StepOutput(log, shown)):
                    action(StepOutput(log, shown))
            except Exception as error:  # noqa: BLE001 - the edge of the program: said, logged, and the demo stops
                traceback.print_exc(file=log)
                log.flush()
                what = f"{title}: {type(error).__name__}: {error}"
                print(f"\n{what}\nThe end of {LOG}:\n{places.tail(LOG)}", file=sys.stderr)
                return 1
    return 0


def migrate(output: StepOutput) -> None:
    call_command("migrate", interactive=False, stdout=output, stderr=output, no_color=True)


def collect_static(output: StepOutput) -> None:
    """Collect only when a file has changed since the last time."""
    now = _static_fingerprint()
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and STATIC_STAMP.exists() and STATIC_STAMP.read_text() == now:
        return
    STATIC_STAMP.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, stdout=output, stderr=output, no_color=True)
    STATIC_STAMP.write_text(now)


def _static_fingerprint() -> str:
    """Names, sizes and times of all static files of the project and its packages."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def seed(output: StepOutput) -> None:
    """The command itself knows whether the data are there already."""
    scale = float(os.environ.get("AFFIDAVIT_DEMO_SCALE") or 1)
    call_command("seed_demo", scale=scale, stdout=output, stderr=output, no_color=True)


def facts(output: StepOutput) -> dict[str, object]:
    """Links, advertisers, goals, logins and keys, as the seed command states them."""
    answer = io.StringIO()
    call_command("seed_demo", facts=True, stdout=answer, stderr=output, no_color=True)
    reply = json.loads(answer.getvalue())
    if not isinstance(reply, dict):
        raise TypeError(f"seed_demo --facts must print one JSON object, not {type(reply).__name__}")
    return reply


if __name__ == "__main__":
    raise SystemExit(main())
