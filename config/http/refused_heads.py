"""The answer to a request that is refused for its head or its host alone, in the form of the endpoint."""

import json
from http import HTTPStatus

from django.conf import settings

from config.http import public_files
from conversions.endpoints import bulk, dialects, native, pixel, sources
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import refusal
from tracking.capture import redirect
from web.http import JSON, NO_STORE, TEXT, Header, Scope, Send, request_id, respond
from web.rest.errors import body as error_body

API = "/api/"
# Opened by browsers, which show the text.
_OPENED = frozenset({*public_files.FILES, pixel.IMAGE_PATH, pixel.SCRIPT_PATH})


async def refuse_head(scope: Scope, send: Send, status: int, message: str) -> None:
    headers: list[Header] = [NO_STORE, (b"x-request-id", request_id(scope).encode()), (b"connection", b"close")]
    path = scope["path"]
    if path in (native.PATH, bulk.PATH) or dialects.serves(path) or sources.serves(path):
        reason = Reason.UNREADABLE if status == HTTPStatus.BAD_REQUEST else Reason.TOO_LARGE
        await respond(send, status, [JSON, *headers], json.dumps(refusal(reason, message)).encode())
    elif path.startswith(API):
        code = "bad_request" if status == HTTPStatus.BAD_REQUEST else "too_large"
        await respond(send, status, [JSON, *headers], json.dumps(error_body(code, message)).encode())
    else:
        await respond(send, status, [TEXT, *headers], message.encode() + b"\n")


async def refuse_host(scope: Scope, send: Send) -> None:
    """Answer a request to a host that is not served: JSON with the remedy, but for what browsers open."""
    headers: list[Header] = [NO_STORE, (b"x-request-id", request_id(scope).encode())]
    message = "This host is not served here."
    path = scope["path"].lower()
    if path.startswith(redirect.PREFIX) or path in _OPENED:
        await respond(send, HTTPStatus.MISDIRECTED_REQUEST, [TEXT, *headers], message.encode() + b"\n")
        return
    message = f"{message} Nothing was counted. Send it to {settings.PUBLIC_URL}, or to a tracking domain of it."
    body = refusal(Reason.WRONG_ADDRESS, message, field="host")
    await respond(send, HTTPStatus.MISDIRECTED_REQUEST, [JSON, *headers], json.dumps(body).encode())
