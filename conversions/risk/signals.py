"""Marks of risk: what speaks against a conversion, each worth points by the offer's policy (docs/risk.md).

`look_up` reads, in one statement for any number of conversions, what has to be counted, and notes from which
addresses customers came. `marks_of` is the arithmetic; it reads nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings

from affiliates.models import Offer
from conversions.models import AddressSighting, AffiliatePace, MemberAddress, RiskPolicy
from records.bulk_rows import prepared_cursor, to_json

# For offers without a policy of their own: the published defaults.
DEFAULTS = RiskPolicy()
HOUR = timedelta(hours=1)
# Nobody counts further than this for one conversion.
MOST = 10_000
KEPT = timedelta(days=90)
USUAL_OVER = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ClickMarks:
    """What is known against a stored click, and where it came from."""

    is_bot: bool = False
    is_duplicate: bool = False
    is_data_centre: bool = False
    country: str = ""
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A conversion as marks look at it; `click` is None where no click is credited or its row is not stored."""

    offer: Offer
    goal_id: int
    affiliate_id: int
    occurred_at: datetime
    received_at: datetime
    click: ClickMarks | None = None
    click_id: Any = None
    clicked_at: datetime | None = None
    customer: str = ""
    customer_pk: int | None = None
    country: str = ""

    @property
    def policy(self) -> RiskPolicy:
        return getattr(self.offer, "risk_policy", None) or DEFAULTS


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing found, with its points, in words for operators, and what it was found by."""

    name: str
    points: int
    note: str
    inputs: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"mark": self.name, "points": self.points, "note": self.note, "input": self.inputs}


@dataclass(slots=True)
class Counts:
    """What was counted for one suspect, itself included."""

    customers_of_address: int = 0
    customers_of_click: int = 0
    in_the_hour: int = 0
    usual: float = 0.0
    is_own_address: bool = False


# `goal_id + 0`: by the click alone. Before PostgreSQL has statistics it may think the goal as telling, and read all
# that the goal has ever had.
_LOOK_UP = """
WITH ask AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS ask(position int, offer bigint, digest bytea, customer text, customer_pk bigint, click uuid, goal bigint,
               affiliate bigint, at timestamptz, since timestamptz, many int, crowd int)
), noted AS (
    INSERT INTO conversions_addresssighting (offer_id, address_digest, customer_id, seen_at)
    SELECT DISTINCT ON (offer, digest, customer) offer, digest, customer, at
    FROM ask WHERE digest IS NOT NULL AND customer <> ''
    ORDER BY offer, digest, customer
    ON CONFLICT DO NOTHING
)
SELECT 'one', ask.position,
    (SELECT count(*) FROM (
        SELECT FROM conversions_addresssighting seen
        WHERE seen.offer_id = ask.offer AND seen.address_digest = ask.digest AND seen.seen_at > ask.since
            AND seen.customer_id <> ask.customer LIMIT ask.many) AS others),
    (SELECT count(DISTINCT customer_id) FROM (
        SELECT row.customer_id FROM conversions_conversion row
        WHERE row.click_id = ask.click AND row.goal_id + 0 = ask.goal
            AND row.customer_id IS DISTINCT FROM ask.customer_pk
        LIMIT 100) AS others),
    EXISTS (SELECT FROM conversions_memberaddress own JOIN affiliates_affiliatemember member USING (user_id)
            WHERE own.address_digest = ask.digest AND member.affiliate_id = ask.affiliate)
FROM ask
UNION ALL
SELECT 'pace', wide.affiliate::int, (SELECT count(*) FROM (
        SELECT FROM conversions_conversion row WHERE row.affiliate_id = wide.affiliate
            AND row.received_at > wide.at - interval '1 hour' AND row.received_at <= wide.at
        LIMIT greatest(wide.least, least(wide.factor * coalesce(pace.hourly, 0), %s))::int) AS recent),
    (100 * coalesce(pace.hourly, 0))::bigint, false
FROM jsonb_to_recordset(%s::jsonb) AS wide(affiliate bigint, at timestamptz, least int, factor numeric)
LEFT JOIN conversions_affiliatepace pace ON pace.affiliate_id = wide.affiliate
"""


def address_digest(address: str | None) -> bytes | None:
    """A keyed digest: tells that two addresses are the same, and without the key not which.

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


def look_up(suspects: Sequence[Suspect]) -> list[Counts]:
    """Count for each suspect what its marks need; note its customer's address. One statement for all of them."""
    if not suspects:
        return []
    asked = [_ask(position, suspect) for position, suspect in enumerate(suspects)]
    wide = {suspect.affiliate_id: suspect for suspect in suspects}
    paced = [_ask_pace(suspect) for suspect in wide.values()]
    with prepared_cursor() as cursor:
        cursor.execute(_LOOK_UP, [to_json(asked), MOST, to_json(paced)])
        rows = cursor.fetchall()
    counts = [Counts() for _ in suspects]
    pace = {key: (recent, usual / 100) for kind, key, recent, usual, _ in rows if kind == "pace"}
    earlier: Counter[int] = Counter()
    for kind, position, others, of_click, is_own in rows:
        if kind == "one":
            counts[position] = Counts(others + 1, of_click + 1, is_own_address=is_own)
    for count, suspect in zip(counts, suspects, strict=True):
        recent, count.usual = pace[suspect.affiliate_id]
        earlier[suspect.affiliate_id] += 1
        count.in_the_hour = recent + earlier[suspect.affiliate_id]
    return counts


