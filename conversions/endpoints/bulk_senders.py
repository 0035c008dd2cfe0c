"""Identify the sender of a bulk request by its headers alone, off the event loop, so that no request blocks another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import close_old_connections, connections

from conversions.endpoints.native import signature_of
from conversions.intake import Received, reference_cache
from conversions.intake.read.signing import VALID, Signed, check
from records.secrets import digest
from web.batching import QueueFull
from web.http import Scope

T = TypeVar("T")

# Lookups that may queue for the thread.
MOST = 1_000


class BulkSenders:
    """Identifies senders; has a thread and a connection for what is not in memory."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulk-senders")
        self._waiting = 0

    async def sender_of(self, head: Received, claim: Signed | None) -> str | None:
        """Return the public ID of the advertiser that a well-formed signature names or whose token it is, else None.

        A signature goes first: a signed request is accepted only with a valid signature.
        """
        if claim:
            is_known = not claim.problem and (
                reference_cache.hmac_secrets.at_hand(claim.advertiser) or await self._ask(_has_secret, claim.advertiser)
            )
            return claim.advertiser if is_known else None
        key = digest(head.bearer)
        known = reference_cache.tokens.at_hand(key) if head.bearer else None
        if known or not head.bearer:
            return known.advertiser.public_id if known else None
        return await self._ask(_owner_of, key)

    async def has_signed(self, head: Received, scope: Scope, body: bytes) -> bool:
        """Whether the signature is valid for the body; the result is stored in the head either way."""
        return await self._ask(_is_signed, head, scope, body)

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        if self._waiting >= MOST:
            raise QueueFull("Too many requests are waiting to be authenticated.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question, *args)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()


def has_access(head: Received) -> bool:
    """Whether the token or the signature, which the head has by now, is valid."""
    if head.signed:
        secrets = reference_cache.hmac_secrets.many({head.signed.advertiser}).get(head.signed.advertiser, ())
        return check(head.signed, secrets, received_at=head.received_at)[0] == VALID
    key = digest(head.bearer)
    return bool(head.bearer) and key in reference_cache.tokens.many({key})


def _owner_of(key: str) -> str | None:
    close_old_connections()
    found = reference_cache.tokens.many({key}).get(key)
    return found.advertiser.public_id if found else None


def _has_secret(advertiser: str) -> bool:
    close_old_connections()
    return bool(reference_cache.hmac_secrets.many({advertiser}).get(advertiser))


def _is_signed(head: Received, scope: Scope, body: bytes) -> bool:
    close_old_connections()
    head.signed = signature_of(scope, body)
    return has_access(head)
