"""One sender is one address of version 4, or one network of version 6 in which a household picks its addresses."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.client_address import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_address_counts_as_the_network_of_its_sender(address, origin):
    assert origin_of(address) == origin


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_network_are_one_sender_and_no_other_network_is(network, host, other):
    def address(of: int, at: int) -> str:
        return str(ipaddress.IPv6Address((of << 64) | at))

    if ipaddress.IPv6Address((network << 64) | host).ipv4_mapped is None:
        assert origin_of(address(network, host)) == origin_of(address(network, other ^ (1 << 63)))
        assert origin_of(address(network, host)) != origin_of(address(network ^ 1, host))


@given(st.ip_addresses(v=4))
def test_addresses_of_version_four_are_senders_of_their_own_in_either_spelling(address):
    assert origin_of(str(address)) == origin_of(f"::ffff:{address}") == str(address)
