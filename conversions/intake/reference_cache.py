"""Cache of the reference data for decisions: tokens, goals, mappings, links with affiliate and offer.

A process that listens to the database keeps them in memory (`listen`); PostgreSQL notifies it of every change. In other
processes, and while the connection is down, they are read again for each batch.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from affiliates.access.advertiser_secrets import secret_text
from affiliates.models import AdvertiserSecret, Enrollment
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import NATIVE
from conversions.dialects.own import read_dialects
from conversions.dialects.table import BY_NAME
from conversions.models import Goal
from conversions.qualification.waits import RULES
from conversions.sources.connections import Connections, read_connections
from tracking.models import TrackingLink
from web.notifications import Listener
from web.notified_cache import NotifiedCache

CHANNEL = "terms_changed"
CAPACITY = 50_000
# If a notification is lost, a cached value is used for at most this many seconds; a secret, which may have been
# revoked, for fewer.
LIFETIME = 300.0
LIFETIME_OF_SECRETS = 30.0
EVERY = "*"
ENROLLMENT = ("enrollment__affiliate", "enrollment__offer__advertiser")

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ReferenceCache(NotifiedCache[Key, Value]):
    """Cached values by key, as `read` returns them. Missing keys are not cached: they are read each time.

    Values are shared between batches and threads, so they must not be changed.
    """

    def __init__(self, read: Callable[[Collection[Key]], dict[Key, Value]], lifetime: float = LIFETIME) -> None:
        super().__init__(capacity=CAPACITY, lifetime=lifetime)
        self._read = read

    def many(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """The values that exist, by key; at most one query."""
        wanted, generation = set(keys), self.generation
        found = {key: value for key in wanted if (value := self.at_hand(key)) is not None}
        if missing := wanted - found.keys():
            read = self._read(missing)
            if self.connected:
                self.store(read, generation)
            found |= read
        return found

    def at_hand(self, key: Key) -> Value | None:
        """The value if it is in memory and still valid; never queries."""
        try:
            return self.get(key)
        except KeyError:
            return None


def _read_tokens(digests: Collection[str]) -> dict[str, AdvertiserSecret]:
    rows = AdvertiserSecret.objects.select_related("advertiser").filter(digest__in=digests, revoked_at=None)
    return {row.digest: row for row in rows}


def _read_hmac_secrets(advertisers: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    rows = AdvertiserSecret.objects.select_related("advertiser").filter(
        advertiser__public_id__in=advertisers, kind=AdvertiserSecret.Kind.HMAC, revoked_at=None
    )
    for row in rows.order_by("-pk"):
        found.setdefault(row.advertiser.public_id, []).append((row.digest, secret_text(row)))
    return found


def _read_goals(advertisers: Collection[int]) -> dict[int, list[Goal]]:
    goals: dict[int, list[Goal]] = {advertiser: [] for advertiser in advertisers}
    rows = Goal.objects.select_related("offer__risk_policy__owner").prefetch_related(RULES)
    for goal in rows.filter(offer__advertiser__in=advertisers, is_active=True):
        goals[goal.offer.advertiser_id].append(goal)
    return goals


def _read_enrollments(numbers: Collection[int]) -> dict[int, Enrollment]:
    return Enrollment.objects.select_related("affiliate", "offer__advertiser").in_bulk(numbers)


def _read_links(numbers: Collection[int]) -> dict[int, TrackingLink]:
    return TrackingLink.objects.select_related(*ENROLLMENT).in_bulk(numbers)


# HMAC secrets that are not revoked, digest and text, by the advertiser's public ID; the newest first.
hmac_secrets: ReferenceCache[str, list[tuple[str, str]]] = ReferenceCache(_read_hmac_secrets, LIFETIME_OF_SECRETS)
# Tokens and HMAC secrets that are not revoked, by digest, with their advertiser.
tokens: ReferenceCache[str, AdvertiserSecret] = ReferenceCache(_read_tokens, LIFETIME_OF_SECRETS)
# The active goals of an advertiser, by its ID, with their rules, offers and risk policies.
goals: ReferenceCache[int, list[Goal]] = ReferenceCache(_read_goals)
# Links by ID, with enrollment, affiliate, offer and advertiser.
links: ReferenceCache[int, TrackingLink] = ReferenceCache(_read_links)
# Enrollments by ID, with affiliate, offer and advertiser.
enrollments: ReferenceCache[int, Enrollment] = ReferenceCache(_read_enrollments)

# Every mapping that an operator defined, by slug; they are few, so they are cached together.
_own_dialects: ReferenceCache[str, dict[str, Dialect]] = ReferenceCache(lambda keys: {EVERY: read_dialects()})

# The connections to shops, billing systems and files; they are few as well.
_connections: ReferenceCache[str, Connections] = ReferenceCache(lambda keys: {EVERY: read_connections()})

ALL: tuple[ReferenceCache[Any, Any], ...] = (
    *(tokens, hmac_secrets, goals, links, enrollments),
    *(_own_dialects, _connections),
)


def own_dialects() -> dict[str, Dialect]:
    """The mappings that operators defined, by slug, also those that are switched off; at most one query."""
    return _own_dialects.many([EVERY])[EVERY]


def own_dialects_at_hand() -> dict[str, Dialect] | None:
    """The same without a query; None if they are not cached."""
    return _own_dialects.at_hand(EVERY)


def connections() -> Connections:
    """The connections to sources, also those that are switched off; at most one query."""
    return _connections.many([EVERY])[EVERY]


def fresh_connections() -> Connections:
    """The connections as they are now: one that was just made may not be in memory yet."""
    _connections.clear()
    return connections()


def connections_at_hand() -> Connections | None:
    """The same without a query; None if they are not cached."""
    return _connections.at_hand(EVERY)


def dialects_named(names: Iterable[str]) -> dict[str, Dialect]:
    """The dialects with these names; the native form has none. No query where all are presets."""
    wanted = set(names) - {NATIVE.name}
    found = {name: BY_NAME[name] for name in wanted & BY_NAME.keys()}
    if rest := wanted - found.keys():
        own = own_dialects()
        found |= {name: own[name] for name in rest & own.keys()}
    if rest := wanted - found.keys():
        connected = connections().by_name
        found |= {name: connected[name].dialect for name in rest & connected.keys()}
    return found


@contextmanager
def kept_by_hand() -> Iterator[None]:
    """Cache values without listening, for a process that makes every change itself and calls `forget` after it."""
    _connected(True)
    try:
        yield
    finally:
        _connected(False)


def forget() -> None:
    """Let everything be read again."""
    for cache in ALL:
        cache.clear()


def listen() -> Listener:
    """Cache reference data from now on, while the listener that this starts receives notifications."""
    listener = Listener(changed=_changed, connected=_connected, channel=CHANNEL)
    listener.start()
    return listener


def _changed(listening: psycopg.Connection) -> None:
    forget()


def _connected(is_connected: bool) -> None:
    forget()
    for cache in ALL:
        cache.connected = is_connected
