"""Authentication of senders of large bodies to the pages or the API, before the body is read, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.utils import timezone

from affiliates.access.api_keys import keys_of
from web.http import Scope, cookie, header

# Questions that may wait for the thread.
MOST = 200


def shows_something(scope: Scope) -> bool:
    """Whether the head carries an API key or a session, true or not."""
    return bool(header(scope, b"authorization") or cookie(scope, settings.SESSION_COOKIE_NAME))


class BodySenders:
    """Identifies senders, in its own thread, which starts with the first request."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def sender_of(self, scope: Scope) -> str:
        """The ID of the key's or session's user; empty for everyone else, also with too many concurrent requests."""
        kind, _, key = header(scope, b"authorization").partition(" ")
        session = cookie(scope, settings.SESSION_COOKIE_NAME)
        if kind.lower() == "bearer" and key.strip():
            return await self._ask(_owner_of_key, key.strip())
        return await self._ask(_owner_of_session, session) if session else ""

    async def _ask(self, question: Callable[[str], str], text: str) -> str:
        if self._waiting >= MOST:
            return ""
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="body-senders")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _asked, question, text)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        if self._thread:
            self._thread.shutdown()


def _asked(question: Callable[[str], str], text: str) -> str:
    try:
        return question(text)
    finally:
        connections.close_all()


def _owner_of_key(key: str) -> str:
    found = keys_of(key, timezone.now()).filter(user__is_active=True).values_list("user")
    return "".join(str(user) for (user,) in found)


def _owner_of_session(session: str) -> str:
    return str(SessionStore(session).load().get(SESSION_KEY, ""))
