"""Pages are compressed, with chance in their length; pages with a secret and answers in pieces are not."""

import gzip

import pytest
from django.test import Client

from affiliates.models import Affiliate, User
from tests.dashboard.portal_pages import as_user, signed_in
from tests.factories import AdvertiserSecretFactory

pytestmark = pytest.mark.django_db
GZIP = {"headers": {"accept-encoding": "gzip, br"}}


def test_a_page_is_compressed_where_the_browser_takes_that(ana: Affiliate) -> None:
    client = signed_in(ana)
    packed, plain = client.get("/conversions/", **GZIP), client.get("/conversions/")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 3
    assert gzip.decompress(packed.content).startswith(plain.content[:200])


def test_the_length_of_a_compressed_page_differs_by_chance(ana: Affiliate) -> None:
    """So that what compresses well cannot be read from one length."""
    client = signed_in(ana)
    assert len({len(client.get("/links/", **GZIP).content) for _ in range(20)}) > 3


@pytest.mark.parametrize("path", ["/settings/api-keys/", "/accounts/2fa/", "/accounts/password/change/"])
def test_pages_with_a_secret_are_not_compressed_by_us_or_a_proxy(ana: Affiliate, path: str) -> None:
    answer = signed_in(ana).get(path, follow=True, **GZIP)
    assert "Content-Encoding" not in answer.headers
    assert "no-transform" in answer.headers["Cache-Control"]


def test_an_advertisers_secrets_and_new_keys_are_not_compressed(olga: User) -> None:
    secret = AdvertiserSecretFactory()
    client = as_user(olga)
    for path in (f"/admin/affiliates/advertiser/{secret.advertiser_id}/secrets/", "/admin/affiliates/apikey/add/"):
        answer = client.get(path, follow=True, **GZIP)
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
        assert "no-transform" in answer.headers["Cache-Control"]


def test_the_sign_in_is_not_compressed() -> None:
    assert "Content-Encoding" not in Client().get("/accounts/login/", **GZIP).headers


def test_exports_leave_in_pieces_as_they_are_made(ana: Affiliate) -> None:
    answer = signed_in(ana).get("/conversions/export/", **GZIP)
    assert answer.streaming
    assert "Content-Encoding" not in answer.headers
