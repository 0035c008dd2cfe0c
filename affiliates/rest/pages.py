"""Pages by cursor: nothing is counted, so page 1,000 of a large table costs what page 1 does."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

LIMIT = 1000


class Pages(CursorPagination):
    """Newest first. Follow `next` until it is null; rows that come meanwhile move nothing."""

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
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIMIT):
            raise ValidationError({"page_size": f"Give a number from 1 to {LIMIT}."})
        return int(text)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError) as error:
            raise ValidationError({"cursor": "Not one of ours. Take it from `next`, or leave it out."}) from error
