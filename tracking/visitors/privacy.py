"""Shorten an address: enough for a country and for finding duplicates, too little to identify a person."""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_MAPPED = b"\0" * 10 + b"\xff\xff"
_6TO4 = b"\x20\x02"


def truncate_ip(text: str) -> str:
    """The network of an address, as an address: IPv4 to /24, IPv6 to /48. An invalid address gives an empty text.

    An IPv4 address that is written as IPv6 (`::ffff:203.0.113.9`) counts as the IPv4 address it is. A 6to4 address (RFC
    3056) has an IPv4 address in its first 48 bits and keeps 24 bits of that one.
    """
    try:
        if ":" not in text:
            return inet_ntop(AF_INET, inet_pton(AF_INET, text)[:3] + b"\0")
        packed = inet_pton(AF_INET6, text.partition("%")[0].strip("[]"))
    except (OSError, ValueError):
        return ""
    if packed[:12] == _MAPPED:
        return inet_ntop(AF_INET, packed[12:15] + b"\0")
    kept = 5 if packed[:2] == _6TO4 else 6
    return inet_ntop(AF_INET6, packed[:kept] + bytes(16 - kept))
