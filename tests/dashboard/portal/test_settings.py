"""A person's own settings, and the affiliate's API keys."""

import pytest
from django.core.mail import EmailMessage

from affiliates.models import Affiliate, AffiliateMember, ApiKey, User
from payouts.models import PayoutMethod
from payouts.paying.methods import FIELDS, details_of
from records.secrets import digest
from tests.dashboard.portal_pages import as_user, signed_in, words
from tests.factories import AffiliateMemberFactory, ApiKeyFactory, UserFactory


def test_changes_name_and_time_zone(ana: Affiliate) -> None:
    client = signed_in(ana, email="ana@affiliates.example")

    client.post("/settings/", {"name": "Ana Morales", "time_zone": "America/Sao_Paulo"})

    user = User.objects.get(email="ana@affiliates.example")
    assert (user.name, user.time_zone) == ("Ana Morales", "America/Sao_Paulo")
    assert "Times in America/Sao Paulo" in words(client.get("/"))


def test_refuses_a_zone_that_is_none(ana: Affiliate) -> None:
    response = signed_in(ana).post("/settings/", {"name": "Ana", "time_zone": "Mars/Olympus"})

    assert response.status_code == 400
    assert "Mars/Olympus is not one of the available choices" in words(response)


def test_nothing_else_of_a_user_can_be_changed(ana: Affiliate) -> None:
    client = signed_in(ana, email="ana@affiliates.example")

    client.post("/settings/", {"name": "A", "time_zone": "UTC", "is_staff": "on", "email": "x@y.example"})

    assert not User.objects.get(email="ana@affiliates.example").is_staff


def test_an_operator_has_settings_too(olga: User) -> None:
    assert as_user(olga).get("/settings/").status_code == 200


def test_a_new_key_is_shown_once_and_works(ana: Affiliate) -> None:
    client = signed_in(ana)

    response = client.post("/settings/api-keys/", {"name": "Report", "scopes": ["read"]})

    key = ApiKey.objects.get()
    text = response.context["new_key"]
    assert text in words(response)
    assert (key.digest, key.affiliate, key.name) == (digest(text), ana, "Report")
    assert text not in words(client.get("/settings/api-keys/"))
    assert f"{text[:8]}…" in words(client.get("/settings/api-keys/"))


def test_a_key_needs_a_name(ana: Affiliate) -> None:
    response = signed_in(ana).post("/settings/api-keys/", {"name": ""})

    assert response.status_code == 400
    assert not ApiKey.objects.exists()


@pytest.fixture
def ana_person(ana: Affiliate) -> User:
    user: User = UserFactory()
    AffiliateMemberFactory(affiliate=ana, user=user)
    return user


def test_revokes_a_key(ana: Affiliate, ana_person: User) -> None:
    key = ApiKeyFactory(affiliate=ana, user=ana_person)
    client = as_user(ana_person)

    assert "is revoked" in words(client.post(f"/settings/api-keys/{key.pk}/revoke/", follow=True))

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert client.post(f"/settings/api-keys/{key.pk}/revoke/").status_code == 404


def test_a_colleagues_key_is_listed_but_revoked_by_owners_only(ana: Affiliate, ana_person: User) -> None:
    AffiliateMember.objects.filter(user=ana_person).update(roles=["marketing"])
    key = ApiKeyFactory(affiliate=ana, name="Colleague's")
    client = as_user(ana_person)

    assert "Colleague's" in words(client.get("/settings/api-keys/"))
    assert client.post(f"/settings/api-keys/{key.pk}/revoke/").status_code == 404


PASSWORD = "a long password 1"  # noqa: S105
IBAN = {"holder": "Ana Morales", "iban": "DE89 3704 0044 0532 0130 00", "bic": ""}


@pytest.fixture
def owner(ana: Affiliate) -> User:
    user = UserFactory(email="ana@affiliates.example")
    user.set_password(PASSWORD)
    user.save()
    AffiliateMemberFactory(affiliate=ana, user=user, roles=["owner"])
    return user


def test_an_owner_says_where_the_money_goes_and_all_owners_learn_of_it(
    ana: Affiliate, owner: User, mailoutbox: list[EmailMessage]
) -> None:
    client = as_user(owner)
    assert "Nothing yet" in words(client.get("/settings/payouts/"))

    response = client.post("/settings/payouts/?kind=sepa", {**IBAN, "password": PASSWORD}, follow=True)

    method = PayoutMethod.objects.get(affiliate=ana)
    assert (method.kind, method.created_by, details_of(method)["iban"]) == ("sepa", owner, "DE89370400440532013000")
    shown = words(response)
    assert "SEPA transfer DE89…3000" in shown
    assert "0044" not in shown
    assert [mail.to for mail in mailoutbox] == [["ana@affiliates.example"]]
    assert "DE89…3000" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"iban": "DE89370400440532013001"}, "This is no IBAN"),
        ({"holder": ""}, "This field is required."),
    ],
)
def test_wrong_details_or_password_change_nothing(owner: User, changed: dict[str, str], text: str) -> None:
    response = as_user(owner).post("/settings/payouts/?kind=sepa", {**IBAN, "password": PASSWORD, **changed})

    assert response.status_code == 400
    assert text in words(response)
    assert not PayoutMethod.objects.exists()


@pytest.mark.parametrize("kind", FIELDS)
def test_every_method_has_a_form(owner: User, kind: str) -> None:
    response = as_user(owner).get(f"/settings/payouts/?kind={kind}")

    assert all(f'name="{name}"' in response.content.decode() for name in FIELDS[kind])


def test_a_member_who_is_no_owner_looks_but_changes_nothing(ana: Affiliate) -> None:
    client = signed_in(ana)
    AffiliateMember.objects.update(roles=["read_only"])

    assert "Only an owner" in words(client.get("/settings/payouts/"))
    assert client.post("/settings/payouts/?kind=sepa", {**IBAN, "password": PASSWORD}).status_code == 403
    assert not PayoutMethod.objects.exists()
