"""Parse the body of an API request: JSON, bounded, and only with characters that can be stored."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

# Enough for a bulk change of 10,000 rows, each with a long note.
LIMIT = 10 * 1024 * 1024
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class JsonBody(JSONParser):
    """JSON in UTF-8. Raise `TooLarge` or `ParseError`."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        sent: bytes = stream.read(LIMIT + 1)
        if len(sent) > LIMIT:
            raise TooLarge(f"The body is larger than {LIMIT // 1024**2} MB. Send it in parts.")
        try:
            found = super().parse(BytesIO(sent), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply.") from error
        if _SURROGATE.search(sent) and not _is_text(found):
            raise ParseError("JSON parse error - half of a surrogate pair is no character.")
        return found


def _is_text(value: Any) -> bool:
    """Whether every text within can be encoded as UTF-8."""
    if isinstance(value, dict):
        return all(_is_text(name) and _is_text(entry) for name, entry in value.items())
    if isinstance(value, list):
        return all(_is_text(entry) for entry in value)
    return not isinstance(value, str) or value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
