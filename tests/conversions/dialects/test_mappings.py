"""Mappings that operators define: read, answered and guarded as the presets are, and changed without a restart."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from conversions.dialects.own import dialect_of, read_dialects
from conversions.dialects.rules import _answers, problems
from conversions.dialects.table import BY_NAME
from conversions.intake import intake
from conversions.intake.judge.correct import _rejected
from conversions.models import Conversion, Postback, SenderMapping
from conversions.replay import replay
from tests.asgi_client import Answer, visit
from tests.conversions.sending import World, received
from tests.examples import examples
from tests.factories import AdvertiserFactory, AdvertiserSecretFactory, ClickFactory
from tests.servers import Web, database_url, running
from tracking.click_id import codec

KEY = "aft_abcdefghijklmnopqrstuvwxyz"
PATH = "/d/fox-crm/postback"


def mapping(**fields) -> SenderMapping:
    row = unsaved(**fields)
    row.save()
    return row


def unsaved(**fields) -> SenderMapping:
    given = {
        "slug": "fox-crm",
        "name": "Fox CRM",
        "names": {
            "click_id": ["trk", "clk"],
            "txid": ["deal"],
            "event_type": ["stage"],
            "revenue": ["cents"],
            "currency": ["cur"],
            "status": ["state"],
            "customer_id": ["client"],
            "timestamp": ["when"],
        },
        "statuses": {"Won": "approved", "open": "pending", "lost": "rejected"},
        "goals": {"Sale": "purchase", "Signup": "registration"},
        "tokens": ["apikey"],
        "minor_units": True,
        "time_format": "%d.%m.%Y %H:%M",
        "time_zone": "Europe/Berlin",
        "answers_as": "own",
        "content_type": "application/json",
        "taken_body": '{"ok": true, "id": "{conversion_id}", "deal": "{sent.deal}"}',
        "duplicate_body": '{"ok": true, "again": "{conversion_id}"}',
        "refused_body": '{"ok": false, "why": "{reason}", "text": "{message}"}',
        **fields,
    }
    return SenderMapping(**given)


@pytest.fixture
def world(transactional_db) -> World:
    world = World()
    AdvertiserSecretFactory(advertiser=world.advertiser, text=KEY)
    return world


@pytest.fixture
def click(world) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link, clicked_at=datetime.now(UTC) - timedelta(hours=3)).id)


def sent(click: str, **changed: str) -> dict[str, str]:
    fields = {"trk": click, "deal": "d-1", "stage": "sale", "cents": "12050", "cur": "eur", "state": "won"}
    return {key: value for key, value in {**fields, "apikey": KEY, **changed}.items() if value}


def get(params: dict[str, str], path: str = PATH) -> Answer:
    return visit(lambda client: client.get(path, params))


class TestReading:
    def test_its_own_names_words_and_units_are_read(self, world, click):
        mapping()
        happened = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
        local = happened.astimezone(ZoneInfo("Europe/Berlin"))
        answer = get(sent(click, client="c-9", when=f"{local:%d.%m.%Y %H:%M}"))
        assert (answer.status, answer.headers["x-affidavit-outcome"]) == (200, "accepted")
        row = Conversion.objects.get()
        assert (row.goal, row.revenue, row.currency, row.status) == (
            world.purchase, Decimal("120.50"), "EUR", "approved",
        )  # fmt: skip
        assert row.occurred_at == happened
        assert (row.transaction_id, row.customer.customer_id) == ("d-1", "c-9")
        stored = Postback.objects.get()
        assert (stored.mapping, stored.path) == ("fox-crm", PATH)

    def test_names_are_tried_in_their_order(self, world, click):
        mapping()
        assert get(sent(click, clk="0" * 40)).status == 200
        assert get(sent("", clk=click, deal="d-2")).status == 200

    def test_a_constant_is_what_every_event_is(self, world, click):
        row = mapping(defaults={"event_type": "purchase", "currency": "USD"})
        del row.names["event_type"], row.names["currency"]
        row.save()
        assert get(sent(click, stage="registration", event_type="ftd", cur="JPY")).status == 200
        made = Conversion.objects.get()
        assert (made.goal, made.revenue, made.currency) == (world.purchase, Decimal("120.50"), "USD")

    def test_a_default_counts_where_nothing_was_sent(self, world, click):
        mapping(defaults={"status": "pending"})
        get(sent(click, state=""))
        get(sent(click, deal="d-2"))
        assert list(Conversion.objects.order_by("pk").values_list("status", flat=True)) == ["pending", "approved"]

    def test_a_time_in_another_form_is_a_problem_that_names_the_form(self, world, click):
        mapping()
        answer = get(sent(click, when="2026-10-14T12:30:00Z"))
        [problem] = Postback.objects.get().traces.get().problems
        assert (answer.status, problem["code"], problem["field"]) == (422, "bad_timestamp", "when")
        assert "%d.%m.%Y %H:%M" in problem["message"]

    def test_refunds_and_deductions_come_in_its_units_too(self, world, click):
        row = mapping()
        row.names |= {"bonus": ["gift"], "volume": ["size"]}
        row.save()
        get(sent(click, gift="500", size="3"))
        made = Conversion.objects.get()
        assert ({name: Decimal(each) for name, each in made.deductions.items()}, made.volume) == (
            {"bonus": Decimal(5)}, Decimal(3),
        )  # fmt: skip

    def test_names_that_html_damaged_are_repaired(self, world, click):
        row = mapping()
        row.names["currency"] = ["currency_iso"]
        row.save()
        query = f"trk={click}&deal=d-1&stage=sale&cents=12050¤cy_iso=USD&apikey={KEY}".encode()
        assert visit(lambda client: client.request("GET", PATH, query=query)).status == 200
        assert Conversion.objects.get().currency == "USD"

    def test_json_bodies_are_read(self, world, click):
        mapping()
        body = json.dumps({**sent(click), "cents": 12050, "more": {"a": [1]}}).encode()
        headers = {"content-type": "application/json"}
        assert visit(lambda client: client.request("POST", PATH, body=body, headers=headers)).status == 200

    def test_problems_are_answered_in_the_senders_words_and_the_trace_names_the_version(self, world):
        row = mapping()
        row.save()
        get(sent("{click}"))
        trace = Postback.objects.get().traces.get()
        assert [problem["field"] for problem in trace.problems] == ["trk"]
        assert next(step["rule"] for step in trace.steps if step["step"] == "parse") == "fox-crm, version 2"


class TestAnswers:
    def test_each_case_has_its_own(self, world, click):
        mapping()
        first, again = get(sent(click)), get(sent(click))
        conversion = Conversion.objects.get().public_id
        assert json.loads(first.body) == {"ok": True, "id": conversion, "deal": "d-1"}
        assert json.loads(again.body) == {"ok": True, "again": conversion}
        assert again.headers["x-affidavit-outcome"] == "duplicate"
        refused = get(sent("0" * 40, deal="d-2"))
        assert (refused.status, json.loads(refused.body)["why"]) == (404, "unknown_click")
        stranger = get(sent(click, apikey="aft_this_is_the_wrong_token_000"))
        assert (stranger.status, json.loads(stranger.body)["why"]) == (401, "bad_token")
        assert {answer.headers["content-type"] for answer in (first, again, refused)} == {"application/json"}

    @pytest.mark.parametrize(("policy", "status"), [(0, 404), (400, 400), (200, 200)])
    def test_the_status_of_a_refusal_is_as_defined(self, world, policy, status):
        mapping(refused_status=policy)
        answer = get(sent("0" * 40))
        assert (answer.status, answer.headers["x-affidavit-outcome"]) == (status, "unknown_click")

    def test_what_shall_be_sent_again_says_so_whatever_is_defined(self, world, click, monkeypatch):
        mapping(refused_status=200)

        def broken(*args, **kwargs):
            raise RuntimeError("down")

        monkeypatch.setattr("conversions.endpoints.native.intake", broken)
        answer = get(sent(click))
        assert (answer.status, json.loads(answer.body)["ok"]) == (503, False)
        assert "retry-after" in answer.headers

    @pytest.mark.parametrize(
        "value",
        ['"}, "admin": true, {"a": "', "\r\nSet-Cookie: a=b", "</deal><x>", "\x00\x1b[31m", "\ud800", "é" * 2_000],
    )
    def test_no_value_breaks_out_of_an_answer(self, world, click, value):
        mapping()
        query = {**sent(click), "deal": value.encode("utf-8", "surrogatepass")}
        answer = get(query)
        assert "set-cookie" not in answer.headers
        assert "admin" not in json.loads(answer.body)
        SenderMapping.objects.update(
            content_type="text/xml",
            **dict.fromkeys(("taken_body", "duplicate_body", "refused_body"), "<r><d>{sent.deal}</d></r>"),
        )
        assert [each.tag for each in ElementTree.fromstring(get(query).body)] == ["d"]  # noqa: S314
        SenderMapping.objects.update(content_type="text/plain", taken_body="{sent.deal}", refused_body="{sent.deal}")
        text = get({**query, "trk": click}).body.decode()
        assert "\r" not in text
        assert "\x00" not in text
        assert len(text) <= 300

    def test_it_may_answer_as_a_platform_does(self, world, click):
        mapping(answers_as="tune")
        assert get(sent(click)).body == b"success=true;"

    def test_f_img_is_an_image_at_presets_only(self, world, click):
        mapping()
        assert get(sent(click, f="img")).headers["content-type"] == "application/json"


class TestWhoMaySend:
    def test_the_token_comes_as_its_own_parameter_as_bearer_or_in_the_path(self, world, click):
        mapping()
        assert get(sent(click)).status == 200
        bare = sent(click, apikey="")
        assert get(bare).status == 401
        assert get(bare, f"/d/fox-crm/{KEY}/postback").status == 200
        bearer = {"authorization": f"Bearer {KEY}"}
        assert visit(lambda client: client.get(PATH, bare, headers=bearer)).status == 200

    def test_the_token_is_kept_nowhere(self, world, click):
        mapping(tokens=["ApiKey"])
        get(sent(click))
        row = Postback.objects.get()
        assert ["apikey", "•••"] in row.parameters
        assert KEY not in json.dumps([row.parameters, row.path, row.headers, row.body])
        assert KEY not in json.dumps(Conversion.objects.get().extras)
        assert "apikey" not in Conversion.objects.get().extras
        assert KEY not in json.dumps(row.traces.get().steps)
        answer = get(sent(click, deal="d-2"), "/d/fox-crm/x")
        SenderMapping.objects.update(answers_as="native")
        assert KEY.encode() not in answer.body + get(sent(click, deal="d-3")).body

    def test_a_token_at_the_wrong_address_or_in_a_body_of_nonsense_is_kept_nowhere(self, world, click):
        mapping()
        get(sent(click), "/postback")
        get(
            {"token": KEY, "click_id": click, "event_type": "purchase", "txid": "t", "apikey": f"Bearer {KEY}"},
            "/postback",
        )
        body = f'{{"apikey": "{KEY}", '.encode()
        headers = {"content-type": "application/json"}
        assert visit(lambda client: client.request("POST", PATH, body=body, headers=headers)).status in (400, 401, 422)
        assert [row.outcome for row in Postback.objects.order_by("pk")][1] == "accepted"
        for row in Postback.objects.all():
            assert KEY not in json.dumps([row.parameters, row.path, row.headers, row.body])
        assert Conversion.objects.get().extras["apikey"] == "Bearer •••"

    def test_another_advertiser_is_refused_at_an_address_that_is_not_its_own(self, world, click):
        other = AdvertiserFactory(name="Grey Owl")
        mapping(advertiser=other)
        answer = get(sent(click))
        assert (answer.status, json.loads(answer.body)["why"]) == (403, "anothers_mapping")
        SenderMapping.objects.update(advertiser=world.advertiser)
        assert get(sent(click)).status == 200

    def test_switched_off_it_takes_nothing_and_says_so(self, world, click):
        mapping(is_active=False)
        assert get(sent(click)).status == 410
        assert not Postback.objects.exists()
        assert get(sent(click), "/d/fox-crn/postback").status == 404

    def test_a_preset_goes_before_a_mapping_of_its_name(self, world, click):
        mapping(slug="tune")
        assert get({**sent(click), "transaction_id": click}, "/d/tune/postback").body.startswith(b"success=")


class TestChanges:
    def test_hold_at_once_in_every_process(self, world, tmp_path):
        row = mapping(minor_units=False, defaults={}, refused_body='{"ok": false}')
        web = Web(log=tmp_path / "web.log", env={"DATABASE_URL": database_url()})
        with running(web):
            click = web.click(world.ana_link.code)

            def answers(**changed):
                return {web.request("GET", PATH, sent(click, when="", **changed)).status for _ in range(12)}

            assert answers() == {200}
            row.names["click_id"] = ["visit"]
            row.save()
            time.sleep(1)
            assert answers(deal="d-2") == {422}
            assert answers(deal="d-2", visit=click) == {200}
            SenderMapping.objects.update(is_active=False)
            time.sleep(1)
            assert answers(deal="d-3", visit=click) == {410}
            mapping(slug="brand-new")
            time.sleep(1)
            assert web.request("GET", "/d/brand-new/postback", sent(click, deal="d-4")).status == 200

    def test_what_was_refused_is_taken_once_the_mapping_is_fixed(self, world, click):
        row = mapping(goals={"sale": "purchse"})
        assert get(sent(click)).status == 422
        row.goals = {"sale": "purchase"}
        row.save()
        [done] = replay([Postback.objects.get()], by="Olga", now=datetime.now(UTC))
        assert done.after[0] == "accepted"
        assert Conversion.objects.get().goal == world.purchase

    def test_what_was_stored_is_read_by_a_mapping_that_is_switched_off(self, world, click):
        mapping(is_active=False)
        now = datetime.now(UTC)
        [decision] = intake([received({"token": KEY, **sent(click)}, at=now, mapping="fox-crm")], now=now)
        assert decision.body["outcome"] == "accepted"

    def test_versions_are_counted_also_when_two_save_at_once(self, world):
        row = mapping()
        twin = SenderMapping.objects.get()
        row.save()
        twin.save(update_fields=["is_active"])
        assert (row.version, twin.version) == (2, 3)
        assert SenderMapping.objects.get().version == 3

    def test_a_batch_takes_one_query_more_whatever_its_size(self, world, click):
        mapping()
        SenderMapping.objects.create(slug="other", name="Other", names={"click_id": ["x"]})

        def queries(number, name):
            batch = [
                received({"token": KEY, **sent(click, deal=f"{name}{n}{number}")}, mapping=("fox-crm", "other")[n % 2])
                for n in range(number)
            ]
            with CaptureQueriesContext(connection) as taken:
                intake(batch, now=datetime.now(UTC))
            return [each["sql"] for each in taken if "sendermapping" in each["sql"]]

        assert [len(queries(number, "a")) for number in (1, 20)] == [1, 1]


class TestWhatTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "fields",
        [
            {"content_type": "text/html"},
            {"content_type": "text/plain\r\nSet-Cookie: a=b"},
            {"slug": "../admin"},
            {"slug": "a\nb"},
            {"slug": ""},
        ],
    )
    def test_what_could_do_harm_in_an_answer_or_an_address(self, world, fields):
        with pytest.raises(IntegrityError), transaction.atomic():
            mapping(**fields)

    @pytest.mark.parametrize(
        "fields",
        [{"names": []}, {"names": {"click_id": 7}}, {"goals": "x"}, {"time_zone": "Mars/North"}, {"tokens": 5}],
    )
    def test_a_row_of_nonsense_stops_no_other(self, world, click, fields):
        mapping(slug="broken", **fields)
        mapping()
        assert read_dialects().keys() == {"fox-crm"}
        assert get(sent(click)).status == 200
        assert get(sent(click), "/d/broken/postback").status == 404


def reported(**fields) -> list[tuple[str, str]]:
    row = unsaved(slug=fields.pop("slug", "under-test"), **fields)
    return [(problem.field, problem.key) for problem in problems(row)]


class TestRules:
    def test_a_good_mapping_has_no_problems(self, world):
        assert reported() == []

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"slug": "voluum"}, ("slug", "")),
            ({"slug": "native"}, ("slug", "")),
            ({"names": {"click_id": ["a"], "txid": ["A"], "event_type": ["e"]}}, ("names", "txid")),
            ({"names": {"click_id": ["token"], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": ["apikey"], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": ["x" * 61], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": ["a\n"], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": ["a b"], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": [f"n{n}" for n in range(11)], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"click_id": ["a"], "event_type": ["e"], "colour": ["c"]}}, ("names", "colour")),
            ({"names": {"txid": ["a"], "event_type": ["e"]}}, ("names", "click_id")),
            ({"names": {"customer_id": ["a"], "event_type": ["e"]}}, ("names", "txid")),
            ({"names": {"click_id": ["a"]}}, ("names", "event_type")),
            ({"names": {"click_id": "abc"}}, ("names", "")),
            ({"names": None, "goals": {"a": 5}}, ("goals", "")),
            ({"defaults": {"click_id": "x"}}, ("defaults", "click_id")),
            ({"defaults": {"status": "won"}}, ("defaults", "status")),
            ({"defaults": {"currency": "Euro"}}, ("defaults", "currency")),
            ({"defaults": {"revenue": "-1"}}, ("defaults", "revenue")),
            ({"defaults": {"event_type": "nosuch"}}, ("defaults", "event_type")),
            ({"goals": {"x": "nosuch"}}, ("goals", "x")),
            ({"goals": {"x" * 101: "purchase"}}, ("goals", "x" * 101)),
            ({"statuses": {"x": "won"}}, ("statuses", "x")),
            ({"statuses": {"\x1b": "approved"}}, ("statuses", "\x1b")),
            ({"statuses": {f"w{n}": "approved" for n in range(201)}}, ("statuses", "")),
            ({"tokens": ["a=b"]}, ("tokens", "")),
            ({"time_format": "%H:%M"}, ("time_format", "")),
            ({"time_format": "%d.%m"}, ("time_format", "")),
            ({"time_format": "%"}, ("time_format", "")),
            ({"time_zone": "Mars/North"}, ("time_zone", "")),
            ({"answers_as": "nosuch"}, ("answers_as", "")),
            ({"taken_body": "{nosuch}"}, ("taken_body", "")),
            ({"taken_body": '{"id": {conversion_id}}'}, ("taken_body", "")),
            ({"taken_body": "x" * 2_001}, ("taken_body", "")),
            ({"duplicate_body": '{"a": "\x07"}'}, ("duplicate_body", "")),
            ({"content_type": "text/xml", "taken_body": "<a>"}, ("taken_body", "")),
            ({"content_type": "text/xml", "taken_body": '<!DOCTYPE a [<!ENTITY x "y">]><a/>'}, ("taken_body", "")),
            ({"refused_status": 200, "refused_body": ""}, ("refused_body", "")),
            ({"refused_status": 200, "refused_body": '{"a": 1}', "taken_body": '{"a": 1} '}, ("refused_body", "")),
        ],
    )
    def test_what_is_wrong_is_named_where_it_is(self, world, fields, problem):
        assert problem in reported(**fields)

    def test_goals_are_those_of_its_advertiser(self, world):
        other = AdvertiserFactory(name="Grey Owl")
        row = mapping(advertiser=other)
        assert [problem.message for problem in problems(row) if problem.key == "Sale"] == [
            "Sale is purchase, which no offer of Grey Owl counts. Make the goal first."
        ]

    def test_an_advertiser_with_a_default_goal_needs_no_name_for_it(self, world):
        world.advertiser.default_goal = "purchase"
        world.advertiser.save()
        names = {"click_id": ["a"]}
        assert reported(names=names, advertiser=world.advertiser) == []

    @pytest.mark.parametrize("name", sorted(BY_NAME))
    def test_every_preset_could_have_been_defined_so(self, world, name):
        preset = BY_NAME[name].mapping
        row = SenderMapping(
            slug=f"as-{name}",
            name=name,
            names={ours: list(names) for ours, names in preset.fields.items()},
            defaults=dict(preset.defaults),
            statuses=dict(preset.statuses),
            tokens=list(preset.tokens),
            minor_units=preset.minor_units,
            adds_lists=bool(preset.sums),
            answers_as=name,
        )
        again = dialect_of(row).mapping
        pairs = [(names[0], "1250" if ours in ("revenue", "payout") else "x") for ours, names in preset.fields.items()]
        assert again.translate(pairs) == preset.translate(pairs)
        assert dialect_of(row).answers is BY_NAME[name].answers


def test_a_correction_is_compared_with_what_the_mapping_read_before(world, click):
    """What a rule rejected comes corrected: the first request is compared as it was read."""
    mapping()
    world.purchase.minimum_revenue = Decimal(200)
    world.purchase.save()
    answer = get(sent(click, state="", client="c-1"))
    assert answer.headers["x-affidavit-outcome"] == "rejected"
    [before] = _rejected(Conversion.objects.all()).values()
    assert before.first_sent["customer_id"] == "c-1"
    assert get(sent(click, state="", client="c-1", cents="25000")).headers["x-affidavit-outcome"] == "updated"
    assert Conversion.objects.get().revenue == Decimal(250)


@effort(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(["application/json", "text/xml", "text/plain"]),
    st.lists(
        st.sampled_from(
            ['{"a": "', '"}', "<a b='", "'>", "</a>", "{sent.x}", "{message}", "{nosuch}", "&amp;", "\\", "é", "{"]
        )
    ),
    st.text(max_size=40),
)
def test_an_answer_that_the_rules_let_pass_is_well_formed_whatever_was_sent(content_type, parts, value):
    text = "".join(parts)
    row = SenderMapping(
        slug="x", name="X", names={"click_id": ["c"]}, answers_as="own", content_type=content_type, taken_body=text
    )
    if text.strip() and any(problem.field == "taken_body" for problem in _answers(row)):
        return
    spoken = dialect_of(row).answers(200, {"outcome": "accepted", "message": value}, {"x": value})
    assert spoken.content_type.startswith(content_type)
    assert "\r" not in spoken.content_type
    if text.strip() and content_type == "application/json":
        json.loads(spoken.content)
    elif text.strip() and content_type == "text/xml":
        ElementTree.fromstring(spoken.content)  # noqa: S314
