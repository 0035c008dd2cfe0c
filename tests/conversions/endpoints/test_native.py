"""`GET|POST /postback` as senders use it: query, form, JSON, and what is not readable."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversions.endpoints import native
from conversions.intake import decide_left_over
from conversions.intake.read.receive import receive
from conversions.models import Conversion, Postback
from tests.asgi_client import visit
from tests.conversions.sending import TOKEN, World
from tests.examples import examples
from tests.factories import ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fields():
    """A good postback of a click made just now."""
    world = World()
    stored = ClickFactory(link=world.ana_link)
    return {
        "token": TOKEN,
        "click_id": codec.text_of(stored.id),
        "txid": "t-1",
        "event_type": "purchase",
        "revenue": "100.10",
        "currency": "EUR",
    }


def post(body, content_type="application/json", **kwargs):
    headers = {"content-type": content_type}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = visit(lambda client: client.request("POST", "/postback", body=body, headers=headers, **kwargs))
    return answer.status, json.loads(answer.body)


def test_query_form_and_json_are_one_event(fields):
    async def story(client):
        got = await client.get("/postback", fields)
        form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        posted = await client.request("POST", "/postback", body=urlencode(fields).encode(), headers=form)
        as_json = {"content-type": "application/json"}
        sent = await client.request("POST", "/postback", body=json.dumps(fields).encode(), headers=as_json)
        return [json.loads(answer.body) for answer in (got, posted, sent)]

    answers = visit(story)
    assert [answer["outcome"] for answer in answers] == ["accepted", "duplicate", "duplicate"]
    assert len({answer["conversion_id"] for answer in answers}) == 1
    assert [row.method for row in Postback.objects.order_by("pk")] == ["GET", "POST", "POST"]


def test_json_numbers_keep_their_digits(fields):
    body = json.dumps(fields).replace('"100.10"', "100.10").replace('"t-1"', "12345678901234567890")
    status, _ = post(body.encode())
    assert status == 200
    conversion = Conversion.objects.get()
    assert (str(conversion.revenue), conversion.transaction_id) == ("100.10000000", "12345678901234567890")


def test_bearer_token_stays_out_of_the_address(fields):
    token = fields.pop("token")
    answer = visit(lambda client: client.get("/postback", fields, headers={"authorization": f"Bearer {token}"}))
    assert answer.status == 200
    assert token not in str(Postback.objects.values())


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"{", "application/json", 400, "unreadable"),
        (b"[1]", "application/json", 400, "unreadable"),
        (b'"x"', "application/json", 400, "unreadable"),
        (b'{"click_id": ["x"]}', "application/json", 400, "unreadable"),
        (b'{"click_id": {"a": 1}}', "application/json", 400, "unreadable"),
        (b"[" * 30000, "application/json", 400, "unreadable"),
        (b"<xml/>", "application/xml", 400, "unreadable"),
        (b"--x", "multipart/form-data; boundary=x", 400, "unreadable"),
        (b"x" * 70000, "application/json", 413, "too_large"),
        (b"a=1&" * 300, "application/x-www-form-urlencoded", 413, "too_large"),
    ],
)
def test_what_cannot_be_read_is_reported_and_kept(fields, body, content_type, status, reason):
    answered, answer = post(body, content_type, query=urlencode({"token": TOKEN}).encode())
    assert (answered, answer["outcome"]) == (status, "invalid")
    assert answer["problems"][0]["code"] == reason
    assert Postback.objects.get().reason == reason


def test_other_methods_are_refused(fields):
    answer = visit(lambda client: client.request("DELETE", "/postback"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_every_answer_names_its_request(fields):
    answer = visit(lambda client: client.get("/postback", fields, headers={"x-request-id": "from-sender-1"}))
    assert answer.headers["x-request-id"] == "from-sender-1"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"].startswith("no-store")


def test_concurrent_requests_of_a_process_share_batches(fields, monkeypatch):
    sizes = []
    decide = native.intake
    monkeypatch.setattr(native, "intake", lambda batch, now: sizes.append(len(batch)) or decide(batch, now=now))

    async def story(client):
        requests = [client.get("/postback", {**fields, "txid": f"t{n % 10}"}) for n in range(60)]
        return [json.loads(answer.body)["outcome"] for answer in await asyncio.gather(*requests)]

    outcomes = visit(story)
    assert sorted(outcomes) == ["accepted"] * 10 + ["duplicate"] * 50
    assert sum(sizes) == 60
    assert len(sizes) < 30
    assert Conversion.objects.count() == 10


def test_a_request_that_breaks_intake_does_not_break_the_others(fields, monkeypatch):
    """The broken one stays stored and undecided, and its sender is asked to send it again."""
    from conversions.intake.read import parse

    read = parse._parse

    def broken(case):
        if case.postback.path and ("txid", "bomb") in case.parameters:
            raise RuntimeError("a bug")
        read(case)

    monkeypatch.setattr(parse, "_parse", broken)

    async def story(client):
        requests = [client.get("/postback", {**fields, "txid": txid}) for txid in ("a", "bomb", "b")]
        return await asyncio.gather(*requests)

    answers = visit(story)
    assert [answer.status for answer in answers] == [200, 503, 200]
    assert answers[1].headers["retry-after"] == "2"
    assert json.loads(answers[1].body)["reason"] == "try_again"
    assert Postback.objects.filter(decided_at=None).exists()
    assert Conversion.objects.count() == 2


NAMES = ["click_id", "txid", "event_type", "revenue", "currency", "status", "timestamp", "customer_id", "coupon", "x"]


@pytest.mark.hypothesis
def test_fuzzed_requests_get_an_answer_of_the_contract(fields):
    @given(
        st.dictionaries(st.sampled_from(NAMES), st.one_of(st.text(max_size=50), st.integers(), st.floats(), st.none()))
    )
    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def fuzz(sent):
        status, answer = post({**fields, "txid": "fuzz", **sent})
        assert status in {200, 202, 400, 404, 409, 422}
        assert answer["reason"]
        assert Postback.objects.get(public_id=answer["postback_id"]).decided_at is not None

    fuzz()


@pytest.mark.hypothesis
def test_fuzzed_bytes_never_fail(fields):
    @given(
        st.binary(max_size=200), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "x/y"])
    )
    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def fuzz(body, content_type):
        status, answer = post(body, content_type, query=b"token=" + TOKEN.encode() + b"&x=" + body)
        assert status in {400, 413, 422, 404, 401}
        assert answer["outcome"] in {"invalid", "unknown_click", "unauthorized"}

    fuzz()


def cut_lines(spared):
    """End every connection to the database but one; runs in a thread and leaves it without a connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [spared],
        )
    connection.close()


