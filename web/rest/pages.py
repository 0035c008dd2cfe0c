"""Pages by cursor: nothing is counted, so page 1,000 of a large table costs as much as page 1."""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from records.secrets import decrypt, encrypt

LIMIT = 1000


class Pages(CursorPagination):
    """Newest first. Follow `next` until it is null; rows that arrive meanwhile move nothing.

    The cursor is encrypted: a row's number would show affiliates the volume of others, and a made-up cursor is
    recognised.
    """

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows on a page, 1 to {LIMIT}; 100 when left out."
    cursor_query_description = "Where to go on: part of the addresses in `next` and `previous`."
    max_page_size = LIMIT
    parameters = frozenset({"cursor", "page_size"})

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("page_size")
        if text is None:
            return int(self.page_size)
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LIMIT)) and 1 <= int(text) <= LIMIT):
            raise ValidationError({"page_size": f"Give a number from 1 to {LIMIT}."})
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in described:
            if parameter["name"] == "page_size":
                parameter["schema"] |= {"minimum": 1, "maximum": LIMIT, "default": self.page_size}
            else:
                parameter["schema"]["format"] = "cursor"
        return described

    def encode_cursor(self, cursor: Any) -> str:
        address: str = self.base_url or ""
        return replace_query_param(address, "cursor", encrypt(json.dumps(cursor)))

    def decode_cursor(self, request: Request) -> Any:
        text = request.query_params.get("cursor")
        if text is None:
            return None
        try:
            return Cursor(*json.loads(decrypt(text)))
        except (InvalidToken, ValueError) as error:
            raise ValidationError({"cursor": "Not one of ours. Take it from `next`, or leave it out."}) from error
