import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.visitors.privacy import truncate_ip


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("255.255.255.255", "255.255.255.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:DB8::1", "2001:db8::"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("[2001:db8:1:2::3]", "2001:db8:1::"),
        ("::ffff:203.0.113.9", "203.0.113.0"),
        ("2002:cb00:7109:1::2", "2002:cb00:7100::"),  # 6to4 of 203.0.113.9
    ],
)
def test_the_part_that_identifies_a_person_is_cut_off(whole, kept):
    assert truncate_ip(whole) == kept


@pytest.mark.parametrize(
    "text",
    ["", "x", "203.0.113", "203.0.113.256", "1.2.3.4.5", "1.2.3.٣", "::g", ":", "1:2", "é", "\ud800:", "1.2.3.4\0"],
)
def test_what_is_no_address_is_not_kept_at_all(text):
    assert truncate_ip(text) == ""


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_keeps_its_24_bit_network(address):
    network = ipaddress.ip_network((address, 24), strict=False)
    assert truncate_ip(str(address)) == str(network.network_address)


@given(st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None and address.sixtofour is None))
def test_an_ipv6_address_keeps_its_48_bit_network(address):
    network = ipaddress.ip_network((address, 48), strict=False)
    assert ipaddress.ip_address(truncate_ip(str(address))) == network.network_address


@given(st.ip_addresses())
def test_cutting_twice_cuts_no_more(address):
    once = truncate_ip(str(address))
    assert truncate_ip(once) == once


@given(st.text(max_size=50))
def test_no_text_breaks_it_or_passes_through(text):
    cut = truncate_ip(text)
    assert not cut or ipaddress.ip_address(cut)
