"""Months of clicks for tests that make, clear and drop partitions for real, and commands run to their exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from uuid import UUID, uuid4

from django.core.management import CommandError, call_command
from django.db import connection

from tests.factories import ClickFactory, TrackingLinkFactory
from tracking.models import Click, TrackingLink
from tracking.retention.partitions import make_partitions, read_partitions

NOTHING = (None, "", "", None)


@contextmanager
def own_months() -> Iterator[None]:
    """Drop the partitions that a test has made."""
    known = {each.name for each in read_partitions()}
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for each in read_partitions():
                if each.name not in known:
                    cursor.execute(f"DROP TABLE {each.name}")


def make_month(year: int, month: int) -> str:
    day = datetime(year, month, 1, tzinfo=UTC).date()
    make_partitions(first_day=day, last_day=day)
    return f"tracking_click_y{year}m{month:02}"


def names() -> set[str]:
    return {each.name for each in read_partitions()}


def partition(name: str):
    (found,) = read_partitions(name=name)
    return found


def personal_click(at: datetime, link: TrackingLink | None = None, **fields: object) -> Click:
    """A marked click with everything that says something about a person."""
    given = {"marked_at": at, "visitor": uuid4(), "referrer": "https://forum.example/", "sub1": "mail", **fields}
    return ClickFactory(link=link or TrackingLinkFactory(), clicked_at=at, **given)


def personal_fields(click: Click) -> tuple[str | None, str, str, UUID | None]:
    row = Click.objects.get(pk=click.pk)
    return row.ip, row.user_agent, row.referrer, row.visitor


def is_cleared(click: Click) -> bool:
    return personal_fields(click) == NOTHING


def run(name: str, *arguments: str) -> tuple[int, str]:
    """A command's exit code, and all that it says; what it says when it refuses stands at the end."""
    output = StringIO()
    try:
        call_command(name, *arguments, stdout=output, stderr=output)
    except SystemExit as stop:
        return int(str(stop.code)), output.getvalue()
    except CommandError as error:
        return error.returncode, f"{output.getvalue()}{error}"
    return 0, output.getvalue()
