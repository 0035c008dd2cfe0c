"""Throttle addresses that repeatedly fail authentication. A request with a valid token or signature is never throttled.

Of an IPv6 address the first 64 bits count: the sender can choose the rest. Failures are counted in the database, so all
processes share the count. Further failing requests are answered before they are stored, so a flood cannot fill the
tables.
"""

import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from conversions.dialects.dialect import Dialect
from conversions.intake import reference_cache
from conversions.intake.case import Case, Decision, Outcome, Received
from conversions.intake.read.signing import VALID, check
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.reasons.refusals import refusal
from records.secrets import digest
from records.translation import in_english
from web.client_address import origin_of

STEP = "authenticate"
WINDOW = timedelta(minutes=1)
# The seconds after which a failing address may retry.
WAIT = 60
COUNTED = frozenset({Reason.BAD_TOKEN, Reason.REVOKED_TOKEN, Reason.BAD_SIGNATURE, Reason.SIGNATURE_REQUIRED})
# The most addresses that a process remembers; more than this is a distributed flood.
MOST = 10_000

_blocked: dict[str, float] = {}
_lock = threading.Lock()


def slow_down(cases: list[Case]) -> None:
    """Answer 429 to addresses that failed too often within a minute. At most one query, and none for valid senders."""
    failed = [case for case in cases if _has_failed(case)]
    if not failed or not settings.FAILED_POSTBACKS_PER_MINUTE:
        return
    newest = max(case.postback.received_at for case in failed)
    counts = _counts({origin_of(case.postback.ip) for case in failed}, since=newest - WINDOW, until=newest)
    for case in failed:
        origin = origin_of(case.postback.ip)
        counts[origin] += 1
        if counts[origin] > settings.FAILED_POSTBACKS_PER_MINUTE:
            before = in_english(case.reason.label).lower() if case.reason else ""
            case.reason = Reason.TOO_MANY_FAILURES
            note = f"{origin} failed {counts[origin]} times within a minute ({before})."
            rule = f"{settings.FAILED_POSTBACKS_PER_MINUTE} a minute"
            case.note(STEP, Outcome.UNAUTHORIZED, note, rule=rule, ip=case.postback.ip)
            _block(origin)


def _counts(origins: set[str], *, since: datetime, until: datetime) -> Counter[str]:
    """How often each address failed within that time."""
    networks = [origin for origin in origins if "/" in origin]
    wanted = Q(ip__in=origins - set(networks))
    for network in map(ipaddress.IPv6Network, networks):
        wanted |= Q(ip__gte=str(network[0]), ip__lte=str(network[-1]))
    rows = Postback.objects.filter(wanted, outcome=Outcome.UNAUTHORIZED, received_at__gt=since, received_at__lte=until)
    found: Counter[str] = Counter()
    for ip, count in rows.order_by().values_list("ip").annotate(Count("pk")):
        found[origin_of(ip)] += count
    return found


def _has_failed(case: Case) -> bool:
    """Whether this is a new request that failed authentication; a replay does not count."""
    is_new = case.postback.decided_at is None
    return is_new and case.reason in COUNTED and case.outcome == Outcome.UNAUTHORIZED and bool(case.postback.ip)


def _block(origin: str) -> None:
    with _lock:
        if len(_blocked) >= MOST:
            _blocked.clear()
        _blocked[origin] = time.monotonic() + WAIT


def forget() -> None:
    """Reset all addresses: after a restart, and between tests."""
    with _lock:
        _blocked.clear()


def turned_away(batch: Sequence[Received]) -> dict[int, Decision]:
    """The answers to requests of failing addresses without a valid token, by position. Nothing is stored."""
    suspects = [number for number, received in enumerate(batch) if _is_suspect(received)] if _blocked else []
    if not suspects:
        return {}
    dialects = reference_cache.dialects_named(batch[number].mapping for number in suspects)
    sent = {number: _digest_of(batch[number], dialects.get(batch[number].mapping)) for number in suspects}
    known = reference_cache.tokens.many(filter(None, sent.values()))
    signed = _rightly_signed(batch, suspects)
    wrong = [
        number for number in suspects if number not in signed and (batch[number].signed or sent[number] not in known)
    ]
    return {number: _decision(batch[number]) for number in wrong}


def _rightly_signed(batch: Sequence[Received], suspects: Sequence[int]) -> set[int]:
    """Which requests have a valid signature; no query if none has any."""
    signed = {number: found for number in suspects if (found := batch[number].signed)}
    secrets = (
        reference_cache.hmac_secrets.many({found.advertiser for found in signed.values() if found.advertiser})
        if signed
        else {}
    )
    return {
        number
        for number, found in signed.items()
        if check(found, secrets.get(found.advertiser, ()), received_at=batch[number].received_at)[0] == VALID
    }


def _is_suspect(received: Received) -> bool:
    origin = origin_of(received.ip)
    until = _blocked.get(origin)
    if until is None or received.endpoint in (Postback.Endpoint.PIXEL, Postback.Endpoint.CSV):
        return False
    if received.proof == VALID:
        return False
    if until > time.monotonic():
        return True
    _blocked.pop(origin, None)
    return False


def _digest_of(received: Received, dialect: Dialect | None) -> str:
    token = token_of(received, dialect)
    return digest(token) if token else ""


def token_of(received: Received, dialect: Dialect | None) -> str:
    """The token of the request: by the names of its dialect, or as bearer."""
    names = ("token", *(name.lower() for name in dialect.tokens)) if dialect else ("token",)
    sent = [value for name, value in received.parameters if value and name.strip().lower() in names]
    return sent[0] if sent else received.bearer


def _decision(received: Received) -> Decision:
    known = EXPLANATIONS[Reason.TOO_MANY_FAILURES]
    message = f"{received.ip} failed too often to say who it is. {in_english(known.remedy)}"
    body: dict[str, Any] = {
        **refusal(Reason.TOO_MANY_FAILURES, message, outcome=Outcome.UNAUTHORIZED.value),
        "warnings": [],
        "postback_id": None,
        "conversion_id": None,
        "status": None,
        "received": {},
        "trace_url": None,
    }
    return Decision(http_status=known.http_status, body=body, postback_id="")
