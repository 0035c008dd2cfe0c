"""Import legacy click IDs, so that postbacks may still name them."""

import argparse
import sys
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from records.progress import ShownProgress
from tracking.legacy.clicks import COLUMNS, ImportedClicks, UnusableFile, import_clicks

SHOWN_FAULTS = 200
EPILOG = f"""
The file is CSV in UTF-8 with a header line. Columns: {", ".join(COLUMNS[:8])} ... sub10.
click_id, link (the code of a tracking link here) and clicked_at are needed; clicked_at is ISO 8601 (UTC where it
names no offset) or seconds or milliseconds since 1970. Rows with errors are listed with their line and skipped; all
others are imported; the same file may be imported again. The exit code is 0 only if every row is valid.

  manage.py import_clicks old-clicks.csv --source OldTracker --dry-run
  manage.py import_clicks old-clicks.csv --source OldTracker
"""


class Command(BaseCommand):
    help = "Import click IDs of another platform from a CSV file."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        formatter = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EPILOG, formatter_class=formatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path, help="the file; - reads standard input")
        parser.add_argument("--source", default="", help="the platform or advertiser that the IDs come from")
        parser.add_argument("--dry-run", action="store_true", help="check every row, import none")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        source = options["source"].strip()
        if len(source) > 60:
            raise CommandError("--source takes at most 60 characters.")
        try:
            if str(path) == "-":
                done = self._import(sys.stdin, 0, source, options["dry_run"])
            else:
                with path.open(encoding="utf-8-sig", newline="") as file:
                    done = self._import(file, path.stat().st_size, source, options["dry_run"])
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
        except UnusableFile as error:
            raise CommandError(str(error)) from error
        self._report(done, options["dry_run"])

    def _import(self, file: TextIO, size: int, source: str, is_dry_run: bool) -> ImportedClicks:
        with ShownProgress(names={"bytes": "Bytes read"}) as progress:

            def on_progress(rows: int) -> None:
                if size:
                    progress("bytes", min(file.buffer.tell(), size), size)

            return import_clicks(
                file, source=source, now=timezone.now(), is_dry_run=is_dry_run, on_progress=on_progress
            )

    def _report(self, done: ImportedClicks, is_dry_run: bool) -> None:
        for error in done.errors[:SHOWN_FAULTS]:
            self.stderr.write(f"line {error.line}: {error.message}")
        if (more := len(done.errors) - SHOWN_FAULTS) > 0:
            self.stderr.write(f"... and {more:,} more.")
        would = "would be " if is_dry_run else ""
        self.stdout.write(
            f"{done.rows:,} rows: {done.added:,} {would}imported, {done.known:,} there before, "
            f"{len(done.errors):,} with errors."
        )
        if done.errors:
            raise CommandError(f"{len(done.errors):,} rows were skipped. Fix them and import the file again.")
