"""`manage.py replay_postback`: decide stored postbacks again, one, several, or a filtered range."""

import getpass
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from conversions.models import Postback
from conversions.replay import CHUNK, Replayed, replay
from records.progress import ShownProgress

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Decide stored postbacks again: by their IDs (pb_…), or all that fit the filters. Nothing is counted twice; "
        "a request refused because of a setting that has since been fixed is accepted. Exit code 0 when all "
        "were decided."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="postback IDs")
        parser.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="received at or after; ISO 8601")
        parser.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="received before")
        parser.add_argument("--advertiser", metavar="ID", help="of this advertiser, by its public ID: ad_…")
        parser.add_argument("--outcome", choices=Postback.Outcome.values, help="with this decision in force")
        parser.add_argument("--reason", metavar="CODE", help="with this reason in force")
        parser.add_argument("--endpoint", choices=Postback.Endpoint.values, help="received by this endpoint")
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = _chosen(options)
        total, failed = rows.count(), 0
        counts: Counter[str] = Counter()
        if missing := set(options["ids"]) - set(rows.values_list("public_id", flat=True)):
            raise CommandError(f"There is no postback {', '.join(sorted(missing))} that fits.")
        shown = ShownProgress(names={"postbacks": "Deciding again"})
        with shown:
            for done, found in self._replayed(rows, dry=options["dry_run"]):
                for each in found:
                    failed += isinstance(each, str)
                    self._count(each, counts, shown)
                shown("postbacks", done, total)
        for line, count in sorted(counts.items()):
            self.stdout.write(f"{count:>8,}  {line}")
        message = "would have been decided again; nothing was changed" if options["dry_run"] else "were decided again"
        self.stdout.write(f"{total - failed:,} of {total:,} postbacks {message}.")
        if failed:
            sys.exit(1)

    def _replayed(self, rows: "QuerySet[Postback]", *, dry: bool) -> Iterator[tuple[int, list[Replayed | str]]]:
        """Decide chunk by chunk; print how many are done, and the result of each, or why it failed."""
        done, by = 0, f"{getpass.getuser()} on the command line"
        # A replayed postback may no longer match the filters: the IDs are read before.
        ids = list(rows.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(ids), CHUNK):
            chunk = list(Postback.objects.filter(pk__in=ids[start : start + CHUNK]).order_by("pk"))
            done += len(chunk)
            try:
                yield done, [*replay(chunk, by=by, now=timezone.now(), dry=dry)]
            except DatabaseError:
                yield done, [self._alone(pk, by, dry) for pk in ids[start : start + CHUNK]]

    def _alone(self, pk: int, by: str, dry: bool) -> Replayed | str:
        row = Postback.objects.get(pk=pk)
        try:
            return replay([row], by=by, now=timezone.now(), dry=dry)[0]
        except DatabaseError as error:
            return f"{row.public_id}: {str(error).strip()}"

    def _count(self, each: Replayed | str, counts: "Counter[str]", shown: ShownProgress) -> None:
        if isinstance(each, str):
            counts["failed"] += 1
            self.stderr.write(each)
            return
        before, after = (f"{outcome or 'undecided'} ({reason})" for outcome, reason in (each.before, each.after))
        counts[f"{before} → {after}" if each.is_changed else f"{before} stays"] += 1
        if each.is_changed and sum(counts.values()) <= SHOWN:
            with shown.paused():
                changes = f" Read differently: {each.changes}." if each.changes else ""
                self.stdout.write(f"{each.postback.public_id}: {before} → {after}. {each.note}{changes}")


def _chosen(options: dict[str, Any]) -> "QuerySet[Postback]":
    given = {
        "public_id__in": options["ids"],
        "received_at__gte": options["since"],
        "received_at__lt": options["until"],
        "advertiser__public_id": options["advertiser"],
        "outcome": options["outcome"],
        "reason": options["reason"],
        "endpoint": options["endpoint"],
    }
    wanted = {name: value for name, value in given.items() if value}
    if not wanted:
        raise CommandError("Name postbacks by their IDs, or give a filter such as --from, --outcome or --reason.")
    return Postback.objects.filter(**wanted)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
