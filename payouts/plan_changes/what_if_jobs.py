"""What-ifs as jobs: each is requested once; small ones are answered at once, large ones by a worker with progress.

As with the close of a period (`payouts.statements.closing`), the row holds the request and its progress, and a
PostgreSQL advisory lock shows whether a worker is running it: after a crash the next sweep starts it again. Nothing is
booked.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.models import User
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, WhatIf, WhatIfLine
from payouts.plan_changes.consents import affected_by
from payouts.plan_changes.drafts import rules_of
from payouts.plan_changes.what_if import Comparison, Proposal, as_document, compare, events_of, with_everybody
from payouts.plans.documents import PlanRefused, digest_of, document_of, rules_from
from payouts.plans.linter import problems_of_rules
from records.advisory_locks import Lock, try_to_hold

State = WhatIf.State
OPEN = (State.WAITING, State.RUNNING)
# Up to this many events the answer comes without a noticeable wait.
SMALL = 3_000
MOST_OF_ERROR = 500
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
Progress = Callable[[str, int, int], None]


class WhatIfRefused(ValueError):
    """The request is invalid; the message says how to fix it."""


class WhatIfRunning(ValueError):
    """A worker is already running this what-if."""


def ask_what_if(
    *,
    plan: CommissionPlan,
    rules: Sequence[CommissionRule],
    tried: str,
    starts_at: datetime,
    ends_at: datetime,
    actor: User | None,
    now: datetime,
    draft: DraftVersion | None = None,
) -> WhatIf:
    """Ask what these rules would have paid in the plan's place from `starts_at` until `ends_at`, or until now.

    Answer it at once when it is small, else leave it to the next sweep. Raise `WhatIfRefused` for a period that has
    not begun, `PlanRefused` for rules that could not be published.
    """
    ends_at = min(ends_at, now)
    if starts_at < BEGINNING:
        raise WhatIfRefused(
            gettext("Nothing happened before {beginning:%Y-%m-%d}: begin the period then or later.").format(
                beginning=BEGINNING
            )
        )
    if starts_at >= ends_at:
        raise WhatIfRefused(
            gettext("The period must end after it begins, and lie in the past: only what happened is tried.")
        )
    problems = problems_of_rules(plan, rules)
    if problems:
        raise PlanRefused(problems)
    row = WhatIf(
        plan=plan,
        draft=draft,
        tried=tried[:200],
        rules=document_of(rules),
        digest=digest_of(plan, draft.effective_from if draft else starts_at, rules),
        starts_at=starts_at,
        ends_at=ends_at,
        asked_by=actor,
        asked_at=now,
    )
    row.total = events_of(_proposal(row)).count()
    row.save()
    if row.total <= SMALL:
        run_what_if(row)
    return row


def ask_of_draft(
    draft: DraftVersion, starts_at: datetime, ends_at: datetime, *, actor: User | None, now: datetime
) -> WhatIf:
    """Request a what-if of the current draft."""
    return ask_what_if(
        plan=draft.plan, rules=rules_of(draft), tried=f"{draft.plan}, draft {draft.public_id}", draft=draft,
        starts_at=starts_at, ends_at=ends_at, actor=actor, now=now,
    )  # fmt: skip


def run_what_if(row: WhatIf, *, progress: Progress = lambda stage, done, total: None) -> None:
    """Run the what-if and update its row. One that is done is left unchanged.

    Raise `WhatIfRunning` while another worker runs it. Any other error is raised and, unless the database connection
    was lost, stored in the row.
    """
    with _working_on(row):
        row.refresh_from_db()
        if not row.is_open:
            return
        row.state, row.started_at = State.RUNNING, row.started_at or timezone.now()
        row.save(update_fields=["state", "started_at"])

        def report_progress(stage: str, done: int, total: int) -> None:
            row.done, row.total = done, total
            row.save(update_fields=["done", "total"])
            progress(stage, done, total)

        try:
            found = compare(_proposal(row), progress=report_progress)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            row.error = f"{type(error).__name__}: {error}"[:MOST_OF_ERROR]
            _end(row, State.FAILED)
            raise
        _keep(row, found)


def effect_on(draft: DraftVersion) -> WhatIf | None:
    """The newest finished what-if of exactly the current draft, for the events since the draft's start."""
    rows = WhatIf.objects.filter(draft=draft, digest=draft.digest, starts_at=draft.effective_from, state=State.DONE)
    return rows.order_by("-pk").first()


def _proposal(row: WhatIf) -> Proposal:
    return Proposal(row.plan, rules_from(row.rules, row.plan.offer), row.starts_at, row.ends_at)


def _keep(row: WhatIf, found: Comparison) -> None:
    # Every affiliate whose consent the draft needs has a line, even if its amounts are zero.
    concerned = affected_by(row.plan, row.starts_at, row.ends_at) if row.draft_id else []
    lines = [WhatIfLine(what_if=row, **each._asdict()) for each in with_everybody(found.outcomes(), concerned)]
    with transaction.atomic():
        row.lines.all().delete()
        WhatIfLine.objects.bulk_create(lines, batch_size=5_000)
        row.examples = [as_document(each) for each in found.examples()]
        row.done = row.total = found.events
        row.save(update_fields=["examples", "done", "total"])
        _end(row, State.DONE)


def _end(row: WhatIf, state: State) -> None:
    row.state, row.finished_at = state, timezone.now()
    row.save(update_fields=["state", "finished_at", "error"])


@contextmanager
def _working_on(row: WhatIf) -> Iterator[None]:
    with try_to_hold(Lock.WHAT_IFS, row.pk) as is_held:
        if not is_held:
            raise WhatIfRunning(
                gettext("{row} is being worked on: {done:,} of {total:,} events. Wait for its end.").format(
                    row=row, done=row.done, total=row.total
                )
            )
        yield
