"""Two database roles: what the application's own cannot do to history, and that all of its work is still done."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from affiliates import database_roles
from config.embedded import places, postgresql

pytestmark = pytest.mark.long


class Site:
    """A database with both roles, migrated by the one and used by the other."""

    def __init__(self, home: Path, bin: Path | None) -> None:
        self.server = postgresql.Postgres(
            home,
            owner_password=secrets.token_urlsafe(8),
            password=secrets.token_urlsafe(8),
            migrator_password=secrets.token_urlsafe(8),
            log=home / "postgresql.log",
            fast=True,
        )
        if bin:
            self._run_from(bin, home)
        self.server.start()
        self.env = {
            **os.environ, "DATABASE_URL": self.server.url, "DATABASE_OWNER_URL": "",
            "ANCHOR_FILE": str(home / "anchors.jsonl"), "SPOOL_DIR": str(home / "spool"),
        }  # fmt: skip

    def _run_from(self, bin: Path, home: Path) -> None:
        runtime = postgresql.Runtime(bin, postgresql._major(bin / "postgres"))
        self.server.runtime = postgresql.reachable(runtime, places.server_home(), self.server.account)
        self.server.data = home / "postgresql" / str(runtime.major)

    def manage(self, *arguments: str, owner: bool = False) -> "subprocess.CompletedProcess[str]":
        env = {**self.env, "DATABASE_OWNER_URL": self.server.migrator_url if owner else ""}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True
        )  # fmt: skip

    def python(self, text: str) -> "subprocess.CompletedProcess[str]":
        return self.manage("shell", "-c", text)

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.server.url, autocommit=True)


def programs() -> dict[str, Path | None]:
    """The versions to try: the one that all tests use, the wheel's other, and what AFFIDAVIT_TEST_POSTGRESQL names.

    Rights differ between versions. The setting holds folders of programs, such as `/usr/lib/postgresql/15/bin`.
    """
    named = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "").split(os.pathsep)
    others = [postgresql._in_wheel("16"), *(Path(each) for each in named if each)]
    return {"default": None, **{str(postgresql._major(each / "postgres")): each for each in others if each}}


PROGRAMS = programs()


@pytest.fixture(scope="module", params=PROGRAMS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    home = Path(os.environ["AFFIDAVIT_TEST_RUN"]) / f"roles-{request.param}-{os.getpid()}"
    home.mkdir(mode=0o711, exist_ok=True)
    home.chmod(0o711)
    made = Site(home, PROGRAMS[request.param])
    try:
        done = made.manage("migrate", owner=True)
        assert done.returncode == 0, done.stdout + done.stderr
        done = made.manage("seed_demo", "--scale", "0.01")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        yield made
    finally:
        made.server.stop(patience=5)


APPEND_ONLY = [
    "payouts_ledgerentry",
    "payouts_statement",
    "payouts_statementseal",
    "payouts_anchor",
    "payouts_anchoredstatement",
    "conversions_trace",
]
ATTACKS = [
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "ALTER TABLE {table} ADD COLUMN extra int",
    "DROP TABLE {table} CASCADE",
    "TRUNCATE {table} CASCADE",
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({column}) DO UPDATE SET {column} = excluded.{column}",
    "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
    "SELECT * FROM {table} FOR UPDATE",
    "DO $$ BEGIN LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; END $$",
    "CREATE TRIGGER extra BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE extra AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "CREATE INDEX extra ON {table} ({column})",
]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("attack", ATTACKS)
def test_history_cannot_be_touched(site: Site, table: str, attack: str) -> None:
    with site.connect() as line:
        (column,) = line.execute(
            "SELECT attname FROM pg_attribute JOIN pg_index ON indrelid = attrelid AND attnum = indkey[0] "
            "WHERE attrelid = %s::regclass AND indisprimary", [table]
        ).fetchone()  # fmt: skip
        line.execute("SELECT set_config('pgtrigger.ignore', '{ledger_entry_append_only}', false)")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
            line.execute(attack.format(table=table, column=column))


@pytest.mark.parametrize(
    "attack",
    [
        "SET session_replication_role = replica",
        "SET ROLE affidavit_owner",
        "SET SESSION AUTHORIZATION affidavit_owner",
        "GRANT affidavit_owner TO affidavit",
        "ALTER ROLE affidavit SUPERUSER",
        "ALTER ROLE affidavit CREATEROLE",
        "CREATE ROLE extra",
        "CREATE SCHEMA affidavit",
        "CREATE TABLE public.extra (id int)",
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
        "CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name name) RETURNS boolean "
        "LANGUAGE sql AS 'SELECT true'",
        "ALTER FUNCTION _pgtrigger_should_ignore(name) RENAME TO gone",
        "ALTER FUNCTION tracking_make_click_partitions(date, date) SET search_path = pg_temp",
        "DROP TABLE tracking_click_default",
        "DELETE FROM tracking_click",
        "ALTER TABLE tracking_click DETACH PARTITION tracking_click_default",
        "ALTER DATABASE affidavit SET session_replication_role = replica",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('payouts', 'extra', now())",
        "SELECT setval(pg_get_serial_sequence('payouts_ledgerentry', 'id'), 1)",
        "COPY payouts_ledgerentry TO PROGRAM 'true'",
        "ALTER DEFAULT PRIVILEGES FOR ROLE affidavit_owner GRANT ALL ON TABLES TO affidavit",
        "CREATE EXTENSION dblink",
        "SELECT tracking_drop_click_partition('tracking_click_y' || to_char(now(), 'YYYY\"m\"MM'))",
    ],
)
def test_the_role_gains_no_power(site: Site, attack: str) -> None:
    with (
        site.connect() as line,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)),
    ):
        line.execute(attack)


@pytest.mark.parametrize(
    "name", ["payouts_ledgerentry", "tracking_click_default", "tracking_click", "x'; DROP TABLE y"]
)
def test_only_months_of_clicks_are_dropped(site: Site, name: str) -> None:
    with site.connect() as line, pytest.raises(psycopg.errors.InvalidParameterValue):
        line.execute("SELECT tracking_drop_click_partition(%s)", [name])


def test_triggers_cannot_be_left_out_by_a_setting_or_deceived_by_a_temporary_table(site: Site) -> None:
    with site.connect() as line:
        every = line.execute("SELECT array_agg(DISTINCT tgname::text) FROM pg_trigger").fetchone()[0]
        line.execute("SELECT set_config('pgtrigger.ignore', %s, false)", ["{" + ",".join(every) + "}"])
        line.execute("CREATE TEMP TABLE conversions_statuschange AS SELECT * FROM public.conversions_statuschange")
        status = (
            "UPDATE public.conversions_conversion "
            "SET status = CASE status WHEN 'approved' THEN 'rejected' ELSE 'approved' END"
        )
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            line.execute(f"{status} WHERE id = (SELECT min(id) FROM public.conversions_conversion)")


def test_rights_granted_to_itself_are_none(site: Site) -> None:
    with site.connect() as line:
        line.execute("GRANT UPDATE ON payouts_ledgerentry TO affidavit")  # PostgreSQL answers with a warning
        assert not line.execute("SELECT has_table_privilege('payouts_ledgerentry', 'UPDATE')").fetchone()[0]


def test_every_relation_is_the_owners(site: Site) -> None:
    with site.connect() as line:
        mine = line.execute(
            "SELECT relname FROM pg_class WHERE pg_has_role('affidavit', relowner, 'MEMBER') "
            "AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert mine == []


def test_the_application_works_under_its_own_role(site: Site) -> None:
    """Clicks, months to come and gone, personal fields, booking, a close with its anchor, and the check of it all."""
    done = site.python(
        "from datetime import UTC, date, datetime, timedelta\n"
        "from django.utils import timezone\n"
        "from payouts.statements.closing import ask_close, run_close\n"
        "from payouts.ledger.booking import book_changes\n"
        "from payouts.ledger.click_booking import book_clicks\n"
        "from payouts.anchors.making import keep_anchors\n"
        "from tracking.retention import expiry, partitions\n"
        "now = timezone.now()\n"
        "print('made', partitions.make_partitions(first_day=date(2031, 1, 1), last_day=date(2031, 2, 1)))\n"
        "print('old', partitions.make_partitions(first_day=date(2001, 1, 1), last_day=date(2001, 1, 1)))\n"
        "partitions.drop_partition('tracking_click_y2001m01', before=now)\n"
        "print('cleared', expiry.clear_personal(before=now - timedelta(days=20))[1])\n"
        "print('drops', [d.refusal for d in expiry.drop_expired(before=now - timedelta(days=900))])\n"
        "book_changes(now=now); book_clicks(limit=100)\n"
        "ends = datetime(now.year, now.month, 1, tzinfo=UTC)\n"
        "print('closed', run_close(close=ask_close(ends_at=ends, actor=None, now=now)).failed)\n"
        "print('anchored', keep_anchors(now=now))\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    values = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (values["made"], values["old"], values["cleared"]) == ("2", "1", "True")
    assert (values["closed"], values["anchored"]) == ("0", "True")
    checked = site.manage("verify_ledger")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_migrating_again_and_granting_again_change_nothing(site: Site) -> None:
    before = _rights(site)
    assert site.manage("migrate", owner=True).returncode == 0
    done = site.manage("database_roles", owner=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _rights(site) == before


def test_the_application_cannot_migrate_by_itself(site: Site) -> None:
    assert "not set" in site.manage("database_roles").stderr
    done = site.manage("migrate")
    assert (done.returncode, "belong to the role affidavit_owner" in done.stderr) == (1, True), done.stderr
    assert "DATABASE_OWNER_URL" in done.stderr
    assert site.manage("migrate", "--check").returncode == 0


@pytest.mark.parametrize("status", ["due", "paid"])
def test_what_a_statement_made_due_stays(site: Site, status: str) -> None:
    """Payouts change until they are paid, so their table is no append-only one: a trigger says what may change."""
    changes = [
        "amount = amount + 1, sent_amount = sent_amount + 1",
        "created_at = now()",
        "affiliate_id = 1 + affiliate_id",
    ]
    changes += ["reference = 'x'", "status = 'due', paid_at = NULL"] if status == "paid" else []
    with site.connect() as line:
        for change in changes:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                line.execute(f"UPDATE payouts_payout SET {change} WHERE status = '{status}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            line.execute("DELETE FROM payouts_payout")


def roles_part(site: Site) -> str:
    """What `/readyz` makes of the application's role."""
    done = site.python(
        "from config.monitoring.readiness import check_postgresql; print(check_postgresql()['roles'].message)"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] if done.stdout.strip() else ""


