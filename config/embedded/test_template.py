"""A data directory of PostgreSQL with every migration applied, kept in `.data/` so that a test run starts in seconds.

It is named by what made it: the migrations, the lock file, the version of PostgreSQL, the day (migrations make the
partitions of the months around it). A run copies it; Django then makes its test databases from `DATABASE` inside.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config.embedded import as_left, places, postgresql
from config.embedded.places import EmbeddedError

DATABASE = "affidavit_migrated"
OWNER_FILE = "owner"
MADE_BY = ("*/migrations/*.py", "uv.lock", "config/settings.py", "config/embedded/postgresql.py")


class Template:
    """The kept directory for this checkout's migrations, as they are now. It may not exist yet."""

    def __init__(self, major: int) -> None:
        self.account = places.server_account()
        self.parent = places.server_home() / "test-template"
        self.home = self.parent / _name(major)

    @property
    def exists(self) -> bool:
        return (self.home / OWNER_FILE).exists()

    def owner_password(self) -> str:
        return (self.home / OWNER_FILE).read_text()

    def copy_to(self, data: Path) -> None:
        places.make_private(data.parent, self.account)
        _copy(self.home / "data", data, self.account)

    def keep(self, server: postgresql.Postgres) -> None:
        """Keep the directory of a server that was stopped; templates made from something else are removed.

        Two runs may do this at once: the second finds the first one's and drops its own.
        """
        self.parent.mkdir(mode=0o711, exist_ok=True)
        self.parent.chmod(0o711)
        fresh = self.parent / f"new-{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        places.make_private(fresh, self.account)
        _copy(server.data, fresh / "data", self.account)
        places.write_private(fresh / OWNER_FILE, server.owner_password, self.account)
        try:
            fresh.rename(self.home)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
        self._remove_others()

    def _remove_others(self) -> None:
        """What another run is making now is left alone, unless it is an hour old: then that run was killed."""
        for other in self.parent.iterdir():
            killed = time.time() - other.stat().st_mtime > 3600
            if other != self.home and (killed or not other.name.startswith("new-")):
                shutil.rmtree(other, ignore_errors=True)


def migrate(server: postgresql.Postgres) -> None:
    """Make `DATABASE` on a running server and apply all migrations to it. Raise EmbeddedError when they fail."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    url = urlsplit(server.url)._replace(path=f"/{DATABASE}").geturl()
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=places.ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:9/0"},
    )  # fmt: skip
    if done.returncode:
        raise EmbeddedError(f"The migrations failed:\n{done.stderr.strip()}")


def _name(major: int) -> str:
    """16 hexadecimal digits for everything that decides what the migrated database holds."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return hashlib.sha256(f"{major} {day} {as_left.digest(*MADE_BY)}".encode()).hexdigest()[:16]


def _copy(source: Path, target: Path, account: places.ServerAccount | None) -> None:
    """Copy a data directory; it belongs to the account that runs the servers, as the source does."""
    shutil.copytree(source, target, symlinks=True)
    if account is not None:
        for path in (target, *target.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
