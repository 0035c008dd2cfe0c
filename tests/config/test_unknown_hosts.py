"""A host that is not served is refused in the form of the endpoint that the request was meant for."""

import json

import pytest
from django.conf import settings

from affiliates.models import TrackingDomain
from tests.asgi_client import standing

pytestmark = pytest.mark.django_db(transaction=True)
SENDERS = ["/postback", "/Postback/", "/api/v1/conversions/bulk", "/aff_lsr", "/d/voluum/postback", "/sources/stripe/x"]
BROWSERS = ["/c/ana-shop", "/C/ANA-SHOP", "/robots.txt", "/pixel.gif", "/pixel.js"]


def test_a_sender_reads_what_is_wrong_and_where_to_send_it() -> None:
    TrackingDomain.objects.create(host="go.acme.example")
    with standing() as site:
        site.wait_for_hosts()
        for path in [*SENDERS, "/v2/postback"]:
            answer = site.request("POST", path, headers={"host": "evil.example"})
            assert (answer.status, answer.headers["content-type"]) == (421, "application/json"), path
            [problem] = json.loads(answer.body)["problems"]
            assert (problem["code"], problem["field"]) == ("wrong_address", "host")
            assert settings.PUBLIC_URL in problem["message"]
            assert problem["remedy"]
            assert problem["help"].endswith("/help/reasons/wrong_address/")


def test_a_browser_reads_a_text() -> None:
    TrackingDomain.objects.create(host="go.acme.example")
    with standing() as site:
        site.wait_for_hosts()
        for path in BROWSERS:
            answer = site.request("GET", path, headers={"host": "evil.example"})
            assert (answer.status, answer.headers["content-type"]) == (421, "text/plain; charset=utf-8"), path
