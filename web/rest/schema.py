"""Additions to the generated OpenAPI description: keys, errors, fields for operators only."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from web.rest.fields import AMOUNT, LINE

ERROR = {
    "type": "object",
    "description": "What is wrong and how to fix it.",
    "required": ["error", "message", "problems"],
    "properties": {
        "error": {"type": "string", "description": "A stable code, such as `invalid` or `not_found`."},
        "message": {"type": "string"},
        "problems": {
            "type": "array",
            "description": "Each problem of the request; `field` is the parameter, empty for the request as a whole.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_BODY = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_WAIT = {"Retry-After": {"description": "Seconds to wait before the next request.", "schema": {"type": "integer"}}}
# Every operation may answer with these; the header `X-Request-Id` of each answer finds the request in the logs.
PROBLEM_ANSWERS: dict[str, dict[str, Any]] = {
    "400": {"description": "Invalid: `problems` names each problem.", "content": _BODY},
    "401": {"description": "No key, or one that is unknown, revoked or expired.", "content": _BODY},
    "403": {
        "description": "The account may not do this, or the key lacks a scope (`missing_scope`) or is used from an "
        "address that it does not allow (`address_not_allowed`); `message` says how to get it.",
        "content": _BODY,
    },
    "429": {
        "description": "Too many requests, or too many wrong keys, in this minute.",
        "content": _BODY,
        "headers": _WAIT,
    },
    "503": {"description": "A part of the system is down: send it again.", "content": _BODY, "headers": _WAIT},
}
NAMED = {"404": {"description": "Nothing of this ID is among what may be seen.", "content": _BODY}}
WRITTEN = {
    "409": {"description": "Sound, but not in the state that things are in.", "content": _BODY},
    "413": {"description": "The body is larger than is read.", "content": _BODY},
    "415": {"description": "The body is not JSON, or does not say so in `Content-Type`.", "content": _BODY},
}
# Resources that look up rows named in the query.
LOOK_UPS = frozenset({"trace", "funnel"})


class Described(AutoSchema):
    """Also describes how many rows a list may have."""

    def _unwrap_list_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any] | None:
        unwrap: Any = super()._unwrap_list_serializer
        found: dict[str, Any] | None = unwrap(serializer, direction)
        if found and found.get("type") == "array":
            least = {} if getattr(serializer, "allow_empty", True) else {"minItems": 1}
            most = getattr(serializer, "max_length", None)
            found |= least | ({"maxItems": most} if most else {})
        return found


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "affiliates.access.api_keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `afk_...`"}


class AdvertiserTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "affiliates.access.advertiser_tokens.AdvertiserTokenAuthentication"
    name = "advertiserToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "The token of an advertiser's postbacks: `aft_...`"}


class ReachScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Fields that affiliates do not get are not required."""

    target_class = "affiliates.access.serializers.ReachSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        describe: Any = auto_schema._map_serializer
        schema: dict[str, Any] = describe(self.target, direction, bypass_extensions=True)
        hidden = self.target.operator_only
        schema["required"] = [name for name in schema.get("required", []) if name not in hidden]
        for name in hidden & schema["properties"].keys():
            found = schema["properties"][name]
            words = f"{found.pop('description', '')} Operators only.".strip()
            # OpenAPI 3.0 ignores anything beside a reference.
            schema["properties"][name] = {"allOf": [found], "description": words} if "$ref" in found else {
                **found, "description": words
            }  # fmt: skip
        return schema


class TextScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "web.rest.fields.Text"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        longest = {} if self.target.max_length is None else {"maxLength": self.target.max_length}
        return {"type": "string", **({"pattern": LINE} if direction == "request" else {}), **longest}


class AmountScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "web.rest.fields.AmountSent"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "string", "pattern": AMOUNT}


def add_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the possible errors to each operation, always of the same shape."""
    result["components"]["schemas"]["Error"] = ERROR
    for path, operations in result["paths"].items():
        for operation in operations.values():
            _bound_texts(operation.get("parameters", ()))
            named = NAMED if "{" in path or operation["operationId"] in LOOK_UPS else {}
            written = WRITTEN if "requestBody" in operation else {}
            for status, answer in {**PROBLEM_ANSWERS, **named, **written}.items():
                operation["responses"].setdefault(status, answer)
    return result


def _bound_texts(parameters: Iterable[dict[str, Any]]) -> None:
    """Describe the condition of `check_parameters` on every text in a query: a line that is not empty."""
    for parameter in parameters:
        schema = parameter["schema"]
        if parameter["in"] == "query" and schema == {"type": "string"}:
            schema |= {"minLength": 1, "pattern": LINE}
