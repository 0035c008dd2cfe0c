"""`manage.py migrate`, as the owner of DATABASE_OWNER_URL where it is set; then the application gets its rights."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from affiliates.database_roles import RolesRefused, as_owner, grant, has_owner


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        with as_owner():
            super().handle(*args, **options)
            if has_owner() and not (options["plan"] or options["check_unapplied"]):
                try:
                    grant()
                except RolesRefused as error:
                    raise CommandError(str(error)) from error
