"""The REST API against its own description: schemathesis asks what the description allows and what it forbids.

As Olga the operator, as Ana the affiliate, and without a key. Nothing may be answered with 500 or in a way that the
description does not tell of; what it forbids has to be refused, and what it allows taken.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from pytest_django.fixtures import Settings
from requests import Request
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.meta import CoverageScenario
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from affiliates.models import Affiliate, User
from config.api_urls import described
from conversions.endpoints import bulk as bulk_endpoint
from records.secrets import encrypt
from tests.asgi_client import Standing, standing
from tests.config.test_api_reach import belongings
from tests.conversions.sending import TOKEN, World
from tests.examples import examples
from tests.rest import key_of
from tracking.click_id import codec

whole = schemathesis.openapi.from_dict(described())
# Many events are taken by an endpoint ahead of Django.
schema, bulk = whole.exclude(path=bulk_endpoint.PATH), whole.include(path=bulk_endpoint.PATH)
schema.app = WSGIHandler()

# A few cases drawn by lot, always the same; the operator is also asked what schemathesis works out by itself from the
# description: each bound, each choice, each method that is none.
SOME = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
ALL = settings(SOME, phases=[Phase.explicit, Phase.generate])

# Filters that affiliates do not have.
FOR_OPERATORS = frozenset({"customer_id", "extra"})
# What no description can say: whether the affiliate is approved for the offer and where that may lead, and how far
# apart two days may be; which drafts there are, and what rules a version may have.
UNSAID = {"links_create", "funnel", "what_ifs_create"}


@pytest.fixture(autouse=True)
def reachable(settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    settings.ALLOWED_HOSTS = ["localhost"]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A request's end would close the connection that holds the test's transaction, as in Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(ana: Affiliate) -> dict[str, dict[str, str]]:
    """By resource, the parameters that name what is there; for `""` those that every resource understands."""
    rows = belongings(ana)
    link = rows.link.pk
    return {
        "": {
            # Where the second page would begin, and a click; those made up are refused, as they must be.
            "cursor": encrypt(json.dumps([0, False, None])),
            "extra": "sub_id1:banner-7",
            "click_id": codec.new(link_number=link, at=datetime(2026, 11, 1, tzinfo=UTC)).text,
        },
        "funnel": {"offer": rows.offer.public_id, "affiliate": rows.affiliate.public_id},
        "trace": {"id": rows.conversion.public_id},
        **{name: {"id": row, "code": row, "number": row} for name, row in rows.details.items()},
    }


# Of more than seventy reasons these are asked for one by one: each of the others would be the same question.
REASONS = {"ok", "fraud", "waiting_for_sale"}


def is_one_of_many(case: Case) -> bool:
    """Whether the case asks for one more of a long list, as worked out from the description."""
    data = case.meta.phase.data
    if getattr(data, "scenario", None) != CoverageScenario.ENUM_VALUE_ITEMS_ARRAY or data.parameter != "reason":
        return False
    return not REASONS & {*case.query["reason"]}


def ask(
    case: Case, known: Mapping[str, Mapping[str, str]], key: str = "", without: frozenset[str] = frozenset()
) -> Any:
    """Send the case, about something that is there where it says nothing forbidden about what it asks for."""
    resource = case.operation.path.split("/")[3]
    forbidden = {where for where, part in case.meta.components.items() if part.mode.is_negative}
    for where, sent in ((ParameterLocation.PATH, case.path_parameters), (ParameterLocation.QUERY, case.query)):
        for name in () if where in forbidden else list(sent):
            if name in without:
                del sent[name]
            elif name in (found := {**known[""], **known.get(resource, {})}):
                sent[name] = found[name]
    left_out = [positive_data_acceptance] if case.operation.definition.raw["operationId"] in UNSAID else []
    return case.call_and_validate(headers={"Authorization": f"Bearer {key}"} if key else {}, excluded_checks=left_out)


@pytest.fixture
def olgas_key(olga: User) -> str:
    return key_of(olga)


@pytest.fixture
def anas_key(ana: Affiliate) -> str:
    return key_of(ana)


@pytest.mark.long
@schema.parametrize()
@ALL
def test_as_an_operator(case: Case, known: dict[str, dict[str, str]], olgas_key: str) -> None:
    if not is_one_of_many(case):
        ask(case, known, olgas_key)


@schema.parametrize()
@SOME
def test_as_an_affiliate(case: Case, known: dict[str, dict[str, str]], anas_key: str) -> None:
    ask(case, known, anas_key, FOR_OPERATORS)


@schema.parametrize()
@SOME
def test_without_a_key(case: Case, known: dict[str, dict[str, str]]) -> None:
    """Where an address names nothing at all, that is said first."""
    assert ask(case, known).status_code in (401, 404, 405)


@pytest.fixture
def endpoint(transactional_db: None) -> Iterator[Standing]:
    World()
    with standing() as application:
        yield application


def post(case: Case, endpoint: Standing, key: str) -> Response:
    """The case, sent to the endpoint, and its answer as schemathesis reads one."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    prepared = Request(**case.as_transport_kwargs(base_url="http://localhost", headers=headers)).prepare()
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
    sent = {name.lower(): str(value) for name, value in prepared.headers.items()}
    answer = endpoint.request(prepared.method, bulk_endpoint.PATH, body=body, headers={**sent, "host": "localhost"})
    found = {name: [value] for name, value in answer.headers.items()}
    return Response(answer.status, found, answer.body, prepared, elapsed=0.0, verify=False)


@pytest.mark.long
@bulk.parametrize()
@settings(ALL, max_examples=examples(20))
def test_many_events_of_an_advertiser(case: Case, endpoint: Standing) -> None:
    """An event that is none is refused by itself, beside others that count. The token is ours, not the case's."""
    left_out = [negative_data_rejection, ignored_auth]
    case.validate_response(post(case, endpoint, TOKEN), excluded_checks=left_out)


@bulk.parametrize()
@SOME
def test_many_events_of_no_one(case: Case, endpoint: Standing) -> None:
    found = post(case, endpoint, "")
    case.validate_response(found, excluded_checks=[negative_data_rejection, positive_data_acceptance])
    assert found.status_code in (400, 401, 405, 413, 422, 429)
