"""Two database roles: what is refused, what a superuser is given to run, and that nothing changes without an owner.

That the application's role can do all of its work and none to history is tried in tests/config/test_database_roles.py,
on servers of its own.
"""

from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from affiliates import database_roles
from affiliates.checks import check_database_role
from affiliates.database_roles import RolesRefused, append_only_tables, as_owner, grant, has_owner, setup_sql, weakness
from affiliates.management.commands.migrate import check_is_not_older, check_is_owner

HISTORY = {"payouts_ledgerentry", "payouts_statement", "conversions_trace", "conversions_statuschange"}
HOSTILE = 'x"; DROP TABLE affiliates_user; --'


@pytest.fixture
def application(db: None, settings: Any) -> str:
    """Another role as the application's: one that every server has, as the role that runs the tests makes none."""
    settings.DATABASES = {"default": {**settings.DATABASES["default"], "USER": "pg_signal_backend"}}
    return "pg_signal_backend"


def rights(role: str, table: str) -> set[str]:
    with connection.cursor() as cursor:
        kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
        cursor.execute(
            f"SELECT {', '.join('has_table_privilege(%s, %s, %s)' for _ in kinds)}",
            [each for kind in kinds for each in (role, table, kind)],
        )
        return {kind for kind, has in zip(kinds, cursor.fetchone(), strict=True) if has}


class TestGrant:
    def test_history_is_added_to_and_the_rest_changed(self, application: str) -> None:
        assert grant() > 50
        assert rights(application, "payouts_ledgerentry") == {"SELECT", "INSERT"}
        assert rights(application, "affiliates_affiliate") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
        assert rights(application, "django_migrations") == {"SELECT"}
        assert rights(application, "tracking_click") == {"SELECT", "INSERT", "UPDATE"}

    def test_no_table_of_history_may_be_changed(self, application: str) -> None:
        grant()
        assert append_only_tables() >= HISTORY
        for table in append_only_tables():
            assert rights(application, table) == {"SELECT", "INSERT"}, table

    def test_a_right_that_was_given_by_hand_is_taken_back(self, application: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT ALL ON payouts_ledgerentry, django_migrations TO {application}")
        assert grant() == grant()
        assert rights(application, "payouts_ledgerentry") == {"SELECT", "INSERT"}
        assert rights(application, "django_migrations") == {"SELECT"}

    def test_a_role_that_is_not_there_is_named(self, db: None, settings: Any) -> None:
        settings.DATABASES = {**settings.DATABASES, "default": {**settings.DATABASES["default"], "USER": HOSTILE}}
        with pytest.raises(RolesRefused, match="There is no role x"):
            grant()


class TestOneRole:
    def test_the_owner_itself_is_refused_as_the_applications(self, db: None) -> None:
        with pytest.raises(RolesRefused, match="Name an ordinary role of its own"):
            grant()

    def test_its_power_over_history_is_named_with_where_to_read_on(self, db: None) -> None:
        with connection.cursor() as cursor:
            found = weakness(cursor)
        assert found.startswith("The application's database role could change history: it ")
        assert "docs/operations.md" in found

    def test_the_check_warns_of_it_once_asked_for_the_database(self, db: None) -> None:
        [warning] = check_database_role(databases=["default"])
        assert warning.id == "affiliates.W001"
        assert check_database_role(databases=None) == []
        assert check_database_role(databases=["other"]) == []

    def test_the_check_passes_over_the_owners_own_connection(self, db: None, settings: Any) -> None:
        settings.DATABASES = {"default": {**settings.DATABASES["default"], "USER": "another"}}
        assert check_database_role(databases=["default"]) == []

    def test_without_an_owner_the_connection_stays_as_it_is(self, db: None, settings: Any) -> None:
        settings.DATABASE_OWNER = {}
        before = connection.settings_dict
        with as_owner():
            assert connection.settings_dict is before
        assert not has_owner()


class TestAsOwner:
    @pytest.fixture(autouse=True)
    def closed_in_between(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        """The connection of the test stays open: only what it would connect as is looked at."""
        monkeypatch.setattr(database_roles.connection, "close", lambda: None)
        settings.DATABASE_OWNER = {"USER": "owner", "PASSWORD": "secret", "OPTIONS": {"sslmode": "require"}}

    def test_the_owners_name_is_used_and_given_back_even_after_an_error(self, db: None) -> None:
        before = connection.settings_dict
        with as_owner():
            assert (connection.settings_dict["USER"], connection.settings_dict["NAME"]) == ("owner", before["NAME"])
        assert connection.settings_dict is before
        with suppress(ZeroDivisionError), as_owner():
            raise ZeroDivisionError
        assert connection.settings_dict is before

    def test_the_pool_of_the_application_is_not_the_owners(self, db: None) -> None:
        before = connection.settings_dict
        connection.settings_dict = {**before, "OPTIONS": {"pool": {"max_size": 4}, "connect_timeout": 3}}
        try:
            with as_owner():
                assert connection.settings_dict["OPTIONS"] == {"connect_timeout": 3, "sslmode": "require"}
        finally:
            connection.settings_dict = before


class TestSetup:
    def test_is_one_text_for_a_superuser_that_names_both_roles(self, settings: Any) -> None:
        text = setup_sql("affidavit_owner")
        here = settings.DATABASES["default"]
        assert f'REASSIGN OWNED BY "{here["USER"]}" TO "affidavit_owner";' in text
        assert "NOSUPERUSER NOCREATEDB NOCREATEROLE" in text
        assert f'ALTER DATABASE "{here["NAME"]}" OWNER TO "affidavit_owner";' in text

    def test_no_name_is_anything_but_a_name(self) -> None:
        text = setup_sql(HOSTILE)
        assert '"x""; DROP TABLE affiliates_user; --"' in text
        assert text.count("DROP TABLE") == text.count('x""; DROP TABLE') + text.count("= 'x\"; DROP TABLE")

    def test_needs_the_owners_name(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="Name the owner's role"):
            setup_sql("")

    def test_the_command_prints_it_and_does_nothing(self) -> None:
        out = StringIO()
        call_command("database_roles", "--sql", "--owner", "boss", stdout=out)
        assert 'TO "boss";' in out.getvalue()

    def test_the_command_says_what_is_missing(self, settings: Any) -> None:
        settings.DATABASE_OWNER = {}
        with pytest.raises(CommandError, match="DATABASE_OWNER_URL is not set"):
            call_command("database_roles")


@pytest.mark.django_db
class TestMigrate:
    def test_a_database_of_another_version_is_refused_before_anything_is_changed(self) -> None:
        with connection.cursor() as cursor:
            for name in ("0001_first", "0002_second"):
                cursor.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES ('payouts', %s, now())", [f"0000_{name}"]
                )
        with pytest.raises(CommandError, match=r"payouts\.0000_0001_first and 1 more\).*Make an empty database"):
            check_is_not_older()

    def test_one_of_this_version_is_taken(self) -> None:
        check_is_not_older()
        check_is_owner()

    def test_a_plan_is_shown_without_any_right_being_given(self, settings: Any) -> None:
        out = StringIO()
        call_command("migrate", "--plan", stdout=out)
        assert "No planned migration operations" in out.getvalue()
