"""The place of the files of the demo and the tests: `.data/` in the checkout.

PostgreSQL refuses to run as root. Started by root, the servers run as an unprivileged account, which must be able to
reach its data. When it cannot reach the checkout (for example in a 0700 home), the servers' data are in a separate
directory under /var/tmp and `.data/servers` points there: the permissions of the user's own directories are never
changed.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("AFFIDAVIT_DATA") or ROOT / ".data").absolute()
LOGS = DATA / "logs"
DEMO_FACTS = DATA / "demo.json"
OUTSIDE = Path("/var/tmp")  # noqa: S108 # nosec B108 # the directory made in it is checked to be ours alone


class EmbeddedError(Exception):
    """An error that stops the demo or the tests; the text says what failed, why, and what to do."""


@dataclass(frozen=True)
class ServerAccount:
    """The account that runs the servers when we are root."""

    name: str
    uid: int
    gid: int

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that switch to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> ServerAccount | None:
    """The account for the servers: None (our own) unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerAccount(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and there is no account `nobody` to run it as. "
        "Run this as an ordinary user, or set DATABASE_URL and REDIS_URL to servers of your own."
    )


def can(account: ServerAccount, *command: str | Path) -> bool:
    """Whether the command succeeds as this account."""
    try:
        done = subprocess.run(
            [str(part) for part in command], cwd="/", capture_output=True, timeout=30, check=False, **account.options
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def make_data() -> Path:
    """Make `.data/` (others may pass through it only when we are root) and its log directory."""
    try:
        if not DATA.exists():
            DATA.mkdir(mode=0o700)
            DATA.chmod(0o711 if os.geteuid() == 0 else 0o700)
        LOGS.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"Cannot write to {DATA}: {error.strerror}. Make the checkout writable for this user."
        ) from error
    for made in (DATA, LOGS):
        if not os.access(made, os.W_OK | os.X_OK):
            raise EmbeddedError(
                f"{made} belongs to another user (number {made.stat().st_uid}). Run this as that user, "
                f"or remove {DATA} to start afresh (the demo's data go with it)."
            )
    return DATA


def server_home() -> Path:
    """The directory that holds the servers' data: `.data/`, or a place outside that `.data/servers` names."""
    make_data()
    pointer, account = DATA / "servers", server_account()
    if pointer.exists():
        return pointer.resolve()
    if account is None or can(account, "/bin/sh", "-c", 'cd "$1"', "sh", DATA):
        return DATA
    outside = OUTSIDE / f"affidavit-{hashlib.sha256(str(DATA).encode()).hexdigest()[:12]}"
    _make_outside(outside)
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(outside)
    return outside


def _make_outside(outside: Path) -> None:
    """Create the directory, or accept an existing one only if root created it and no one else may write to it."""
    try:
        outside.mkdir(mode=0o711)
        outside.chmod(0o711)
    except FileExistsError:
        found = outside.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise EmbeddedError(
                f"{outside} is in the way and was not made by root. Remove it and run this again."
            ) from None


def make_private(directory: Path, account: ServerAccount | None) -> Path:
    """Make a directory that only the servers' account may enter."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)
    return directory


def write_private(path: Path, text: str, account: ServerAccount | None = None) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if account is not None:
        os.chown(fresh, account.uid, account.gid)
    fresh.replace(path)


def copy_readable(source: Path, target: Path) -> None:
    """Copy a tree so that every account may read it and run what can be run."""
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
