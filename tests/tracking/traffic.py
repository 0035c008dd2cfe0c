"""Clicks of all sorts, many at once: people and bots, from several countries, some of them twice."""

import uuid
from datetime import datetime, timedelta
from random import Random

from tests.factories import new_click_uuid
from tracking.models import Click

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 "
    "Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
)
ADDRESSES = ("84.112.3.4", "5.9.0.1", "8.8.8.8", None)


def make_clicks(*, links, since: datetime, until: datetime, number: int, seed: int = 1) -> list[Click]:
    """So many clicks without marks, at moments of chance within the half-open period."""
    random = Random(seed)
    visitors = [uuid.UUID(int=random.getrandbits(128), version=4) for _ in range(5)]
    span = (until - since) // timedelta(milliseconds=1)
    clicks = []
    for _ in range(number):
        link = random.choice(links)
        at = since + timedelta(milliseconds=random.randrange(span))
        fields = {
            "user_agent": random.choice(AGENTS),
            "ip": random.choice(ADDRESSES),
            "visitor": random.choice(visitors),
        }
        times = 2 if random.random() < 0.2 else 1
        for again in range(times):
            moment = min(at + timedelta(seconds=again), until - timedelta(milliseconds=1))
            pk = new_click_uuid(link_id=link.pk, at=moment)
            clicks.append(Click(id=pk, link=link, clicked_at=moment, **fields))
    return Click.objects.bulk_create(clicks)
