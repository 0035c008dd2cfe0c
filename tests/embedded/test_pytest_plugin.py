"""Each test run has servers of its own, and nothing of it stays, however it ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from config.embedded import places, processes, pytest_plugin
from config.embedded.places import ROOT, EmbeddedError

OF_THIS_RUN = {"DATABASE_URL", "REDIS_URL", "SPOOL_DIR", "AFFIDAVIT_TEST_RUN"}


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)
    return holds()


def other_run(folder: Path, source: str) -> "subprocess.Popen[str]":
    """Another pytest in this checkout, with a single test."""
    test = folder / "test_inside.py"
    test.write_text(textwrap.dedent(source))
    env = {name: value for name, value in os.environ.items() if name not in OF_THIS_RUN}
    ours = ["-c", "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *ours, "-q", test],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_second_run_has_servers_of_its_own_and_removes_them(tmp_path: Path) -> None:
    source = f"""
        import os, pytest
        from pathlib import Path
        from django.db import connection

        @pytest.mark.django_db
        def test_inside():
            assert connection.vendor == "postgresql"
            assert connection.settings_dict["NAME"] == "test_affidavit"
            note = Path({str(tmp_path / "note")!r})
            names = "DATABASE_URL", "REDIS_URL", "AFFIDAVIT_TEST_RUN"
            note.write_text("\\n".join(os.environ[name] for name in names))
    """
    run = other_run(tmp_path, source)
    reported, _ = run.communicate(timeout=110)
    assert run.returncode == 0, reported
    database_url, redis_url, home = (tmp_path / "note").read_text().split("\n")
    assert database_url != os.environ["DATABASE_URL"]
    assert redis_url != os.environ["REDIS_URL"]
    assert not Path(home).exists()


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death to its child")
def test_a_killed_run_leaves_no_server_and_the_next_one_removes_its_files(tmp_path: Path) -> None:
    source = f"""
        import os, time
        from pathlib import Path

        def test_inside():
            Path({str(tmp_path / "note")!r}).write_text(os.environ["AFFIDAVIT_TEST_RUN"] + "\\n")
            time.sleep(600)
    """
    run = other_run(tmp_path, source)
    note = tmp_path / "note"
    assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    home = Path(note.read_text().strip()).resolve()
    account = places.server_account()
    data = next((home / "postgresql").glob("[0-9]*"))
    assert data.exists()
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=30)
    assert eventually(lambda: not processes.working_in(data, account))
    assert eventually(lambda: not processes.working_in(home / "redis", account))
    pytest_plugin.remove_stale(home.parent)
    assert not home.exists()


def test_a_living_run_keeps_its_files(tmp_path: Path) -> None:
    living, dead, young = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    for home in (living, dead, young):
        home.mkdir()
    (dead / "lock").touch()
    # As one that another run removes between the look into the folder and the look at the entry.
    (tmp_path / "4").symlink_to(tmp_path / "gone")
    held = pytest_plugin._locked(living / "lock")
    pytest_plugin.remove_stale(tmp_path)
    assert living.exists()
    assert not dead.exists()
    assert young.exists()
    assert held is not None
    held.close()


def test_a_given_redis_lends_a_database_that_holds_nothing() -> None:
    url = os.environ["REDIS_URL"]
    with redis.Redis.from_url(pytest_plugin._with_database(url, 12)) as other:
        other.set("theirs", 1)
        try:
            assert pytest_plugin._empty_database(url, highest=12).endswith("/11")
            with pytest.raises(EmbeddedError, match="has no empty database"):
                pytest_plugin._empty_database(url, highest=0)
        finally:
            other.delete("theirs")
