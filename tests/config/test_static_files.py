"""Static files through the ASGI entry: compressed, kept for good under hashed names, read in place in development."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from tests.asgi_client import Answer, Client, Standing, standing, visit

pytestmark = pytest.mark.django_db(transaction=True)
GZIP = {"accept-encoding": "gzip, deflate, br, zstd"}
FOR_GOOD = "max-age=315360000, public, immutable"
STYLE = "portal/portal.css"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as a server of its own has them, collected once for all tests here."""
    return tmp_path_factory.mktemp("collected") / "static"


@pytest.fixture
def as_collected(settings: Any, collected: Path) -> None:
    settings.STATIC_ROOT, settings.WHITENOISE_MAX_AGE = str(collected), 3600
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static_storage.StaticStorage"}}
    if not collected.exists():
        call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture
def site(as_collected: None) -> Iterator[Standing]:
    with standing() as site:
        yield site


def hashed(collected: Path, name: str) -> str:
    return f"/static/{json.loads((collected / 'staticfiles.json').read_text())['paths'][name]}"


def test_a_hashed_name_is_sent_compressed_and_kept_for_good(site: Standing, collected: Path) -> None:
    answer = site.request("GET", hashed(collected, STYLE), headers=GZIP)
    whole = site.request("GET", hashed(collected, STYLE))
    assert (answer.status, answer.headers["content-encoding"], answer.headers["vary"]) == (
        200,
        "gzip",
        "Accept-Encoding",
    )
    assert answer.headers["cache-control"] == whole.headers["cache-control"] == FOR_GOOD
    assert answer.headers["content-type"] == 'text/css; charset="utf-8"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert gzip.decompress(answer.body) == whole.body
    assert len(answer.body) == int(answer.headers["content-length"]) < len(whole.body) / 3
    assert "content-encoding" not in whole.headers


def test_every_style_sheet_and_script_under_a_hashed_name_has_a_compressed_copy(
    site: Standing, collected: Path
) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"].values()
    big = [name for name in names if name.endswith((".css", ".js")) and (collected / name).stat().st_size > 1000]
    assert [name for name in big if not (collected / f"{name}.gz").exists()] == []


@pytest.mark.parametrize("name", ["tag/affidavit.js", "tag/pixel.js", "tools/verify_statement.py"])
def test_what_others_load_is_compressed_and_looked_for_again_within_the_hour(site: Standing, name: str) -> None:
    answer = site.request("GET", f"/static/{name}", headers=GZIP)
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert answer.headers["cache-control"] == "max-age=3600, public"


def test_a_browser_that_has_the_file_gets_no_second_copy(site: Standing) -> None:
    first = site.request("GET", "/static/tag/affidavit.js", headers=GZIP)
    again = site.request("GET", "/static/tag/affidavit.js", headers=GZIP | {"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_part_of_a_file_and_its_head_can_be_asked_for(site: Standing) -> None:
    whole = site.request("GET", "/static/tag/affidavit.js").body
    part = site.request("GET", "/static/tag/affidavit.js", headers={"range": "bytes=10-29"})
    head = site.request("HEAD", "/static/tag/affidavit.js")
    assert (part.status, part.body) == (206, whole[10:30])
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(whole)), b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=9999999-"},
        {"range": f"bytes={'9' * 5000}-"},
        {"range": "bytes=0-0,2-3"},
        {"range": "löffel"},
        {"if-modified-since": "Thu, 99 Foo -1 99:99:99"},
        {"if-modified-since": "\x00"},
        {"if-none-match": "*"},
        {"accept-encoding": "*"},
        {"accept-encoding": "gzip;q=0, \x7f"},
    ],
)
def test_odd_headers_are_no_error(site: Standing, headers: dict[str, str]) -> None:
    assert site.request("GET", "/static/tag/affidavit.js", headers=headers).status in (200, 206, 304, 416)


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/none.css",
        "/static/portal",
        "/static/portal/",
        "/static/../manage.py",
        "/static/portal/../../manage.py",
        "/static//etc/passwd",
        "/static/\x00",
        "/static/tag\\affidavit.js",
        "/static/" + "a/" * 500,
        "/static/é.css",
        "/static/tag/affidavit.js.gz",
    ],
)
@pytest.mark.parametrize("in_place", [False, True], ids=["collected", "in place"])
def test_what_is_no_file_of_ours_is_not_found(settings: Any, site: Standing, path: str, in_place: bool) -> None:
    if not in_place:
        assert site.request("GET", path).status == 404
        return
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    with standing() as other:
        assert other.request("GET", path).status == 404


def test_readers_that_take_nothing_hold_up_no_one(as_collected: None) -> None:
    """More of them than there are threads that read files."""

    async def story(client: Client) -> Answer:
        goes_on = asyncio.Event()
        begun: list[Any] = []

        async def send(message: Any) -> None:
            begun.append(message)
            if message["type"] == "http.response.body":
                await goes_on.wait()

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": "/static/portal/kit.css", "query_string": b"", "headers": []}
        stuck = [asyncio.create_task(client._application({**scope}, receive, send)) for _ in range(100)]
        while len(begun) < 200:
            await asyncio.sleep(0.01)
        answer = await client.get("/static/tag/affidavit.js")
        goes_on.set()
        await asyncio.gather(*stuck)
        return answer

    assert visit(story).status == 200


def test_files_are_only_read(site: Standing) -> None:
    answer = site.request("POST", "/static/tag/affidavit.js", body=b"x")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_every_host_serves_them(site: Standing) -> None:
    site.wait_for_hosts()
    assert site.request("GET", "/static/tag/affidavit.js", headers={"host": "unknown.example"}).status == 200


def test_in_development_a_changed_file_shows_at_once(settings: Any, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS = [tmp_path]
    finders.get_finder.cache_clear()
    style = tmp_path / "portal" / "fresh.css"
    style.parent.mkdir()
    try:
        with standing() as site:
            style.write_text("a {}")
            first = site.request("GET", "/static/portal/fresh.css")
            style.write_text("b { color: red }")
            second = site.request("GET", "/static/portal/fresh.css")
    finally:
        finders.get_finder.cache_clear()
    assert (first.body, second.body) == (b"a {}", b"b { color: red }")
    assert second.headers["cache-control"] == "max-age=0, public"
