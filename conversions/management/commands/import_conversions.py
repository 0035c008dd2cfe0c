"""`manage.py import_conversions`: import events of an advertiser from a CSV file."""

import argparse
import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from affiliates.models import Advertiser
from conversions.dialects.mapping import NATIVE
from conversions.dialects.table import BY_NAME
from conversions.endpoints.csv_import import import_conversions
from conversions.intake import reference_cache
from records.csv_files import FileRefused
from records.progress import ShownProgress

SHOWN = 50
EPILOG = """
The first line names the columns: click_id, txid, event_type, revenue, currency, status, timestamp, customer_id and
the others of the native postback, or with --form those of another platform. Each row is stored, decided and explained
like a postback; importing the same file again counts nothing twice. The exit code is 0 only when no row was refused.

  manage.py import_conversions october.csv --advertiser ad_k3n8d2xw --dry-run
  manage.py import_conversions october.csv --advertiser ad_k3n8d2xw --answers answers.csv
"""


class Command(BaseCommand):
    help = "Import events of an advertiser from a CSV file."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        formatter = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EPILOG, formatter_class=formatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--advertiser", metavar="ID", required=True, help="whose events they are: ad_…")
        parser.add_argument(
            "--form",
            metavar="NAME",
            help="whose column names they are: a platform's, a mapping's, a source's (src_…)",
        )
        parser.add_argument("--answers", metavar="OUT.csv", type=Path, help="write the result of each row")
        parser.add_argument("--dry-run", action="store_true", help="show the result without changing anything")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        advertiser = Advertiser.objects.filter(public_id=options["advertiser"]).first()
        if advertiser is None:
            raise CommandError(f"There is no advertiser {options['advertiser']}.")
        mapping = options["form"] or NATIVE.name
        if mapping != NATIVE.name and not reference_cache.dialects_named([mapping]):
            known = ", ".join(
                [*sorted(BY_NAME), *reference_cache.own_dialects(), *reference_cache.connections().by_name]
            )
            raise CommandError(f"There is no form {mapping}; there are {known}.")
        try:
            content = path.read_bytes()
            lines = max(content.count(b"\n") - 1, 1)
            with ShownProgress(names={"rows": "Deciding rows"}) as shown:
                done = import_conversions(
                    content,
                    advertiser=advertiser,
                    name=path.name,
                    by=f"{getpass.getuser()} by command",
                    now=timezone.now(),
                    mapping=mapping,
                    dry=options["dry_run"],
                    on_progress=lambda rows: shown("rows", rows, max(rows, lines)),
                )
            if options["answers"]:
                options["answers"].write_text(done.as_csv(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be opened: {error.strerror}.") from error
        except FileRefused as error:
            raise CommandError(str(error)) from error
        for answer in done.refused[:SHOWN]:
            self.stderr.write(f"line {answer.line}: {answer.reason}: {answer.message}")
        if (more := len(done.refused) - SHOWN) > 0:
            self.stderr.write(f"... and {more:,} more; --answers writes them all.")
        self.stdout.write(f"{done.words()}{' Nothing was stored.' if options['dry_run'] else ''}")
        if done.refused:
            raise CommandError(f"{len(done.refused):,} rows were refused. Fix them and import the file again.")
