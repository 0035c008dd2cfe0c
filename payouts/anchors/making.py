"""Anchoring statements: statements that no anchor names get a new anchor, and missing lines are added to the file."""

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from payouts.anchors.files import AnchorFileRefused, append_missing
from payouts.anchors.key_setting import KeyRefused
from payouts.anchors.keys import keep_public, signing_key
from payouts.anchors.records import Named, account_name, anchor_line, root_of
from payouts.anchors.seals import digest, seal_row
from payouts.ledger.chain import GENESIS, moment_text
from payouts.models import Anchor, AnchorAccount, AnchoredStatement, AnchorFile, AnchorKey, PeriodClose, Statement
from records.advisory_locks import Lock, wait_for

log = structlog.get_logger(__name__)

MOST_OF_ERROR = 500
# A close that takes longer is anchored in parts.
PATIENCE = timedelta(hours=1)


def keep_anchors(*, now: datetime) -> bool:
    """Anchor the statements that wait for it and bring the file up to date; return whether all is done.

    Never raises for a key or a file that cannot be used: that is logged, shown by readiness and metrics, and the
    next sweep tries again. Any number may run at once.
    """
    try:
        make_anchor(now=now)
    except KeyRefused as error:
        log.error("anchor_not_made", why=str(error))
        _note(written=None, error=str(error))
        return False
    return write_file()


def make_anchor(*, now: datetime) -> Anchor | None:
    """One anchor over all statements that none names yet; None when there are none. Raise `KeyRefused`.

    Statements of a close that is still at work wait for its end, so that a close has one anchor.
    """
    if not waiting(now=now).exists():
        return None
    key = signing_key()
    with transaction.atomic():
        wait_for(Lock.ANCHORS)
        statements = list(waiting(now=now).select_related("affiliate", "seal").order_by("pk"))
        if not statements:
            return None
        if key:
            keep_public(*key)
        elif AnchorKey.objects.exists():
            raise KeyRefused(
                "Anchors were signed before, and ANCHOR_KEYS is empty now. Set it again: an anchor without a signature "
                "proves less than those before it."
            )
        last = Anchor.objects.order_by("-number").first()
        named = _named(statements)
        line = anchor_line(
            number=last.number + 1 if last else 1,
            made_at=now,
            previous_hash=last.hash if last else GENESIS,
            statements=named,
            key=key[0] if key else None,
            sign=lambda text: key[1].sign(text).hex() if key else "",
        )
        anchor = Anchor.objects.create(
            number=last.number + 1 if last else 1,
            made_at=now,
            count=len(named),
            root=root_of(named),
            hash=digest(line),
            line=line,
        )
        AnchoredStatement.objects.bulk_create([AnchoredStatement(statement=row, anchor=anchor) for row in statements])
    log.info("anchor_made", number=anchor.number, statements=anchor.count, hash=anchor.hash)
    return anchor


def waiting(*, now: datetime) -> QuerySet[Statement]:
    """Sealed statements that no anchor names, and whose close has ended."""
    open_closes = PeriodClose.objects.filter(
        state__in=[PeriodClose.State.WAITING, PeriodClose.State.RUNNING], asked_at__gt=now - PATIENCE
    )
    rows = Statement.objects.filter(anchored=None, seal__isnull=False)
    return rows.exclude(ends_at__in=open_closes.values("ends_at"))


def _named(statements: list[Statement]) -> list[Named]:
    affiliates = {row.affiliate_id for row in statements}
    AnchorAccount.objects.bulk_create([AnchorAccount(affiliate_id=pk) for pk in affiliates], ignore_conflicts=True)
    salts = dict(AnchorAccount.objects.filter(pk__in=affiliates).values_list("affiliate_id", "salt"))
    return [name_of(row, salts[row.affiliate_id]) for row in statements]


def name_of(statement: Statement, salt: str) -> Named:
    """How an anchor names this statement, by the seal that is stored."""
    return Named(
        account=account_name(statement.affiliate.public_id, salt),
        ends_at=moment_text(statement.ends_at),
        head=statement.chain_hash,
        statement=seal_row(statement).hash,
    )


def write_file() -> bool:
    """Append missing lines to ANCHOR_FILE; return False when that failed."""
    if not settings.ANCHOR_FILE:
        return True
    try:
        written = append_missing(Path(settings.ANCHOR_FILE))
    except (OSError, AnchorFileRefused) as error:
        log.error("anchor_file_not_written", path=str(settings.ANCHOR_FILE), why=str(error))
        _note(written=None, error=str(error))
        return False
    _note(written=written, error="")
    return True


def unwritten() -> int:
    """How many anchors ANCHOR_FILE lacks, as far as the last sweep knows; 0 where no file is set."""
    if not settings.ANCHOR_FILE:
        return 0
    file = AnchorFile.objects.filter(path=str(settings.ANCHOR_FILE)[:500]).first()
    return Anchor.objects.filter(number__gt=file.written if file else 0).count()


def _note(*, written: int | None, error: str) -> None:
    """Store the file's progress and its error for readiness and metrics; write only when something changed."""
    path, now = str(settings.ANCHOR_FILE)[:500], timezone.now()
    row = AnchorFile.objects.filter(path=path).first() or AnchorFile(path=path)
    changed = row.error != error[:MOST_OF_ERROR] or (written is not None and row.written != written)
    if row.checked_at is None or changed:
        row.error, row.checked_at = error[:MOST_OF_ERROR], now
        row.written = row.written if written is None else written
        # Two processes may note the first time at once.
        AnchorFile.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["path"],
            update_fields=["written", "error", "checked_at"],
        )
