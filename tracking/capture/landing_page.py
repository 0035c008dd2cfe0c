"""The pages that an affiliate's link may lead to instead of the offer's own."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from affiliates.models import Offer
from records.addresses import host_allowed, validate_destination
from tracking.capture.destination import deep_link


def check_landing_page(url: str, offer: Offer) -> None:
    """Raise ValidationError, naming the allowed hosts, when the offer does not allow this page."""
    validate_destination(url)
    hosts = offer.deep_link_hosts
    if not hosts:
        raise ValidationError(gettext("This offer has one fixed destination. Leave this empty."))
    if not host_allowed(urlsplit(url).hostname or "", hosts):
        raise ValidationError(
            gettext("This offer only leads to {names}. Choose a page there, or leave this empty.").format(
                names=", ".join(hosts)
            )
        )
    if "{" not in url and deep_link(url, hosts) is None:
        raise ValidationError(
            gettext("This address cannot be used as a destination. Copy it again from the address bar.")
        )
