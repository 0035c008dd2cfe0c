"""Errors of the API: one JSON shape for all of them, in the manner of RFC 9457.

`{"error": code, "message": what is wrong and how to fix it, "problems": [{"field", "message"}, ...]}`
"""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = structlog.get_logger(__name__)

Problem = dict[str, str]

NOT_SIGNED_IN = "Send an API key as `Authorization: Bearer afk_...`, or sign in. Keys are made on the API keys page."
NOT_FOUND = "There is nothing of this ID among what this key or account may see. Check the ID."

# What Django raises if it cannot read a request.
UNREADABLE = (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError)


class Conflict(exceptions.APIException):
    """The request is valid but does not fit the current state."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unavailable(exceptions.APIException):
    """A part of the system is down; the same request may be sent again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "try_again"
    default_detail = "A part of the system is down or busy. Send the same request again in a moment."


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception of a view; None leaves an unexpected one to Django (see `server_error`)."""
    if isinstance(error, OperationalError | InterfaceError):
        log.error("api_database_unavailable", error=str(error).strip())
        error = Unavailable()
    if isinstance(error, UNREADABLE):
        status_code, content = _unreadable(error)
        return Response(content, status=status_code)
    response = exception_handler(error, context)
    if response is None:
        return None
    problems = _problems(error.detail) if isinstance(error, exceptions.ValidationError) else []
    response.data = body(_code(error), _message(error, problems), problems)
    if response.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


def bad_request(error: Exception) -> JsonResponse:
    """The answer to a request that Django itself could not read."""
    status_code, content = _unreadable(error)
    return JsonResponse(content, status=status_code)


def _unreadable(error: Exception) -> tuple[int, dict[str, object]]:
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
        message = f"The request is larger than {limit} MB. Send it in parts."
        if not isinstance(error, RequestDataTooBig):
            message = "The request has more fields than are read. Send it as JSON, or in parts."
        return status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, body("too_large", message)
    if isinstance(error, UnreadablePostError):
        return status.HTTP_400_BAD_REQUEST, body("parse_error", "The body broke off before its end. Send it again.")
    return status.HTTP_400_BAD_REQUEST, body("parse_error", "The request could not be read. Send the body as JSON.")


def body(code: str, message: str, problems: list[Problem] | None = None) -> dict[str, object]:
    return {"error": code, "message": message, "problems": problems or []}


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, DjangoPermissionDenied):
        return "permission_denied"
    return str(getattr(error, "default_code", "error"))


def _message(error: Exception, problems: list[Problem]) -> str:
    if isinstance(error, exceptions.ValidationError):
        number = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        return f"The request has {number}; `problems` says what to fix."
    if isinstance(error, exceptions.NotAuthenticated):
        return NOT_SIGNED_IN
    if isinstance(error, Http404):
        return NOT_FOUND
    if type(error) is exceptions.Throttled:
        return (
            f"Too many requests in this minute. Send the next one in {getattr(error, 'wait', None) or 0:.0f} seconds."
        )
    if isinstance(error, exceptions.UnsupportedMediaType):
        return "Send the body as JSON, with the header `Content-Type: application/json`."
    return str(getattr(error, "detail", error))


def _problems(detail: Any, field: str = "") -> list[Problem]:
    """Each problem with its field; nested fields are joined by dots."""
    if isinstance(detail, dict):
        return [problem for name, inner in detail.items() for problem in _problems(inner, _joined(field, str(name)))]
    if isinstance(detail, list):
        return [problem for inner in detail for problem in _problems(inner, field)]
    return [{"field": field, "message": str(detail)}]


def _joined(field: str, name: str) -> str:
    if name in ("non_field_errors", "__all__"):
        return field
    return f"{field}.{name}" if field else name


@csrf_exempt  # A POST to an unknown address gets a 404, not an error about a form's token.
def unknown_address(request: HttpRequest) -> JsonResponse:
    """The answer to addresses below /api/ that do not exist."""
    message = f"There is no resource at {request.path}. The list is at /api/docs/."
    return JsonResponse(body("not_found", message), status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    """The answer to an error on our side; the request's ID finds it in the logs."""
    known = request.META.get("HTTP_X_REQUEST_ID", "")
    message = f"An error on our side; it was logged. When you ask about it, give this request ID: {known}"
    return JsonResponse(body("server_error", message), status=500)
