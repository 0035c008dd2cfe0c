"""What the OpenAPI description says beyond what it finds by itself: keys, errors, fields for operators only."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

ERROR = {
    "type": "object",
    "description": "What is wrong and how to mend it.",
    "required": ["error", "message", "problems"],
    "properties": {
        "error": {"type": "string", "description": "A stable code, such as `invalid` or `not_found`."},
        "message": {"type": "string"},
        "problems": {
            "type": "array",
            "description": "Each fault of the request; `field` is the parameter, empty for the request as a whole.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
FAULT = {
    "description": (
        "A fault: 400 invalid, 401 no or a wrong key, 403 not allowed, 404 not found, 409 conflict, 429 too many "
        "requests (see `Retry-After`), 503 try again. The header `X-Request-Id` leads to the request in the logs."
    ),
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "affiliates.api_keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `afk_...`"}


class ReachScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Fields that affiliates do not get are not promised."""

    target_class = "affiliates.rest.fields.ReachSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        describe: Any = auto_schema._map_serializer
        schema: dict[str, Any] = describe(self.target, direction, bypass_extensions=True)
        hidden = self.target.operator_only
        schema["required"] = [name for name in schema.get("required", []) if name not in hidden]
        for name in hidden & schema["properties"].keys():
            found = schema["properties"][name]
            words = f"{found.pop('description', '')} Operators only.".strip()
            # Beside a reference nothing else counts in OpenAPI 3.0.
            schema["properties"][name] = {"allOf": [found], "description": words} if "$ref" in found else {
                **found, "description": words
            }  # fmt: skip
        return schema


def add_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Every operation may answer with an error, always of the same shape."""
    result["components"]["schemas"]["Error"] = ERROR
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = FAULT
    return result
