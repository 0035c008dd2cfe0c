"""The address that a click leads to: the destination's macros, deep links, and the click ID that must arrive."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from urllib.parse import quote, unquote_plus, urlsplit

from records.addresses import MACRO, host_allowed
from web.characters import visible

Template = tuple[str, ...]
# Before a macro's name: its value is encoded twice, for it stands in a query that is a value itself.
NESTED = "%"
CLICK_NAME, CLICK_MACRO = "click_id", "{click_id}"
# The parameters that carry the click ID where a destination names none.
CLICK_PAIRS = (f"{CLICK_NAME}={CLICK_MACRO}",)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_UNSAFE_IN_HOST = re.compile(r"[\s\"<>]")
# At a semicolon, but not at that of an ampersand that HTML wrote as &amp;.
_PARTED = re.compile(r"(?<!^amp)(?<!;amp);", re.IGNORECASE)
_KEEP = "%/:?#[]@!$&'()*+,;=~-._"


def compile_template(url: str, pairs: tuple[str, ...] = CLICK_PAIRS) -> Template:
    """Split a destination into literal texts (even places) and macro names (odd places).

    A destination without {click_id} gets `pairs` in its query, ahead of any fragment, in place of what it held there.
    """
    return tuple(MACRO.split(url if CLICK_MACRO in url else with_click(url, pairs)))


def click_pairs(url: str) -> tuple[str, ...]:
    """The parameters that carry the click ID in an offer's destination; deep links carry it in the same ones."""
    query = url.partition("#")[0].partition("?")[2]
    return tuple(pair for pair in query.split("&") if CLICK_MACRO in pair.partition("=")[2]) or CLICK_PAIRS


def with_click(url: str, pairs: tuple[str, ...]) -> str:
    """The address with these parameters exactly once.

    A page's address that was copied from the browser holds the ID of an earlier click, perhaps a rival's: it goes, and
    so does one under our own name, which our tag on the page would read first.
    """
    taken = {CLICK_NAME, *(_read_name(pair.partition("=")[0]) for pair in pairs)}
    address, hash_sign, fragment = url.partition("#")
    path, _, query = address.partition("?")
    kept = [part for part in _without(query, taken).split("&") if part]
    left = _fragment_without(fragment, taken)
    return f"{path}?{'&'.join([*kept, *pairs])}{hash_sign if left or not fragment else ''}{left}"


def _without(query: str, taken: AbstractSet[str]) -> str:
    """The query without the parameters of these names; some servers part parameters at `;` as well."""
    parts = ([each for each in _PARTED.split(part) if not _is_named(each, taken)] for part in query.split("&"))
    return "&".join(";".join(part) for part in parts if part)


def _is_named(part: str, taken: AbstractSet[str]) -> bool:
    return bool(part) and _read_name(part.partition("=")[0]) in taken


def _fragment_without(fragment: str, taken: AbstractSet[str]) -> str:
    """The fragment without these parameters: pages of one script read theirs there, as `#/cart?x=1` or `#x=1`."""
    route, mark, query = fragment.rpartition("?")
    kept = _without(query, taken)
    return fragment if kept == query else f"{route}{mark if kept else ''}{kept}"


@lru_cache(maxsize=4096)
def _read_name(name: str) -> str:
    """The name of a parameter as any server may read it: decoded, in small letters, and as PHP reads it."""
    name = visible(unquote_plus(name)).removeprefix("amp;")
    return name.lower().partition("[")[0].replace(".", "_").replace(" ", "_")


def render(template: Template, values: Mapping[str, str]) -> str:
    """Fill in the macros; each value is URL-encoded, so it cannot change the rest of the address."""
    parts = list(template)
    for place in range(1, len(parts), 2):
        name = parts[place]
        value = values.get(name, "")
        if name[:1] == NESTED:
            value = quote(values.get(name[1:], ""), safe="")
        parts[place] = value if value.isascii() and value.isalnum() else quote(value, safe="")
    return "".join(parts)


def with_parameters(address: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The address with these parameters added to its query; those that it has already are not changed."""
    address, hash_sign, fragment = address.partition("#")
    path, _, query = address.partition("?")
    there = {part.partition("=")[0].lower() for part in query.split("&")}
    added = [
        f"{encoded}={quote(value, safe='')}"
        for name, value in parameters
        if (encoded := quote(name, safe="")).lower() not in there
    ]
    if added:
        address = path + "?" + "&".join([*([query] if query else []), *added])
    return address + hash_sign + fragment


def deep_link(url: str, allowed_hosts: list[str]) -> str | None:
    """The address if it is allowed, else None: only http(s), and only hosts that the offer lists.

    Spaces and braces are encoded, so that a visitor's address never acts as a template.
    """
    if _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(visible_ends(url))
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or _UNSAFE_IN_HOST.search(parts.netloc):
        return None
    return quote(visible_ends(url), safe=_KEEP) if host_allowed(host, allowed_hosts) else None


def visible_ends(url: str) -> str:
    """The address without blanks and invisible characters around it, as they are copied along."""
    if url.isascii():
        return url.strip()
    while url and not visible(url[0]):
        url = url[1:]
    while url and not visible(url[-1]):
        url = url[:-1]
    return url


def deep_template(url: str, allowed_hosts: list[str], pairs: tuple[str, ...] = CLICK_PAIRS) -> Template | None:
    """The template of an allowed deep link, or None: then the usual destination is used."""
    allowed = deep_link(url, allowed_hosts)
    return tuple(MACRO.split(with_click(allowed, pairs))) if allowed else None
