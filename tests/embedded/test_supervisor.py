"""What ends is started again; what is stopped takes its children along; nothing outlives the supervisor."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.embedded import processes, supervisor
from config.embedded.places import ROOT, EmbeddedError
from config.embedded.processes import Daemon
from config.embedded.supervisor import StopRequested, Supervisor

# A parent with a child, both asleep; the child writes its number into the file named.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid) + "\\n")
time.sleep(600)
"""


def daemon(home: Path, name: str, source: str, *arguments: str) -> Daemon:
    return Daemon(name, [sys.executable, "-c", source, *arguments], log=home / f"{name}.log", env=os.environ, cwd=home)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


def child_of(note: Path) -> int:
    assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    return int(note.read_text())


class Watched(Supervisor):
    """A supervisor that stops after it has started something again so many times."""

    def __init__(self, *, revivals: int) -> None:
        self.said: list[str] = []
        self.left = revivals
        super().__init__(say=self.said.append, changed=self._count)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise StopRequested


def test_starts_again_what_was_killed_and_ends_its_orphans_first(tmp_path: Path) -> None:
    watched = Watched(revivals=1)
    watched.start_worker(daemon(tmp_path, "web", FAMILY, str(tmp_path / "note")))
    orphan, first = child_of(tmp_path / "note"), watched.workers[0].pid
    (tmp_path / "note").unlink()
    os.kill(first or 0, signal.SIGKILL)
    with pytest.raises(StopRequested):
        watched.watch()
    assert not is_running(orphan)
    assert is_running(watched.workers[0].pid or 0)
    assert watched.said == [f"web ended by signal 9; started again as process {watched.workers[0].pid}"]
    second = child_of(tmp_path / "note")
    watched.stop()
    assert not is_running(watched.workers[0].pid or 0)
    assert not is_running(second)


def test_gives_up_on_what_fails_again_and_again_and_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: None)
    watched = Watched(revivals=99)
    watched.start_worker(daemon(tmp_path, "web", "raise SystemExit('the cable is cut')"))
    with pytest.raises(EmbeddedError, match=r"web ended with exit code 1 6 times in a row(?s:.*)the cable is cut"):
        watched.watch()


def test_says_which_process_ended_while_starting(tmp_path: Path) -> None:
    watched = Watched(revivals=99)
    watched.start_worker(daemon(tmp_path, "beat", "raise SystemExit('no schedule')"))
    assert eventually(lambda: watched.workers[0].exit_code() is not None)
    with pytest.raises(EmbeddedError, match=r"beat ended with exit code 1(?s:.*)no schedule"):
        watched.require_all()


def test_kills_what_does_not_heed_a_polite_request(tmp_path: Path) -> None:
    deaf = daemon(
        tmp_path,
        "deaf",
        "import signal, sys, time; signal.signal(15, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write('1\\n')\n"
        "time.sleep(600)",
        str(tmp_path / "note"),
    )
    deaf.start()
    child_of(tmp_path / "note")
    deaf.stop(patience=0.2)
    assert deaf.how_it_ended() == "ended by signal 9"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death to its child")
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    program = f"""
        import os, sys, time
        from pathlib import Path
        from config.embedded.processes import Daemon
        web = Daemon("web", [sys.executable, "-c", "import time; time.sleep(600)"],
                     log=Path({str(tmp_path / "web.log")!r}), env=os.environ, cwd=Path("/"))
        web.start()
        Path({str(tmp_path / "note")!r}).write_text(f"{{web.pid}}\\n")
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT)
    pid = child_of(tmp_path / "note")
    assert is_running(pid)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not is_running(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="the mark is read from /proc")
def test_finds_and_ends_marked_processes_that_were_left_behind(tmp_path: Path) -> None:
    mark = str(tmp_path)
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, processes.MARK: mark}
    )
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, processes.MARK: f"{mark}-other"}
    )
    try:
        assert eventually(lambda: processes.marked(mark) == {left.pid})
        assert processes.end_leftovers(lambda: processes.marked(mark), patience=5) == 1
        assert left.wait(10) == -signal.SIGTERM
        assert is_running(bystander.pid)
    finally:
        for process in (left, bystander):
            process.kill()
            process.wait()


def test_logs_are_put_aside_when_they_have_grown_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ROTATE_AT", 10)
    log = tmp_path / "web.log"
    log.write_text("a line of the past\n")
    processes.rotate(log)
    assert not log.exists()
    assert (tmp_path / "web.old.log").read_text() == "a line of the past\n"


def test_what_runs_is_not_started_a_second_time(tmp_path):
    """The first process would go on without an owner, with its port and its connections."""
    sleeper = daemon(tmp_path, "sleeper", "import time; time.sleep(600)")
    sleeper.start()
    try:
        with pytest.raises(EmbeddedError, match=rf"running already, as process {sleeper.pid}"):
            sleeper.start()
    finally:
        sleeper.stop(2)
    sleeper.start()
    sleeper.stop(2)
