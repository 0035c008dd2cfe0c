"""What would be decided about a request, by the very intake that decides for real; nothing of it stays."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from affiliates.models import Advertiser
from conversions.intake import decide_cases
from conversions.intake.case import Decision, Received
from conversions.intake.read.receive import receive


class DryRun(NamedTuple):
    """The answer that the sender would get, and the steps that lead to it, as a trace keeps them."""

    decision: Decision
    steps: list[dict[str, Any]]
    # Whose request it is, as far as its token or signature says; also where it is refused.
    advertiser: Advertiser | None


def dry_run(received: Received, *, now: datetime, advertiser: Advertiser | None = None) -> DryRun:
    """Decide the request and take everything back. With `advertiser` its sender is taken on trust.

    What is decided along with it (another request that waits for it) is taken back too.
    """
    with transaction.atomic():
        [case] = receive([received])
        if advertiser:
            case.advertiser = case.postback.advertiser = advertiser
            case.note("authenticate", "left out", f"Taken as sent by {advertiser}, without a look at its token.")
        [decision] = decide_cases([case], now=now)
        transaction.set_rollback(True)
    return DryRun(decision, case.steps, case.postback.advertiser)
