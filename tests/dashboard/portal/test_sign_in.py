"""Signing in and everything around it, in the same look; the pages for what went wrong."""

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.template.loader import get_template, render_to_string
from django.test import Client
from pytest_django.fixtures import Settings

from affiliates.models import Affiliate
from tests.dashboard.portal_pages import signed_in, words
from tests.factories import PASSWORD, UserFactory

ROOT = Path(django_settings.BASE_DIR)
OPEN = ["login", "signup", "password/reset", "password/reset/done", "password/reset/key/done"]
OWN = ["logout", "password/change", "email", "2fa", "reauthenticate"]


def assert_styled(html: str) -> None:
    assert "/static/portal/kit.css" in html
    assert "Affidavit" in html
    assert not re.search(r"<style\b|\sstyle=", html)


@pytest.mark.parametrize("page", OPEN)
def test_pages_before_signing_in_are_styled(db: None, client: Client, page: str) -> None:
    response = client.get(f"/accounts/{page}/")

    assert response.status_code == 200
    assert_styled(response.content.decode())


@pytest.mark.parametrize("page", OWN)
def test_pages_of_the_account_are_styled(ana: Affiliate, page: str) -> None:
    response = signed_in(ana).get(f"/accounts/{page}/")

    assert response.status_code == 200
    assert_styled(response.content.decode())


def test_fields_carry_the_kits_classes_and_their_labels(db: None, client: Client) -> None:
    html = client.get("/accounts/login/").content.decode()

    fields = dict(re.findall(r'<input type="(email|password)"[^>]*class="([^"]*)"', html))
    assert fields.keys() == {"email", "password"}
    assert all("form-control" in classes for classes in fields.values())
    assert html.count('<label class="form-label') == 2


def test_a_wrong_password_is_reported_beside_the_form(db: None, client: Client) -> None:
    UserFactory(email="ana@affiliates.example")

    response = client.post("/accounts/login/", {"login": "ana@affiliates.example", "password": "wrong"})

    assert "not correct" in words(response)
    assert 'role="alert"' in response.content.decode()


def test_signing_in_leads_to_the_portal(db: None, client: Client) -> None:
    UserFactory(email="ana@affiliates.example")

    response = client.post("/accounts/login/", {"login": "ANA@affiliates.example", "password": PASSWORD})

    assert response["Location"] == "/"


def test_accounts_are_made_by_invitation(db: None, client: Client) -> None:
    assert "Accounts are made by invitation" in words(client.get("/accounts/signup/"))
    client.post("/accounts/signup/", {"email": "x@y.example", "password1": PASSWORD, "password2": PASSWORD})
    assert "sign up" not in words(client.get("/accounts/login/")).lower()


def test_signing_out_takes_a_post(ana: Affiliate) -> None:
    client = signed_in(ana)

    assert "Sign out?" in words(client.get("/accounts/logout/"))
    assert client.get("/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


def test_the_qr_code_of_an_authenticator_app_is_drawn(db: None, client: Client) -> None:
    UserFactory(email="ana@affiliates.example")
    client.post("/accounts/login/", {"login": "ana@affiliates.example", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    html = client.get("/accounts/2fa/totp/activate/").content.decode()

    assert '<img src="data:image/svg+xml;base64,' in html
    assert_styled(html)


def test_an_unknown_address_is_answered_in_the_same_look(db: None, client: Client) -> None:
    response = client.get("/nothing/here/")

    assert response.status_code == 404
    assert_styled(response.content.decode())
    assert "Nothing is here" in words(response)


def test_a_stale_form_is_explained(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})

    assert response.status_code == 403
    assert "The form was too old" in words(response)


@pytest.mark.parametrize("name", ["400", "403", "404", "429"])
def test_pages_for_errors_need_no_context(name: str) -> None:
    assert_styled(render_to_string(f"{name}.html"))


def test_the_page_for_a_broken_server_needs_nothing() -> None:
    source = (ROOT / "templates" / "500.html").read_text()

    assert "{%" not in source
    assert "{{" not in source
    assert get_template("500.html").render() == source
    for path in re.findall(r'(?:href|src)="/static/([^"]+)"', source):
        assert (ROOT / "static" / path).is_file()


def test_every_icon_that_pages_name_is_in_the_sprite() -> None:
    sprite = next((ROOT / "static" / "vendor").glob("tabler-icons-*/sprite.svg")).read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    tags = (ROOT / "dashboard" / "templatetags" / "portal.py").read_text()

    named = set(re.findall(r'{% icon "([a-z0-9-]+)"|symbol="([a-z0-9-]+)"', templates))
    named |= set(re.findall(r'icon\("([a-z0-9-]+)"()|": \("[a-z]+", "([a-z0-9-]+)"\)', tags))
    wanted = {name for found in named for name in found if name}

    assert len(wanted) > 40
    assert wanted <= known


def test_vendored_files_name_no_other_host_and_no_missing_map() -> None:
    for path in (ROOT / "static" / "vendor").rglob("*.min.*"):
        text = path.read_text()
        assert "sourceMappingURL" not in text
        assert not re.search(r"url\((?![\"']?data:)", text)


def test_vendored_packages_bring_their_licence() -> None:
    for folder in (each for each in (ROOT / "static" / "vendor").iterdir() if each.is_dir()):
        assert any(path.name.startswith("LICENSE") for path in folder.iterdir()), folder


@pytest.mark.slow
def test_static_files_can_be_collected_with_hashed_names(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "config.static_storage.StaticStorage"},
    }

    call_command("collectstatic", interactive=False, verbosity=0)

    assert list(tmp_path.glob("portal/kit.*.css"))
    style = next(tmp_path.glob("portal/kit.?*.css")).read_text()
    assert re.search(r"inter-latin\.[0-9a-f]{12}\.woff2", style)
    assert "/static/portal/kit.css" not in render_to_string("404.html")
