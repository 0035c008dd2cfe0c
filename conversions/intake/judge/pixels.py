"""An event that both a pixel and the advertiser's server report: it counts once, with the server's values."""

from conversions.intake.case import Case
from conversions.models import Conversion, Postback

PIXEL = Postback.Endpoint.PIXEL


def from_pixel(case: Case) -> bool:
    return case.postback.endpoint == PIXEL


def awaits_server(case: Case) -> bool:
    """Whether the conversion must be confirmed by the server, whatever the goal's default."""
    return from_pixel(case) and not (case.advertiser and case.advertiser.trusts_pixel)


def confirms(case: Case, known: Conversion) -> bool:
    """Whether this is the server's report of an event that only a pixel has reported so far."""
    return known.reported_by == PIXEL and not from_pixel(case) and case.event.refund is None and not known.refunded
