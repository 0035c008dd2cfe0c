"""Every row of the table: a request in the platform's own form is accepted, and answered in its shape."""

import base64
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import Mapping
from conversions.dialects.page import dialect_page
from conversions.dialects.table import BY_FORM, BY_NAME, BY_PATH, DIALECTS, _once
from conversions.endpoints.dialects import address_of
from conversions.models import Conversion, Postback
from tests.asgi_client import Answer, visit
from tests.conversions.sending import World
from tests.examples import examples
from tests.factories import AdvertiserSecretFactory, ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "aft_abcdefghijklmnopqrstuvwxyz"
GOAL = "purchase"
NAMES = [dialect.name for dialect in DIALECTS]


@pytest.fixture
def click() -> str:
    world = World()
    AdvertiserSecretFactory(advertiser=world.advertiser, text=TOKEN)
    return codec.text_of(ClickFactory(link=world.ana_link).id)


def send(dialect: Dialect, *, click: str, token: str = TOKEN, **changed: str) -> Answer:
    """The row's sample, with parts changed."""

    def filled(text: str) -> str:
        return text.replace("{click}", click).replace("{token}", token).replace("{goal}", GOAL)

    method, _, address = filled(dialect.sample).partition(" ")
    path, _, query = address.partition("?")
    for name, value in changed.items():
        query += f"&{name}={value}"
    body = {name: filled(value) for name, value in dialect.sample_body.items()}
    headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    if body and dialect.name == "impact":
        headers["authorization"] = "Basic " + base64.b64encode(f"IR123:{token}".encode()).decode()
    elif body:
        headers |= {"authorization": f"Bearer {token}", "content-type": "application/json"}
    is_json = headers.get("content-type") == "application/json"
    content = (json.dumps(body) if is_json else urlencode(body)).encode() if body else b""
    return visit(lambda client: client.request(method, path, query=query.encode(), body=content, headers=headers))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_in_the_platforms_form_is_counted_once(click: str, name: str) -> None:
    dialect = BY_NAME[name]
    first = send(dialect, click=click)
    assert (first.status, first.headers["x-affidavit-outcome"]) == (200, "accepted"), first.body
    conversion = Conversion.objects.get()
    assert (conversion.goal.code, conversion.revenue) == (GOAL, Decimal("120.50"))
    assert str(conversion.click_id) == str(codec.parse(click).uuid)
    again = send(dialect, click=click)
    assert again.headers["x-affidavit-outcome"] == "duplicate"
    assert Conversion.objects.count() == 1
    stored = Postback.objects.order_by("pk")[0]
    assert stored.mapping == name
    assert TOKEN not in json.dumps([stored.parameters, stored.path, stored.headers])


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_token_and_a_forged_click_are_refused(click: str, name: str) -> None:
    dialect = BY_NAME[name]
    wrong = send(dialect, click=click, token="aft_this_is_the_wrong_token_000")
    assert wrong.headers["x-affidavit-outcome"] == "unauthorized"
    forged = send(dialect, click="0" * 40)
    assert forged.headers["x-affidavit-outcome"] == "unknown_click"
    if name != "tune":
        assert (wrong.status, forged.status in (400, 404)) == (401, True)
    assert not Conversion.objects.exists()


def answers(name: str, click: str) -> list[Answer]:
    """What the platform is answered for a new event, a repeat, a forged click, and a wrong token."""
    dialect = BY_NAME[name]
    return [
        send(dialect, click=click),
        send(dialect, click=click),
        send(dialect, click="0" * 40),
        send(dialect, click=click, token="aft_this_is_the_wrong_token_000"),
    ]


def test_tune_speaks_in_success_and_err_msg(click: str) -> None:
    new, repeat, forged, stranger = [answer.body.decode() for answer in answers("tune", click)]
    assert new == "success=true;"
    assert repeat.startswith("success=false; err_msg=Duplicate")
    assert forged == f"success=false; err_msg=Invalid Trans. ID #{'0' * 40};"
    assert stranger.startswith("success=false; err_msg=The token is not valid")
    assert json.loads(send(BY_NAME["tune"], click=click, format="json").body)["success"] is False


def test_affise_has_a_status_number(click: str) -> None:
    reply = [json.loads(answer.body) for answer in answers("affise", click)]
    assert [each["status"] for each in reply] == [1, 2, 2, 2]
    assert reply[1]["message"] == "Conversion exists"


def test_impact_queues_or_lists_errors(click: str) -> None:
    found = answers("impact", click)
    reply = [json.loads(answer.body) for answer in found]
    assert [each["Status"] for each in reply] == ["QUEUED", "QUEUED", "ERROR", "ERROR"]
    assert reply[2]["errors"][0]["field"] == "ClickId"
    assert [answer.status for answer in found] == [200, 200, 400, 401]


def test_offer18_says_it_in_a_sentence(click: str) -> None:
    assert [answer.body.decode() for answer in answers("offer18", click)] == [
        "Conversion Recorded.",
        "Cleared due to Multi Conversion",
        f"invalid transaction {'0' * 40}",
        "auth_token mismatch",
    ]


def test_keitaro_returns_the_literal_that_was_asked_for(click: str) -> None:
    new, repeat, forged, _ = answers("keitaro", click)
    assert [new.body, repeat.body] == [b"OK", b"OK"]
    assert forged.body.startswith(b"Error: ")


@pytest.mark.parametrize(("name", "word"), [("cake", "SUCCESS"), ("tolt", "true"), ("everflow", "conversion_id")])
def test_others_say_success_in_their_words(click: str, name: str, word: str) -> None:
    new, _, forged, _ = answers(name, click)
    assert word in new.body.decode()
    assert word not in forged.body.decode()
    if name == "cake":
        assert ElementTree.fromstring(new.body).findtext("msg") == "SUCCESS"  # noqa: S314


