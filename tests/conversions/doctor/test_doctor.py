"""The postback doctor: any pasted request is read, named, repaired and decided, and nothing of it stays."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from affiliates.models import User
from conversions.dialects.table import BY_NAME, DIALECTS
from conversions.doctor import Diagnosis, NotReadable, diagnose, read
from conversions.models import Conversion, Postback
from tests.conversions.sending import World
from tests.examples import examples
from tests.factories import AdvertiserSecretFactory, ClickFactory
from tests.rest import client_of
from tracking.click_id import codec

pytestmark = pytest.mark.django_db
TOKEN = "aft_abcdefghijklmnopqrstuvwxyz"
HOST = "https://track.example"


@pytest.fixture(autouse=True)
def _here(settings: Any) -> None:
    settings.PUBLIC_URL = HOST


@pytest.fixture
def world() -> World:
    world = World()
    AdvertiserSecretFactory(advertiser=world.advertiser, text=TOKEN)
    return world


@pytest.fixture
def click(world: World) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link).id)


def look(text: str, **kwargs: Any) -> Diagnosis:
    return diagnose(read(text), now=timezone.now(), **kwargs)


def native(click: str, **fields: str | None) -> str:
    given = {"click_id": click, "txid": "1", "event_type": "purchase", "revenue": "5", "currency": "EUR"}
    pairs = {**given, "token": TOKEN, **fields}
    return f"{HOST}/postback?" + "&".join(f"{name}={value}" for name, value in pairs.items() if value is not None)


def outcome(found: Diagnosis) -> tuple[int, str, str]:
    assert found.run is not None
    return found.run.decision.http_status, found.run.decision.body["outcome"], found.run.decision.body["reason"]


def everything() -> dict[str, list[Any]]:
    models = [model for model in apps.get_models() if model._meta.app_label in ("conversions", "payouts")]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def test_a_sound_request_has_nothing_to_fix_and_leaves_nothing(world: World, click: str) -> None:
    before = everything()
    found = look(native(click))
    assert (found.problems, found.corrected, outcome(found)) == ([], "", (200, "accepted", "ok"))
    assert (found.advertiser, found.on_trust, found.dialect) == (world.advertiser, False, None)
    assert found.run is not None
    assert [step["step"] for step in found.run.steps][-1] == "decide"
    assert everything() == before


@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS])
def test_every_platforms_own_request_is_known_and_sound(world: World, click: str, name: str) -> None:
    dialect = BY_NAME[name]

    def filled(text: str) -> str:
        return text.replace("{click}", click).replace("{token}", TOKEN).replace("{goal}", "purchase")

    method, _, address = filled(dialect.sample).partition(" ")
    command = f"curl -X {method} '{HOST}{address}'"
    if dialect.sample_body:
        body = {key: filled(value) for key, value in dialect.sample_body.items()}
        command += f" -H 'Authorization: Bearer {TOKEN}' --json '{json.dumps(body)}'"
    found = look(command)
    assert found.dialect is dialect
    assert [problem for problem in found.problems if "{" not in problem.message] == []
    assert outcome(found) == (200, "accepted", "ok")
    assert not Postback.objects.exists()


def problems(found: Diagnosis) -> dict[str, str]:
    return {problem.field: problem.message for problem in found.problems}


def test_names_other_platforms_by_their_parameters_and_sends_them_to_their_endpoint(world: World, click: str) -> None:
    sample = BY_NAME["everflow"].sample.replace("{click}", click).replace("{token}", TOKEN)
    query = sample.partition("?")[2].replace("{goal}", "purchase")
    found = look(f"{HOST}/postback?{query}")
    assert found.dialect is BY_NAME["everflow"]
    assert "These are Everflow's names" in problems(found)["address"]
    assert found.corrected.startswith(f"{HOST}/d/everflow/postback?")
    assert TOKEN not in found.corrected
    assert found.corrected_run is not None
    assert found.corrected_run.decision.body["outcome"] == "accepted"


def test_names_the_right_parameter_for_a_wrong_one(world: World, click: str) -> None:
    found = look(native(click, event_type=None, type="purchase"))
    assert "this endpoint reads `event_type`" in problems(found)["type"]
    assert "event_type=purchase" in found.corrected
    assert "token=YOUR_TOKEN" in found.corrected
    assert found.corrected_run is not None
    assert found.corrected_run.decision.body["outcome"] == "accepted"


def test_an_address_of_another_platform_is_corrected_whole_even_for_an_unknown_sender(world: World) -> None:
    found = look("https://track.example/postback?tid=abc&cid={click_id}&payout=10&cur=EUR&Status=pending")
    assert found.corrected.partition("?")[2] == (
        "token=YOUR_TOKEN&txid=abc&click_id={click_id}&payout=10&currency=EUR&status=pending&event_type=YOUR_GOAL"
    )
    assert {"tid", "cid", "cur", "event_type"} <= problems(found).keys()


@pytest.mark.parametrize(
    ("change", "where", "expected"),
    [
        (lambda text: text.replace("https://", "http://"), "address", "shows the token to everyone"),
        (lambda text: text.replace("track.example", "other.example"), "address", "another host"),
        (
            lambda text: text.replace("/postback?", "/postbacks?"),
            "address",
            "No endpoint accepts postbacks at /postbacks",
        ),
        (lambda text: text.replace("/postback?", "/pixel.gif?"), "address", "This is the pixel"),
        (lambda text: text.replace("&currency=", "\N{CURRENCY SIGN}cy="), "address", "damaged by HTML"),
        (lambda text: text.replace("&revenue=5", "&revenue=five"), "revenue", "is not an amount"),
        (lambda text: text.replace("&txid=1", "&txid={transaction_id}"), "txid", "was not filled in"),
        (lambda text: text + "&sub_id3={aff_sub}", "sub_id3", "was not filled in"),
        (lambda text: text.replace("currency=EUR", "currency=Euro"), "currency", "is not a currency code"),
        (lambda text: text + "&timestamp=yesterday", "timestamp", "is not a time"),
        (lambda text: text + "&txid=2", "txid", "Two values for one parameter"),
        (lambda text: f"PUT {text}", "method", "PUT is not taken"),
        (lambda text: text.replace(TOKEN, "aft_wrong"), "sender", "The token is not valid"),
    ],
)
def test_finds_each_kind_of_problem(
    world: World, click: str, change: Callable[[str], str], where: str, expected: str
) -> None:
    found = look(change(native(click)))
    assert expected in problems(found)[where]


def test_a_corrected_address_goes_to_the_right_place(world: World, click: str) -> None:
    found = look(native(click).replace("https://track.example/postback", "http://other.example/convert"))
    assert found.corrected == native(click).replace(TOKEN, "YOUR_TOKEN")
    assert found.run is None


def test_without_a_token_it_is_decided_as_the_chosen_advertisers(world: World, click: str) -> None:
    found = look(native(click, token=None), advertiser=world.advertiser)
    assert problems(found) == {"sender": "The request has no token."}
    assert (found.on_trust, outcome(found)) == (True, (200, "accepted", "ok"))
    assert outcome(look(native(click, token=None)))[1] == "unauthorized"


def test_a_senders_network_is_no_reason_to_stop(world: World, click: str) -> None:
    world.advertiser.sender_networks = ["192.0.2.0/24"]
    world.advertiser.save()
    found = look(native(click))
    assert (found.on_trust, outcome(found)) == (True, (200, "accepted", "ok"))


def test_a_template_keeps_its_macros(world: World) -> None:
    found = look(f"http://track.example/postback?click_id=[cid]&txid=#order#&goal=purchase&token={TOKEN}")
    assert "click_id=[cid]" in found.corrected
    assert "txid=#order#" in found.corrected


@pytest.mark.parametrize(
    "command",
    [
        "curl 'https://track.example/postback' -d click_id={click} -d txid=1 -d event_type=purchase -d token={token}",
        "curl -G https://track.example/postback --data-urlencode click_id={click} -d 'txid=1&event_type=purchase' "
        "-H 'Authorization: Bearer {token}'",
        'curl --request POST \\\n  --url https://track.example/postback --header "content-type: application/json" '
        '--data \'{{"click_id": "{click}", "txid": 1, "event_type": "purchase", "token": "{token}"}}\'',
        "curl -sS -o /dev/null -XPOST -dclick_id={click} -devent_type=purchase -dtxid=1 -dtoken={token} "
        "https://track.example/postback",
        "/postback?click_id={click}&txid=1&event_type=purchase&token={token}",
        "click_id={click}&txid=1&event_type=purchase&token={token}",
        "track.example/postback?click_id={click}&txid=1&event_type=purchase&token={token}",
    ],
)
def test_reads_what_people_paste(world: World, click: str, command: str) -> None:
    found = look(command.format(click=click, token=TOKEN))
    assert (found.problems, outcome(found)) == ([], (200, "accepted", "ok"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "Paste the address"),
        ("hello", "neither an address nor a curl command"),
        ("ftp://track.example/postback?a=b", "no address that a postback goes to"),
        ("https://[broken/postback?a=b", "not an address"),
        ("curl 'https://track.example", "Is a quotation mark missing?"),
        ("curl -X POST", "names no address"),
        ("curl -d @body.json https://track.example/postback", "names a file on the sender's machine"),
        ("x" * 20_001, "longer than"),
    ],
)
def test_says_what_cannot_be_read(text: str, expected: str) -> None:
    with pytest.raises(NotReadable, match=expected.replace("?", "[?]")):
        read(text)


TEXT = st.text(max_size=150)


@given(st.one_of(TEXT, TEXT.map("curl {}".format), TEXT.map("/postback?{}".format)))
@effort(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_diagnosed_or_refused_with_words(world: World, text: str) -> None:
    try:
        sent = read(text)
    except NotReadable:
        return
    found = diagnose(sent, now=timezone.now(), advertiser=world.advertiser)
    assert found.problems or found.run
    assert not Conversion.objects.exists()


def test_the_command_says_it_all_in_words_and_as_json(world: World, click: str) -> None:
    out = StringIO()
    call_command("doctor", native(click), stdout=out)
    assert "Decision: HTTP 200 accepted ok" in out.getvalue()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", native(click, event_type="nosuch"), "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert ended.value.code == 1
    assert answer["decision"]["reason"] == "unknown_goal"
    assert TOKEN not in out.getvalue()
    with pytest.raises(CommandError, match="There is no advertiser"):
        call_command("doctor", native(click), "--advertiser", "ad_nobody")


def test_the_page_is_for_operators(world: World, click: str, olga: User) -> None:
    desk, address = Client(), reverse("doctor")
    assert desk.get(address).status_code == 302
    assert client_of(world.ana).get(address).status_code in (302, 403)
    desk.force_login(olga)
    page = desk.get(address)
    assert "What the doctor says" in page.content.decode()
    # The panel's scripts need the panel's own policy.
    assert "'unsafe-eval'" in page.headers["content-security-policy"]
    page = desk.post(address, {"request": native(click, type="purchase", event_type=None)}).content.decode()
    assert "this endpoint reads `event_type`" in page
    assert "token=YOUR_TOKEN" in page
    assert "What would be decided for the corrected address" in page
    assert "Is a quotation mark missing" in desk.post(address, {"request": "curl 'x"}).content.decode()
    assert not Postback.objects.exists()
