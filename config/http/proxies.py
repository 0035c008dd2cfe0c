"""The settings that say which proxies are believed, and by which headers; nonsense is refused at start."""

import ipaddress

from django.core.exceptions import ImproperlyConfigured

HEADERS = ("x-forwarded", "forwarded")


def trusted_proxies(listed: list[str]) -> list[str]:
    """The parsed addresses and networks; raise `ImproperlyConfigured` for an entry that is neither."""
    return [_network(entry.strip()) for entry in listed if entry.strip()]


def _network(entry: str) -> str:
    try:
        network = ipaddress.ip_network(entry)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES names {entry}, which is no address and no network: {error}. Write addresses or networks "
            "with commas between them, for example TRUSTED_PROXIES=10.0.0.7,10.1.0.0/16"
        ) from error
    if network.prefixlen == 0:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES names {entry}, which is every address there is: each client could choose its own. Name "
            "the addresses of your proxies alone."
        )
    return str(network)


def proxy_headers(text: str) -> str:
    """Which headers the proxies write."""
    chosen = text.strip().lower()
    if chosen not in HEADERS:
        raise ImproperlyConfigured(
            f"PROXY_HEADERS is {text!r}; it must be x-forwarded (X-Forwarded-For and X-Forwarded-Proto) or forwarded "
            "(Forwarded, RFC 7239)."
        )
    return chosen
