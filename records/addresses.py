"""Rules for addresses: where a visitor may be sent, and from which networks a sender may send."""

import ipaddress
import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


# The macros of a destination; `tracking.capture.destination` fills them in.
MACROS = frozenset(
    ["click_id", "aff_click_id", "affiliate_id", "offer_id", "link_code", "source", "country", "timestamp"]
    + ["consent", "gdpr", "gdpr_consent"]
    + [f"sub{n}" for n in range(1, 11)]
)
MACRO = re.compile(r"\{([A-Za-z0-9_]+)\}")


def validate_destination(url: str) -> None:
    """Refuse an address that is not absolute http(s), whose host a macro could change, or with an unknown macro."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationError(gettext("This is no address: {error}.").format(error=error)) from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError(gettext("Give a full address that begins with https:// (or http://)."))
    if "{" in parts.netloc or "@" in parts.netloc:
        raise ValidationError(gettext("The host must be fixed: macros and user names are not allowed in it."))
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\\"<>]", url):
        raise ValidationError(gettext("Only plain characters are allowed; encode others, for example a space as %20."))
    validate_macros(url)


def validate_macros(url: str) -> None:
    unknown = sorted(set(MACRO.findall(url)) - MACROS)
    if unknown:
        raise ValidationError(
            gettext("Unknown macro {{{unknown}}}. Known ones: {names}.").format(
                unknown=unknown[0], names=", ".join(sorted(MACROS))
            )
        )


def validate_host(host: str) -> None:
    if not _HOST.fullmatch(host):
        raise ValidationError(
            gettext("Give a host name in lower case such as shop.example or *.shop.example, without https://.")
        )


def validate_network(network: str) -> None:
    try:
        ipaddress.ip_network(network)
    except ValueError as error:
        raise ValidationError(
            gettext("Give an address or a network such as 203.0.113.0/24: {error}.").format(error=error)
        ) from error


def host_allowed(host: str, allowed: list[str]) -> bool:
    """Whether the host is listed, or is below a `*.` entry (which does not cover the bare domain)."""
    host = host.lower().rstrip(".")
    return any(host == entry or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in allowed)