def test_with_two_roles_neither_the_check_nor_readiness_warns(site: Site) -> None:
    done = site.manage("check", "--database", "default")
    assert (done.returncode, "W001" in done.stdout + done.stderr) == (0, False), done.stderr
    assert roles_part(site) == ""


POWERS = {
    "GRANT UPDATE ON payouts_statement TO affidavit": "change or delete rows of payouts_statement",
    "GRANT UPDATE (hash) ON payouts_anchor TO affidavit": "change or delete rows of payouts_anchor",
    "GRANT DELETE ON payouts_statementseal TO PUBLIC": "change or delete rows of payouts_statementseal",
    "GRANT TRIGGER ON payouts_ledgerentry TO affidavit": "change or delete rows of payouts_ledgerentry",
    "GRANT affidavit_owner TO affidavit": "it owns",
    "ALTER ROLE affidavit CREATEROLE": "may make roles",
    "ALTER ROLE affidavit SUPERUSER": "superuser",
    "ALTER DATABASE affidavit OWNER TO affidavit": "it ",
    "ALTER TABLE payouts_anchorkey OWNER TO affidavit": "it owns payouts_anchorkey",
    "GRANT CREATE ON SCHEMA public TO affidavit": "make objects beside",
    "GRANT pg_execute_server_program TO affidavit": "pg_execute_server_program",
}