def _ask(position: int, suspect: Suspect) -> dict[str, Any]:
    policy = suspect.policy
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
        "since": suspect.received_at - policy.address_period,
        "many": policy.customers_per_address,
        "crowd": policy.customers_per_click,
    }


def _ask_pace(suspect: Suspect) -> dict[str, Any]:
    policy = suspect.policy
    return {
        "affiliate": suspect.affiliate_id,
        "at": suspect.received_at,
        "least": policy.velocity_least,
        "factor": policy.velocity_factor,
    }


def marks_of(suspect: Suspect, counts: Counts) -> list[Mark]:
    """Everything that speaks against it, by the offer's policy; what has no points there is left out."""
    found = [*_marks_of_click(suspect), *_marks_of_counts(suspect, counts)]
    return [mark for mark in found if mark.points]


def _marks_of_click(suspect: Suspect) -> list[Mark]:
    policy, click, found = suspect.policy, suspect.click, list[Mark]()
    if click and click.is_bot:
        found.append(Mark("bot_click", policy.bot_click, "The click was made by a bot.", {}))
    if click and click.is_data_centre:
        found.append(Mark("data_centre", policy.data_centre, "The click came from a hosting company's network.", {}))
    if click and click.is_duplicate:
        note = "The click repeats one of the same visitor of seconds before."
        found.append(Mark("duplicate_click", policy.duplicate_click, note, {}))
    if suspect.clicked_at:
        seconds = (suspect.occurred_at - suspect.clicked_at).total_seconds()
        if 0 <= seconds < policy.fast_seconds:
            note = f"The event came {seconds:.0f} s after the click; people take {policy.fast_seconds} s or more."
            given = {"seconds": f"{seconds:.1f}", "least": str(policy.fast_seconds)}
            found.append(Mark("too_fast", policy.too_fast, note, given))
    if click and (mismatch := _country_mismatch(suspect, click.country)):
        given = {"click": click.country, "sent": suspect.country, "offer": ", ".join(suspect.offer.countries)}
        found.append(Mark("country_mismatch", policy.country_mismatch, mismatch, given))
    return found


def _country_mismatch(suspect: Suspect, country: str) -> str:
    if not country:
        return ""
    if suspect.country and suspect.country != country:
        return f"The click came from {country}, the event from {suspect.country}."
    if suspect.offer.countries and country not in suspect.offer.countries:
        return f"The click came from {country}, where the offer does not run."
    return ""


def _marks_of_counts(suspect: Suspect, counts: Counts) -> list[Mark]:
    policy, found = suspect.policy, list[Mark]()
    if suspect.customer and counts.customers_of_address >= policy.customers_per_address:
        days = f"{policy.address_period / timedelta(days=1):g} days"
        note = f"{counts.customers_of_address} or more customers came from one address within {days}."
        given = {"customers": str(counts.customers_of_address), "many": str(policy.customers_per_address)}
        found.append(Mark("same_address", policy.same_address, note, given))
    if suspect.customer and counts.customers_of_click >= policy.customers_per_click:
        note = f"One click brought {counts.customers_of_click} customers."
        given = {"customers": str(counts.customers_of_click), "many": str(policy.customers_per_click)}
        found.append(Mark("crowded_click", policy.crowded_click, note, given))
    if counts.is_own_address:
        note = "The click came from an address from which the affiliate itself signs in."
        found.append(Mark("self_referral", policy.self_referral, note, {}))
    limit = max(float(policy.velocity_least), min(float(policy.velocity_factor) * counts.usual, MOST))
    if counts.in_the_hour > limit:
        note = f"More than {limit:.0f} conversions in an hour, where {counts.usual:.1f} are usual."
        given = {"usual": f"{counts.usual:.2f}", "limit": f"{limit:.0f}"}
        found.append(Mark("velocity", policy.velocity, note, given))
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
    """What each affiliate usually has in an hour in which it has any, over two weeks up to the last full hour."""
    until = now.replace(minute=0, second=0, microsecond=0)
    with prepared_cursor() as cursor:
        cursor.execute(_PACE, {"now": now, "since": until - USUAL_OVER, "until": until})
    return AffiliatePace.objects.filter(counted_at=now).count()


def note_sign_in(*, user_id: int, address: str | None, now: datetime) -> None:
    """Remember, as a digest, from where somebody of an affiliate signed in."""
    if digest := address_digest(address):
        MemberAddress.objects.update_or_create(user_id=user_id, address_digest=digest, defaults={"seen_at": now})


def forget_addresses(*, now: datetime) -> int:
    """Delete digests of addresses that are older than any policy looks back."""
    old, _ = AddressSighting.objects.filter(seen_at__lt=now - KEPT).delete()
    own, _ = MemberAddress.objects.filter(seen_at__lt=now - KEPT).delete()
    return old + own
