"""The settings about proxies; and that clicks, pages, limits and logs know one and the same client."""

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from config.http.proxies import proxy_headers, trusted_proxies


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


@pytest.mark.django_db
def test_callers_without_a_key_are_counted_by_their_own_address(client: Client, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    cache.clear()

    def ask(address: str) -> int:
        return client.get(
            "/api/schema/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"1.2.3.4, {address}"
        ).status_code

    busy, other = [ask("198.51.100.9") for _ in range(6)], ask("203.0.113.77")
    assert 429 in busy
    assert other == 200
