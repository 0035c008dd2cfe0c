"""Programs run with their output in the install's log, and progress read from it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable

from . import folders
from .progress import ShownStep


def run(command: list[str]) -> int:
    """Run a command with its output in the install log; return its exit code, 127 when there is no such program."""
    with folders.LOG.open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        try:
            return subprocess.run(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=str(folders.ROOT), check=False
            ).returncode
        except OSError as error:
            log.write(f"{error}\n".encode())
            return 127


def run_shown(
    command: list[str],
    lock: int,
    words: Callable[[str], str],
    shown: ShownStep,
    env: dict[str, str] | None = None,
) -> int:
    """Run an installer with its output in the log, and show its progress in the words made from that output."""
    begin = folders.LOG.stat().st_size if folders.LOG.exists() else 0
    with folders.LOG.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=str(folders.ROOT), env=env, pass_fds=[lock]
        )  # fmt: skip
    try:
        while process.poll() is None:
            shown.detail(words(folders.LOG.read_bytes()[begin:].decode(errors="replace")))
            time.sleep(0.1)
    finally:
        stop(process)
    return process.returncode


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # on this one pip removes its temporary files
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_tail(lines: int = 20) -> str:
    text = "\n".join(folders.LOG.read_text(errors="replace").splitlines()[-lines:])
    return f"The end of {folders.LOG}:\n{text}"


def last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2] or "asking the package index"


def progress(output: str, total: int) -> str:
    """pip's progress, read from its output."""
    if "Installing collected packages" in output:
        return f"unpacking {total} packages"
    found = re.findall(r"^(?:Collecting|Requirement already satisfied:) ([\w.-]+)", output, re.M)
    return f"{len(found)} of {total}: {found[-1]}" if found else "asking the package index"
