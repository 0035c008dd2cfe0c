"""The address of a tracking link as affiliates publish it."""

from urllib.parse import urlsplit

from django.conf import settings

from affiliates.models import TrackingDomain


def link_base() -> str:
    """The address before a link's code: on the default tracking domain, else on the site itself. One query."""
    host = TrackingDomain.objects.filter(is_active=True, is_default=True).values_list("host", flat=True).first()
    return f"{urlsplit(settings.PUBLIC_URL).scheme}://{host}/c/" if host else f"{settings.PUBLIC_URL}/c/"
