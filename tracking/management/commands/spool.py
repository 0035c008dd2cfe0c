"""`manage.py spool`: the clicks on this machine's disk, and those that the database refused."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from tracking.capture import quarantine
from tracking.capture.click_writer import drain
from tracking.capture.connection import connect
from tracking.capture.spool import QUARANTINE, state
from tracking.click_id.codec import text_of

# A web process drains the spool within a second of the database being back.
PATIENCE = 60.0

EXAMPLES = """\
examples:
  manage.py spool                       exit code 1 when something waits for over a minute or is in quarantine
  manage.py spool --drain               write what waits into the database now
  manage.py spool --list-quarantine     the refused clicks with their reasons, and damaged segments
  manage.py spool --retry-quarantine    write refused clicks again, for example after the database was repaired

Each web server has a spool of its own (SPOOL_DIR): run this on each, as the user of the web server. Segments
drain by themselves; one that a living process still writes to is left to it.
"""


class Command(BaseCommand):
    help = "Show the clicks that wait on disk for the database, and write them into it."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drain", action="store_true", help="write waiting segments into the database")
        parser.add_argument("--list-quarantine", action="store_true", help="list what is in quarantine, and why")
        parser.add_argument("--retry-quarantine", action="store_true", help="write refused clicks again")

    def handle(self, *args: Any, **options: Any) -> None:
        directory = Path(settings.SPOOL_DIR)
        try:
            quarantine.check_readable(directory)
            if options["drain"]:
                self.stdout.write(f"Drained {drain(directory, connect):,} clicks.")
            if options["retry_quarantine"]:
                self._retry(directory)
            if options["list_quarantine"]:
                self._list(directory)
            well = self._report(directory)
        except psycopg.Error as error:
            raise CommandError(f"PostgreSQL does not accept the clicks; they stay on disk: {error}") from error
        except OSError as error:
            raise CommandError(f"{directory} cannot be used: {error}. Run this as the web server's user.") from error
        if not well:
            sys.exit(1)

    def _report(self, directory: Path) -> bool:
        """Print the state; return whether all is well."""
        now = state(directory)
        self.stdout.write(f"{directory}: segments {now.segments}, {filesizeformat(now.size)}".replace("\xa0", " "))
        if now.segments:
            self.stdout.write(f"The oldest waits for {now.oldest_seconds:,.0f} s.")
        if now.quarantined:
            self.stdout.write(self.style.ERROR(f"Files in quarantine: {now.quarantined}. See --list-quarantine."))
        late = now.oldest_seconds > PATIENCE
        if late:
            self.stdout.write(self.style.ERROR("That is long. Check that PostgreSQL accepts clicks, then try --drain."))
        return not late and not now.quarantined

    def _list(self, directory: Path) -> None:
        for click in quarantine.refused_clicks(directory):
            self.stdout.write(f"{click.path.name}: {_named(click)}: {click.reason}")
        for path in quarantine.damaged_segments(directory):
            self.stdout.write(
                f"{path.name}: {path.stat().st_size:,} bytes, damaged. Its complete clicks are in the database; "
                f"check the rest, then delete it from {directory / QUARANTINE}."
            )

    def _retry(self, directory: Path) -> None:
        written = refused = 0
        for click, why in quarantine.retry(directory, connect):
            written, refused = written + (not why), refused + bool(why)
            if why:
                self.stdout.write(f"{click.path.name}: {_named(click)}: still refused: {why}")
        self.stdout.write(f"Written: {written:,}. Still refused: {refused:,}.")


def _named(click: quarantine.RefusedClick) -> str:
    return f"click {text_of(click.key)}" if click.key else "a click without a readable ID"
