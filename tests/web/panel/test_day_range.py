"""From one day to another in a list: both days are in it, whole, in the zone of the reader."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from affiliates.models import User
from payouts.models import ExchangeRate
from tests.factories import AffiliateFactory
from web.panel import DayRangeFilter

LIST = "/admin/affiliates/affiliate/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def listed(desk: Client, **days: str) -> set[str]:
    page: Any = desk.get(LIST, {f"created_at_{end}": day for end, day in days.items()})
    assert page.status_code == 200
    return {row.name for row in page.context["cl"].result_list}


def test_both_days_are_whole_and_the_next_midnight_is_out(desk: Client) -> None:
    for name, at in {
        "before": utc(2026, 10, 31, 23, 59, 59, 999_999),
        "first": utc(2026, 11, 1),
        "last": utc(2026, 11, 2, 23, 59, 59, 999_999),
        "after": utc(2026, 11, 3),
    }.items():
        AffiliateFactory(name=name, created_at=at)
    assert listed(desk, **{"from": "2026-11-01", "to": "2026-11-02"}) == {"first", "last"}
    assert listed(desk, **{"from": "2026-11-02"}) == {"last", "after"}
    assert listed(desk, to="2026-10-31") == {"before"}


@pytest.mark.parametrize(
    ("day", "first", "after"),
    [
        ("2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        ("2026-10-25", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
    ],
)
def test_a_day_of_23_or_25_hours_is_whole_in_the_readers_zone(
    desk: Client, olga: User, day: str, first: datetime, after: datetime
) -> None:
    User.objects.filter(pk=olga.pk).update(time_zone="Europe/Berlin")
    AffiliateFactory(name="first", created_at=first)
    AffiliateFactory(name="last", created_at=after.replace(hour=after.hour - 1, minute=59))
    AffiliateFactory(name="after", created_at=after)
    assert listed(desk, **{"from": day, "to": day}) == {"first", "last"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_days_of_a_calendar_are_the_same_in_every_zone(desk: Client, olga: User, zone: str) -> None:
    User.objects.filter(pk=olga.pk).update(time_zone=zone)
    for day in (1, 2, 3, 4):
        ExchangeRate.objects.create(currency="USD", day=date(2026, 11, day), per_euro=1, source="ecb")
    page: Any = desk.get("/admin/payouts/exchangerate/", {"day_from": "2026-11-02", "day_to": "2026-11-03"})
    assert sorted(row.day.day for row in page.context["cl"].result_list) == [2, 3]


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "", "0", "9" * 400, "2026-11-01' OR 1=1"])
def test_a_day_that_is_none_breaks_no_list(desk: Client, day: str) -> None:
    AffiliateFactory(name="Ana")
    assert listed(desk, **{"from": day}) == {"Ana"}


def day_ranges() -> list[tuple[str, str]]:
    """Each list of the panel with a range of days: its address, and the parameter."""
    found = []
    for model, shown in admin.site._registry.items():
        for each in shown.list_filter:
            if isinstance(each, tuple) and issubclass(each[1], DayRangeFilter):
                found.append((f"/admin/{model._meta.app_label}/{model._meta.model_name}/", str(each[0])))
    return found


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_break_no_list(desk: Client, olga: User, zone: str) -> None:
    User.objects.filter(pk=olga.pk).update(time_zone=zone)
    assert len(ranges := day_ranges()) > 10
    whole = {"from": "0001-01-01", "to": "9999-12-31"}
    answers = {
        address: desk.get(address, {f"{name}_{end}": day for end, day in whole.items()}).status_code
        for address, name in ranges
    }
    assert {address: status for address, status in answers.items() if status != 200} == {}


def test_up_to_the_last_day_of_the_calendar_is_up_to_the_end(desk: Client) -> None:
    AffiliateFactory(name="Ana")
    assert listed(desk, to="9999-12-31") == {"Ana"}
    assert listed(desk, to="0001-01-01") == set()
