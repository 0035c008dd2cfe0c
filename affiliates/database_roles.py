"""Two database roles: an owner that migrates, and the application's own, which cannot change protected history.

With `DATABASE_OWNER_URL` set, `manage.py migrate` works as the owner and then grants the application's role what it
needs. Append-only tables may be read and added to, nothing else; no trigger can be switched off, and no function or
table can be created that would take precedence over ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from psycopg import sql

# Relations with rights of their own; every other table allows reading, adding, changing and deleting.
READ_ONLY = ("django_migrations",)
NEVER_DELETED = ("tracking_click", "payouts_payout")
ADDED_TO = "SELECT, INSERT"
CHANGED = "SELECT, INSERT, UPDATE"
ALL = "SELECT, INSERT, UPDATE, DELETE"
MAINTAIN_SINCE = 170000

_RELATIONS = """
SELECT c.relname, c.relkind::text, c.relispartition AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT',
       coalesce(i.inhparent::regclass::text, '')
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v')
"""
_TRIGGER_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prorettype = 'trigger'::regtype
"""
_UPKEEP = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef
"""
# pgtrigger lets any role skip a trigger by a setting of its session; here only the owner may.
_IGNORE = """
CREATE OR REPLACE FUNCTION {schema}._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN trigger_name = ANY(nullif(current_setting('pgtrigger.ignore', true), '')::text[]) THEN (
        SELECT pg_has_role(current_user, proowner, 'MEMBER') FROM pg_proc WHERE oid = {itself}::regprocedure
    ) ELSE false END
$$
"""
# The first right of the role that could change history; `%(tables)s` are the append-only tables.
_WEAK = """
WITH history AS (
    SELECT c.oid, c.relname, c.relowner, c.relnamespace
    FROM unnest(%(tables)s::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name)
), powers (place, power) AS (
    SELECT 1, 'it is a superuser, or may make roles' FROM pg_roles
    WHERE rolname = current_user AND (rolsuper OR rolcreaterole)
    UNION ALL
    SELECT 2, 'it owns ' || relname FROM history WHERE pg_has_role(current_user, relowner, 'MEMBER')
    UNION ALL
    SELECT 3, 'it may change or delete rows of ' || relname FROM history
    WHERE has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') OR has_any_column_privilege(oid, 'UPDATE')
    UNION ALL
    SELECT 4, 'it owns the function ' || p.proname FROM history h
    JOIN pg_trigger t ON t.tgrelid = h.oid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND pg_has_role(current_user, p.proowner, 'MEMBER')
    UNION ALL
    SELECT 5, 'it may make objects beside ' || relname FROM history
    WHERE has_schema_privilege(relnamespace, 'CREATE')
    UNION ALL
    SELECT 6, 'it owns the database' FROM pg_database
    WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'MEMBER')
    UNION ALL
    SELECT 7, 'it may use ' || rolname FROM pg_roles
    WHERE rolname IN ('pg_write_server_files', 'pg_execute_server_program')
      AND pg_has_role(current_user, oid, 'MEMBER')
)
SELECT power FROM powers ORDER BY place, power LIMIT 1
"""
# Since PostgreSQL 15 the right to set this parameter, which disables all triggers, can be granted.
_SETS_TRIGGERS = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
PARAMETERS_SINCE = 150000
_FOREIGN_OWNER = """
SELECT relowner::regrole::text FROM pg_class
WHERE oid = to_regclass('django_migrations') AND NOT pg_has_role(current_user, relowner, 'MEMBER')
"""
ONE_ROLE = (
    "The application's database role could change history: {power}. Give migrations a role of their own: see "
    "docs/operations.md, Two database roles."
)


class RolesRefused(ValueError):
    """The two roles cannot be set up; the message says why."""


def has_owner() -> bool:
    return bool(settings.DATABASE_OWNER)


@contextmanager
def as_owner() -> Iterator[None]:
    """Use the owner for this process's connection; without `DATABASE_OWNER_URL` nothing changes."""
    if not has_owner():
        yield
        return
    kept: dict[str, Any] = connection.settings_dict
    options = {name: value for name, value in kept["OPTIONS"].items() if name != "pool"}
    connection.close()
    connection.settings_dict = {
        **kept, **settings.DATABASE_OWNER, "OPTIONS": {**options, **settings.DATABASE_OWNER.get("OPTIONS", {})}
    }  # fmt: skip
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = kept


def append_only_tables() -> set[str]:
    """The tables with a trigger that protects their rows from changes and deletion."""
    return {
        model._meta.db_table
        for model in apps.get_models()
        for trigger in getattr(model._meta, "triggers", ())
        if isinstance(trigger, pgtrigger.Protect)
    }


def grant() -> int:
    """As the owner: give the application's role exactly its rights; return for how many relations.

    Safe to run again. Raise `RolesRefused` if the two roles are one, or the application's could become the owner.
    """
    application = str(settings.DATABASES["default"]["USER"])
    with transaction.atomic(), connection.cursor() as cursor:
        schema = _check(cursor, application)
        names = {"role": sql.Identifier(application), "schema": sql.Identifier(schema)}
        _run(cursor, "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC", names)
        _run(cursor, "REVOKE ALL ON SCHEMA {schema} FROM {role}", names)
        _run(cursor, "GRANT USAGE ON SCHEMA {schema} TO {role}", names)
        cursor.execute(_RELATIONS)
        relations = cursor.fetchall()
        for name, kind, is_month, whole in relations:
            _grant_relation(cursor, name, kind, is_month, whole, names)
        _fix_functions(cursor, names)
        cursor.execute("SELECT has_schema_privilege(%s, %s, 'CREATE')", [application, schema])
        if cursor.fetchone()[0]:
            raise RolesRefused(
                f"The role {application} may make objects in the schema {schema}. As its owner run: "
                f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {application}"
            )
    return len(relations)


