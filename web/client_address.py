"""The address by which attempts are counted."""

import ipaddress


def origin_of(ip: str | None) -> str:
    """The network of one sender: an IPv4 address, or the /64 network of an IPv6 one."""
    if not ip or ":" not in ip:
        return ip or ""
    address = ipaddress.IPv6Address(ip)
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
