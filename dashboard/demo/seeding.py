"""Making the demo data: once, in one transaction, and never beside real data.

Because it is one transaction, a killed run leaves nothing behind, and no page ever shows half a program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from affiliates.models import Advertiser, Affiliate, Offer, User
from conversions.models import Conversion, Customer, CustomerLock, Postback, StatusChange, Trace
from dashboard.demo import clicks, program
from dashboard.demo.clicks import DemoVisit, Traffic
from dashboard.demo.clock import DemoSpan, source
from dashboard.demo.data import OPERATOR
from dashboard.demo.history import History
from dashboard.demo.journeys import Journeys, Reports
from dashboard.demo.slips import slips
from payouts.models import LedgerEntry, Payout, Statement
from records.advisory_locks import Lock, wait_for
from tracking.models import Click, TrackingLink

SEED = 20
# About 50,000 clicks at scale 1; below a hundredth there would be hardly any.
SMALLEST, LARGEST = 0.01, 20.0

Progress = Callable[[str, int, int], None]


class SeedState(Enum):
    EMPTY = "empty"
    SEEDED = "seeded"
    FOREIGN = "foreign"


class SeedRefused(Exception):
    """The demo data cannot be made here; nothing was changed. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SeedCounts:
    """The number of rows of each kind."""

    clicks: int
    postbacks: int
    conversions: int
    ledger_entries: int
    statements: int
    payouts: int

    def __str__(self) -> str:
        return (
            f"{self.clicks:,} clicks, {self.postbacks:,} postbacks, {self.conversions:,} conversions, "
            f"{self.ledger_entries:,} ledger entries, {self.statements} statements, {self.payouts} payouts"
        )


def silent(stage: str, done: int, total: int) -> None:
    """No progress."""


def seed(*, now: datetime, number: int = SEED, scale: float = 1.0, progress: Progress = silent) -> bool:
    """Make the demo data of the 60 days up to `now`; the same number and moment give the same figures.

    `scale` multiplies the visitors. Holds an advisory lock, so a second run waits for the first. Return
    False when they are there already; raise `SeedRefused` when the database holds anything else.
    """
    if not SMALLEST <= scale <= LARGEST:
        raise SeedRefused(f"A scale of {scale:g} makes no sense here; give one from {SMALLEST:g} to {LARGEST:g}.")
    with transaction.atomic():
        wait_for(Lock.DEMO_DATA)
        found = state()
        if found is SeedState.SEEDED:
            return False
        if found is SeedState.FOREIGN:
            raise SeedRefused(_foreign())
        _make(DemoSpan(now), number, scale, progress)
    return True


def state() -> SeedState:
    """The state of the database. The demo's operator exists exactly when the whole demo does."""
    if not _is_migrated():
        raise SeedRefused("The database is not up to date. Run `manage.py migrate` first, then this again.")
    if User.objects.filter(email=OPERATOR["email"]).exists():
        return SeedState.SEEDED
    return SeedState.FOREIGN if _rows() else SeedState.EMPTY


def figures() -> SeedCounts:
    counted = (Click, Postback, Conversion, LedgerEntry, Statement, Payout)
    return SeedCounts(*(model._default_manager.count() for model in counted))


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _rows() -> dict[str, int]:
    """The number of rows of each kind that a program begins with, where there are any."""
    models = (User, Affiliate, Advertiser, Offer)
    counts = {model._meta.verbose_name_plural: model._default_manager.count() for model in models}
    return {str(name): count for name, count in counts.items() if count}


def _foreign() -> str:
    held = ", ".join(f"{count:,} {name}" for name, count in _rows().items())
    return (
        f"This database holds data that are not the demo's ({held}), and the two do not mix. "
        "Make an empty database, let DATABASE_URL name it, run `manage.py migrate`, then this again."
    )


def _make(span: DemoSpan, number: int, scale: float, progress: Progress) -> None:
    ground = program.create(span)
    visits, reports = _imagine(Traffic(ground, seed=number, scale=scale), span, number, scale)
    clicks.store(visits, ground, lambda done, total: progress("clicks", done, total))
    History(ground, reports, scale=scale).play(lambda done, total: progress("days", done, total))
    # The planner has seen empty tables so far.
    models = (TrackingLink, Click, Customer, CustomerLock, Postback, Conversion, StatusChange, Trace, LedgerEntry)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(model._meta.db_table for model in models))


def _imagine(traffic: Traffic, span: DemoSpan, number: int, scale: float) -> tuple[Sequence[DemoVisit], Reports]:
    """All clicks and all requests about them, broken ones included, each in order; those in the future are left out."""
    journeys = Journeys(source(number, "journeys"), span)
    visits_of_stories = journeys.tell(traffic)
    visits = traffic.all_visits()
    journeys.follow(visits, scale=scale)
    reports, latest = journeys.reports, span.now - timedelta(seconds=5)
    sent = [sent for sent in reports.sent if span.since <= sent.at < latest]
    # A spoiled request comes before the right one.
    reports.sent = slips(source(number, "slips"), sent, scale=scale) + sent
    return sorted([*visits, *visits_of_stories], key=lambda visit: visit.at), reports
