"""Stored clicks whose IDs postbacks can name: made in the past week, one ID per line in a file."""

import random
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from bench.inside import options, report
from tracking.click_id import codec
from tracking.models import Click

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def _address(number: int) -> str:
    """Visitors come from many addresses; a single one would be a risk signal."""
    return f"93.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def make_clicks(*, count: int, link_ids: list[int], path: str) -> str:
    """Store that many clicks on these links and write their signed IDs; give the ID of one that is too old."""
    now = timezone.now()
    ids = [
        codec.new(link_number=random.choice(link_ids), at=now - timedelta(seconds=random.randint(60, 7 * 86400)))
        for _ in range(count)
    ]
    old = codec.new(link_number=link_ids[0], at=now - timedelta(days=60))
    Click.objects.bulk_create(
        (
            Click(
                id=made.uuid, link_id=made.link_number, clicked_at=made.made_at, marked_at=now,
                ip=_address(made.uuid.int), user_agent=BROWSER,
            )
            for made in [*ids, old]
        ),
        batch_size=2_000,
    )  # fmt: skip
    Path(path).write_text("\n".join(made.text for made in ids))
    return old.text


if __name__ == "__main__":
    report(old=make_clicks(**options()))
