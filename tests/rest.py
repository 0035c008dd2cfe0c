"""Asking the REST API as one of the cast does: with a key."""

from typing import Any

from django.test import Client

from affiliates.access.api_keys import make_api_key
from affiliates.models import Affiliate, User
from tests.factories import AffiliateMemberFactory


def client_with(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"})


def key_of(asker: Affiliate | User) -> str:
    """A new key: an affiliate's, made by its owner, or an operator's own."""
    if isinstance(asker, User):
        return make_api_key(user=asker, name="script")[1]
    user = AffiliateMemberFactory(affiliate=asker, user__password=None).user
    return make_api_key(user=user, name="script", affiliate=asker)[1]


def client_of(asker: Affiliate | User) -> Client:
    """A client with a new key of the asker."""
    return client_with(key_of(asker))


def results(client: Client, address: str, **query: Any) -> list[dict[str, Any]]:
    """The rows of a list's first page."""
    response = client.get(f"/api/v1/{address}/", query)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows


def problems(response: Any) -> dict[str, str]:
    """The problems of an answer by field."""
    assert response.status_code == 400, response.text
    return {problem["field"]: problem["message"] for problem in response.json()["problems"]}
