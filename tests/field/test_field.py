"""What real senders, links and proxies send, as data: each case of the JSON files is a request and what must follow.

A case names values in «angle quotes» (`world.py`). `expected` may have the HTTP status, outcome and reason of the last
answer, the codes of its problems (one of them must be there), texts that the answer contains, a word of a warning,
the conversion, how many conversions the case made, the redirect's address or its parameters, and the stored click.
"""

import base64
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from conversions.models import Conversion
from tests.asgi_client import Answer, Standing, standing
from tests.field.world import FieldWorld, Values
from tracking.marks import is_bot_agent
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)
FILES = sorted(Path(__file__).parent.glob("*.json"))
_NAMED = re.compile("«([^»]*)»")


@pytest.fixture(autouse=True)
def behind_a_proxy(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1/32"]
    settings.REQUIRE_HTTPS = request.node.callspec.params["file"].stem == "proxies"
    settings.FAILED_POSTBACKS_PER_MINUTE = 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_the_field_brings_is_taken_rightly(file: Path, subtests: pytest.Subtests) -> None:
    """One world and one application for a file: each case makes clicks and transactions of its own."""
    world = FieldWorld()
    with standing() as application:
        for case in json.loads(file.read_text()):
            with subtests.test(case["name"]):
                _check(case, world, application)


def _check(case: dict[str, Any], world: FieldWorld, application: Standing) -> None:
    values = Values(world)
    for request in case.get("setup", ()):
        _send(application, request, values)
    before = _Before()
    answer = _send(application, case["request"], values)
    for name, wanted in case["expected"].items():
        CHECKS[name](answer, _filled(wanted, values), before)


class _Before:
    """What was there before the last request."""

    def __init__(self) -> None:
        self.conversions = set(Conversion.objects.values_list("pk", flat=True))
        self.clicks = set(Click.objects.values_list("pk", flat=True))

    def new_click(self) -> Click:
        return Click.objects.exclude(pk__in=self.clicks).get()


def _filled(value: Any, values: Values) -> Any:
    if isinstance(value, str):
        return _NAMED.sub(lambda found: found[0] if found[1] == "new click" else values[found[1]], value)
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    return {name: _filled(each, values) for name, each in value.items()} if isinstance(value, dict) else value


def _send(application: Standing, request: dict[str, Any], values: Values) -> Answer:
    filled = _filled(request, values)
    headers = [(name.lower().encode(), value.encode()) for name, value in filled.get("headers", ())]
    body = base64.b64decode(filled.get("body_base64", "")) or filled.get("body", "").encode()
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    agent = {"user-agent": ""} if any(name == b"user-agent" for name, _ in headers) else {}
    answer: Answer = application.request(
        filled["method"],
        filled["path"],
        query=filled.get("query", "").encode(),
        body=body,
        raw_headers=headers,
        headers=agent,
        client="127.0.0.1",
    )
    return answer


def _body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _among(found: object, wanted: Any) -> None:
    assert found in (wanted if isinstance(wanted, list) else [wanted])


def _status(answer: Answer, wanted: Any, before: _Before) -> None:
    assert answer.status in (wanted if isinstance(wanted, list) else [wanted]), answer.body.decode()


def _outcome(answer: Answer, wanted: Any, before: _Before) -> None:
    found = answer.headers.get("x-affidavit-outcome") or _body(answer)["outcome"]
    assert found in (wanted if isinstance(wanted, list) else [wanted]), answer.body.decode()


def _reason(answer: Answer, wanted: Any, before: _Before) -> None:
    assert _body(answer)["reason"] == wanted


def _problems(answer: Answer, wanted: list[str], before: _Before) -> None:
    assert {each["code"] for each in _body(answer)["problems"]} & {*wanted}, answer.body.decode()


def _says(answer: Answer, wanted: list[str], before: _Before) -> None:
    text = answer.body.decode().lower()
    assert all(each.lower() in text for each in wanted), text


def _warned(answer: Answer, wanted: str, before: _Before) -> None:
    assert any(wanted in each for each in _body(answer)["warnings"]), answer.body.decode()


def _conversion(answer: Answer, wanted: dict[str, Any], before: _Before) -> None:
    row = _row(answer, before)
    assert row is not None, answer.body.decode()
    found = {
        "affiliate": row.affiliate.name,
        "transaction_id": row.transaction_id,
        "status": row.status,
        "reason": row.reason,
        "currency": row.currency,
        "is_test": row.is_test,
        "revenue": _plain(row.revenue),
        "refunded": _plain(row.refunded),
    }
    assert {name: found[name] for name in wanted} == wanted


def _row(answer: Answer, before: _Before) -> Conversion | None:
    new = Conversion.objects.exclude(pk__in=before.conversions).last()
    named = re.search(rb"cv_[0-9a-z]+", answer.body)
    return new or (Conversion.objects.get(public_id=named[0].decode()) if named else Conversion.objects.latest("pk"))


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _conversions(answer: Answer, wanted: int, before: _Before) -> None:
    assert Conversion.objects.exclude(pk__in=before.conversions).count() == wanted


def _clicks(answer: Answer, wanted: int, before: _Before) -> None:
    assert Click.objects.exclude(pk__in=before.clicks).count() == wanted


def _click(answer: Answer, wanted: dict[str, str], before: _Before) -> None:
    row = before.new_click()
    assert {name: str(getattr(row, name)) for name in wanted} == wanted


def _location(answer: Answer, wanted: str, before: _Before) -> None:
    assert re.sub(r"(?<==)0[0-9a-v]{39}(?=&|#|$)", "«new click»", answer.location) == wanted


def _query(answer: Answer, wanted: dict[str, list[str]], before: _Before) -> None:
    found = parse_qs(urlsplit(answer.location).query, keep_blank_values=True)
    found["click_id"] = ["«new click»" if len(each) == 40 else each for each in found["click_id"]]
    assert found == wanted


def _is_bot(answer: Answer, wanted: bool, before: _Before) -> None:
    assert is_bot_agent(before.new_click().user_agent) == wanted


def _answers(answer: Answer, wanted: bool, before: _Before) -> None:
    """The answer is one of an endpoint: each refusal has problems with a remedy and a page that explains the reason."""
    body = _body(answer)
    assert body["outcome"]
    assert answer.status < 400 or body["problems"], answer.body.decode()
    for problem in body["problems"]:
        assert problem["remedy"]
        assert f"/help/reasons/{problem['code']}/" in problem["help"]


CHECKS = {
    "status": _status,
    "outcome": _outcome,
    "reason": _reason,
    "problems": _problems,
    "says": _says,
    "warned": _warned,
    "conversion": _conversion,
    "conversions": _conversions,
    "clicks": _clicks,
    "click": _click,
    "location": _location,
    "query": _query,
    "is_bot": _is_bot,
    "answers": _answers,
}
