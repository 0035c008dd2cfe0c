"""`POST /api/v1/conversions/bulk`: each event as if it had come alone."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversions.endpoints import bulk
from conversions.models import Conversion, Postback
from tests.asgi_client import visit
from tests.conversions.sending import TOKEN, World
from tests.examples import examples
from tests.factories import ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/conversions/bulk"


@pytest.fixture
def fields() -> dict[str, Any]:
    stored = ClickFactory(link=World().ana_link)
    return {"click_id": codec.text_of(stored.id), "event_type": "purchase", "revenue": 10.5, "currency": "EUR"}


def post(body: Any, *, token: str | None = TOKEN, kind: str = "application/json") -> tuple[int, dict[str, Any]]:
    headers = {"content-type": kind, **({"authorization": f"Bearer {token}"} if token else {})}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = visit(lambda client: client.request("POST", PATH, body=content, headers=headers))
    return answer.status, json.loads(answer.body)


def outcomes(body: dict[str, Any]) -> list[str]:
    return [answer["outcome"] for answer in body["decisions"]]


def test_each_event_has_its_answer_in_order_and_a_repeat_counts_nothing_again(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    events: list[Any] = [
        {**fields, "txid": "t1"},
        {**fields, "txid": "t1"},
        {"event_type": "purchase"},
        "nonsense",
        {**fields, "txid": "t2", "revenue": {"deep": 1}},
        {**fields, "txid": "t3"},
    ]
    status, body = post(events)
    assert (status, body["events"]) == (200, 6)
    assert outcomes(body) == ["accepted", "duplicate", "invalid", "invalid", "invalid", "accepted"]
    assert body["counts"] == {"accepted": 2, "duplicate": 1, "invalid": 3}
    assert [answer["index"] for answer in body["decisions"]] == list(range(6))
    assert body["decisions"][1]["conversion_id"] == body["decisions"][0]["conversion_id"]
    assert [answer["http_status"] for answer in body["decisions"]] == [200, 200, 422, 400, 400, 200]
    _, again = post({"events": events})
    assert outcomes(again) == ["duplicate", "duplicate", "invalid", "invalid", "invalid", "duplicate"]
    assert Conversion.objects.count() == 2
    assert Postback.objects.filter(endpoint="bulk").count() == 12
    assert str(Conversion.objects.first().revenue) == "10.50000000"


def test_one_object_a_line(fields: dict[str, Any]) -> None:
    lines = b"\n".join(json.dumps({**fields, "txid": f"t{n}"}).encode() for n in range(3)) + b"\n\n"
    _, body = post(lines, kind="application/x-ndjson")
    assert body["counts"] == {"accepted": 3}


@pytest.mark.parametrize("token", [None, "aft_wrong"])
def test_without_a_valid_token_nothing_is_looked_at(fields: dict[str, Any], token: str | None) -> None:
    status, body = post([{**fields, "txid": f"t{n}"} for n in range(50)], token=token)
    assert (status, body["outcome"]) == (401, "unauthorized")
    # The attempt is kept, once, without the events.
    assert Postback.objects.get().parameters == []


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 400, "unreadable"),
        (b"{", 400, "unreadable"),
        (b'"text"', 400, "unreadable"),
        (b"{}", 400, "unreadable"),
        (b"[" * 100_000, 400, "unreadable"),
        (b"[" + b"{}," * 10_000 + b"{}]", 413, "too_large"),
        (b"[" + b" " * (20 * 1024 * 1024) + b"]", 413, "too_large"),
    ],
)
def test_what_is_no_list_of_events_is_refused_whole(
    fields: dict[str, Any], content: bytes, status: int, reason: str
) -> None:
    found, body = post(content)
    assert (found, body["outcome"], body["reason"]) == (status, "invalid", reason)
    assert body["problems"][0]["remedy"]
    assert (body["events"], body["decisions"]) == (0, [])
    stored = Postback.objects.get()
    assert (stored.public_id, stored.outcome, stored.reason) == (body["postback_id"], "invalid", reason)
    assert len(stored.body) <= 16_000


def test_a_body_that_is_no_list_is_kept_without_its_secrets(fields: dict[str, Any]) -> None:
    post(b'{"events": [{"token": "aft_of_somebody", "customer_id": "carl@example.com"}, oops')
    kept = Postback.objects.get().body
    assert "oops" in kept
    assert "aft_of" not in kept
    assert "example.com" not in kept


def test_a_huge_body_without_a_token_is_refused_for_the_token(fields: dict[str, Any]) -> None:
    status, body = post(b"[" + b" " * (20 * 1024 * 1024) + b"]", token=None)
    assert (status, body["reason"], body["decisions"]) == (401, "bad_token", [])
    assert Postback.objects.get().body == ""


def test_only_post(db: None) -> None:
    assert visit(lambda client: client.get(PATH)).status == 405


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.text(max_size=5),
            st.dictionaries(
                st.sampled_from(["click_id", "txid", "event_type", "revenue", "currency", "status", "x\x00"]),
                st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.lists(st.integers())),
            ),
        ),
        max_size=5,
    )
)
def test_whatever_is_sent_there_is_an_answer_for_each(fields: dict[str, Any], events: list[Any]) -> None:
    status, body = post(events)
    assert status in (200, 422)
    assert len(body.get("decisions", [])) == (len(events) if events else 0)
    assert all(answer["http_status"] < 500 for answer in body.get("decisions", []))
