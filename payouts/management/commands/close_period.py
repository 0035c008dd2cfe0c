"""`manage.py close_period`: close every affiliate's account up to the end of a period."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payouts.models import PeriodClose
from payouts.statements.closing import ask_close, run_close
from payouts.statements.statements import PeriodRefused
from records.progress import ShownProgress


class Command(BaseCommand):
    help = (
        "Close every affiliate's account up to a midnight in UTC: an immutable statement per affiliate and currency, "
        "and the payouts that fall due. Affiliates are closed in blocks, each of them whole or not at all: after a "
        "crash run it again, it continues where it stopped and closes nothing twice. An affiliate that cannot "
        "be closed does not stop the others; it is named, and the exit code is 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until",
            "--ends",
            dest="ends",
            type=date.fromisoformat,
            metavar="DAY",
            help="the first day after the period, such as 2026-11-01 for October; default: the first of this month",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        day = options["ends"] or now.astimezone(UTC).date().replace(day=1)
        try:
            close = ask_close(ends_at=datetime.combine(day, time.min, UTC), actor=None, now=now)
            with ShownProgress(names={"affiliates": "Closing affiliates"}) as shown:
                outcome = run_close(close=close, progress=lambda done, total: shown("affiliates", done, total))
        except PeriodRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"Statements made for the period up to {day}: {outcome.statements:,}."))
        if outcome.failed:
            raise CommandError(self._failures(close))

    def _failures(self, close: PeriodClose) -> str:
        rows = close.failures.select_related("affiliate")
        named = [f"{row.affiliate} ({row.affiliate.public_id}): {row.why}\n  {row.remedy}" for row in rows]
        return "\n".join([close.error, *named])
