"""One install at a time, and none under a running demo."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from . import folders
from .progress import Failed


@contextlib.contextmanager
def install_lock() -> Iterator[int]:
    """One install at a time. pip inherits the lock, so an orphaned pip is waited for, too."""
    try:
        if not folders.DATA.exists():
            folders.DATA.mkdir()
            folders.DATA.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's servers run as another account
        folders.LOG.parent.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folders.DATA / "install.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failed(
            f"Cannot write to {folders.DATA}: {error.strerror}. Make the checkout writable for this user."
        ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("  Another make is installing here; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def refuse_beside_a_running_demo() -> None:
    """Do not change packages under a running demo."""
    with contextlib.suppress(FileNotFoundError), (folders.DATA / "demo.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise Failed("A demo is running from this folder and its packages are to change. Stop it first.") from None
