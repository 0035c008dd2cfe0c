from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tests.factories import ClickFactory
from tracking.models import Click
from tracking.partitions import make_partitions, make_partitions_ahead

pytestmark = pytest.mark.django_db


def partition_of(click):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM tracking_click WHERE id = %s", [click.pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=UTC), "tracking_click_y2024m02"),
        (datetime(2024, 3, 1, tzinfo=UTC), "tracking_click_y2024m03"),
        (datetime(2023, 12, 31, 23, 59, tzinfo=UTC), "tracking_click_y2023m12"),
    ],
)
def test_a_click_lies_in_the_month_of_its_id(moment, name):
    make_partitions(first_day=date(2023, 12, 5), last_day=date(2024, 3, 1))
    assert partition_of(ClickFactory(clicked_at=moment)) == name


def test_partitions_are_made_once():
    days = {"first_day": date(2031, 1, 15), "last_day": date(2031, 4, 1)}
    assert make_partitions(**days) == 4
    assert make_partitions(**days) == 0


def test_clicks_without_a_partition_are_kept_and_move_to_theirs_later():
    moment = datetime(2035, 6, 15, tzinfo=UTC)
    early = ClickFactory(clicked_at=moment - timedelta(days=60))
    click = ClickFactory(clicked_at=moment)
    assert partition_of(click) == "tracking_click_default"
    make_partitions(first_day=moment.date(), last_day=moment.date())
    assert partition_of(click) == "tracking_click_y2035m06"
    assert partition_of(early) == "tracking_click_default"
    assert Click.objects.count() == 2


def test_three_months_are_ready_ahead():
    make_partitions_ahead(today=date(2040, 1, 31))
    ahead = ClickFactory(clicked_at=datetime(2040, 4, 30, tzinfo=UTC))
    assert partition_of(ahead) == "tracking_click_y2040m04"
