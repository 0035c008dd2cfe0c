"""Days that no clock shows: a list of the portal, its export and the API answer them, each from its own rows."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from affiliates.models import Affiliate, User
from tests.conversions.api.test_postback_log import LOG, with_token
from tests.conversions.sending import TOKEN, World
from tests.dashboard.portal_pages import main_rows, signed_in, world_of
from tests.rest import client_of

ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago"]
DAYS = [("0001-01-01", ""), ("", "0001-01-01"), ("1969-12-31", "9999-12-31"), ("9999-12-31", "")]
LISTS = ["clicks", "clicks_export", "conversions", "conversions_export", "earnings", "funnel"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", LISTS)
def test_no_day_breaks_a_list(ana: Affiliate, name: str, zone: str) -> None:
    world_of(ana).click()
    client = signed_in(ana, time_zone=zone)
    asked = [{"since": since, "until": until} for since, until in DAYS]
    assert [client.get(reverse(f"portal:{name}"), days).status_code for days in asked] == [200] * len(asked)


def test_all_days_there_are_hold_every_click_and_conversion(ana: Affiliate) -> None:
    world = world_of(ana)
    world.click()
    world.conversion()
    client = signed_in(ana)
    for name in ("clicks", "conversions"):
        page: Any = client.get(reverse(f"portal:{name}"), {"since": "1900-01-01", "until": "9999-12-31"})
        assert main_rows(page) == 1


def moments_of(client: Client) -> list[tuple[str, str]]:
    """Each list of the API that takes a moment, with the parameter's name."""
    paths = client.get("/api/schema/", {"format": "json"}).json()["paths"]
    return [
        (path, parameter["name"])
        for path, operations in paths.items()
        if "{" not in path
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["schema"].get("format") == "date-time"
    ]


def test_no_moment_breaks_a_list_of_the_api(olga: User) -> None:
    client, advertiser = client_of(olga), with_token(TOKEN)
    World()
    assert len(asked := moments_of(client)) > 10
    at = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00")
    answers = {
        (path, name, moment): (advertiser if path == LOG else client).get(path, {name: moment}).status_code
        for path, name in asked
        for moment in at
    }
    assert {each: status for each, status in answers.items() if status not in (200, 400)} == {}
