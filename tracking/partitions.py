"""Monthly partitions of the click table, made ahead of time."""

from datetime import date, timedelta

from django.db import connection


def make_partitions(*, first_day: date, last_day: date) -> int:
    """Make the monthly partitions that cover the days, both included; return how many were new.

    Clicks that meanwhile went to the default partition move into theirs. Serialised by an advisory lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracking_make_click_partitions(%s, %s)", [first_day, last_day])
        row = cursor.fetchone()
    return int(row[0])


def make_partitions_ahead(*, today: date) -> int:
    """Keep three months ready, so that a worker that is down for weeks stops no click."""
    return make_partitions(first_day=today, last_day=today + timedelta(days=92))
