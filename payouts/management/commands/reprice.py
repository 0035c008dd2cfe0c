"""`manage.py reprice`: price the events of a span again, or show first what that, or a new version, would change."""

import json
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from affiliates.models import Affiliate, Offer
from payouts.models import CommissionPlan, CommissionRule, DraftVersion
from payouts.plan_changes.consents import affected_by, without_consent
from payouts.plan_changes.drafts import publish_draft, rules_of
from payouts.plan_changes.publish import problems_by_examples
from payouts.plan_changes.repricing import RepricedChange, book_all, booked_and_owed, price_again
from payouts.plan_changes.what_if import AffiliateOutcome, Proposal, compare
from payouts.plans.documents import PlanRefused, rules_from
from payouts.plans.examples import ExampleRefused, unsaved
from payouts.plans.linter import problems_of_rules
from records.money import format_money
from records.progress import ShownProgress

STAGES = {
    "affiliates": "Comparing affiliates",
    "events": "Comparing events",
    "conversions": "Pricing conversions",
}
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class RepriceSpan(NamedTuple):
    starts_at: datetime
    ends_at: datetime


class Command(BaseCommand):
    help = (
        "Price approved conversions again and book the differences, with totals by affiliate; with --dry-run only show "
        "them. A draft of a version (--draft) is brought into force first; where it begins in the past, the affiliates "
        "concerned must have agreed to it. A version file stands in for the offer's default plan in a dry run. Exit "
        "code 0 when it could be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offer", type=int, help="the offer's number; needed with --version-file, else all offers")
        parser.add_argument("--from", dest="starts", metavar="DAY", help="events from this day on (UTC): 2026-10-01")
        parser.add_argument("--to", dest="ends", metavar="DAY", help="events before this day (UTC)")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument("--version-file", metavar="FILE", help="rules to try, as JSON; only with --dry-run")
        parser.add_argument("--draft", metavar="ID", help="a draft, from its own beginning until now: dv_8kq2c7wz4t")

    def handle(self, *args: Any, **options: Any) -> None:
        offers, span = _offers(options["offer"]), _span(options)
        if options["version_file"] and not (options["dry_run"] and options["offer"]):
            raise CommandError("A version file is tried with --dry-run and --offer; publish a version in the panel.")
        if options["draft"] and (options["version_file"] or options["offer"] or options["starts"] or options["ends"]):
            raise CommandError("A draft names its offer, its rules and its beginning itself: give --draft alone.")
        try:
            if options["draft"]:
                self._draft(options["draft"], is_dry=options["dry_run"])
            elif options["version_file"]:
                self._file(options["version_file"], offers[0], span)
            else:
                self._again(offers, span, is_dry=options["dry_run"])
        except PlanRefused as error:
            raise CommandError("\n".join(error.problems)) from error

    def _again(self, offers: Sequence[Offer], span: RepriceSpan, *, is_dry: bool) -> None:
        changes: list[RepricedChange] = []
        done = 0
        with ShownProgress(names=STAGES) as shown:
            for offer in offers:
                changes += booked_and_owed(offer=offer, starts_at=span.starts_at, ends_at=span.ends_at, progress=shown)
            for offer in () if is_dry else offers:
                done += price_again(offer=offer, starts_at=span.starts_at, ends_at=span.ends_at, progress=shown)
        self._report(changes, is_dry=is_dry)
        if not is_dry:
            self.stdout.write(self.style.SUCCESS(f"Priced {done:,} conversions again; differences are booked."))

    def _file(self, path: str, offer: Offer, span: RepriceSpan) -> None:
        plan = CommissionPlan.objects.filter(offer=offer, affiliate=None).first()
        plan = plan or CommissionPlan(offer=offer, name="The proposal")
        document = _document(path)
        rules = rules_from(document, offer)
        _check_examples(document, plan, rules, span.starts_at)
        proposal = Proposal(plan, rules, span.starts_at, span.ends_at)
        with ShownProgress(names=STAGES) as shown:
            outcomes = compare(proposal, progress=shown).outcomes()
        self._report_expected(outcomes)
        self._report(outcomes, is_dry=True)

    def _draft(self, public_id: str, *, is_dry: bool) -> None:
        draft = DraftVersion.objects.select_related("plan__offer").filter(public_id=public_id).first()
        if draft is None:
            raise CommandError(f"There is no draft {public_id}. The panel lists them under Draft versions.")
        now = timezone.now()
        if draft.effective_from < now:
            proposal = Proposal(draft.plan, rules_of(draft), draft.effective_from, now)
            with ShownProgress(names=STAGES) as shown:
                outcomes = compare(proposal, progress=shown).outcomes()
            if any(each.loses for each in outcomes):
                self._report_consents(draft, now)
            else:
                self.stdout.write("No affiliate loses by it: no consent is needed.")
        else:
            outcomes = []
            self.stdout.write(f"It begins on {draft.effective_from:%Y-%m-%d %H:%M} UTC: no event is priced again.")
        self._report_expected(outcomes)
        if is_dry:
            self._report(outcomes, is_dry=True)
            return
        version = publish_draft(draft=draft, actor=None, now=now)
        book_all()
        self._report(outcomes, is_dry=False)
        self.stdout.write(self.style.SUCCESS(f"{version} is in force; differences are booked."))

    def _report_consents(self, draft: DraftVersion, now: datetime) -> None:
        affected = affected_by(draft.plan, draft.effective_from, now)
        lacking = without_consent(draft.plan, draft.digest, affected)
        self.stdout.write(f"{len(affected) - len(lacking):,} of {len(affected):,} affiliates concerned have agreed.")
        for name in Affiliate.objects.filter(pk__in=lacking).order_by("name").values_list("name", flat=True):
            self.stdout.write(f"No consent: {name}")

    def _report(self, changes: Iterable[RepricedChange | AffiliateOutcome], *, is_dry: bool) -> None:
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
        message = "would change. Nothing was written." if is_dry else "change."
        self.stdout.write(f"{moved:,} of {len(sums):,} balances {message}")

    def _report_expected(self, outcomes: Sequence[AffiliateOutcome]) -> None:
        """Print the totals with pending conversions as if approved, where they differ from those of `_tell`."""
        if all(each.expected_before == each.before and each.expected_after == each.after for each in outcomes):
            return
        totals: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for each in outcomes:
            totals[each.currency][0] += each.expected_before
            totals[each.currency][1] += each.expected_after
        for currency, (before, after) in sorted(totals.items()):
            self._line("Total with what is pending", currency, before, after)

    def _line(self, name: str, currency: str, before: Decimal, after: Decimal) -> None:
        change = format_money(after - before, currency)
        self.stdout.write(f"{name}: {format_money(before, currency)} -> {format_money(after, currency)} ({change})")


def _offers(number: int | None) -> list[Offer]:
    offers = list(Offer.objects.filter(pk=number) if number else Offer.objects.order_by("pk"))
    if not offers and number:
        raise CommandError(f"There is no offer {number}.")
    return offers


def _span(options: dict[str, Any]) -> RepriceSpan:
    span = RepriceSpan(_day(options["starts"], BEGINNING), _day(options["ends"], timezone.now()))
    if span.starts_at >= span.ends_at:
        raise CommandError("--to must be a later day than --from.")
    return span


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


def _document(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text())
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _check_examples(
    document: Mapping[str, Any], plan: CommissionPlan, rules: Sequence[CommissionRule], starts_at: datetime
) -> None:
    """Raise `PlanRefused` unless the file's worked examples, if it has any, come out as they expect."""
    given = document.get("examples", [])
    if not isinstance(given, list):
        raise PlanRefused(["The file's examples are a list."])
    try:
        examples = [unsaved(each) for each in given]
    except ExampleRefused as error:
        raise PlanRefused([str(error)]) from error
    problems = problems_of_rules(plan, rules) or problems_by_examples(plan, rules, examples, starts_at)
    if problems:
        raise PlanRefused(problems)
