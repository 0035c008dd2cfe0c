"""Every error of the API has one shape: a stable code, what to do in a sentence, and each problem by its field."""

import json
from typing import Any

import pytest
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    ValidationError,
)
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.request import Request

from web.rest.errors import Conflict, Unavailable, answer_error, bad_request, server_error, unknown_address


def answered(error: Exception, address: str = "/api/v1/links/") -> Any:
    return answer_error(error, {"request": Request(RequestFactory().get(address)), "view": None})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("Ana is suspended."), 409, "conflict"),
        (Unavailable(), 503, "try_again"),
        (OperationalError("gone"), 503, "try_again"),
        (InterfaceError("closed"), 503, "try_again"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed("Wrong."), 401, "authentication_failed"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (PermissionDenied("No."), 403, "permission_denied"),
        (Http404("x"), 404, "not_found"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=12), 429, "throttled"),
        (exceptions.ParseError("JSON parse error"), 400, "parse_error"),
        (RequestDataTooBig(), 413, "too_large"),
        (TooManyFieldsSent(), 413, "too_large"),
        (UnreadablePostError(), 400, "parse_error"),
        (SuspiciousOperation(), 400, "parse_error"),
        (BadRequest(), 400, "parse_error"),
        (MultiPartParserError(), 400, "parse_error"),
        (exceptions.ValidationError({"name": ["No."]}), 400, "invalid"),
    ],
)
def test_an_error_has_its_status_and_code_in_the_same_shape(error: Exception, status: int, code: str) -> None:
    answer = answered(error)
    assert (answer.status_code, answer.data["error"]) == (status, code)
    assert list(answer.data) == ["error", "message", "problems"]
    assert str(answer.data["message"]).strip()


@pytest.mark.parametrize("error", [RuntimeError("secret"), IntegrityError("duplicate key"), ValidationError("x")])
def test_what_no_one_foresaw_is_left_to_be_logged(error: Exception) -> None:
    assert answered(error) is None


def test_nothing_of_the_database_is_reported() -> None:
    assert "10.0.0.7" not in str(answered(OperationalError("connection to 10.0.0.7 refused")).data)


def test_one_who_may_try_again_learns_when() -> None:
    assert answered(OperationalError())["Retry-After"] == "2"
    assert "in 12 seconds" in answered(exceptions.Throttled(wait=12)).data["message"]


def test_each_problem_has_its_field_and_nested_ones_are_joined_by_dots() -> None:
    detail = {"rules": [{"amount": ["Too large."]}, {}], "non_field_errors": ["Choose one."], "name": ["A.", "B."]}
    assert answered(exceptions.ValidationError(detail)).data["problems"] == [
        {"field": "rules.amount", "message": "Too large."},
        {"field": "", "message": "Choose one."},
        {"field": "name", "message": "A."},
        {"field": "name", "message": "B."},
    ]


def test_the_number_of_problems_is_reported_as_people_count() -> None:
    one, two = ({"a": ["x"]}, {"a": ["x"], "b": ["y"]})
    assert "has a problem;" in answered(exceptions.ValidationError(one)).data["message"]
    assert "has 2 problems;" in answered(exceptions.ValidationError(two)).data["message"]


@pytest.mark.parametrize("name", ["csv", "json", "xlsx", ""])
def test_another_form_of_answer_is_no_parameter(name: str) -> None:
    """Django REST framework would say that there is nothing of this ID."""
    answer = answered(Http404(), f"/api/v1/links/?format={name}")
    assert (answer.status_code, answer.data["problems"][0]["field"]) == (400, "format")


def test_a_request_that_django_could_not_read_is_answered_in_the_same_shape() -> None:
    answer = bad_request(RequestDataTooBig())
    assert (answer.status_code, json.loads(answer.content)["error"]) == (413, "too_large")
    assert "MB. Send it in parts." in json.loads(answer.content)["message"]


def test_an_unknown_address_is_named_and_where_the_list_is() -> None:
    answer = unknown_address(RequestFactory().post("/api/v9/x"))
    assert answer.status_code == 404
    assert "/api/v9/x" in json.loads(answer.content)["message"]
    assert "/api/docs/" in json.loads(answer.content)["message"]


def test_an_error_of_ours_gives_the_number_to_ask_with_and_nothing_else() -> None:
    answer = server_error(RequestFactory().get("/api/v1/links/", headers={"x-request-id": "asked-1"}))
    assert answer.status_code == 500
    assert "asked-1" in json.loads(answer.content)["message"]
