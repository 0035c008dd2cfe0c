"""The chain of an affiliate's ledger: numbers without gaps, each entry sealed with the one before it.

**The canonical form**, from which anyone can compute a chain without this program. The seal of an
entry is the SHA-256, in 64 lower-case hex digits, of a JSON text in UTF-8 that holds exactly these names:

=============== ==========================================================================================
`affiliate`     the affiliate's public ID, such as `af_k3n8d2xw`
`amount`        a string with exactly eight decimals and a leading minus when negative: `"-20.00000000"`
`arithmetic`    how the amount was calculated, in words
`booked_at`     when the entry was written, UTC: `"2026-10-31T23:59:59.000000Z"`, always six decimals
`clicks`        the public ID of a day's clicks of a link; only in entries that pay for clicks, otherwise left out
`conversion`    the conversion's public ID, or `null`
`currency`      the currency code
`kind`          `commission`, `reversal`, `adjustment`, `payment`, `fee`, `returned` or `vat`
`occurred_at`   when the event happened, written like `booked_at`
`payout`        the payout's public ID, or `null`
`plan_version`  the number of the plan version's row, or `null`
`previous_hash` the seal of the entry before; 64 zeros for the first
`rule`          the number of the rule's row, or `null`
`sequence`      the entry's number in the affiliate's chain, counted from 1
=============== ==========================================================================================

Names are sorted, there is no whitespace between tokens, and strings escape only what JSON requires (the quotation mark,
the backslash and control characters; all other characters are written as they are). This is the JSON Canonicalization
Scheme, RFC 8785.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from payouts.models import LedgerEntry, LedgerHead, Statement

GENESIS = "0" * 64


class EntryFacts(NamedTuple):
    """The facts that an entry's seal covers: the fields of the canonical form."""

    affiliate: str
    sequence: int
    kind: str
    amount: Decimal
    currency: str
    conversion: str | None
    payout: str | None
    plan_version: int | None
    rule: int | None
    arithmetic: str
    occurred_at: datetime
    booked_at: datetime
    previous_hash: str
    clicks: str | None = None


# The LedgerEntry fields that hold each of Facts, in the same order.
COLUMNS = (
    "affiliate__public_id",
    "sequence",
    "kind",
    "amount",
    "currency",
    "conversion__public_id",
    "payout__public_id",
    "plan_version_id",
    "rule_id",
    "arithmetic",
    "occurred_at",
    "booked_at",
    "previous_hash",
    "clicks__public_id",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet. The amount is rounded to its currency and is not zero."""

    affiliate_id: int
    kind: LedgerEntry.Kind
    amount: Decimal
    currency: str
    arithmetic: str
    occurred_at: datetime
    conversion: tuple[int, str] | None = None
    payout: tuple[int, str] | None = None
    clicks: tuple[int, str] | None = None
    plan_version_id: int | None = None
    rule_id: int | None = None
    actor_id: int | None = None


def canonical_text(facts: EntryFacts) -> str:
    """The JSON text that is sealed; the module's docstring defines it."""
    values = facts._asdict()
    if facts.clicks is None:
        del values["clicks"]
    values.update(
        kind=str(facts.kind),
        amount=f"{facts.amount:.8f}",
        occurred_at=moment_text(facts.occurred_at),
        booked_at=moment_text(facts.booked_at),
    )
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal(facts: EntryFacts) -> str:
    return hashlib.sha256(canonical_text(facts).encode()).hexdigest()


def moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def append(drafts: Sequence[Draft], *, now: datetime | None = None) -> list[LedgerEntry]:
    """Write entries at the end of their affiliates' chains, in the order given. Five queries for any number.

    Needs a transaction. Locks the heads of the affiliates in the order of their IDs until it ends, so
    numbers have no gaps and two writers cannot deadlock. Within a chain `booked_at` never decreases, and never falls
    into a closed period: it is `now` (by default the clock after the lock), or the time of the last entry or the end of
    the last statement, whichever is later.
    """
    if not drafts:
        return []
    by_affiliate: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_affiliate[draft.affiliate_id].append(draft)
    heads = lock_heads(sorted(by_affiliate))
    floors = _floors(heads)
    moment = now or timezone.now()
    entries: list[LedgerEntry] = []
    for head in heads:
        floor = floors[head.pk]
        booked_at = max(moment, floor) if floor else moment
        entries += [_link(head, draft, booked_at) for draft in by_affiliate[head.pk]]
    LedgerEntry.objects.bulk_create(entries)
    LedgerHead.objects.bulk_create(
        heads, update_conflicts=True, unique_fields=["affiliate"], update_fields=["sequence", "hash"]
    )
    return entries


def lock_heads(affiliate_ids: Sequence[int]) -> list[LedgerHead]:
    """Lock the heads of these chains and create missing ones; `affiliate_ids` are sorted."""
    LedgerHead.objects.bulk_create([LedgerHead(affiliate_id=pk) for pk in affiliate_ids], ignore_conflicts=True)
    return list(
        LedgerHead.objects.select_for_update(of=("self",))
        .filter(affiliate__in=affiliate_ids)
        .select_related("affiliate")
        .order_by("affiliate_id")
    )


def _floors(heads: Sequence[LedgerHead]) -> dict[int, datetime | None]:
    """The moment before which nothing may be booked, by affiliate. Read after the lock, in a separate statement."""
    last_entry = LedgerEntry.objects.filter(affiliate=OuterRef("affiliate"), sequence=OuterRef("sequence"))
    last_statement = Statement.objects.filter(affiliate=OuterRef("affiliate")).order_by("-ends_at")
    rows = LedgerHead.objects.filter(pk__in=[head.pk for head in heads]).values_list(
        "affiliate_id", Subquery(last_entry.values("booked_at")[:1]), Subquery(last_statement.values("ends_at")[:1])
    )
    return {pk: max((moment for moment in moments if moment), default=None) for pk, *moments in rows}


def _link(head: LedgerHead, draft: Draft, booked_at: datetime) -> LedgerEntry:
    """Number and seal one entry, and move the head on to it."""
    facts = EntryFacts(
        affiliate=head.affiliate.public_id,
        sequence=head.sequence + 1,
        kind=draft.kind,
        amount=draft.amount,
        currency=draft.currency,
        conversion=draft.conversion[1] if draft.conversion else None,
        payout=draft.payout[1] if draft.payout else None,
        plan_version=draft.plan_version_id,
        rule=draft.rule_id,
        arithmetic=draft.arithmetic,
        occurred_at=draft.occurred_at,
        booked_at=booked_at,
        previous_hash=head.hash,
        clicks=draft.clicks[1] if draft.clicks else None,
    )
    head.sequence, head.hash = facts.sequence, seal(facts)
    return LedgerEntry(
        affiliate_id=draft.affiliate_id,
        sequence=facts.sequence,
        kind=draft.kind,
        amount=draft.amount,
        currency=draft.currency,
        conversion_id=draft.conversion[0] if draft.conversion else None,
        payout_id=draft.payout[0] if draft.payout else None,
        clicks_id=draft.clicks[0] if draft.clicks else None,
        plan_version_id=draft.plan_version_id,
        rule_id=draft.rule_id,
        arithmetic=draft.arithmetic,
        actor_id=draft.actor_id,
        occurred_at=draft.occurred_at,
        booked_at=booked_at,
        previous_hash=facts.previous_hash,
        hash=head.hash,
    )
