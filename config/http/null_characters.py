"""Refuse addresses with a null character: PostgreSQL stores and finds no text with one."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

NULL = "\x00"
# The API names the parameter in an answer of its own.
API = "/api/"


class NullCharacterMiddleware:
    """Answer 400 to a page's address with `%00` in its path or query, which no form and no link of ours makes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        has_null = NULL in request.path or "%00" in request.META.get("QUERY_STRING", "")
        if has_null and not request.path.startswith(API):
            raise BadRequest("The address has a null character (%00). Check it, then open it again.")
        return self.get_response(request)