@pytest.mark.parametrize("grant", POWERS)
def test_any_power_over_history_is_named(site: Site, grant: str) -> None:
    with site.server._connect_as_owner("affidavit") as superuser:
        superuser.execute("BEGIN")
        superuser.execute(grant)  # type: ignore[arg-type]
        superuser.execute("SET ROLE affidavit")
        weak = database_roles.weakness(superuser.cursor())
        superuser.execute("ROLLBACK")
        assert POWERS[grant] in weak
        superuser.execute("SET ROLE affidavit")
        assert database_roles.weakness(superuser.cursor()) == ""


def test_the_right_to_leave_triggers_out_is_named(site: Site) -> None:
    with site.server._connect_as_owner("affidavit") as superuser:
        if superuser.info.server_version < database_roles.PARAMETERS_SINCE:
            pytest.skip("No right of its own before PostgreSQL 15.")
        superuser.execute("BEGIN")
        superuser.execute("GRANT SET ON PARAMETER session_replication_role TO affidavit")
        superuser.execute("SET ROLE affidavit")
        assert "session_replication_role" in database_roles.weakness(superuser.cursor())
        superuser.execute("ROLLBACK")


def _rights(site: Site) -> list[Any]:
    with site.connect() as line:
        return line.execute("SELECT relname, relacl::text FROM pg_class WHERE relacl IS NOT NULL ORDER BY 1").fetchall()


def test_a_database_in_use_is_moved_to_its_owner_by_the_sql_that_is_printed(site: Site) -> None:
    """As for an installation with one role: everything is the application's, then the roles are parted."""
    with site.server._connect_as_owner() as line:
        line.execute("CREATE DATABASE before OWNER affidavit")
    url = urlsplit(site.server.url)._replace(path="/before").geturl()
    old = {**site.env, "DATABASE_URL": url}
    for command in (["migrate"], ["database_roles", "--sql"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=old, capture_output=True, text=True
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    for _ in range(2):
        with site.server._connect_as_owner("before") as line:
            line.execute(sql.SQL(done.stdout))  # type: ignore[arg-type]
    owner = urlsplit(site.server.migrator_url)._replace(path="/before").geturl()
    moved = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=settings.BASE_DIR, env={**old, "DATABASE_OWNER_URL": owner},
        capture_output=True, text=True,
    )  # fmt: skip
    assert moved.returncode == 0, moved.stderr
    with psycopg.connect(url) as line, pytest.raises(psycopg.errors.InsufficientPrivilege):
        line.execute("ALTER TABLE payouts_ledgerentry DISABLE TRIGGER USER")
