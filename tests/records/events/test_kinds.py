"""The kinds of events are those that docs/events.md lists."""

import re
from pathlib import Path

from django.conf import settings

from affiliates.events import KINDS as OF_AFFILIATES
from conversions.events import KINDS as OF_CONVERSIONS
from payouts.events import KINDS as OF_PAYOUTS

ROW = re.compile(r"^\| `([a-z]+\.[a-z]+)` \| (.+) \|$", re.M)


def test_the_docs_list_every_kind_with_its_meaning() -> None:
    text = (Path(settings.BASE_DIR) / "docs/events.md").read_text()
    assert dict(ROW.findall(text)) == {**OF_AFFILIATES, **OF_CONVERSIONS, **OF_PAYOUTS}


def test_no_two_apps_share_a_kind() -> None:
    assert len({*OF_AFFILIATES, *OF_CONVERSIONS, *OF_PAYOUTS}) == len(OF_AFFILIATES) + len(OF_CONVERSIONS) + len(
        OF_PAYOUTS
    )
