"""Static files, ahead of Django: compressed where the browser takes that, kept for good where the name has a hash.

WhiteNoise knows the files and what the answer to a request is; this sends it through ASGI. A file is read in a thread,
piece by piece as the client takes it, so that neither a slow disk nor a slow reader stops anything else.
"""

import asyncio
from typing import Any, BinaryIO

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response

from web.http import TEXT, Header, Receive, Scope, Send, respond

PREFIX = settings.STATIC_URL
PIECE = 64 * 1024
NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
# The request's headers that the answer depends on, as WhiteNoise names them.
READ = {
    b"accept-encoding": "HTTP_ACCEPT_ENCODING",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
    b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"range": "HTTP_RANGE",
}


class StaticFiles:
    """Answers what is below `STATIC_URL`: of STATIC_ROOT as it was at the start, in development as it is now."""

    def __init__(self) -> None:
        self._files = WhiteNoiseMiddleware(None, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope)
        if answer is None:
            await respond(send, 404, [TEXT, NO_SNIFFING], b"There is no such file here.\n")
            return
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        try:
            start = {"type": "http.response.start", "status": int(answer.status), "headers": [*headers, NO_SNIFFING]}
            await send(start)
            await _send_body(send, answer.file)
        finally:
            if answer.file is not None:
                answer.file.close()

    async def _answer(self, scope: Scope) -> Any:
        if not self._files.autorefresh and scope["path"] not in self._files.files:
            return None
        return await asyncio.to_thread(self._look_up, scope)

    def _look_up(self, scope: Scope) -> Response | None:
        path = scope["path"]
        found = self._files.find_file(path) if self._files.autorefresh else self._files.files[path]
        asked = {READ[name]: value.decode("latin-1") for name, value in scope["headers"] if name in READ}
        return found.get_response(scope["method"], asked) if found is not None else None


async def _send_body(send: Send, file: BinaryIO | None) -> None:
    while file is not None and (piece := await asyncio.to_thread(file.read, PIECE)):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
