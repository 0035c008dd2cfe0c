"""The install: standard library only, skipped when nothing has changed, repaired when it was cut short."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import bootstrap
from config.embedded.places import ROOT

SCRIPT = ROOT / "config" / "embedded" / "bootstrap.py"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a requirement that this Python's own packages satisfy, and its .venv."""
    for name, path in {"ROOT": "", "DATA": ".data", "VENV": ".venv", "LOG": ".data/logs/install.log"}.items():
        monkeypatch.setattr(bootstrap, name, tmp_path / path)
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / ".installed.json")
    monkeypatch.setattr(bootstrap, "needs_redis_program", lambda version: False)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".data" / "logs").mkdir(parents=True)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    shutil.copy(ROOT / "requirements-dev.txt", tmp_path)
    return tmp_path


def test_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "Usage: python3 bootstrap.py demo|dev"


def test_can_be_read_by_a_python_that_is_too_old() -> None:
    compile(SCRIPT.read_text(), "bootstrap.py", "exec", dont_inherit=True)
    import ast

    ast.parse(SCRIPT.read_text(), feature_version=(3, 7))


def test_says_that_python_is_too_old(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (9, 9))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit):
        bootstrap.use_a_new_enough_python()
    assert "Python 9.9 or newer is needed" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["demo", "dev"])
def test_accepts_packages_that_something_else_installed(
    checkout: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "pip_install", lambda *_: pytest.fail("nothing needs to be installed"))
    # The packages of the Python that runs the tests, seen through its own .venv.
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    bootstrap.install(kind)
    stamp = json.loads((checkout / ".venv" / ".installed.json").read_text())
    assert list(stamp["sets"]) == [bootstrap.SETS[kind]]


def test_a_second_install_looks_at_nothing_but_the_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap.write_stamp("demo", bootstrap.venv_version())
    monkeypatch.setattr(bootstrap, "holds_all", lambda kind: pytest.fail("the stamp says enough"))
    bootstrap.install("demo")


@pytest.mark.parametrize("change", ["another Python", "another requirement", "a damaged stamp"])
def test_the_stamp_does_not_hide_a_change(checkout: Path, change: str) -> None:
    version = bootstrap.venv_version()
    bootstrap.write_stamp("demo", "3.11.0" if change == "another Python" else version)
    if change == "another requirement":
        (checkout / "requirements.txt").write_text("other==1.0\n")
    if change == "a damaged stamp":
        (checkout / ".venv" / ".installed.json").write_text("{")
    assert not bootstrap.is_installed("demo", version)


def test_a_package_of_another_version_is_missed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    assert bootstrap.holds_all("demo")
    text = (checkout / "requirements.txt").read_text()
    (checkout / "requirements.txt").write_text(text.replace("django==", "django==0."))
    assert not bootstrap.holds_all("demo")


def test_forgets_packages_whose_install_was_cut_short(checkout: Path) -> None:
    packages = checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, files in {"whole-1.dist-info": ["METADATA", "INSTALLER"], "half-1.dist-info": ["METADATA"]}.items():
        (packages / name).mkdir(parents=True)
        for file in files:
            (packages / name / file).touch()
    bootstrap.remove_incomplete()
    assert [path.name for path in packages.iterdir()] == ["whole-1.dist-info"]


def test_does_not_change_packages_under_a_running_demo(checkout: Path) -> None:
    with (checkout / ".data" / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(bootstrap.Failed, match="A demo is running from this folder"):
            bootstrap.refuse_beside_a_running_demo()
    bootstrap.refuse_beside_a_running_demo()


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("ERROR: No matching distribution found for x", "pip's index lacks this package"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError: Temporary failure in name resolution", "pip cannot reach its package index"),
        ("something never seen", "See the log for the reason"),
    ],
)
def test_a_failed_install_says_why_and_what_to_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, text: str, advice: str
) -> None:
    failing = [sys.executable, "-c", f"print({text!r}); raise SystemExit(1)"]
    monkeypatch.setattr(bootstrap, "pip_command", lambda: failing)
    with pytest.raises(bootstrap.Failed) as failure:
        bootstrap.pip_install("demo", os.open(os.devnull, os.O_RDONLY), bootstrap.ShownStep("Install packages"))
    assert str(failure.value).startswith(f"pip could not install requirements.txt. {advice}")
    assert text in str(failure.value)


def test_the_progress_of_pip_is_read_from_its_log(checkout: Path) -> None:
    bootstrap.LOG.write_text("Collecting amqp==5.4.2\nRequirement already satisfied: django==5.2 in /x\n")
    assert bootstrap.progress(0, 68) == "2 of 68: django"
    bootstrap.LOG.write_text(bootstrap.LOG.read_text() + "Installing collected packages: amqp\n")
    assert bootstrap.progress(0, 68) == "unpacking 68 packages"
