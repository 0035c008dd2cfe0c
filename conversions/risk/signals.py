"""Find the risk signals of a conversion, with points by the offer's policy (docs/risk.md).

The signals are in `conversions/risk_signals/`. `look_up` reads what they count, in one statement for any number of
conversions. `marks_of` calculates; it reads nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import models

from conversions.models import AddressSighting, AffiliatePace, MemberAddress, RiskPolicy
from conversions.risk_signals.base import MOST, Counted, Evidence, Signal, Suspect
from conversions.risk_signals.table import SIGNALS
from records.prepared import prepared_cursor, to_json

# For offers without a policy of their own: the published defaults.
DEFAULTS = RiskPolicy()
KEPT = timedelta(days=90)
USUAL_OVER = timedelta(days=14)


def policy_of(suspect: Suspect) -> RiskPolicy:
    return getattr(suspect.offer, "risk_policy", None) or DEFAULTS


@dataclass(frozen=True, slots=True)
class Mark:
    """A risk signal that was found, with its points by the offer's policy, and its evidence."""

    signal: Signal
    points: int
    evidence: Evidence

    @property
    def name(self) -> str:
        return self.signal.code

    @property
    def note(self) -> str:
        return self.evidence.note

    @property
    def inputs(self) -> dict[str, str]:
        return dict(zip(self.signal.evidence, self.evidence.values, strict=True))

    def as_json(self) -> dict[str, Any]:
        return {"mark": self.name, "points": self.points, "note": self.note, "input": self.inputs}


# Columns that signals may count by, for each conversion and each affiliate; the signals' limits are added.
_ASK = {
    **{"position": "int", "offer": "bigint", "digest": "bytea", "customer": "text", "customer_pk": "bigint"},
    **{"click": "uuid", "goal": "bigint", "affiliate": "bigint", "at": "timestamptz"},
}
_WIDE = {"affiliate": "bigint", "at": "timestamptz"}


@lru_cache(maxsize=4)
def statement(codes: tuple[str, ...]) -> str:
    """One statement that counts what these signals need for any number of conversions, and stores their notes."""
    signals = [SIGNALS[code] for code in codes]
    ones, wides = [each for each in signals if each.counts], [each for each in signals if each.affiliate_counts]
    notes = "".join(f", noted_{each.code} AS ({each.notes})" for each in signals if each.notes)
    counts = ", ".join(count for each in ones for count in each.counts)
    affiliate_counts = ", ".join(count for each in wides for count in each.affiliate_counts)
    return f"""
WITH ask AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS ask({_columns(_ASK, ones)})
){notes}
SELECT true, ask.position::bigint, ARRAY[{counts}]::bigint[] FROM ask
UNION ALL
SELECT false, wide.affiliate, ARRAY[{affiliate_counts}]::bigint[]
FROM (SELECT wide.*, %s::int AS most FROM jsonb_to_recordset(%s::jsonb) AS wide({_columns(_WIDE, wides)})) AS wide
"""  # noqa: S608 - written by the signals' classes


def _columns(fixed: Mapping[str, str], signals: Sequence[Signal]) -> str:
    settings = {name: _sql_type(each.field) for signal in signals for name, each in signal.settings.items()}
    return ", ".join(f"{name} {sql}" for name, sql in {**fixed, **settings}.items())


def _sql_type(field: "models.Field[Any, Any]") -> str:
    if isinstance(field, models.DurationField):
        return "interval"
    return "numeric" if isinstance(field, models.DecimalField) else "int"


_LOOK_UP = statement(tuple(SIGNALS))


def address_digest(address: str | None) -> bytes | None:
    """A keyed digest: shows that two addresses are the same, but without the key not which.

    None for an address that is not of the public internet: many people may share it behind a proxy.
    """
    if not address or not _is_public(address):
        return None
    key = hashlib.sha256(f"address:{settings.SECRET_KEY}".encode()).digest()
    return hashlib.blake2b(address.encode(), digest_size=16, key=key).digest()


