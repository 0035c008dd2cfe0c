"""`manage.py migrate`, as the owner of DATABASE_OWNER_URL where it is set; then the application gets its rights."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection

from affiliates.database_roles import RolesRefused, as_owner, foreign_owner, grant, has_owner


def check_is_owner() -> None:
    """Raise `CommandError` where the tables are another role's: each migration would fail in the middle."""
    with connection.cursor() as cursor:
        owner = foreign_owner(cursor)
    if owner:
        raise CommandError(
            f"The tables belong to the role {owner}, so {connection.settings_dict['USER']} cannot migrate. Set "
            f"DATABASE_OWNER_URL to the address of {owner}, for this command alone, and run it again."
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
            super().handle(*args, **options)
            if has_owner() and not only_looks:
                try:
                    grant()
                except RolesRefused as error:
                    raise CommandError(str(error)) from error