def _check(cursor: Any, application: str) -> str:
    """The schema of the tables, if the role may be given rights in it."""
    cursor.execute(
        "SELECT current_user, current_schema(), pg_has_role(r.oid, current_user::regrole, 'MEMBER'), r.rolsuper "
        "FROM pg_roles r WHERE r.rolname = %s", [application]
    )  # fmt: skip
    found = cursor.fetchone()
    if found is None:
        raise RolesRefused(f"There is no role {application}, which DATABASE_URL names. Create it first.")
    owner, schema, is_member, is_super = found
    if is_member or is_super:
        raise RolesRefused(
            f"The role {application} of DATABASE_URL is {owner}, a member of it, or a superuser: it could change "
            "history. Name an ordinary role of its own."
        )
    return str(schema)


def _run(cursor: Any, query: str, names: dict[str, Any], **more: sql.Composable) -> None:
    cursor.execute(sql.SQL(query).format(**names, **more))


def _grant_relation(cursor: Any, name: str, kind: str, is_month: bool, whole: str, names: dict[str, Any]) -> None:
    """`whole` is the partitioned table that this one is a part of, or empty."""
    table = sql.Identifier(name)
    if kind == "S":
        _run(cursor, "REVOKE ALL ON SEQUENCE {schema}.{table} FROM {role}", names, table=table)
        _run(cursor, "GRANT USAGE, SELECT ON SEQUENCE {schema}.{table} TO {role}", names, table=table)
        return
    rights = ALL
    if name in READ_ONLY or kind == "v":
        rights = "SELECT"
    elif {name, whole} & append_only_tables():
        rights = ADDED_TO
    elif is_month or name in NEVER_DELETED:
        rights = CHANGED
    if _version(cursor) >= MAINTAIN_SINCE and rights in (ALL, CHANGED):
        rights += ", MAINTAIN"
    _run(cursor, "REVOKE ALL ON {schema}.{table} FROM {role}", names, table=table)
    _run(cursor, "GRANT " + rights + " ON {schema}.{table} TO {role}", names, table=table)


def _fix_functions(cursor: Any, names: dict[str, Any]) -> None:
    """Make trigger functions search our schema first, so a temporary table of the same name cannot replace ours."""
    cursor.execute(_TRIGGER_FUNCTIONS)
    for (function,) in cursor.fetchall():
        _run(cursor, f"ALTER FUNCTION {function} SET search_path = {{schema}}, pg_temp", names)
    cursor.execute(_UPKEEP)
    for (function,) in cursor.fetchall():
        _run(cursor, f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC", names)
        _run(cursor, f"GRANT EXECUTE ON FUNCTION {function} TO {{role}}", names)
    itself = sql.Literal(f"{names['schema'].as_string(cursor)}._pgtrigger_should_ignore(name)")
    _run(cursor, _IGNORE, names, itself=itself)


def weakness(cursor: Any) -> str:
    """Why the current role could change history, in a sentence; empty when it cannot."""
    cursor.execute(_WEAK, {"tables": sorted(append_only_tables())})
    found = cursor.fetchone()
    power = found[0] if found else ""
    if not power and _version(cursor) >= PARAMETERS_SINCE:
        cursor.execute(_SETS_TRIGGERS)
        power = "it may set session_replication_role" if cursor.fetchone()[0] else ""
    return ONE_ROLE.format(power=power) if power else ""


def foreign_owner(cursor: Any) -> str:
    """The role that owns the tables, if the current role is not a member of it; else empty."""
    cursor.execute(_FOREIGN_OWNER)
    found = cursor.fetchone()
    return str(found[0]) if found else ""


def _version(cursor: Any) -> int:
    return int(cursor.connection.info.server_version)


SETUP = """
-- Once, as a superuser, connected to the database {database}. It may be run again.
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {owner_text}) THEN
        CREATE ROLE {owner} LOGIN;  -- then give it a password: \\password {owner}
    END IF;
END $$;
ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
REASSIGN OWNED BY {role} TO {owner};
ALTER DATABASE {database} OWNER TO {owner};
REVOKE CREATE ON DATABASE {database} FROM PUBLIC, {role};
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
GRANT USAGE, CREATE ON SCHEMA public TO {owner};
"""


def setup_sql(owner: str) -> str:
    """The SQL that a superuser runs once to separate the roles, of an empty database or of one in use."""
    if not owner:
        raise ImproperlyConfigured("Name the owner's role.")
    here = settings.DATABASES["default"]
    text = sql.SQL(SETUP).format(
        owner=sql.Identifier(owner),
        owner_text=sql.Literal(owner),
        role=sql.Identifier(here["USER"]),
        database=sql.Identifier(here["NAME"]),
    )
    return text.as_string().strip() + "\n"