@lru_cache(maxsize=8192)
def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def look_up(suspects: Sequence[Suspect]) -> list[dict[str, Counted]]:
    """Count what each conversion's signals need, by signal code, and store their notes. One statement for all."""
    if not suspects:
        return []
    asked = [_ask(position, suspect) for position, suspect in enumerate(suspects)]
    wide = [_ask_of_affiliate(suspect) for suspect in {each.affiliate_id: each for each in suspects}.values()]
    with prepared_cursor() as cursor:
        cursor.execute(statement(tuple(SIGNALS)), [to_json(asked), MOST, to_json(wide)])
        rows = cursor.fetchall()
    found = {(of_one, key): values for of_one, key, values in rows}
    in_batch: Counter[int] = Counter()
    counts = []
    for position, suspect in enumerate(suspects):
        in_batch[suspect.affiliate_id] += 1
        ones, wides = iter(found[True, position]), iter(found[False, suspect.affiliate_id])
        counts.append(_by_signal(ones, wides, in_batch[suspect.affiliate_id]))
    return counts


def _by_signal(ones: Iterator[int], wides: Iterator[int], in_batch: int) -> dict[str, Counted]:
    """Assign the numbers to the signals, in the order of the statement."""
    return {
        code: Counted((*islice(ones, len(each.counts)), *islice(wides, len(each.affiliate_counts))), in_batch)
        for code, each in SIGNALS.items()
    }


def _ask(position: int, suspect: Suspect) -> dict[str, Any]:
    return {
        "position": position,
        "offer": suspect.offer.pk,
        "digest": address_digest(suspect.click.ip) if suspect.click else None,
        "customer": suspect.customer,
        "customer_pk": suspect.customer_pk,
        "click": suspect.click_id if suspect.customer else None,
        "goal": suspect.goal_id,
        "affiliate": suspect.affiliate_id,
        "at": suspect.received_at,
        **_limits(suspect, [each for each in SIGNALS.values() if each.counts]),
    }


def _ask_of_affiliate(suspect: Suspect) -> dict[str, Any]:
    limits = _limits(suspect, [each for each in SIGNALS.values() if each.affiliate_counts])
    return {"affiliate": suspect.affiliate_id, "at": suspect.received_at, **limits}


def _limits(suspect: Suspect, signals: Sequence[Signal]) -> dict[str, Any]:
    policy = policy_of(suspect)
    return {name: each.of(policy) for signal in signals for name, each in signal.settings.items()}


def marks_of(suspect: Suspect, counts: Mapping[str, Counted]) -> list[Mark]:
    """The risk signals of a conversion, by the offer's policy; signals without points there are left out."""
    policy = policy_of(suspect)
    found = [
        Mark(signal, points, evidence)
        for code, signal in SIGNALS.items()
        if (points := getattr(policy, code)) and (evidence := signal.find(suspect, counts[code], policy))
    ]
    return found


_PACE = """
INSERT INTO conversions_affiliatepace (affiliate_id, hourly, counted_at)
SELECT affiliate_id, avg(number), %(now)s FROM (
    SELECT affiliate_id, count(*) AS number FROM conversions_conversion
    WHERE received_at >= %(since)s AND received_at < %(until)s
    GROUP BY affiliate_id, date_trunc('hour', received_at)
) AS hours GROUP BY affiliate_id
ON CONFLICT (affiliate_id) DO UPDATE SET hourly = excluded.hourly, counted_at = excluded.counted_at
"""


def count_pace(*, now: datetime) -> int:
    """Calculate each affiliate's usual hourly number of conversions, over hours with any in two weeks up to now.

    The last hour counted is the last full one.
    """
    until = now.replace(minute=0, second=0, microsecond=0)
    with prepared_cursor() as cursor:
        cursor.execute(_PACE, {"now": now, "since": until - USUAL_OVER, "until": until})
    return AffiliatePace.objects.filter(counted_at=now).count()


def note_sign_in(*, user_id: int, address: str | None, now: datetime) -> None:
    """Store, as a digest, the address from which a member of an affiliate signed in."""
    if digest := address_digest(address):
        MemberAddress.objects.update_or_create(user_id=user_id, address_digest=digest, defaults={"seen_at": now})


def forget_addresses(*, now: datetime) -> int:
    """Delete digests of addresses that are older than any policy looks back."""
    old, _ = AddressSighting.objects.filter(seen_at__lt=now - KEPT).delete()
    own, _ = MemberAddress.objects.filter(seen_at__lt=now - KEPT).delete()
    return old + own
