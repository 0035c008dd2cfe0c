"""The OpenAPI description of `POST /api/v1/conversions/bulk`, which Django REST framework does not serve."""

from typing import Any

from conversions.dialects.mapping import NAMES
from conversions.endpoints.bulk import PATH
from conversions.endpoints.bulk_events import MAX_EVENTS
from conversions.models import Conversion, Postback
from conversions.reasons.codes import Reason

_TEXT = {"type": "string"}
_SECURITY = {"type": "http", "scheme": "bearer", "description": "An advertiser's token: `aft_...`"}
_EVENT = {
    "type": "object",
    "description": "One event; names as in a postback. Any other name is stored with it.",
    "properties": {
        name: {"description": f"Also: {', '.join(names[1:])}." if names[1:] else "", **_TEXT}
        for name, names in NAMES.items()
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["code", "field", "value", "message", "remedy", "help"],
    "properties": {
        **dict.fromkeys(("code", "field", "value", "message", "remedy"), _TEXT),
        "help": {"type": "string", "format": "uri", "description": "A public page about the reason."},
    },
}
_DECISION: dict[str, Any] = {
    "type": "object",
    "required": ["outcome", "reason", "message", "problems"],
    "properties": {
        "index": {"type": "integer", "description": "The event's place in the request, from 0."},
        "http_status": {"type": "integer", "description": "As if the event had been sent alone."},
        "outcome": {"type": "string", "enum": [*Postback.Outcome.values, "error"]},
        "reason": {"type": "string", "enum": list(Reason.values)},
        "message": _TEXT,
        "problems": {"type": "array", "items": {"$ref": "#/components/schemas/EventProblem"}},
        "warnings": {"type": "array", "items": _TEXT},
        "postback_id": {**_TEXT, "nullable": True},
        "conversion_id": {**_TEXT, "nullable": True},
        "status": {"type": "string", "nullable": True, "enum": [*Conversion.Status.values, None]},
        "received": {"type": "object", "additionalProperties": _TEXT},
        "trace_url": {**_TEXT, "nullable": True},
        "waiting": {"type": "object", "additionalProperties": _TEXT},
        "is_test": {"type": "boolean"},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["events", "counts", "decisions"],
    "properties": {
        "events": {"type": "integer"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By outcome."},
        "decisions": {"type": "array", "items": {"$ref": "#/components/schemas/EventDecision"}},
    },
}
_REFUSALS = {
    "400": "The body is no list of events.",
    "401": "No token or signature, or one that is not valid.",
    "403": "The advertiser may not send, or not from this address.",
    "413": "Too many events, or a body that is too large.",
    "422": "There is no event.",
    "429": "Too many requests without a valid token: see `Retry-After`.",
    "503": "A part of the system is down or busy: send it again, which is harmless.",
}


def add_bulk(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the bulk endpoint; its errors have the form of its answers."""
    parts = result["components"]
    parts["securitySchemes"]["advertiserToken"] = _SECURITY
    parts["schemas"] |= {
        "Event": _EVENT,
        "EventProblem": _PROBLEM,
        "EventDecision": _DECISION,
        "BulkAnswer": _ANSWER,
    }
    events = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_EVENTS,
        "items": {"$ref": "#/components/schemas/Event"},
    }
    wrapped = {"type": "object", "required": ["events"], "properties": {"events": events}}
    result["paths"][PATH] = {
        "post": {
            "operationId": "conversions_bulk",
            "tags": ["conversions"],
            "description": (
                "Up to 10,000 events of an advertiser, each stored, decided and answered as if it had been "
                "sent alone. If events are sent again, those already counted are answered as `duplicate`. "
                "NDJSON, one object per line, is accepted too."
            ),
            "security": [{"advertiserToken": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"anyOf": [events, wrapped]}}},
            },
            "responses": {
                "200": {"description": "An answer for each event.", "content": _content("BulkAnswer")},
                **{
                    status: {"description": words, "content": _content("EventDecision")}
                    for status, words in _REFUSALS.items()
                },
            },
        }
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
