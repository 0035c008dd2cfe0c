"""Processes that end with the one who started them, and the finding of those that were left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from config.embedded import ports
from config.embedded.places import EmbeddedError, ServerAccount, tail

MARK = "AFFIDAVIT_EMBEDDED"
ROTATE_AT = 8_000_000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(parent: int, death_signal: int) -> Callable[[], None]:
    """Run in the child before its program: ask Linux to send this signal when the parent ends.

    The kernel watches the parent's thread, so children are started from the main thread only.
    """

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return ask


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    account: ServerAccount | None = None,
    death_signal: int = signal.SIGTERM,
    cwd: str | Path = "/",
) -> "subprocess.Popen[bytes]":
    """Start a process in its own session, with its output appended to the log."""
    rotate(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid(), death_signal),
            **(account.options if account else {}),
        )


def rotate(log: Path) -> None:
    """Rename a large log; one older file remains."""
    if log.exists() and log.stat().st_size > ROTATE_AT:
        log.replace(log.with_suffix(".old.log"))


def signal_group(leader: int, number: int) -> bool:
    """Signal every process of the leader's group; False when none is left."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS gives the second for a group of ended processes
        return False
    return sys.platform != "linux" or any(_is_alive_in(leader, entry) for _, entry in _processes())


def _is_alive_in(group: int, entry: Path) -> bool:
    """Whether this /proc entry is a process of the group that has not ended (one not yet reaped has ended)."""
    try:
        state, _, process_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(process_group) == group and state not in "ZX"


class Daemon:
    """One process that is kept running: how to start it, to see whether it lives, and to end it."""

    stop_signal = signal.SIGTERM

    def __init__(
        self, name: str, command: Sequence[str | Path], *, log: Path, env: Mapping[str, str], cwd: Path
    ) -> None:
        self.name, self.command, self.log, self.cwd = name, list(command), log, cwd
        self.env = dict(env)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        """Raise EmbeddedError while it still runs: a second process would leave the first without an owner."""
        self.refuse_a_second()
        self.process = spawn(self.command, log=self.log, env=self.env, cwd=self.cwd)

    def refuse_a_second(self) -> None:
        if self.process and self.process.poll() is None:
            raise EmbeddedError(f"{self.name} is running already, as process {self.process.pid}. Stop it first.")

    def exit_code(self) -> int | None:
        """None while it runs (or was never started), else how it ended."""
        return self.process.poll() if self.process else None

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait(self, patience: float) -> bool:
        """Wait for the end; False when it did not come in time."""
        if self.process is None:
            return True
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End the process and all of its children at once, and wait until none is left."""
        if self.process is None:
            return
        until = time.monotonic() + 10
        while signal_group(self.process.pid, signal.SIGKILL) and time.monotonic() < until:
            self.process.poll()
            time.sleep(0.02)
        self.wait(5)

    def stop(self, patience: float = 10) -> None:
        self.ask_to_stop()
        self.wait(patience)
        self.kill()

    def how_it_ended(self) -> str:
        code = self.exit_code()
        if code is None:
            return "still running"
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


class LoopbackServer(Daemon):
    """A local server. It gets a free port at its first start and keeps it, because its clients use that port."""

    account: ServerAccount | None = None
    patience = 60.0

    def __init__(self, name: str, *, log: Path) -> None:
        super().__init__(name, [], log=log, env=os.environ, cwd=Path("/"))
        self.port: int | None = None

    def program(self) -> list[str | Path]:
        """The command line for `self.port`."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and wait until it answers."""
        if self.port is not None:
            self._launch()
            return
        for attempt in (1, 2, 3):
            self.port = ports.free_port()
            try:
                self._launch()
            except EmbeddedError:
                taken, self.port = not ports.is_free(self.port), None
                if attempt == 3 or not taken:
                    raise
            else:
                return

    def _launch(self) -> None:
        self.refuse_a_second()
        self.process = spawn(
            self.program(), log=self.log, env=self.env, account=self.account, death_signal=self.stop_signal
        )
        try:
            wait_for(self.is_ready, daemon=self, patience=self.patience)
        except EmbeddedError:
            self.kill()
            raise


def wait_for(ready: Callable[[], bool], *, daemon: Daemon, patience: float) -> None:
    """Wait until the daemon is ready; raise with the end of its log when it ends or takes too long."""
    until = time.monotonic() + patience
    while not ready():
        if daemon.exit_code() is not None:
            raise EmbeddedError(f"{daemon.name} {daemon.how_it_ended()} before it was ready. {last_words(daemon.log)}")
        if time.monotonic() > until:
            raise EmbeddedError(f"{daemon.name} was not ready after {patience:.0f} s. {last_words(daemon.log)}")
        time.sleep(0.01)


def last_words(log: Path) -> str:
    """The end of a log, introduced by its path."""
    text = tail(log)
    return f"The end of {log}:\n{text}" if text else f"Its log {log} is empty."


def marked(mark: str) -> set[int]:
    """Running processes of ours that carry the mark in their environment (Linux only)."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for pid, entry in _processes():
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found


def working_in(directory: Path, account: ServerAccount | None = None) -> set[int]:
    """Running processes of the account whose working directory is this one: a server and its children (Linux only)."""
    if account is None:
        return _working_in(directory)
    # In a container even root may not look at another account's processes, so a child looks as that account.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            os.write(writer, " ".join(map(str, _working_in(directory))).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="ascii") as answer:
        pids = {int(pid) for pid in answer.read().split()}
    os.waitpid(child, 0)
    return pids


def _working_in(directory: Path) -> set[int]:
    found = set()
    for pid, entry in _processes():
        with suppress(OSError):
            if os.readlink(entry / "cwd") == str(directory):
                found.add(pid)
    return found


def _processes() -> Iterator[tuple[int, Path]]:
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) != os.getpid():
            yield int(entry.name), entry


def end_leftovers(find: Callable[[], set[int]], *, patience: float) -> int:
    """Ask a killed run's processes to end, then end them; return how many there were."""
    first = find()
    if not first:
        return 0
    until = time.monotonic() + patience
    for pid in first:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    while find() and time.monotonic() < until:
        time.sleep(0.1)
    for pid in find():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    while find() and time.monotonic() < until + 5:
        time.sleep(0.05)
    return len(first)
