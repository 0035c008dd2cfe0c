"""The answer to a request that is refused for its head alone, in the form of the endpoint."""

import json
from http import HTTPStatus

from conversions.endpoints import bulk, dialects, native
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import refusal
from web.http import JSON, NO_STORE, TEXT, Header, Scope, Send, request_id, respond
from web.rest.errors import body as error_body

API = "/api/"


async def refuse_head(scope: Scope, send: Send, status: int, message: str) -> None:
    headers: list[Header] = [NO_STORE, (b"x-request-id", request_id(scope).encode()), (b"connection", b"close")]
    path = scope["path"]
    if path in (native.PATH, bulk.PATH) or dialects.serves(path):
        reason = Reason.UNREADABLE if status == HTTPStatus.BAD_REQUEST else Reason.TOO_LARGE
        await respond(send, status, [JSON, *headers], json.dumps(refusal(reason, message)).encode())
    elif path.startswith(API):
        code = "bad_request" if status == HTTPStatus.BAD_REQUEST else "too_large"
        await respond(send, status, [JSON, *headers], json.dumps(error_body(code, message)).encode())
    else:
        await respond(send, status, [TEXT, *headers], message.encode() + b"\n")
