#!/usr/bin/env python3
"""`make clean`: remove the demo's data and logs in all their places. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".data"


def main() -> int:
    if not DATA.exists():
        return 0
    with contextlib.suppress(FileNotFoundError), (DATA / "demo.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("A demo is running from this folder. Stop it first (Ctrl-C where it was started).", file=sys.stderr)
            return 1
    outside = DATA / "servers"
    for directory in [*([outside.resolve()] if outside.is_symlink() else []), DATA]:
        if directory.exists():
            shutil.rmtree(str(directory))
            print(f"removed {directory}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
