"""The OpenAPI description and the page to try it."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from config.api_urls import described, router
from conversions.endpoints import bulk


@pytest.fixture
def paths() -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = described()["paths"]
    return found


def test_is_valid_and_made_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_names_every_resource(paths: dict[str, object]) -> None:
    assert {f"/api/v1/{prefix}/" for prefix, _, _ in router.registry} < paths.keys()
    assert {"/api/v1/me/", "/api/v1/trace/", "/api/v1/conversions/{id}/approve/"} < paths.keys()


def test_promises_affiliates_no_field_that_operators_alone_get() -> None:
    conversion = described()["components"]["schemas"]["Conversion"]
    assert "customer_id" in conversion["properties"]
    assert "customer_id" not in conversion["required"]
    assert "Operators only" in conversion["properties"]["customer_id"]["description"]
    assert "status" in conversion["required"]


def test_every_operation_wants_a_key_and_reports_errors(paths: dict[str, dict[str, dict[str, object]]]) -> None:
    for path, operations in paths.items():
        for operation in operations.values():
            if path == bulk.PATH:
                assert operation["security"] == [{"advertiserToken": []}]
                continue
            key = "advertiserToken" if path.startswith("/api/v1/postback-log/") else "apiKey"
            assert {key: []} in operation["security"]  # type: ignore[operator]
            assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys()  # type: ignore[attr-defined]
            if "requestBody" in operation:
                assert {"409", "413", "415"} <= operation["responses"].keys()  # type: ignore[attr-defined]


def test_is_served_to_everybody(db: None, client: Client) -> None:
    response = client.get("/api/schema/?format=json")
    assert json.loads(response.content)["info"]["title"] == "Affidavit API"
    assert client.get("/api/schema")["Content-Type"].startswith("application/vnd.oai.openapi")


def test_the_page_runs_no_inline_script(db: None, client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "'unsafe-inline'" in policy.split("style-src")[1].split(";")[0]
    assert "<script>" not in response.text
    assert client.get("/api/docs/?script=")["Content-Type"] == "application/javascript"


def test_other_pages_keep_the_strict_policy(db: None, client: Client) -> None:
    assert "unsafe-inline" not in client.get("/accounts/login/")["Content-Security-Policy"]
