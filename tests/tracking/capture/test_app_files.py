"""The association files of apps, as Apple and Google fetch them: on every host of ours, current, not redirected."""

import asyncio
import json
from typing import Any

import pytest

from affiliates.models import Advertiser, MobileApp, TrackingDomain
from tests.asgi_client import Answer, visit
from tests.factories import AdvertiserFactory
from tracking.capture.app_files import ANDROID, APPLE

pytestmark = pytest.mark.django_db(transaction=True)
PRINT = ":".join(["AB"] * 32)


def app(name: str = "Shop", **fields: Any) -> MobileApp:
    given: dict[str, Any] = {
        "team_id": "9JA89QQLNQ",
        "bundle_id": "com.example.shop",
        "package_name": "com.example.shop",
        "fingerprints": [PRINT],
        **fields,
    }
    row = MobileApp(advertiser=AdvertiserFactory(), name=name, **given)
    row.full_clean()
    row.save()
    return row


def get(path: str, host: str = "testserver", method: str = "GET") -> Answer:
    async def story(client: Any) -> Any:
        while client._application._app_files.apps is None:
            await asyncio.sleep(0.01)
        return await client.request(method, path, headers={"host": host})

    answer: Answer = visit(story)
    return answer


def test_apple_finds_the_app_and_the_paths_that_open_it() -> None:
    app(link_paths=["/c/*", "/go/*"])
    answer = get(APPLE)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {
        "applinks": {
            "details": [
                {
                    "appIDs": ["9JA89QQLNQ.com.example.shop"],
                    "components": [{"/": "/c/*.json", "exclude": True}, {"/": "/c/*"}, {"/": "/go/*"}],
                }
            ]
        }
    }


def test_android_finds_the_package_and_its_certificates() -> None:
    app()
    answer = get(ANDROID)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": "com.example.shop",
                "sha256_cert_fingerprints": [PRINT],
            },
        }
    ]


@pytest.mark.parametrize("path", [APPLE, ANDROID])
def test_where_no_app_is_entered_there_is_no_file(path: str) -> None:
    assert get(path).status == 404


def test_an_app_of_one_system_is_in_its_file_alone() -> None:
    app(package_name="", fingerprints=[])
    assert (get(APPLE).status, get(ANDROID).status) == (200, 404)


def test_an_app_with_hosts_is_on_those_alone() -> None:
    TrackingDomain.objects.create(host="go.shop.example")
    TrackingDomain.objects.create(host="go.other.example")
    app(hosts=["go.shop.example"])
    assert [get(APPLE, host).status for host in ("go.shop.example", "GO.shop.example:443")] == [200, 200]
    assert [get(APPLE, host).status for host in ("go.other.example", "testserver")] == [404, 404]
    assert get(APPLE, "evil.example").status == 421


def test_apps_that_are_off_and_those_of_inactive_advertisers_are_left_out() -> None:
    row = app()
    MobileApp.objects.update(is_active=False)
    assert get(APPLE).status == 404
    MobileApp.objects.update(is_active=True)
    Advertiser.objects.filter(pk=row.advertiser_id).update(is_active=False)
    assert get(APPLE).status == 404


def test_a_change_is_served_without_a_restart() -> None:
    row = app()

    async def story(client: Any) -> list[int]:
        seen = []
        for active in (True, False):
            await asyncio.to_thread(lambda: MobileApp.objects.filter(pk=row.pk).update(is_active=active))  # noqa: B023
            while [*map(bool, client._application._app_files.apps or [])] != [True] * active:
                await asyncio.sleep(0.01)
            seen.append((await client.get(APPLE)).status)
        return seen

    assert visit(story) == [200, 404]


def test_a_head_has_the_length_and_other_methods_are_refused() -> None:
    app()
    head = get(APPLE, method="HEAD")
    assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", len(get(APPLE).body))
    assert get(APPLE, method="POST").status == 405