def test_a_connection_lost_between_requests_costs_no_answer(fields):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]

    async def story(client):
        first = await client.get("/postback", fields)
        await asyncio.to_thread(cut_lines, own)
        second = await client.get("/postback", {**fields, "txid": "t-2"})
        return [first.status, second.status]

    assert visit(story) == [200, 200]
    assert Conversion.objects.count() == 2


def test_a_connection_lost_while_deciding_doubles_nothing(fields, monkeypatch):
    """The request is stored twice then: the one that was left is decided later, as the repeat it is."""
    decide, broken = native.intake, []

    def break_once(batch, *, now):
        if broken:
            return decide(batch, now=now)
        broken.append(receive(batch))
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(native, "intake", break_once)
    answer = visit(lambda client: client.get("/postback", fields))
    assert (answer.status, json.loads(answer.body)["outcome"]) == (200, "accepted")
    later = timezone.now() + timedelta(hours=1)
    assert decide_left_over(received_before=later, now=later) == 1
    assert sorted(Postback.objects.values_list("outcome", flat=True)) == ["accepted", "duplicate"]
    assert Conversion.objects.count() == 1


def test_without_a_database_every_sender_is_asked_to_try_again(fields, monkeypatch):
    tries = []

    def fail(batch, *, now):
        tries.append(len(batch))
        raise OperationalError("connection refused")

    monkeypatch.setattr(native, "intake", fail)

    async def story(client):
        return await asyncio.gather(*(client.get("/postback", fields) for _ in range(30)))

    answers = visit(story)
    assert {answer.status for answer in answers} == {503}
    assert sum(tries) == 60  # Each batch twice; not each request by itself, which would take minutes.
