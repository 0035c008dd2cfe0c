"""What a reader with assigned affiliates may read of a look-up: what belongs to these, and nothing of others."""

from dataclasses import replace

from django.utils.translation import gettext

from affiliates.models import User
from affiliates.roles.reach import Affiliates
from conversions.models import Conversion, Postback
from dashboard.trace.lookup import KINDS, LookupResult, look_up
from dashboard.trace.refused import UNKNOWN
from tracking.click_id.codec import ClickID
from tracking.models import TrackingLink

NEEDED = "conversions.view_trace"


def within_of(user: User) -> Affiliates:
    """The affiliates whose events the reader may trace; None is all."""
    return user.affiliates_within(NEEDED)


def look_up_for(user: User, text: str, kind: str = "") -> LookupResult:
    """`look_up` within the reader's reach: what lies beyond it is as unknown as what never existed."""
    found, within = look_up(text, kind), within_of(user)
    if within is None:
        return found
    meant = [found, *(look_up(each.id, each.kind) for each in found.choices)]
    meant += [] if kind else [look_up(text, each) for each in KINDS]
    return next((each for each in (narrowed(one, within) for one in meant) if each.is_known), _unknown(found.query))


def found_for(user: User, found: LookupResult) -> LookupResult:
    """What an address of its own names, within the reader's reach."""
    within = within_of(user)
    if within is None or not found.is_known:
        return found
    kept = narrowed(found, within)
    return kept if kept.is_known else _unknown(found.query)


def narrowed(found: LookupResult, within: tuple[int, ...]) -> LookupResult:
    conversions = Conversion.objects.filter(pk__in=found.conversions, affiliate__in=within)
    postbacks = Postback.objects.filter(pk__in=found.postbacks, conversion__affiliate__in=within)
    return replace(
        found,
        click=found.click if found.click and reaches_click(found.click, within) else None,
        conversions=_kept(found.conversions, conversions.values_list("pk", flat=True)),
        postbacks=_kept(found.postbacks, postbacks.values_list("pk", flat=True)),
        choices=(),
        meant="",
    )


def reaches_click(key: object, within: tuple[int, ...]) -> bool:
    """Whether the click was made through a link of these affiliates."""
    links = TrackingLink.objects.filter(pk=ClickID(key).link_number)  # type: ignore[arg-type]
    return links.filter(enrollment__affiliate__in=within).exists()


def _kept(keys: tuple[int, ...], within: object) -> tuple[int, ...]:
    known = set(within)  # type: ignore[call-overload]
    return tuple(key for key in keys if key in known)


def _unknown(text: str) -> LookupResult:
    return LookupResult(text, "nothing", gettext("Unknown"), str(UNKNOWN), tone="danger")
