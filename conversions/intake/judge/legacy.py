"""Click IDs of the platform that was used before: an imported one stands for a click of ours."""

from collections.abc import Sequence

from django.db.models import F

from conversions.intake.case import Case
from tracking.click_id.codec import ClickID
from tracking.models import LegacyClickID


def read_legacy(cases: Sequence[Case]) -> None:
    """Read the click IDs that are not ours but were imported; one query, and none where all are ours.

    Only IDs on links of the sender's own offers are looked for. Two platforms may have used one text: then the
    later click is meant.
    """
    foreign = [case for case in cases if case.is_open and case.event.click_text and case.event.click is None]
    if not foreign:
        return
    rows = LegacyClickID.objects.filter(
        foreign_id__in={case.event.click_text for case in foreign},
        link__enrollment__offer__advertiser__in={case.postback.advertiser_id for case in foreign},
    )
    rows = rows.order_by("clicked_at", "pk").annotate(advertiser=F("link__enrollment__offer__advertiser"))
    known = {(row.advertiser, row.foreign_id): row for row in rows}
    for case in foreign:
        row = known.get((case.postback.advertiser_id or 0, case.event.click_text))
        if row:
            case.event.click, case.legacy_source = ClickID(row.click_id), row.source
