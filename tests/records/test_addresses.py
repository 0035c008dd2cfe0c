"""Where a visitor may be sent, and from where a sender may send."""

from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from records.addresses import MACROS, host_allowed, validate_destination, validate_host, validate_network

SHOP = ["shop.example", "*.casino.example"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "http://shop.example:8080/a/b?x=1#top",
        "https://[2001:db8::1]/x",
        "https://xn--mnchen-3ya.example/",
        "HTTPS://shop.example/?c={click_id}&s={sub10}",
        "https://shop.example/%7Bclick_id%7D",
    ],
)
def test_a_full_address_may_be_a_destination(url):
    validate_destination(url)


def test_every_macro_may_stand_in_the_path_and_the_query():
    for macro in MACROS:
        validate_destination(f"https://shop.example/{{{macro}}}?x={{{macro}}}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begins with https://"),
        ("shop.example/x", "begins with https://"),
        ("//shop.example/x", "begins with https://"),
        ("https:///x", "begins with https://"),
        ("javascript:alert(1)", "begins with https://"),
        ("data:text/html,x", "begins with https://"),
        ("ftp://shop.example/", "begins with https://"),
        ("https://[2001:db8::1/", "no address"),
        ("https://shop.example:port/", "no address"),
        ("https://shop.example:99999/", "no address"),
        ("https://{sub1}.example/", "host must be fixed"),
        ("https://shop.example:{sub1}/", "no address"),
        ("https://shop.example@evil.example/", "host must be fixed"),
        ("https://user:secret@shop.example/", "host must be fixed"),
        ("https://shop.example/a b", "encode others"),
        ("https://shop.example\\@evil.example/", "host must be fixed"),
        ("https://shop.example/\\evil", "encode others"),
        ("https://shop.example/\x00", "encode others"),
        ("https://shop.example/\r\nLocation: x", "encode others"),
        ("https://münchen.example/", "encode others"),
        ('https://shop.example/"onload=', "encode others"),
        ("https://shop.example/?c={clickid}", "Unknown macro {clickid}"),
        ("https://shop.example/?c={CLICK_ID}", "Unknown macro {CLICK_ID}"),
        ("https://shop.example/?c={sub11}", "Unknown macro {sub11}"),
    ],
)
def test_another_address_is_refused_with_what_to_change(url, words):
    with pytest.raises(ValidationError) as refused:
        validate_destination(url)
    assert words in refused.value.messages[0]


@given(st.text(max_size=60) | st.text(alphabet="htps:/.[]{}@\\?#%a0 \n", max_size=40).map("https://".__add__))
def test_no_text_breaks_the_check_of_a_destination(text):
    with suppress(ValidationError):
        validate_destination(text)
        assert text.isascii()
        assert text.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize("host", ["shop.example", "*.shop.example", "a-b.c1.example", "localhost", "1.2.3.4"])
def test_a_host_name_in_lower_case_is_taken(host):
    validate_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "Shop.example", "https://shop.example", "shop.example/", "shop.example:443", "shop..example"),
        *("-shop.example", "shop-.example", ".example", "*", "*.*.example", "shop.*.example", "shöp.example"),
        *("shop.example.", "shop example", "shop.example\n", "a" * 64 + ".example"),
    ],
)
def test_what_is_no_host_name_is_refused(host):
    with pytest.raises(ValidationError, match="Give a host name in lower case"):
        validate_host(host)


@pytest.mark.parametrize("network", ["203.0.113.7", "203.0.113.0/24", "2001:db8::/32", "::1", "0.0.0.0/0"])
def test_an_address_or_a_network_is_taken(network):
    validate_network(network)


@pytest.mark.parametrize("network", ["", "here", "203.0.113.7/24", "203.0.113.0/33", "203.0.113", "1.2.3.4-1.2.3.9"])
def test_what_is_no_network_is_refused_with_the_reason(network):
    with pytest.raises(ValidationError, match=r"such as 203\.0\.113\.0/24: \S"):
        validate_network(network)


@pytest.mark.parametrize(
    "host", ["shop.example", "SHOP.example", "shop.example.", "a.casino.example", "a.b.casino.example"]
)
def test_a_listed_host_and_those_below_a_star_are_allowed(host):
    assert host_allowed(host, SHOP)


@pytest.mark.parametrize(
    "host", ["", "casino.example", "evilcasino.example", "a.shop.example", "shop.example.evil", "*.casino.example.evil"]
)
def test_no_other_host_is_allowed(host):
    assert not host_allowed(host, SHOP)


def test_an_empty_list_allows_no_host():
    assert not host_allowed("shop.example", [])
