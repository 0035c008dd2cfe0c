"""Real PostgreSQL and Redis for every test run, started before Django reads its settings.

`-p config.embedded.pytest_plugin` in pyproject.toml loads it; a conftest.py would be too late. Each run has
servers of its own in a directory of its own, so several runs may go on in one checkout. DATABASE_URL and
REDIS_URL, when set, are used instead: the database through Django's `test_` database, Redis through a
numbered database that holds nothing.
"""

import atexit
import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
import redis

from config.embedded import environment, places, postgresql, processes, redis_server, test_template
from config.embedded.places import EmbeddedError

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
FROM_RUN = "AFFIDAVIT_TEST_RUN"
TEMPLATE = "AFFIDAVIT_TEST_TEMPLATE"
A_DAY = 86400.0


class Run:
    """The servers of one test run and the directory that holds them."""

    def __init__(self) -> None:
        parent = places.server_home() / "tests"
        parent.mkdir(mode=0o711, exist_ok=True)
        parent.chmod(0o711)
        remove_stale(parent)
        self.home = parent / str(os.getpid())
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(mode=0o711)
        self.home.chmod(0o711)
        self.lock = _locked(self.home / "lock")
        self.servers: list[processes.LoopbackServer] = []

    def start_postgresql(self) -> str:
        """Start the server with a migrated database to make the test databases from."""
        server = postgresql.Postgres(
            self.home,
            owner_password=secrets.token_urlsafe(16),
            password=secrets.token_urlsafe(16),
            log=self.home / "postgresql.log",
            fast=True,
        )
        template = test_template.Template(server.runtime.major)
        if template.exists:
            server.owner_password = template.owner_password()
            template.copy_to(server.data)
            self._start(server)
        else:
            self._start(server)
            self._migrate(server, template)
        os.environ[TEMPLATE] = test_template.DATABASE
        return server.url

    def _migrate(self, server: postgresql.Postgres, template: test_template.Template) -> None:
        test_template.migrate(server)
        server.stop(patience=30)
        template.keep(server)
        server.start()

    def start_redis(self) -> str:
        server = redis_server.RedisServer(self.home, password=secrets.token_urlsafe(16), log=self.home / "redis.log")
        self._start(server)
        return server.url

    def _start(self, server: processes.LoopbackServer) -> None:
        self.servers.append(server)
        server.start()

    def end(self) -> None:
        """Stop the servers and remove their data. Safe to call twice."""
        for server in reversed(self.servers):
            server.stop(patience=5)
        self.servers.clear()
        if self.lock is not None:
            self.lock.close()
            self.lock = None
        shutil.rmtree(self.home, ignore_errors=True)


def _locked(path: Path) -> IO[str] | None:
    """The open lock file, or None when a living run holds it. The lock ends with its process, however that ends."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def remove_stale(parent: Path) -> None:
    """Remove the directories of killed runs: those whose lock is free, and those without a lock that are a day old."""
    for left in parent.iterdir():
        # Another run may remove its directory, or this one, at any moment.
        with contextlib.suppress(FileNotFoundError):
            _remove_if_stale(left)


def _remove_if_stale(left: Path) -> None:
    """Raise FileNotFoundError when the directory is gone meanwhile."""
    if (left / "lock").exists():
        if (lock := _locked(left / "lock")) is not None:
            shutil.rmtree(left, ignore_errors=True)
            lock.close()
    elif time.time() - left.stat().st_mtime > A_DAY:
        shutil.rmtree(left, ignore_errors=True)


_run: Run | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Prepare the environment; a wrapper goes first, and pytest-django reads the settings after it."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        try:
            _prepare()
        except EmbeddedError as error:
            _end()
            raise pytest.UsageError(str(error)) from error
    return (yield)


def _prepare() -> None:
    global _run
    os.environ.update(environment.checking_environment())
    if os.environ.get(FROM_RUN):  # a worker of pytest-xdist: its parent's servers, a Redis database of its own
        number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "0")) or 0)
        os.environ["REDIS_URL"] = _empty_database(os.environ["REDIS_URL"], highest=14 - number)
        os.environ["SPOOL_DIR"] += f"-{number}"
        return
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    _run = Run()
    atexit.register(_end)
    os.environ["SPOOL_DIR"] = str(_run.home / "spool")
    if database_url:
        postgresql.wait_until_it_answers(database_url)
    else:
        os.environ["DATABASE_URL"] = _run.start_postgresql()
    if redis_url:
        redis_server.check_it_answers(redis_url)
        os.environ["REDIS_URL"] = _empty_database(redis_url)
    else:
        os.environ["REDIS_URL"] = _run.start_redis()
    os.environ[FROM_RUN] = str(_run.home)


def _with_database(url: str, number: int) -> str:
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def _empty_database(url: str, *, highest: int = 15) -> str:
    """An empty numbered database of the given Redis, so that no existing keys are touched."""
    for number in range(highest, 0, -1):
        candidate = _with_database(url, number)
        try:
            with redis.Redis.from_url(candidate, socket_connect_timeout=5) as client:
                if client.dbsize() == 0:
                    return candidate
        except redis.ResponseError:  # fewer databases than that
            continue
    raise EmbeddedError(
        f"The Redis of REDIS_URL ({urlsplit(url).hostname}) has no empty database among 1 to 15 for the tests. "
        "Empty one (redis-cli -n 15 flushdb), or leave REDIS_URL out to get a server of our own."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let tests reach the loopback address and the given servers, nothing else."""
    if getattr(config.option, "allow_hosts", None) is None and "DATABASE_URL" in os.environ:
        given = [urlsplit(os.environ[name]).hostname or "" for name in ("DATABASE_URL", "REDIS_URL")]
        config.option.allow_hosts = ",".join(dict.fromkeys([*LOOPBACK, *filter(None, given)]))


def pytest_sessionstart(session: pytest.Session) -> None:
    from django.db import connection  # noqa: PLC0415 - Django's settings are not read before this

    if "DATABASE_URL" in os.environ and connection.vendor != "postgresql":
        raise pytest.UsageError(f"The tests need PostgreSQL; the settings lead to {connection.vendor}.")


def pytest_report_header(config: pytest.Config) -> list[str]:
    if "DATABASE_URL" not in os.environ:
        return []
    names = {"postgresql": "DATABASE_URL", "redis": "REDIS_URL"}
    started = {server.name for server in _run.servers} if _run else set()
    return [
        f"{name}: {urlsplit(os.environ[variable]).hostname}:{urlsplit(os.environ[variable]).port}"
        f" ({'started for this run' if name in started else 'given by ' + variable})"
        for name, variable in names.items()
    ]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    _end()


def _end() -> None:
    global _run
    if _run is not None:
        _run.end()
        _run = None
        for name in ("DATABASE_URL", "REDIS_URL", FROM_RUN, TEMPLATE):
            os.environ.pop(name, None)