def test_pixels_are_images_whatever_came_of_it(click: str) -> None:
    cake = replace(BY_NAME["cake"], sample=BY_NAME["cake"].sample.replace("f=pb", "f=img"))
    for answer in (send(cake, click=click), send(cake, click="0" * 40)):
        assert (answer.status, answer.headers["content-type"], answer.body[:6]) == (200, "image/gif", b"GIF89a")


def test_minor_units_go_by_the_currency(click: str) -> None:
    dub = BY_NAME["dub"].mapping
    for currency, sent, expected in (("jpy", "1250", "1250"), ("kwd", "1250", "1.250"), ("eur", "1250", "12.50")):
        pairs = dict(dub.translate([("amount", sent), ("currency", currency)]))
        assert Decimal(pairs["revenue"]) == Decimal(expected)
    rakuten = BY_NAME["rakuten"].mapping
    assert Decimal(dict(rakuten.translate([("amtlist", "1000|250")]))["revenue"]) == Decimal("12.50")
    assert dict(rakuten.translate([("amtlist", "nonsense")]))["revenue"] == "nonsense"


def test_an_event_that_names_no_goal_is_the_advertisers_default(click: str) -> None:
    address = f"/d/everflow/{TOKEN}/"
    query = {"transaction_id": click, "event_id": "0", "amount": "5", "currency": "EUR"}
    refused = visit(lambda client: client.get(address, query))
    assert refused.status == 422
    assert "event_type" in refused.body.decode()
    from affiliates.models import Advertiser  # noqa: PLC0415

    Advertiser.objects.update(default_goal=GOAL)
    assert visit(lambda client: client.get(address, query)).status == 200
    assert Conversion.objects.get().goal.code == GOAL


def test_problems_are_answered_in_the_senders_words(click: str) -> None:
    answer = send(BY_NAME["voluum"], click="%7Bclickid%7D")
    [problem] = json.loads(answer.body)["problems"]
    assert (answer.status, problem["field"], problem["code"]) == (422, "cid", "unresolved_macro")
    assert "voluum's name for click_id" in problem["message"]


def test_nested_values_of_a_json_body_are_kept_and_do_not_disturb(click: str) -> None:
    body = {
        "clickId": click,
        "invoiceId": "t",
        "eventName": GOAL,
        "amount": 100,
        "currency": "eur",
        "metadata": {"a": 1},
    }
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    content = json.dumps(body).encode()
    answer = visit(lambda client: client.request("POST", "/track/sale", body=content, headers=headers))
    assert answer.status == 200
    assert ["metadata", '{"a": "1"}'] in Postback.objects.get().parameters


def test_no_two_rows_share_an_address_or_a_name() -> None:
    assert len(BY_NAME) == len(DIALECTS)
    assert len(BY_PATH) == sum(len(dialect.paths) for dialect in DIALECTS)
    assert "/postback" not in BY_PATH
    assert all(isinstance(dialect.mapping, Mapping) for dialect in DIALECTS)


@pytest.mark.parametrize(("form", "name"), [(form, dialect.name) for form, dialect in BY_FORM.items()])
def test_an_address_with_parts_that_vary_is_its_platforms_and_shows_no_token(form: str, name: str) -> None:
    path = form.replace("{token}", TOKEN).replace("{account}", "IR-123")
    for each in (path, f"{path}/"):
        found = address_of(each)
        assert found
        assert (found.dialect.name, TOKEN in found.path) == (name, False)
        assert found.token == (TOKEN if "{token}" in form else "")
    assert address_of(path.replace(TOKEN, "aft_short").replace("IR-123", "IR.123")) is None


def test_two_rows_of_one_name_or_address_stop_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="Everflow and CAKE both have /x"):
        _once([("/x", BY_NAME["everflow"]), ("/x", BY_NAME["cake"])])


def test_a_parameter_means_one_thing_to_a_platform() -> None:
    for dialect in DIALECTS:
        fields = dialect.mapping.fields
        names = [name.lower() for ours in fields for name in fields[ours]] + [name.lower() for name in dialect.tokens]
        assert len(set(names)) == len(names), dialect.name


def test_an_event_type_is_no_transaction(click: str) -> None:
    """Everflow's event_id names the event type: two events of one type without an order are two."""
    everflow = BY_NAME["everflow"].mapping
    assert "txid" not in dict(everflow.translate([("transaction_id", click), ("event_id", "7")]))
    assert "payout" not in dict(BY_NAME["voluum"].mapping.translate([("cid", click), ("payout", "9.50")]))


def test_an_unknown_platform_learns_which_there_are(db: None) -> None:
    answer = visit(lambda client: client.get("/d/nobody/postback"))
    assert answer.status == 404
    assert "voluum" in answer.body.decode()
    assert address_of("/links/") is None


def test_the_page_is_up_to_date() -> None:
    page = Path(settings.BASE_DIR) / "docs" / "dialects.md"
    assert page.read_text() == dialect_page(), "run manage.py dialects"


@effort(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DIALECTS), st.lists(st.tuples(st.integers(0, 12), st.text(max_size=30)), max_size=6))
def test_no_request_brings_an_endpoint_down(click: str, dialect: Dialect, given_values: list[tuple[int, str]]) -> None:
    names = [name for found in dialect.mapping.fields.values() for name in found]
    query = urlencode([(names[number % len(names)], value) for number, value in given_values], errors="replace")
    path = f"/d/{dialect.name}/{TOKEN}/x"
    answer = visit(lambda client: client.request("GET", path, query=query.encode()))
    assert answer.status < 500
