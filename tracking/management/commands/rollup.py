"""`manage.py rollup`: compare the sums of clicks with the clicks themselves, or rebuild them."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from records.progress import ShownProgress
from tracking.counts import rollups


class Command(BaseCommand):
    help = (
        "Reports read sums of clicks by hour and day that are kept as clicks come in. This compares them with the "
        "clicks (--check: exit code 1 where they differ) or makes them from the clicks again (--rebuild). Both "
        "may run during live traffic. Days whose clicks are no longer stored keep the sums they have."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--check", action="store_true", help="compare, change nothing")
        what.add_argument("--rebuild", action="store_true", help="make the sums from the clicks where they differ")
        parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first day (UTC): 2026-03-01")
        parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day (UTC), today by default")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            days = rollups.days(first=options["first"], last=options["last"], now=timezone.now())
        except ValueError as error:
            raise CommandError(str(error)) from error
        work = rollups.rebuild if options["rebuild"] else rollups.compare
        differing = {}
        with ShownProgress() as progress:
            for number, day in enumerate(days, 1):
                if found := work(day=day):
                    differing[day] = found
                progress("Days", number, len(days))
        self._report(days, differing, rebuilt=options["rebuild"])

    def _report(self, days: list[date], differing: dict[date, int], *, rebuilt: bool) -> None:
        for day, found in differing.items():
            self.stdout.write(f"{day}: {found:,} sums {'rebuilt' if rebuilt else 'differ from the clicks'}")
        span = f"{len(days):,} days from {days[0]} to {days[-1]}"
        if not differing:
            self.stdout.write(self.style.SUCCESS(f"The sums of {span} are what the clicks give."))
        elif rebuilt:
            self.stdout.write(self.style.SUCCESS(f"The sums of {span} are now what the clicks give."))
        else:
            self.stdout.write(self.style.ERROR(f"Of {span}, {len(differing):,} differ. Fix them with --rebuild."))
            sys.exit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day. Write it as 2026-03-01.") from error
