"""Click IDs of the previous platform: an imported legacy click ID represents one of our clicks."""

from django.db.models import F

from conversions.intake.case import Case
from conversions.intake.read.moments import settle_day
from tracking.click_id.codec import ClickID
from tracking.models import LegacyClickID


def resolve_legacy_clicks(cases: list[Case]) -> None:
    """Resolve imported legacy click IDs. One query; none if all click IDs are ours.

    Only IDs on links of the sender's own offers are searched. If two platforms used the same ID, the later click is
    used.
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
            settle_day(case)
