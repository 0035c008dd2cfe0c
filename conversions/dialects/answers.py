"""Answers in the form of other platforms. A refused postback never looks accepted."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from conversions.models import Postback
from web.http import clean

Outcome = Postback.Outcome
TAKEN = frozenset({Outcome.ACCEPTED, Outcome.UPDATED, Outcome.HELD, Outcome.REJECTED})
PLAIN, XML, JSON = "text/plain; charset=utf-8", "text/xml; charset=utf-8", "application/json"
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")


class Spoken(NamedTuple):
    status: int
    content_type: str
    content: bytes


# From our HTTP status and body, and the parameters as sent, to the platform's answer.
Answers = Callable[[int, dict[str, Any], dict[str, str]], Spoken]


def is_taken(body: dict[str, Any]) -> bool:
    return body.get("outcome") in TAKEN


def is_repeat(body: dict[str, Any]) -> bool:
    return body.get("outcome") == Outcome.DUPLICATE


def _json(status: int, value: object) -> Spoken:
    return Spoken(status, JSON, json.dumps(value, ensure_ascii=False).encode() + b"\n")


def _text(status: int, text: str) -> Spoken:
    return Spoken(status, PLAIN, text.encode())


def native_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    return _json(status, body)


def image_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    """Answer with an image, whatever the outcome; the headers report it."""
    return Spoken(200, "image/gif", PIXEL)


def everflow_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body) or is_repeat(body):
        return _json(200, {"conversion_id": body["conversion_id"], "transaction_id": sent.get("transaction_id", "")})
    kept: dict[str, Any] = {name: body[name] for name in ("reason", "problems", "trace_url") if name in body}
    return _json(status, {"error": body.get("message", ""), **kept})


def tune_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    """TUNE always answers 200 and reports the outcome in the text; an error on our side is still a 503."""
    if status >= 500 or status == 429:
        return _text(status, f"success=false; err_msg={body.get('message', '')};")
    if is_taken(body):
        error = ""
    elif is_repeat(body):
        error = f"Duplicate conversion of {body.get('conversion_id')}"
    elif body.get("outcome") == Outcome.UNKNOWN_CLICK:
        error = f"Invalid Trans. ID #{sent.get('transaction_id', '')}"
    else:
        error = str(body.get("message", ""))
    if sent.get("format") == "json":
        return _json(200, {"success": False, "err_msg": error} if error else {"success": True})
    return _text(200, f"success=false; err_msg={error};" if error else "success=true;")


def affise_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body):
        return _json(200, {"status": 1, "message": "OK", "conversion_id": body["conversion_id"]})
    if is_repeat(body):
        return _json(200, {"status": 2, "message": "Conversion exists", "conversion_id": body["conversion_id"]})
    return _json(status, {"status": 2, "message": body.get("message", ""), "problems": body.get("problems", [])})


def cake_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body) or is_repeat(body):
        word, code = "SUCCESS", 0
    else:
        word, code = "ERROR", 1
    message = str(body.get("message", "")).replace("&", "&amp;").replace("<", "&lt;")
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f"<result><code>{code}</code><msg>{word}</msg><detail>{message}</detail></result>\n"
    )
    return Spoken(200 if code == 0 else status, XML, text.encode())


def keitaro_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    """The literal that the sender requested with `return=`, else Success."""
    if is_taken(body) or is_repeat(body):
        return _text(200, sent.get("return", "")[:200] or "Success")
    return _text(status, f"Error: {body.get('message', '')}")


def offer18_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body):
        return _text(200, "Conversion Recorded.")
    if is_repeat(body):
        return _text(200, "Cleared due to Multi Conversion")
    if body.get("outcome") == Outcome.UNKNOWN_CLICK:
        return _text(status, f"invalid transaction {sent.get('tid', '')}")
    if body.get("outcome") == Outcome.UNAUTHORIZED:
        return _text(status, "auth_token mismatch")
    return _text(status, str(body.get("message", "")))


def impact_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body) or is_repeat(body):
        return _json(200, {"Status": "QUEUED", "QueuedUri": body["trace_url"], "ConversionId": body["conversion_id"]})
    problems = body.get("problems") or [{"field": "", "message": body.get("message", "")}]
    errors = [{"field": each["field"], "level": "ERROR", "message": each["message"]} for each in problems]
    return _json(status if status in (401, 403) or status >= 429 else 400, {"Status": "ERROR", "errors": errors})


def tolt_answer(status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
    if is_taken(body) or is_repeat(body):
        return _json(200, {"success": True, "data": [{"id": body["conversion_id"], "status": body["status"]}]})
    return _json(status, {"success": False, "error": body.get("message", "")})


# Placeholders of an operator's own answer, in {braces}; {sent.x} is the parameter x as sent.
VALUES = ("outcome", "reason", "message", "problems", "status", "conversion_id", "postback_id", "trace_url")
PLACE = re.compile(r"\{([a-z_]+|sent\.[^{}\s]{1,60})\}")
SENT = "sent."
# Besides control characters, which no answer has, XML cannot represent these.
NOT_XML = re.compile("[\ufffe\uffff]")
LONGEST_VALUE = 300


@dataclass(frozen=True, slots=True)
class OwnAnswers:
    """Answers that an operator defined: a body for each case, and whether a refusal keeps its HTTP status.

    `refused_status` of 0 keeps the status of the error. 429 and 503 always stay, so that the sender retries.
    """

    content_type: str
    taken: str
    duplicate: str
    refused: str
    refused_status: int = 0

    def __call__(self, status: int, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
        if is_taken(body) or is_repeat(body):
            return self._spoken(200, self.taken if is_taken(body) else self.duplicate, body, sent)
        is_passing = status >= 500 or status == 429
        return self._spoken(status if is_passing else self.refused_status or status, self.refused, body, sent)

    def _spoken(self, status: int, text: str, body: dict[str, Any], sent: dict[str, str]) -> Spoken:
        filled = PLACE.sub(lambda found: self._written(_value(found[1], body, sent)), text)
        is_json = self.content_type == JSON
        return Spoken(status, self.content_type if is_json else f"{self.content_type}; charset=utf-8", filled.encode())

    def _written(self, value: str) -> str:
        """Escape the value for a text of this content type."""
        if self.content_type == JSON:
            return json.dumps(value, ensure_ascii=False)[1:-1]
        if self.content_type.endswith("xml"):
            return escape(NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value), {'"': "&quot;", "'": "&apos;"})
        return value


def _value(place: str, body: dict[str, Any], sent: dict[str, str]) -> str:
    if place.startswith(SENT):
        found = sent.get(place.removeprefix(SENT).lower(), "")
    elif place == "problems":
        found = " ".join(problem["message"] for problem in body.get("problems") or ())
    else:
        found = str(body.get(place) or "") if place in VALUES else f"{{{place}}}"
    return clean(found, LONGEST_VALUE).encode("utf-8", "replace").decode()
