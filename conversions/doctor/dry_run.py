"""Decide a request by the same intake as a real one, and store nothing."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from affiliates.models import Advertiser
from conversions.intake import decide_cases
from conversions.intake.case import Case, Decision, Received
from conversions.intake.read.parse import parse
from conversions.intake.read.receive import learn_dialects, receive
from conversions.models import Postback


class DryRun(NamedTuple):
    """The answer that the sender would get, and the steps of its trace."""

    decision: Decision
    steps: list[dict[str, Any]]
    # The advertiser by token or signature, also if the request is refused.
    advertiser: Advertiser | None


def dry_run(received: Received, *, now: datetime, advertiser: Advertiser | None = None) -> DryRun:
    """Decide the request and roll everything back. With `advertiser` the sender is not authenticated.

    Parked requests that are decided along with it are rolled back too.
    """
    with transaction.atomic():
        [case] = receive([received])
        if advertiser:
            case.advertiser = case.postback.advertiser = advertiser
            case.note("authenticate", "left out", f"Treated as sent by {advertiser}; its token was not checked.")
        [decision] = decide_cases([case], now=now)
        transaction.set_rollback(True)
    return DryRun(decision, case.steps, case.postback.advertiser)


def read_alone(received: Received) -> Case:
    """Read the parameters as intake does, for an unknown sender. No query, unless the dialect must be read."""
    row = Postback(received_at=received.received_at, endpoint=received.endpoint, mapping=received.mapping)
    case = Case(postback=row, parameters=received.parameters)
    learn_dialects([case])
    parse([case])
    return case
