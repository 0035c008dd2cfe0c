"""The install: standard library only, skipped when nothing has changed, repaired when it was cut short."""

import ast
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.embedded import bootstrap
from config.embedded.installing import commands, folders, lock, packages, stamp, tools
from config.embedded.installing.progress import Failed, ShownStep
from config.embedded.places import ROOT

SCRIPT = ROOT / "config" / "embedded" / "bootstrap.py"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a requirement that this Python's own packages satisfy, and its .venv."""
    for name, path in {"ROOT": "", "DATA": ".data", "VENV": ".venv", "LOG": ".data/logs/install.log"}.items():
        monkeypatch.setattr(folders, name, tmp_path / path)
    monkeypatch.setattr(folders, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(folders, "STAMP", tmp_path / ".venv" / ".installed.json")
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
    assert done.stderr.strip() == "Usage: python3 bootstrap.py demo|dev [arguments of .venv's Python]"


def test_can_be_read_by_a_python_that_is_too_old() -> None:
    parts = [SCRIPT, *SCRIPT.parent.joinpath("installing").glob("*.py")]
    assert len(parts) > 5
    for part in parts:
        ast.parse(part.read_text(), feature_version=(3, 7))


def test_is_run_from_any_folder_and_shadows_no_module_of_the_standard_library(tmp_path: Path) -> None:
    """`config` has modules named `http` and `logging`, and its own folder comes first on a program's path."""
    code = f"import runpy, sys; sys.argv = ['x']; sys.path[0] = {str(SCRIPT.parent)!r}\n"
    code += f"try: runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\nexcept SystemExit: pass\n"
    code += "import http, logging; print(http.__file__, logging.__file__, 'celery' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(ROOT / "config") not in done.stdout
    assert done.stdout.endswith("False\n")


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
    monkeypatch.setattr(bootstrap, "install_packages", lambda *_: pytest.fail("nothing needs to be installed"))
    # The packages of the Python that runs the tests, seen through its own .venv.
    monkeypatch.setattr(folders, "PYTHON", Path(sys.executable))
    bootstrap.install(kind)
    written = json.loads((checkout / ".venv" / ".installed.json").read_text())
    assert list(written["sets"]) == [folders.SETS[kind]]


def test_a_second_install_looks_at_nothing_but_the_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp.write_stamp("demo", stamp.venv_version())
    monkeypatch.setattr(bootstrap, "holds_all", lambda kind: pytest.fail("the stamp says enough"))
    bootstrap.install("demo")


@pytest.mark.parametrize("change", ["another Python", "another requirement", "a damaged stamp"])
def test_the_stamp_does_not_hide_a_change(checkout: Path, change: str) -> None:
    version = stamp.venv_version()
    stamp.write_stamp("demo", "3.11.0" if change == "another Python" else version)
    if change == "another requirement":
        (checkout / "requirements.txt").write_text("other==1.0\n")
    if change == "a damaged stamp":
        (checkout / ".venv" / ".installed.json").write_text("{")
    assert not stamp.is_installed("demo", version)


def test_a_package_of_another_version_is_missed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "PYTHON", Path(sys.executable))
    assert stamp.holds_all("demo")
    text = (checkout / "requirements.txt").read_text()
    (checkout / "requirements.txt").write_text(text.replace("django==", "django==0."))
    assert not stamp.holds_all("demo")


def test_forgets_packages_whose_install_was_cut_short(checkout: Path) -> None:
    packages = checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, files in {"whole-1.dist-info": ["METADATA", "INSTALLER"], "half-1.dist-info": ["METADATA"]}.items():
        (packages / name).mkdir(parents=True)
        for file in files:
            (packages / name / file).touch()
    stamp.remove_incomplete()
    assert [path.name for path in packages.iterdir()] == ["whole-1.dist-info"]


