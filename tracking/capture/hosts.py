"""The hosts that tracking is served on: those of ALLOWED_HOSTS, and the operator's tracking domains."""

from functools import lru_cache

from django.conf import settings
from django.http.request import split_domain_port, validate_host

READ_DOMAINS = "SELECT host FROM affiliates_trackingdomain WHERE is_active"


class Hosts:
    """The hosts of one process; the listener of `link_cache` keeps the tracking domains up to date."""

    def __init__(self) -> None:
        # None until the database has answered: it is better to serve one host too many than to lose a click.
        self.domains: frozenset[str] | None = None

    def serves(self, host: str) -> bool:
        """Whether a request with this Host header is meant for us."""
        return _is_own(host, tuple(settings.ALLOWED_HOSTS)) or self.domains is None or bare(host) in self.domains


@lru_cache(maxsize=1024)
def bare(host: str) -> str:
    """The host without its port, in small letters."""
    return split_domain_port(host.lower())[0].rstrip(".")


@lru_cache(maxsize=1024)
def _is_own(host: str, allowed: tuple[str, ...]) -> bool:
    domain = split_domain_port(host)[0]
    return bool(domain) and validate_host(domain, allowed)
