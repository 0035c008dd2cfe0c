"""How operators define mappings: the form says what is wrong, presets are a beginning, the doctor tries them."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from conversions.dialects.own import dialect_of
from conversions.dialects.table import BY_NAME
from conversions.models import Conversion, Postback, SenderMapping
from tests.conversions.dialects.test_mappings import mapping
from tests.conversions.sending import TOKEN, World
from tests.factories import AdvertiserFactory, OperatorFactory

ADD = reverse("admin:conversions_sendermapping_add")
LIST = reverse("admin:conversions_sendermapping_changelist")
DOCTOR = "/tools/doctor/"


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def change(row: SenderMapping) -> str:
    return reverse("admin:conversions_sendermapping_change", args=[row.pk])


def fields(**changed: str) -> dict[str, str]:
    """What an operator types for Fox CRM."""
    typed = {
        "name": "Fox CRM",
        "slug": "fox-crm",
        "is_active": "on",
        "names_click_id": "trk, clk",
        "names_txid": "deal",
        "names_event_type": "stage",
        "names_revenue": "cents",
        "fixed_currency": "eur",
        "names_status": "state",
        "words_status": "Won = approved\n\nlost=rejected",
        "words_goal": "Sale = purchase\nother =",
        "token_names": "apikey",
        "minor_units": "on",
        "time_zone": "Europe/Berlin",
        "answers_as": "own",
        "content_type": "text/plain",
        "taken_body": "+OK {conversion_id}",
        "duplicate_body": "+SEEN",
        "refused_body": "-ERR {message}",
        "refused_status": "400",
        **changed,
    }
    return {name: value for name, value in typed.items() if value}


def as_typed(form) -> dict[str, str]:
    """What the browser would send of the form as it is shown."""
    shown = {name: form[name].value() for name in form.fields}
    return {
        name: "on" if value is True else str(value)
        for name, value in shown.items()
        if value is not False and value not in (None, "")
    }


def problems_at(page) -> dict[str, list[str]]:
    return {name: list(text) for name, text in page.context["adminform"].form.errors.items()}


class TestTheForm:
    def test_makes_what_was_typed(self, world, desk):
        assert desk.post(ADD, fields()).status_code == 302
        row = SenderMapping.objects.get()
        assert row.names == {
            "click_id": ["trk", "clk"], "txid": ["deal"], "event_type": ["stage"], "revenue": ["cents"],
            "status": ["state"],
        }  # fmt: skip
        assert (row.defaults, row.tokens) == ({"currency": "EUR"}, ["apikey"])
        assert row.statuses == {"won": "approved", "lost": "rejected"}
        assert row.goals == {"sale": "purchase", "other": ""}
        assert (row.minor_units, row.refused_status, row.version) == (True, 400, 1)

    def test_shows_what_is_there_and_saves_it_unchanged(self, world, desk):
        row = mapping()
        form = desk.get(change(row)).context["adminform"].form
        before = dialect_of(row).mapping
        assert desk.post(change(row), as_typed(form)).status_code == 302
        row.refresh_from_db()
        after = dialect_of(row).mapping
        assert (after.fields, after.statuses, after.goals, after.tokens) == (
            before.fields, before.statuses, before.goals, before.tokens,
        )  # fmt: skip
        assert row.version == 2

    @pytest.mark.parametrize(
        ("changed", "field", "expected"),
        [
            ({"slug": "voluum"}, "slug", "/d/voluum/ is the address of Voluum: choose another name."),
            ({"slug": "Fox CRM"}, "slug", "Lower-case letters, digits and -"),
            ({"names_txid": "TRK"}, "names_txid", "TRK is read as click_id already. A parameter has one meaning."),
            ({"names_txid": "a&b"}, "names_txid", "is no parameter's name"),
            ({"names_txid": "x" * 701}, "names_txid", "at most 700 characters"),
            ({"names_click_id": ""}, "names_click_id", "name the parameter of the click ID"),
            ({"names_event_type": ""}, "names_event_type", "give the goal that it always is"),
            ({"fixed_event_type": "nosuch"}, "fixed_event_type", "No offer counts nosuch. There are deposit, ftd"),
            ({"fixed_currency": "Euro"}, "fixed_currency", "EURO is not a currency code such as EUR."),
            ({"words_status": "won"}, "words_status", "Line 1: write their word = ours."),
            ({"words_status": "won = approved\nWON = pending"}, "words_status", "Line 2: won appears twice."),
            ({"words_status": "won = yes"}, "words_status", "yes is none of pending, approved, rejected."),
            ({"words_goal": "a = nosuch"}, "words_goal", "a is nosuch, which no offer counts."),
            ({"time_zone": "Berlin"}, "time_zone", "Berlin is no time zone such as Europe/Berlin or UTC."),
            ({"time_format": "%H"}, "time_format", "It must say year, month and day"),
            ({"content_type": "text/html"}, "content_type", "not one of the available choices"),
            ({"content_type": "text/plain\r\nX: y"}, "content_type", "not one of the available choices"),
            ({"answers_as": "nosuch"}, "answers_as", "not one of the available choices"),
            ({"content_type": "application/json"}, "taken_body", "It is not JSON once its places are filled in"),
            ({"taken_body": "{x}"}, "taken_body", "{x} is not known. There are {outcome}"),
            ({"taken_body": "a\x1bb"}, "taken_body", "control characters"),
            ({"refused_status": "200", "refused_body": "+SEEN"}, "refused_body", "it must differ from the other two"),
        ],
    )
    def test_says_what_is_wrong_where_it_is(self, world, desk, changed, field, expected):
        page = desk.post(ADD, fields(**changed))
        assert page.status_code == 200
        assert any(expected in each for each in problems_at(page)[field]), problems_at(page)
        assert not SenderMapping.objects.exists()

    def test_says_all_problems_at_once(self, world, desk):
        page = desk.post(ADD, fields(slug="tune", words_goal="a = x", time_zone="Mars", names_txid="trk"))
        assert problems_at(page).keys() == {"slug", "words_goal", "time_zone", "names_txid"}

    def test_an_address_belongs_to_one_mapping_only(self, world, desk):
        mapping()
        assert "slug" in problems_at(desk.post(ADD, fields()))

    def test_the_name_in_the_address_stays(self, world, desk):
        row = mapping()
        desk.post(change(row), fields(slug="another", names_click_id="visit"))
        row.refresh_from_db()
        assert (row.slug, row.names["click_id"]) == ("fox-crm", ["visit"])

    def test_none_is_deleted(self, world, desk):
        assert desk.post(reverse("admin:conversions_sendermapping_delete", args=[mapping().pk])).status_code == 403

    def test_who_may_only_view_sees_the_definition(self, world, client):
        operator = OperatorFactory()
        operator.user_permissions.add(Permission.objects.get(codename="view_sendermapping"))
        client.force_login(operator)
        page = client.get(change(mapping()))
        assert page.status_code == 200
        assert "trk clk" in page.content.decode()
        assert 'name="_save"' not in page.content.decode()
        assert client.post(change(SenderMapping.objects.get()), fields()).status_code == 403

    def test_hands_out_the_address_of_every_host(self, world, desk, settings):
        settings.PUBLIC_URL = "https://go.example.com"
        page = desk.get(change(mapping())).content.decode()
        assert "https://go.example.com/d/fox-crm/postback?trk={click_id}&amp;deal={txid}&amp;stage={event_type}" in page
        assert "apikey={token}" in page


def test_the_advertisers_integration_page_hands_it_out_with_the_token(world, desk):
    mapping(advertiser=world.advertiser)
    mapping(slug="shared", name="For all")
    mapping(slug="off", name="Switched off", is_active=False)
    mapping(slug="others", name="Another's", advertiser=AdvertiserFactory(name="Grey Owl"))
    page = reverse("admin:affiliates_advertiser_secrets", args=[world.advertiser.pk])
    output = desk.get(page, {"show": world.advertiser.secrets.get().pk}).content.decode()
    assert "/d/fox-crm/postback?trk={click_id}" in output
    assert f"apikey={TOKEN}" in output
    assert [name in output for name in ("/d/shared/", "/d/off/", "/d/others/")] == [True, False, False]


class TestPresets:
    def test_each_is_a_beginning_that_is_without_problems(self, world, desk):
        page = desk.get(reverse("admin:conversions_sendermapping_start_from_preset")).content.decode()
        for name in BY_NAME:
            assert f"{ADD}?preset={name}" in page

    @pytest.mark.parametrize("name", sorted(BY_NAME))
    def test_what_it_begins_with_reads_as_the_preset_does(self, world, desk, name):
        form = desk.get(ADD, {"preset": name}).context["adminform"].form
        response = desk.post(ADD, as_typed(form) | {"slug": f"as-{name}"})
        assert response.status_code == 302, problems_at(response)
        made, preset = dialect_of(SenderMapping.objects.get()), BY_NAME[name]
        pairs = [
            (names[0], "1250" if ours in ("revenue", "payout") else "1")
            for ours, names in preset.mapping.fields.items()
        ]
        assert made.mapping.translate(pairs) == preset.mapping.translate(pairs)
        assert (made.tokens, made.answers) == (preset.tokens, preset.answers)

    def test_a_preset_that_there_is_not_begins_empty(self, world, desk):
        assert desk.get(ADD, {"preset": "nosuch"}).status_code == 200


class TestRunning:
    def see(self, desk: Client, request: str, form: str = "fox-crm", advertiser: str = ""):
        return desk.post(DOCTOR, {"request": request, "form": form, "advertiser": advertiser})

    def test_the_button_leads_to_the_doctor_with_the_mapping_chosen(self, world, desk):
        row = mapping(advertiser=world.advertiser)
        path = reverse("admin:conversions_sendermapping_try_it", args=[row.pk])
        page = desk.get(path, follow=True)
        assert page.redirect_chain == [(f"{DOCTOR}?form=fox-crm", 302)]
        form = page.context["form"]
        assert (form["form"].value(), form["advertiser"].value()) == ("fox-crm", world.advertiser.public_id)

    def test_parameters_alone_are_read_by_it_and_decided(self, world, desk):
        mapping(is_active=False)
        query = f"trk={world.click()}&deal=d-1&stage=sale&cents=12050&cur=eur&colour=red&apikey=aft_secret"
        page = self.see(desk, query, advertiser=world.advertiser.public_id)
        found = page.context["found"]
        read = {each.name: (each.ours, each.read_as) for each in found.parameters}
        assert read["cents"] == ("revenue", "120.50")
        assert read["stage"] == ("event_type", "purchase")
        assert read["apikey"] == ("token", "")
        assert read["colour"] == ("", "")
        assert "aft_secret" not in page.content.decode().replace(f"{query}".replace("&", "&amp;"), "")
        assert found.run.decision.body["outcome"] in ("accepted", "rejected")
        assert [problem.message for problem in found.problems if problem.field == "address"][0].startswith(
            "The mapping Fox CRM"
        )
        assert not Postback.objects.exists()

    def test_a_json_body_is_read_by_it(self, world, desk):
        mapping()
        body = json.dumps({"trk": world.click(), "deal": "d-1", "stage": "sale", "cents": 12050, "more": {"a": 1}})
        found = self.see(desk, body, advertiser=world.advertiser.public_id).context["found"]
        assert ("cents", "12050", "revenue", "120.50") in [tuple(each) for each in found.parameters]

    def test_what_the_mapping_adds_is_shown_as_not_sent(self, world, desk):
        mapping(defaults={"currency": "USD"})
        found = self.see(desk, f"trk={world.click()}&stage=sale").context["found"]
        assert ("", "", "currency", "USD") in [tuple(each) for each in found.parameters]

    def test_the_senders_own_answer_is_shown(self, world, desk):
        mapping()
        page = self.see(desk, "trk=x&deal=d-1&stage=sale", advertiser=world.advertiser.public_id)
        assert json.loads(page.context["found"].answer_text)["why"] == "unknown_click"
        assert "HTTP 404, application/json" in page.content.decode()

    def test_a_time_is_shown_as_it_is_understood(self, world, desk):
        mapping()
        found = self.see(desk, "trk=x&when=14.10.2026 14:30").context["found"]
        assert ("when", "14.10.2026 14:30", "timestamp", "2026-10-14 12:30:00 UTC") in map(tuple, found.parameters)

    def test_its_names_are_recognised_at_our_own_address(self, world, desk):
        mapping()
        found = self.see(desk, "/postback?trk=x&deal=1&stage=sale&cents=5&cur=EUR", form="").context["found"]
        assert found.dialect.title == "Fox CRM"
        assert any("/d/fox-crm/postback" in problem.remedy for problem in found.problems)

    @pytest.mark.parametrize("text", ["{click_id}", "{", '{"a": [1, {"b": 2}]}', "[1]", "{" * 5_000])
    def test_odd_bodies_are_no_server_error(self, world, desk, text):
        mapping()
        assert self.see(desk, text).status_code == 200


class TestFiles:
    def content(self, world: World) -> bytes:
        return f"trk,deal,stage,cents,cur\n{world.click()},d-1,sale,12050,EUR\n".encode()

    def test_columns_may_be_named_as_in_a_mapping(self, world, tmp_path, capsys):
        mapping()
        path = tmp_path / "deals.csv"
        path.write_bytes(self.content(world).replace(b"\n", b",when\n", 1).replace(b"EUR\n", b"EUR,15.10.2026 13:30\n"))
        call_command("import_conversions", str(path), advertiser=world.advertiser.public_id, form="fox-crm")
        assert Conversion.objects.get().goal == world.purchase
        with pytest.raises(CommandError, match="There is no form nosuch; there are adjust"):
            call_command("import_conversions", str(path), advertiser=world.advertiser.public_id, form="nosuch")

    def test_the_panel_offers_it(self, world, desk):
        mapping()
        page = desk.get(reverse("admin:conversions_postback_import_events")).content.decode()
        assert "Fox CRM" in page

    def test_another_advertisers_mapping_is_refused(self, world, tmp_path):
        mapping(advertiser=AdvertiserFactory(name="Grey Owl"))
        path = tmp_path / "deals.csv"
        path.write_bytes(self.content(world))
        with pytest.raises(CommandError, match="1 rows were refused"):
            call_command("import_conversions", str(path), advertiser=world.advertiser.public_id, form="fox-crm")
        assert Postback.objects.get().reason == "anothers_mapping"
