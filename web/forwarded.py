"""Find the client of a request that came through proxies: the only parser of their headers.

Each proxy appends what it saw to a list, so only the right end can be trusted, and only as far as the addresses that
wrote it are trusted. The list is walked from the right: a trusted address vouches for the element before it. An element
that cannot be parsed ends the walk, because no trusted proxy wrote the elements before it. The list may be as long as
the client likes: the walk reads a bounded part of its right end.
"""

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
X_FORWARDED, FORWARDED = "x-forwarded", "forwarded"
# The headers that each kind of proxy writes: for addresses and for the protocol.
LISTS = {X_FORWARDED: ("x-forwarded-for", "x-forwarded-proto"), FORWARDED: ("forwarded", "forwarded")}
# There are never more proxies in a row; longer elements are no addresses.
MOST_HOPS, LONGEST_HOP, LONGEST_LIST = 20, 300, 4096

_PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_BRACKETED = re.compile(rf"\[([^\[\]]+)\]{_PORT}")
_WITH_PORT = re.compile(rf"([0-9.]+){_PORT}")
_PAIR = re.compile(r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)[ \t]*(?:;|\Z)')
_ESCAPED = re.compile(r"\\(.)")


class Client(NamedTuple):
    """The client of a request, as far as it is known: its address, and whether it connected over HTTPS."""

    address: str | None
    is_secure: bool


class Hop(NamedTuple):
    """What one proxy wrote about its client; the protocol only if it is in the same list."""

    address: Address | None
    protocol: str = ""


def client_of(peer: str | None, *, is_secure: bool, addresses: str, protocols: str) -> Client:
    """The client behind a connection from `peer`.

    The texts are the values of the two headers that `PROXY_HEADERS` names (`lists()`), all lines joined by commas in
    their order. They count only if the peer is one of `TRUSTED_PROXIES`.
    """
    current = read_address(peer or "")
    if current is None or not _is_trusted(current):
        return Client(str(current) if current else None, is_secure)
    seen: list[Hop] = []
    for hop in _hops(addresses):
        seen.append(hop)
        if hop.address is None:
            break
        current = hop.address
        if not _is_trusted(current):
            break
    return Client(str(current), is_secure or _protocol(seen, protocols) == "https")


def lists() -> tuple[str, str]:
    """The headers, in lower case, in which proxies name addresses and protocols: never two kinds at once."""
    return LISTS[settings.PROXY_HEADERS]


def read_address(text: str) -> Address | None:
    """An address as proxies write it: with a port, brackets, quotes, a zone; IPv4 in IPv6 is IPv4. None: no address."""
    return _read_address(text) if len(text) <= LONGEST_HOP else None


@lru_cache(maxsize=8192)
def _read_address(text: str) -> Address | None:
    text = text.strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip(" \t")
    found = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] if found else text).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4)
def _networks(listed: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(entry) for entry in listed)


def _is_trusted(address: Address) -> bool:
    proxies: list[str] = settings.TRUSTED_PROXIES
    return bool(proxies) and any(address in network for network in _networks(tuple(proxies)))


def _hops(text: str) -> Iterator[Hop]:
    """The hops that proxies wrote, the nearest first."""
    is_standard = settings.PROXY_HEADERS == FORWARDED
    for element in _from_the_right(text, quoted=is_standard):
        yield read_element(element) if is_standard else Hop(read_address(element))


def _from_the_right(text: str, *, quoted: bool) -> Iterator[str]:
    """The last elements of a list, from the right. A comma within quotes does not separate."""
    if not text.strip(" \t"):
        return
    rest = text[-LONGEST_LIST:]
    for _ in range(MOST_HOPS):
        start = _last_comma(rest) if quoted else rest.rfind(",")
        if start < 0 and len(text) > LONGEST_LIST:
            # The text was cut: the rest is incomplete.
            yield ""
            return
        yield rest[start + 1 :]
        if start < 0:
            return
        rest = rest[:start]


def _last_comma(text: str) -> int:
    """The position of the last comma outside of quotes, searched from the right: the client may forge the left."""
    is_quoted = False
    for at in range(len(text) - 1, -1, -1):
        if text[at] == '"' and not _is_escaped(text, at):
            is_quoted = not is_quoted
        elif text[at] == "," and not is_quoted:
            return at
    return -1


def _is_escaped(text: str, at: int) -> bool:
    """Whether an odd number of backslashes is before it. Checks a few of them: no proxy writes more."""
    before = text[max(0, at - 8) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def read_element(text: str) -> Hop:
    """One element of `Forwarded` (RFC 7239). `unknown`, `_hidden`, a name twice and damage give no address."""
    if len(text) > LONGEST_HOP:
        return Hop(None)
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair[1].lower() in found:
            return Hop(None)
        value = pair[2]
        found[pair[1].lower()] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        at = pair.end()
    return Hop(read_address(found.get("for", "")), found.get("proto", "").lower())


def _protocol(seen: list[Hop], protocols: str) -> str:
    """The protocol of the connection to the outermost trusted proxy.

    The list of protocols grows with that of addresses, so the same element counts, from the right. If it is shorter, an
    outer proxy wrote it and the others passed it on: its first element counts, as it does if there are no addresses.
    """
    if settings.PROXY_HEADERS == FORWARDED:
        return seen[-1].protocol if seen else ""
    named = list(_from_the_right(protocols, quoted=False)) or [""]
    return named[min(len(seen) or len(named), len(named)) - 1].strip(' \t"').lower()
