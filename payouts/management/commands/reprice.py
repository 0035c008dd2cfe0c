"""`manage.py reprice`: price the events of a span again, or show first what that, or a new version, would change."""

import json
from argparse import ArgumentParser
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from affiliates.models import Affiliate, Offer
from affiliates.money import format_money
from affiliates.progress import ShownProgress
from payouts.plans import PlanRefused
from payouts.what_if import Change, compare, price_again, rules_from

STAGES = {"affiliates": "Comparing affiliates", "conversions": "Pricing conversions"}
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    help = (
        "Price approved conversions again and book the differences; with --dry-run only show, by affiliate, what is "
        "booked and what would be. A version file stands in for the offer's default plan in a dry run. Exit code 0 "
        "when it could be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offer", type=int, help="the offer's number; needed with --version-file, else all offers")
        parser.add_argument("--from", dest="starts", metavar="DAY", help="events from this day on (UTC): 2026-10-01")
        parser.add_argument("--to", dest="ends", metavar="DAY", help="events before this day (UTC)")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument("--version-file", metavar="FILE", help="rules to try, as JSON; only with --dry-run")

    def handle(self, *args: Any, **options: Any) -> None:
        offers = _offers(options["offer"])
        starts_at, ends_at = _day(options["starts"], BEGINNING), _day(options["ends"], timezone.now())
        if starts_at >= ends_at:
            raise CommandError("--to must be a later day than --from.")
        if options["version_file"] and not (options["dry_run"] and options["offer"]):
            raise CommandError("A version file is tried with --dry-run and --offer; publish a version in the panel.")
        with ShownProgress(names=STAGES) as shown:
            if not options["dry_run"]:
                done = 0
                for offer in offers:
                    done += price_again(offer=offer, starts_at=starts_at, ends_at=ends_at, progress=shown)
                self.stdout.write(self.style.SUCCESS(f"Priced {done:,} conversions again; differences are booked."))
                return
            changes: list[Change] = []
            try:
                for offer in offers:
                    rules = _rules(options["version_file"], offer)
                    changes += compare(offer=offer, starts_at=starts_at, ends_at=ends_at, rules=rules, progress=shown)
            except PlanRefused as error:
                raise CommandError("\n".join(error.problems)) from error
        self._tell(changes)

    def _tell(self, changes: list[Change]) -> None:
        sums: dict[tuple[int, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        totals: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for change in changes:
            for pair in (sums[change.affiliate_id, change.currency], totals[change.currency]):
                pair[0] += change.before
                pair[1] += change.after
        names = dict(Affiliate.objects.filter(pk__in={pk for pk, _ in sums}).values_list("pk", "name"))
        for (pk, currency), (before, after) in sorted(sums.items(), key=lambda item: item[1][1] - item[1][0]):
            if before != after:
                self._line(names[pk], currency, before, after)
        for currency, (before, after) in sorted(totals.items()):
            self._line("Total", currency, before, after)
        moved = sum(before != after for before, after in sums.values())
        self.stdout.write(f"{moved:,} of {len(sums):,} balances would change. Nothing was written.")

    def _line(self, name: str, currency: str, before: Decimal, after: Decimal) -> None:
        change = format_money(after - before, currency)
        self.stdout.write(f"{name}: {format_money(before, currency)} -> {format_money(after, currency)} ({change})")


def _offers(number: int | None) -> list[Offer]:
    offers = list(Offer.objects.filter(pk=number) if number else Offer.objects.order_by("pk"))
    if not offers and number:
        raise CommandError(f"There is no offer {number}.")
    return offers


def _day(text: str | None, otherwise: datetime) -> datetime:
    if not text:
        return otherwise
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"{text} is not a day such as 2026-10-01.")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _rules(path: str | None, offer: Offer) -> Any:
    if not path:
        return None
    try:
        return rules_from(json.loads(Path(path).read_text()), offer)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
