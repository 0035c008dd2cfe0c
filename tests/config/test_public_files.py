"""`/robots.txt` and `/.well-known/security.txt` on every host, through the ASGI entry."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from django.core.exceptions import ImproperlyConfigured

from affiliates.models import TrackingDomain
from config.http.security_contact import security_contacts, security_policy
from tests.asgi_client import standing

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "/.well-known/security.txt"
MAIL = "mailto:security@acme.example"


@pytest.fixture
def contact(settings: Any) -> None:
    settings.SECURITY_CONTACTS = [MAIL, "https://acme.example/report"]
    settings.SECURITY_POLICY_URL = "https://acme.example/policy"
    settings.PUBLIC_URL = "https://testserver"


def fields(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in re.findall(r"^([A-Za-z-]+): (\S.*)$", text, re.MULTILINE)]


def test_nothing_of_ours_is_for_robots() -> None:
    with standing() as site:
        answer = site.request("GET", "/robots.txt")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    rules = RobotFileParser()
    rules.parse(answer.body.decode().splitlines())
    closed = ("/", "/c/abc", "/postback", "/pixel.gif", "/admin/", "/api/v1/me", "/api/docs/", "/accounts/login/")
    assert not any(rules.can_fetch("Googlebot", path) for path in closed)
    assert rules.can_fetch("Googlebot", FILE)


def test_says_whom_to_write_to_and_until_when(contact: None) -> None:
    with standing() as site:
        answer = site.request("GET", FILE)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    found = fields(answer.body.decode())
    assert [value for name, value in found if name == "Contact"] == [MAIL, "https://acme.example/report"]
    assert ("Canonical", f"https://testserver{FILE}") in found
    assert ("Policy", "https://acme.example/policy") in found
    [expires] = [datetime.fromisoformat(value) for name, value in found if name == "Expires"]
    assert timedelta(days=90) < expires - datetime.now(UTC) < timedelta(days=365)


def test_a_tracking_domain_serves_both_and_names_its_own_address(contact: None) -> None:
    TrackingDomain.objects.create(host="go.acme.example")
    with standing() as site:
        site.wait_for_hosts()
        there = {"host": "go.acme.example"}
        assert site.request("GET", "/robots.txt", headers=there).status == 200
        found = fields(site.request("GET", FILE, headers=there).body.decode())
        refused = [site.request("GET", path, headers={"host": "evil.example"}) for path in (FILE, "/robots.txt")]
    names = [value for name, value in found if name == "Canonical"]
    assert names == [f"https://testserver{FILE}", f"https://go.acme.example{FILE}"]
    assert [answer.status for answer in refused] == [421, 421]


@pytest.mark.parametrize("host", ["x\\Contact: y", "a b", "<script>", "x/..", "é"])
def test_a_host_of_odd_characters_is_not_repeated(contact: None, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    with standing() as site:
        answer = site.request("GET", FILE, headers={"host": host})
    assert host not in answer.body.decode()


def test_the_old_place_leads_to_the_new_one(contact: None) -> None:
    with standing() as site:
        answer = site.request("GET", "/security.txt")
    assert (answer.status, answer.headers["location"]) == (301, FILE)


def test_without_a_contact_there_is_no_such_file(settings: Any) -> None:
    settings.SECURITY_CONTACTS = []
    with standing() as site:
        answer = site.request("GET", FILE)
    assert answer.status == 404
    assert b"SECURITY_CONTACT" in answer.body


@pytest.mark.parametrize("path", ["/robots.txt", FILE, "/security.txt"])
def test_files_are_read_only(contact: None, path: str) -> None:
    with standing() as site:
        assert site.request("POST", path).status == 405
        head, whole = site.request("HEAD", path), site.request("GET", path)
    assert (head.status, head.body, head.headers["content-length"]) == (whole.status, b"", str(len(whole.body)))


def test_contacts_are_addresses() -> None:
    given = ["security@acme.example", " https://acme.example/report ", "tel:+49-30-123", ""]
    assert security_contacts(given) == ["mailto:security@acme.example", "https://acme.example/report", "tel:+49-30-123"]
    assert security_policy("") == ""


@pytest.mark.parametrize("text", ["Olga", "http://acme.example", "mailto:", "a@b.c\nExpires: never", "javascript:x"])
def test_what_is_no_contact_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECURITY_CONTACT names"):
        security_contacts([text])


def test_a_policy_without_https_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="SECURITY_POLICY_URL"):
        security_policy("http://acme.example/policy")
