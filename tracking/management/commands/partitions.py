"""`manage.py partitions`: the months of clicks, their state, and their upkeep."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from records.periods import months_after
from records.progress import ShownProgress
from tracking.retention.expiry import (
    NO_MARKS,
    RetentionBusy,
    clear_personal,
    drop_expired,
    due_partitions,
    personal_cutoff,
    rows_cutoff,
)
from tracking.retention.partitions import Partition, make_partitions, read_partitions
from tracking.retention.personal_fields import (
    ClearingState,
    NotCleared,
    NotTheOwner,
    compact,
    count_personal,
    personal_state,
)

# The beat task runs once a day: clicks that are due for longer were missed.
OVERDUE = timedelta(days=2)

EXAMPLES = """\
examples:
  manage.py partitions                          list the months; exit code 1 if something is wrong manage.py partitions
  --make-ahead 6           make the months that clicks of the next half year need manage.py partitions --drop-expired
  --trim    what the beat task "retention" does every night, at once manage.py partitions --trim --dry-run         only
  show what would be cleared manage.py partitions --compact 2026-05 return the space of cleared fields to the disk

CLICK_PERSONAL_DAYS and CLICK_ROW_MONTHS set how long clicks are stored. Every action may be stopped and
run again at any time. See docs/personal-data.md.
"""


class Command(BaseCommand):
    help = "List the monthly partitions of the click table, make months ahead, and clear or drop what has expired."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--make-ahead", type=int, metavar="MONTHS", help="make partitions up to this many months from now"
        )
        parser.add_argument("--drop-expired", action="store_true", help="drop the months older than CLICK_ROW_MONTHS")
        parser.add_argument("--trim", action="store_true", help="clear personal fields older than CLICK_PERSONAL_DAYS")
        parser.add_argument("--compact", metavar="YYYY-MM", help="rewrite a cleared month; it is locked meanwhile")
        parser.add_argument("--dry-run", action="store_true", help="change nothing: show what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        now, problems = timezone.now(), 0
        chosen = [
            name for name in ("make_ahead", "drop_expired", "trim", "compact") if options[name] not in (None, False)
        ]
        if options["dry_run"] and (not chosen or set(chosen) - {"drop_expired", "trim"}):
            raise CommandError("--dry-run goes with --drop-expired and --trim alone: say which of them to try.")
        try:
            if "make_ahead" in chosen:
                self._make(options["make_ahead"], now)
            if "drop_expired" in chosen:
                problems += self._drop(now, dry_run=options["dry_run"])
            if "trim" in chosen:
                problems += self._trim(now, dry_run=options["dry_run"])
            if "compact" in chosen:
                self._compact(options["compact"])
            if not chosen:
                problems += self._list(now)
        except RetentionBusy as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"PostgreSQL does not answer: {error}") from error
        if problems:
            sys.exit(1)

    def _make(self, months: int, now: datetime) -> None:
        if not 0 <= months <= 120:
            raise CommandError("--make-ahead takes 0 (this month only) to 120 months.")
        made = make_partitions(first_day=now.date(), last_day=months_after(now.replace(day=1), months).date())
        self.stdout.write(f"Made {made} new partitions; clicks up to {months_after(now, months):%Y-%m} have theirs.")

    def _drop(self, now: datetime, *, dry_run: bool) -> int:
        before, problems, dropped = rows_cutoff(now), 0, 0
        if before is None:
            self.stdout.write("CLICK_ROW_MONTHS is 0: clicks are kept for ever, nothing is dropped.")
            return 0
        for drop in drop_expired(before=before, dry_run=dry_run):
            if drop.refusal:
                problems += 1
                self.stdout.write(self.style.ERROR(f"{drop.name} is kept: {drop.refusal}"))
            else:
                dropped += 1
                self.stdout.write(f"{'Would drop' if dry_run else 'Dropped'} {drop.name}, about {drop.rows:,} clicks.")
        if not dropped and not problems:
            self.stdout.write(f"No month ended by {before:%Y-%m-%d}: nothing to drop.")
        return problems

    def _trim(self, now: datetime, *, dry_run: bool) -> int:
        before = personal_cutoff(now)
        if before is None:
            self.stdout.write("CLICK_PERSONAL_DAYS is 0: personal fields are kept for ever, nothing is cleared.")
            return 0
        since = f"clicks from before {before:%Y-%m-%d %H:%M} UTC"
        if dry_run:
            counts = {each.name: count_personal(each, before=before) for each in due_partitions(before=before)}
            for name, count in counts.items():
                self.stdout.write(f"{name}: {count:,}")
            self.stdout.write(f"Would clear {sum(counts.values()):,} {since}.")
            return 0
        with ShownProgress() as progress:
            cleared, _ = clear_personal(before=before, progress=progress)
        self.stdout.write(f"Cleared {cleared:,} {since}.")
        left = due_partitions(before=before)
        for partition in left:
            self.stdout.write(self.style.ERROR(f"{partition.name}: {NO_MARKS}"))
        return len(left)

    def _compact(self, month: str) -> None:
        try:
            starts = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        except ValueError as error:
            raise CommandError(f"{month!r} is not a month. Write it as 2026-05.") from error
        partition = next((each for each in read_partitions() if each.starts == starts), None)
        if partition is None:
            raise CommandError(f"There is no partition for {month}. `manage.py partitions` lists them.")
        try:
            compact(partition)
        except (NotCleared, NotTheOwner) as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"{partition.name} is in use. Try again at a quieter hour. ({error})") from error
        (after,) = read_partitions(name=partition.name)
        self.stdout.write(f"{partition.name} took {_size(partition)}, now {_size(after)}.")

    def _list(self, now: datetime) -> int:
        partitions = read_partitions()
        self.stdout.write(f"{'partition':<28}{'clicks (about)':>16}{'size':>12}  personal fields")
        for each in partitions:
            state = "ahead" if each.starts and each.starts > now else _state(each, now)
            self.stdout.write(f"{each.name:<28}{each.rows:>16,}{_size(each):>12}  {state}")
        rows, size = sum(each.rows for each in partitions), sum(each.size for each in partitions)
        self.stdout.write(f"{'all':<28}{rows:>16,}{filesizeformat(size).replace(chr(160), ' '):>12}\n")
        self.stdout.write(
            _rule(personal_cutoff(now), "Personal fields are cleared", "personal fields", "CLICK_PERSONAL_DAYS")
        )
        self.stdout.write(_rule(rows_cutoff(now), "Months are dropped", "clicks", "CLICK_ROW_MONTHS"))
        problems = [*_missing(partitions, now), *_overdue(partitions, now)]
        for problem in problems:
            self.stdout.write(self.style.ERROR(problem))
        return len(problems)


def _state(partition: Partition, now: datetime) -> ClearingState:
    """Clicks due since last night are not listed as due: the next night's run clears them."""
    return personal_state(partition, before=personal_cutoff(now - OVERDUE))


