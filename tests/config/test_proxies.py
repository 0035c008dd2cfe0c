"""The settings about proxies; and that clicks, pages, limits and logs know one and the same client."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.proxies import proxy_headers, trusted_proxies


def test_proxies_are_addresses_or_networks() -> None:
    listed = trusted_proxies([" 10.0.0.7", "10.1.0.0/16 ", "", "2001:db8::/32"])
    assert listed == ["10.0.0.7/32", "10.1.0.0/16", "2001:db8::/32"]


@pytest.mark.parametrize("entry", ["nginx", "10.0.0.1/8", "10.0.0.256", "*", "0.0.0.0/0", "::/0", "10.0.0.1:80"])
def test_what_is_no_proxy_is_refused_at_start(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES names"):
        trusted_proxies([entry])


def test_the_kind_of_header_is_one_of_two() -> None:
    assert (proxy_headers("x-forwarded"), proxy_headers(" Forwarded ")) == ("x-forwarded", "forwarded")
    for text in ("", "both", "x-forwarded,forwarded", "x-real-ip"):
        with pytest.raises(ImproperlyConfigured, match="PROXY_HEADERS is"):
            proxy_headers(text)