def test_does_not_change_packages_under_a_running_demo(checkout: Path) -> None:
    with (checkout / ".data" / "demo.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Failed, match="A demo is running from this folder"):
            lock.refuse_beside_a_running_demo()
    lock.refuse_beside_a_running_demo()


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
    monkeypatch.setattr(packages, "pip_command", lambda: failing)
    monkeypatch.setattr(tools.shutil, "which", lambda name: None)
    with pytest.raises(Failed) as failure, no_lock() as held:
        packages.install_packages("demo", held, ShownStep("Install packages"))
    assert str(failure.value).startswith(f"pip could not install requirements.txt. {advice}")
    assert text in str(failure.value)


def test_the_progress_of_pip_is_read_from_its_output() -> None:
    output = "Collecting amqp==5.4.2\nRequirement already satisfied: django==5.2 in /x\n"
    assert commands.progress(output, 68) == "2 of 68: django"
    assert commands.progress(output + "Installing collected packages: amqp\n", 68) == "unpacking 68 packages"


@contextmanager
def no_lock() -> Iterator[int]:
    lock = os.open(os.devnull, os.O_RDONLY)
    yield lock
    os.close(lock)


def program(path: Path, *, code: int) -> str:
    """A stand-in for an installer that writes down what it was asked for and which index it was given."""
    path.write_text(
        f'#!/bin/sh\necho "$(basename $0) $* index=$UV_DEFAULT_INDEX" >> {path.parent}/asked\nexit {code}\n'
    )
    path.chmod(0o755)
    return str(path)


def installed_with(checkout: Path, monkeypatch: pytest.MonkeyPatch, *, uv: int, pip: int) -> list[str]:
    """The requests that uv on PATH (ends with code `uv` when it installs) and pip were given."""
    path = program(checkout / "uv", code=0)
    Path(path).write_text(Path(path).read_text().replace("exit 0", f'[ "$1" = pip ] && exit {uv}\nexit 0'))
    monkeypatch.setattr(tools.shutil, "which", lambda name: path)
    monkeypatch.setattr(packages, "pip_command", lambda: [program(checkout / "pip", code=pip)])
    with no_lock() as held:
        packages.install_packages("demo", held, ShownStep("Install packages"))
    return (checkout / "asked").read_text().splitlines()


def test_uv_installs_from_the_index_that_pip_is_given(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    version, install = installed_with(checkout, monkeypatch, uv=0, pip=1)
    assert version.startswith("uv --version")
    assert install.startswith("uv pip install")
    assert install.endswith("-r requirements.txt index=https://index.example/simple")


def test_pip_installs_where_uv_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed_with(checkout, monkeypatch, uv=2, pip=0)
    assert [line.split()[0] for line in asked] == ["uv", "uv", "pip"]
    assert "install --require-hashes" in asked[-1]


def test_pip_alone_installs_where_that_is_asked_for(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFIDAVIT_INSTALLER", "pip")
    asked = installed_with(checkout, monkeypatch, uv=0, pip=0)
    assert [line.split()[0] for line in asked] == ["pip"]


def test_a_file_of_pips_settings_is_read_and_a_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file.example/simple\nproxy = http://proxy.example:3128\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_PROXY", "http://other.example:3128")
    settings = tools.pip_settings()
    assert (settings["index-url"], settings["proxy"]) == ("https://file.example/simple", "http://other.example:3128")


def test_goes_on_as_the_program_it_was_given(tmp_path: Path) -> None:
    """The same process, so that a signal to make's child reaches the program."""
    code = "import os, sys; print(os.getpid(), os.environ['AFFIDAVIT_STARTED'] > '1', sys.argv[1:])"
    ready = ROOT / ".venv" / ".installed.json"
    if not ready.exists():
        pytest.skip("this .venv was not made by bootstrap.py")
    process = subprocess.Popen([sys.executable, SCRIPT, "demo", "-c", code, "a b"], stdout=subprocess.PIPE, text=True)
    assert process.communicate()[0].split(maxsplit=1) == [str(process.pid), "True ['a b']\n"]
