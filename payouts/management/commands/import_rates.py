"""`manage.py import_rates`: import exchange rates, from the ECB's bundled history or from a file."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payouts.models import ExchangeRate
from payouts.rates.daily import DayRate, RatesRefused, bundled, from_ecb, from_list, store
from records.progress import ShownProgress

Source = ExchangeRate.Source
YEARS = 2


class Command(BaseCommand):
    help = (
        "Import daily exchange rates against the euro. Without a file: the history of the European Central "
        "Bank that is "
        "installed with the program. A file is the ECB's CSV (or its ZIP), or a list with the columns day, currency, "
        "per_euro, for example for crypto currencies. Rates that exist already are not changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="a CSV or ZIP file")
        parser.add_argument(
            "--since", type=date.fromisoformat, metavar="DAY", help=f"leave out days before; default {YEARS} years ago"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = options["since"] or timezone.now().date() - timedelta(days=365 * YEARS)
        try:
            rates, source = self._read(options["file"])
            with ShownProgress(names={"rates": "Keeping rates"}) as shown:
                found = [each for each in rates if each.day >= since]
                shown("rates", 0, len(found))
                stored = store(found, source=source, note=options["file"].name if options["file"] else "")
                shown("rates", len(found), len(found))
        except (OSError, RatesRefused, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        newest = max((each.day for each in found), default=None)
        self.stdout.write(
            self.style.SUCCESS(f"{len(found):,} rates read, {stored:,} new; the newest day is {newest or 'none'}.")
        )

    def _read(self, file: Path | None) -> tuple[Iterator[DayRate], Source]:
        if file is None:
            return bundled(), Source.ECB
        content = file.read_bytes()
        is_list = content[:2] != b"PK" and b"per_euro" in content.partition(b"\n")[0]
        return (from_list(content), Source.FILE) if is_list else (from_ecb(content), Source.ECB)
