"""No secret and no one-time link stands in the log, whatever was done and in both formats of the log."""

import json
import re
import stat
import time
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affiliates.models import AdvertiserSecret, Affiliate
from config.logging.secrets import MASK, hide_secrets
from tests.factories import PASSWORD, AdvertiserSecretFactory, AffiliateMemberFactory
from tests.rest import key_of
from tests.servers import Answer, Web, database_url, running

TOKEN, HMAC = "aft_theTokenOfLuckyFox", "afs_theSecretOfLuckyFox"
FOREIGN = "0a1b2c3d4e5f60718293"
SIGNATURE = "9f" * 32


class Browser:
    """Keeps cookies between requests to a server."""

    def __init__(self, web: Web) -> None:
        self.web, self.cookies = web, {}

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        fields["csrfmiddlewaretoken"] = self.cookies["csrftoken"]
        return self._ask("POST", path, urlencode(fields).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        answer = self.web.request(method, path, body=body, headers=headers)
        found = SimpleCookie(re.sub(r"(?i)expires=[^;]*", "", answer.headers.get("set-cookie", "")))
        self.cookies |= {name: each.value for name, each in found.items()}
        return answer


def reset_link(mails: Path) -> str:
    """The path of the link in the mail that came last."""
    [mail] = mails.iterdir()
    assert stat.S_IMODE(mail.stat().st_mode) == 0o600
    assert stat.S_IMODE(mails.stat().st_mode) == 0o700
    [link] = re.findall(r"http://\S+/reset/key/\S+", mail.read_text())
    return urlsplit(link).path


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("as_json", ["true", "false"])
def test_a_day_of_work_leaves_no_secret_in_the_log(as_json: str, ana: Affiliate, tmp_path: Path) -> None:
    secret = AdvertiserSecretFactory(text=TOKEN)
    AdvertiserSecretFactory(advertiser=secret.advertiser, text=HMAC, kind=AdvertiserSecret.Kind.HMAC)
    user = AffiliateMemberFactory(affiliate=ana).user
    key, log, mails = key_of(ana), tmp_path / "web.log", tmp_path / "mail"
    env = {
        "DATABASE_URL": database_url(),
        "LOG_JSON": as_json,
        "LOG_LEVEL": "INFO",
        "EMAIL_URL": f"filemail:///{mails}",
    }
    with running(web := Web(log=log, env=env, workers=1)):
        link, cookies = set_a_new_password(Browser(web), user.email, mails)
        ask_with_secrets(web, key, secret.advertiser.public_id)
        written = written_until(log, "/last-request")
    if as_json == "true":
        assert all(json.loads(line) for line in written.splitlines() if line.startswith("{"))
    uid_and_key = link.strip("/").rpartition("/")[2]
    secrets = [TOKEN, HMAC, FOREIGN, SIGNATURE, PASSWORD, "a-new-password-1", key, uid_and_key, *cookies]
    assert [each for each in secrets if each in written] == []
    assert "/accounts/password/reset/" in written
    assert MASK in written


def set_a_new_password(ana: Browser, email: str, mails: Path) -> tuple[str, list[str]]:
    """The whole way by the link of a mail; return the link's path and the cookies that the browser had."""
    ana.get("/accounts/password/reset/")
    assert ana.post("/accounts/password/reset/", email=email).status == 302
    link = reset_link(mails)
    form = ana.get(link).headers["location"]
    assert ana.get(form).status == 200
    assert ana.post(form, password1="a-new-password-1", password2="a-new-password-1").status == 302
    assert ana.get(link).status == 200  # The link works once; the page says so.
    ana.get("/accounts/login/")
    assert ana.post("/accounts/login/", login=email, password="wrong-password-1").status == 200
    assert ana.post("/accounts/login/", login=email, password="a-new-password-1").status == 302
    return link, [ana.cookies["sessionid"], ana.cookies["csrftoken"]]


def ask_with_secrets(web: Web, key: str, advertiser: str) -> None:
    """Requests that carry a secret where one may, and where none belongs."""
    for path in ("/postback", "/d/voluum/postback", "/nothing", "/api/v1/me", "/accounts/login/", "/api/v1/nothing"):
        for name in ("token", "security_token", "api_key", "key", "signature", "secret"):
            for value in (TOKEN, HMAC, FOREIGN, SIGNATURE, key):
                web.request("GET", path, {name: value, "advertiser": advertiser, "ts": "1"})
    for value in (key, FOREIGN, TOKEN):
        web.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {value}"})
    web.request("GET", f"/{TOKEN}/{key}")
    web.request("GET", f"/accounts/confirm-email/{FOREIGN}/")
    web.request("GET", "/last-request")


def written_until(log: Path, last: str) -> str:
    while last not in (written := log.read_text()):
        time.sleep(0.05)
    return written


@pytest.mark.parametrize(
    "line",
    [
        "GET /x?token=S3CRET&b=1",
        "GET /x?a=1&Api-Key=S3CRET",
        "GET /x?security_token%3DS3CRET",
        '{"password": "S3CRET", "a": 1}',
        '{\\"token\\": \\"S3CRET\\"}',
        "{'signature': 'S3CRET'}",
        "[(b'authorization', b'Bearer S3CRET')]",
        "Authorization: Bearer S3CRET",
        "cookie: csrftoken=S3CRET; sessionid=S3CRET",
        "redis://:S3CRET@127.0.0.1:6379/0",
        "postgres://affidavit:S3CRET@db/affidavit is away",
        "GET /accounts/password/reset/key/1-S3CRET-S3CRET/ HTTP/1.1",
        "x-api-key='S3CRET'",
    ],
)
def test_masks_what_a_line_may_hold(line: str) -> None:
    assert "S3CRET" not in hide_secrets(line)


@pytest.mark.parametrize(
    "line",
    ["GET /links/?page=2", "token is missing", "clicks=5 secretly=no", "/accounts/password/reset/", "key=purchase", ""],
)
def test_leaves_what_is_no_secret(line: str) -> None:
    assert hide_secrets(line) == line


@given(st.text(alphabet="token=&?%3D\"': aftk_-/resetkyBarx", max_size=60))
def test_masking_twice_is_masking_once(line: str) -> None:
    once = hide_secrets(line)
    assert hide_secrets(once).count("\n") == line.count("\n")


def test_a_long_line_is_read_in_one_go() -> None:
    for part in ("token", "a.", "token=", "Bearer ", "://a:", "aft_", "\\", "reset/key/", "?key"):
        assert hide_secrets(part * 200_000)
