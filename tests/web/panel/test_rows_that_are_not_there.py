"""Addresses of rows that are not there, and of rows with odd names: 404 or back to the list, never an error of ours."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from affiliates.models import User

ODD = ["x", "0", "-1", "999999999", "9" * 30, "1.5", "'--", "²", "00000000-0000-0000-0000-000000000000"]


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    client.raise_request_exception = False
    return client


def pages_of_rows() -> list[str]:
    """The name of each page of the panel that is about one row, but for those of Django itself."""
    names = [
        f"admin:{pattern.name}"
        for shown in admin.site._registry.values()
        for pattern in shown.get_urls()
        if pattern.name and "object_id" in pattern.pattern.converters
    ]
    return [name for name in names if not name.endswith(("_change", "_delete", "_history"))]


def test_no_page_breaks_on_a_row_that_is_not_there(desk: Client) -> None:
    names = pages_of_rows()
    assert len(names) > 40
    answers = {(name, odd): desk.get(reverse(name, args=[odd])).status_code for name in names for odd in ("x", "0")}
    assert {key: status for key, status in answers.items() if status not in (302, 403, 404)} == {}


@pytest.mark.parametrize("odd", ODD)
def test_an_action_on_a_row_that_is_not_there_is_not_asked_for(desk: Client, odd: str) -> None:
    for name in ("affiliate_suspend", "offer_activate", "apikey_revoke", "advertiser_secrets"):
        assert desk.get(reverse(f"admin:affiliates_{name}", args=[odd])).status_code == 404


def test_a_stranger_does_not_learn_which_rows_there_are(client: Client, ana: Any) -> None:
    answers = {client.get(f"/admin/affiliates/affiliate/{pk}/suspend/").status_code for pk in (ana.pk, 10**9, "x")}
    assert answers == {302}


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/trace/?q=a%00b",
            "/?as=%00",
            "/admin/affiliates/affiliate/?status=%00",
            "/admin/affiliates/offer/%00/change/",
        ),
        *("/offers/%00/", "/conversions/%00/", "/admin/search/?s=%00", "/accounts/login/?next=%00"),
    ],
)
def test_an_address_with_a_null_character_is_refused_in_words(desk: Client, address: str) -> None:
    assert desk.get(address).status_code == 400


def test_the_api_names_the_parameter_with_a_null_character_itself(desk: Client) -> None:
    answer = desk.get("/api/v1/affiliates/?country=%00")
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "country")
