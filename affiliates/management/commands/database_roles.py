"""`manage.py database_roles`: separate the owner's database role from the application's."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from affiliates.database_roles import RolesRefused, as_owner, grant, has_owner, setup_sql, weakness


class Command(BaseCommand):
    help = (
        "Grant the application's database role (DATABASE_URL) what it needs and no more, as the owner "
        "(DATABASE_OWNER_URL). `migrate` does the same after each run. With --sql print what a superuser runs once, "
        "before that; it also moves a database that is in use to the new owner."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sql", action="store_true", help="print the statements for a superuser, and do nothing")
        parser.add_argument("--owner", default="affidavit_owner", metavar="ROLE", help="the owner's role for --sql")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sql"]:
            self.stdout.write(setup_sql(options["owner"]))
            return
        if not has_owner():
            raise CommandError("DATABASE_OWNER_URL is not set: there is no owner to grant anything. See --sql.")
        try:
            with as_owner():
                relations = grant()
        except RolesRefused as error:
            raise CommandError(str(error)) from error
        with connection.cursor() as cursor:
            left = weakness(cursor)
        if left:
            raise CommandError(left)
        self.stdout.write(self.style.SUCCESS(f"Rights granted on {relations:,} tables and sequences."))
