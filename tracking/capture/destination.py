"""The address that a click leads to: the destination's macros, deep links, and the click ID that must arrive."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from records.addresses import MACRO, host_allowed

Template = tuple[str, ...]
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\\"<>]")
_KEEP = "%/:?#[]@!$&'()*+,;=~-._"


def compile_template(url: str) -> Template:
    """Split a destination into literal texts (even places) and macro names (odd places).

    A destination without {click_id} gets `click_id=` in its query, ahead of any fragment.
    """
    if "{click_id}" not in url:
        url, hash_sign, fragment = url.partition("#")
        url += ("&" if "?" in url else "?") + "click_id={click_id}" + hash_sign + fragment
    return tuple(MACRO.split(url))


def render(template: Template, values: Mapping[str, str]) -> str:
    """Fill in the macros; each value is URL-encoded, so it cannot change the rest of the address."""
    parts = list(template)
    for place in range(1, len(parts), 2):
        value = values.get(parts[place], "")
        parts[place] = value if value.isascii() and value.isalnum() else quote(value, safe="")
    return "".join(parts)


def with_parameters(address: str, parameters: Mapping[str, str]) -> str:
    """The address with these parameters added to its query; parameters that it has already are not changed."""
    address, hash_sign, fragment = address.partition("#")
    path, _, query = address.partition("?")
    there = {part.partition("=")[0] for part in query.split("&")}
    added = [
        f"{encoded}={quote(value, safe='')}"
        for name, value in parameters.items()
        if (encoded := quote(name, safe="")) not in there
    ]
    if added:
        address = path + "?" + "&".join([*([query] if query else []), *added])
    return address + hash_sign + fragment


def deep_link(url: str, allowed_hosts: list[str]) -> str | None:
    """The address if it is allowed, else None: only http(s), and only hosts that the offer lists.

    Braces are encoded, so that a visitor's address never acts as a template.
    """
    if _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    return quote(url, safe=_KEEP) if host_allowed(host, allowed_hosts) else None


def deep_template(url: str, allowed_hosts: list[str]) -> Template | None:
    """The template of an allowed deep link, or None: then the usual destination is used."""
    allowed = deep_link(url, allowed_hosts)
    return compile_template(allowed) if allowed else None
