"""Complete conversions based on the signature alone once their click is stored, perhaps hours later from a spool."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from conversions.models import Conversion, Postback, StatusChange, Trace
from conversions.risk.reviews import weigh_late
from tracking.models import Click

# A spool that took longer to drain has lost its disk; the clicks of older rows have expired.
LOOKED_FOR = timedelta(days=30)


def without_click(now: datetime) -> QuerySet[Conversion]:
    """Conversions that rest on the signature of a click whose row may still come."""
    return Conversion.objects.filter(evidence=Conversion.Evidence.SIGNATURE, received_at__gte=now - LOOKED_FOR)


def complete_by_signature(*, now: datetime, limit: int = 500) -> int:
    """Set the stored click as evidence once it has its marks, and weigh those; return how many were completed.

    Any number of workers may run at once: rows that another one has locked are skipped.
    """
    marked = Click.objects.filter(pk=OuterRef("click_id"), marked_at__isnull=False)
    with transaction.atomic():
        locked = (
            without_click(now)
            .filter(Exists(marked))
            .order_by("pk")
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
        )
        ids = list(locked.values_list("pk", flat=True)[:limit])
        if not ids:
            return 0
        Conversion.objects.filter(pk__in=ids).update(evidence=Conversion.Evidence.ROW)
        first = StatusChange.objects.filter(conversion=OuterRef("pk")).order_by("pk").values("postback")[:1]
        rows = list(
            Conversion.objects.filter(pk__in=ids)
            .annotate(first_postback=Subquery(first))
            .select_related("goal__offer__risk_policy", "customer")
            .order_by("pk")
        )
        Trace.objects.bulk_create(_traces(rows, now))
        weigh_late(rows, now=now)
    return len(rows)


def _traces(rows: Sequence[Conversion], now: datetime) -> list[Trace]:
    """Add a line to the trace of the decision in force: its evidence is complete now."""
    reported = Postback.objects.in_bulk([pk for row in rows if (pk := getattr(row, "first_postback", None))])
    made: list[Trace] = []
    for row in rows:
        postback = reported.get(getattr(row, "first_postback", None) or 0)
        note = "The click was attributed by its signature; its row is there now, with its marks."
        step = {"step": "find_click", "result": "completed", "rule": "signature and row", "input": {}, "note": note}
        is_held = postback is not None and postback.outcome == Postback.Outcome.HELD
        made.append(
            Trace(
                postback=postback,
                conversion=row,
                decided_at=now,
                outcome=postback.outcome if postback else Postback.Outcome.ACCEPTED,
                reason=row.reason,
                http_status=202 if is_held else 200,
                steps=[step],
            )
        )
    return made
