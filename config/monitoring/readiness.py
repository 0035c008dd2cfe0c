"""Readiness for `/readyz`: whether everything that requests and their processing need is available.

A load balancer in front of several web nodes should use `/healthz`: clicks should be accepted while a worker is down.
`/readyz` is for starting up, for deployments and for alarms.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from threading import Thread

import psycopg
import redis
import structlog
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from affiliates import database_roles
from config.monitoring import heartbeat
from tracking.capture import spool
from web.notifications import connection_parameters

# With a warning all is there, but something is to be put right.
OK, WARNING, ERROR = "ok", "warning", "error"
# Below this the disk may fill up before an operator reacts: some minutes of clicks.
LEAST_FREE = 256 * 1024 * 1024
# Longer than draining takes once the database is back.
DRAINED_WITHIN = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency: whether it is available, and in a sentence the problem and how to fix it."""

    state: str
    message: str = ""


def readiness(threads: Iterable[Thread] | None) -> dict[str, Dependency]:
    """Every part with its state. `threads` are those that write this process' clicks; None where none do."""
    return {
        **check_postgresql(),
        "redis": check_redis(),
        "worker": check_alive(heartbeat.WORKER, "The Celery worker", "celery -A config worker"),
        "beat": check_alive(heartbeat.BEAT, "Celery beat, which starts every regular task,", "celery -A config beat"),
        "clicks": check_threads(threads),
        "spool": check_spool(Path(settings.SPOOL_DIR)),
    }


def as_json(parts: dict[str, Dependency]) -> dict[str, object]:
    ready = all(part.state != ERROR for part in parts.values())
    return {"status": "ready" if ready else "not ready", "parts": {name: asdict(part) for name, part in parts.items()}}


def check_postgresql() -> dict[str, Dependency]:
    """The database, and whether its migrations match the code. Uses its own connection, so it does not wait for the
    pool.
    """
    try:
        with psycopg.connect(**{**connection_parameters(), "connect_timeout": 2}, autocommit=True) as line:
            line.execute("SET statement_timeout = 2000")
            parts = {"database": Dependency(OK), "migrations": check_migrations(line)}
            if parts["migrations"].state == OK:
                parts |= {"roles": check_roles(line), "anchors": check_anchors(line)}
            return parts
    except psycopg.Error as error:
        log.error("not_ready", part="database", error=str(error).strip())
        problem = "PostgreSQL does not answer. Check that it runs and that DATABASE_URL leads to it."
        return {
            "database": Dependency(ERROR, problem),
            "migrations": Dependency(ERROR, "Unknown without the database."),
        }


@cache
def last_migrations() -> frozenset[tuple[str, str]]:
    """The newest migration of each app, as this process' code has them."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def check_migrations(line: "psycopg.Connection") -> Dependency:
    try:
        applied = {(app, name) for app, name in line.execute("SELECT app, name FROM django_migrations")}
    except psycopg.errors.UndefinedTable:
        applied = set()
    missing = sorted(last_migrations() - applied)
    if missing:
        named = ", ".join(".".join(each) for each in missing)
        return Dependency(
            ERROR, f"The database is older than the code; missing: {named}. Run: python manage.py migrate"
        )
    return Dependency(OK)


def check_roles(line: "psycopg.Connection") -> Dependency:
    """Whether the application's database role could change history."""
    weak = database_roles.weakness(line.cursor())
    return Dependency(WARNING, weak) if weak else Dependency(OK)


def check_anchors(line: "psycopg.Connection") -> Dependency:
    """Whether closed statements wait for an anchor, or the file of anchors is behind."""
    waiting = line.execute(
        "SELECT count(*) FROM payouts_statement s LEFT JOIN payouts_anchoredstatement a ON a.statement_id = s.id "
        "WHERE a.statement_id IS NULL AND s.closed_at < now() - interval '10 minutes'"
    ).fetchone()
    file = line.execute("SELECT error FROM payouts_anchorfile WHERE path = %s", [settings.ANCHOR_FILE]).fetchone()
    if file and file[0]:
        return Dependency(WARNING, f"Anchors are not written: {file[0]}")
    if waiting and waiting[0]:
        return Dependency(
            WARNING, f"{waiting[0]:,} closed statements have no anchor yet. Check that worker and beat run."
        )
    return Dependency(OK)


def check_redis() -> Dependency:
    return _with_redis("redis", lambda: Dependency(OK) if heartbeat.connection().ping() else Dependency(ERROR))


def check_alive(part: str, words: str, command: str) -> Dependency:
    def look() -> Dependency:
        age = heartbeat.age(part)
        if age is not None and age <= heartbeat.FRESH:
            return Dependency(OK)
        silent = "a day or more" if age is None else f"{age:.0f} s"
        return Dependency(ERROR, f"{words} gave no sign of life for {silent}. Start it: {command}")

    return _with_redis(part, look)


def _with_redis(part: str, look: Callable[[], Dependency]) -> Dependency:
    try:
        return look()
    except redis.RedisError as error:
        log.error("not_ready", part=part, error=str(error).strip())
        return Dependency(ERROR, "Redis does not answer. Check that it runs and that REDIS_URL leads to it.")


def check_threads(threads: Iterable[Thread] | None) -> Dependency:
    if threads is None:
        return Dependency(OK, "This process takes no clicks: it was not started through config.asgi.")
    ended = [thread.name for thread in threads if not thread.is_alive()]
    if ended:
        return Dependency(ERROR, f"In this web process a thread has ended: {', '.join(ended)}. Restart the process.")
    return Dependency(OK)


def check_spool(directory: Path) -> Dependency:
    """Whether clicks could go to this node's disk, and those that went there have left it again."""
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Dependency(
            ERROR, f"Clicks cannot be stored on disk: {there} is not writable. Fix its rights, or SPOOL_DIR."
        )
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE:
        return Dependency(
            ERROR, f"The disk of {there} has {free // 2**20} MiB left for clicks. Make room, or move SPOOL_DIR."
        )
    state = spool.state(directory)
    if state.oldest_seconds > DRAINED_WITHIN:
        return Dependency(
            ERROR, f"Clicks wait on disk for {state.oldest_seconds:.0f} s: the database has not taken them yet."
        )
    if state.quarantined:
        aside = directory / spool.QUARANTINE
        return Dependency(
            OK, f"{state.quarantined} files lie in {aside}: clicks that were refused or damaged. Look at them."
        )
    return Dependency(OK)
