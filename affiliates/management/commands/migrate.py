"""`manage.py migrate`, as the owner of DATABASE_OWNER_URL if it is set; then the application gets its rights."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.loader import MigrationLoader

from affiliates.database_roles import RolesRefused, as_owner, foreign_owner, grant, has_owner


def check_is_owner() -> None:
    """Raise `CommandError` if the tables belong to another role: each migration would fail in the middle."""
    with connection.cursor() as cursor:
        owner = foreign_owner(cursor)
    if owner:
        raise CommandError(
            f"The tables belong to the role {owner}, so {connection.settings_dict['USER']} cannot migrate. Set "
            f"DATABASE_OWNER_URL to the address of {owner}, for this command alone, and run it again."
        )


def check_is_not_older() -> None:
    """Raise `CommandError` for a database from before the first release: its tables have the same names."""
    loader = MigrationLoader(connection)
    ours = {app for app, _ in loader.disk_migrations}
    unknown = sorted(
        name for name in loader.applied_migrations if name[0] in ours and name not in loader.disk_migrations
    )
    if unknown:
        raise CommandError(
            f"This database has migrations that this version does not have ({'.'.join(unknown[0])} and "
            f"{len(unknown) - 1:,} more): it was made by another version. Versions before 0.2 cannot be brought up to "
            "date. Make an empty database, let DATABASE_URL name it, and run this again."
        )


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        only_looks = options["plan"] or options["check_unapplied"]
        if not has_owner() and not only_looks:
            check_is_owner()
        with as_owner():
            check_is_not_older()
            super().handle(*args, **options)
            if has_owner() and not only_looks:
                try:
                    grant()
                except RolesRefused as error:
                    raise CommandError(str(error)) from error