def _size(partition: Partition) -> str:
    return filesizeformat(partition.size).replace("\xa0", " ")


def _rule(before: datetime | None, does: str, what: str, setting: str) -> str:
    if before is None:
        return f"{setting} is 0: {what} are kept for ever."
    return f"{does} when older than {before:%Y-%m-%d %H:%M} UTC ({setting})."


def _missing(partitions: list[Partition], now: datetime) -> list[str]:
    """Sentences for this month and the next if they have no partition."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [
        f"There is no partition for {month:%Y-%m}. Start worker and beat, or run: manage.py partitions --make-ahead 3"
        for month in (first, months_after(first, 1))
        if not any(each.starts and each.ends and each.starts <= month < each.ends for each in partitions)
    ]


def _overdue(partitions: list[Partition], now: datetime) -> list[str]:
    """Sentences for clicks that should have been cleared or dropped days ago."""
    remedy = "Start worker and beat, or run: manage.py partitions --drop-expired --trim"
    drop = rows_cutoff(now - OVERDUE)
    late = [each.name for each in partitions if _state(each, now) is ClearingState.DUE]
    expired = [each.name for each in partitions if drop and each.ends and each.ends <= drop]
    return [
        *(f"{name} holds personal fields that should be cleared by now. {remedy}" for name in late),
        *(f"{name} should be dropped by now. {remedy}" for name in expired),
    ]
