"""Parameters that no rule reads: kept with the event, found again, and never in an affiliate's sight."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from affiliates.models import User
from conversions.intake import intake
from conversions.models import Conversion, Postback, Trace
from tests.conversions.sending import NOW, World, received, send
from tests.rest import client_of, results

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def kept() -> dict[str, str]:
    return Conversion.objects.get().extras


def test_keeps_what_no_rule_reads_by_lower_case_name(world: World) -> None:
    send(click_id=world.click(), event_type="purchase", txid="T1", Sub_ID1=" banner-7 ", campaign="spring", empty="")
    assert kept() == {"sub_id1": "banner-7", "campaign": "spring"}


def test_keeps_no_secret_and_nothing_that_is_read(world: World) -> None:
    send(
        click_id=world.click(),
        goal_id="purchase",
        event_id="T1",
        api_key="k",
        signature="s",
        ts="1",
        lots="2",
        test="1",
        country="DE",
    )
    assert kept() == {}


def test_keeps_the_first_of_two_values(world: World) -> None:
    fields = {"click_id": world.click(), "event_type": "purchase", "txid": "T1", "sub_id1": "a"}
    asked = received(fields)
    asked.parameters.append(("SUB_ID1", "b"))
    intake([asked], now=NOW)
    assert kept() == {"sub_id1": "a"}


def test_shows_what_is_too_much(world: World) -> None:
    many = {f"x{number:02}": "1" for number in range(21)}
    send(click_id=world.click(), event_type="purchase", txid="T1", long="v" * 201, **{"n" * 61: "1"}, **many)
    assert list(kept()) == [f"x{number:02}" for number in range(20)]
    (answers,) = [step for step in Trace.objects.get().steps if step["rule"] == "extra parameters"]
    assert "long" in answers["note"]
    assert "x20" in answers["note"]
    stored = dict(Postback.objects.get().parameters)
    assert stored["long"] == "v" * 201


def test_survives_hostile_names_and_values(world: World) -> None:
    send(click_id=world.click(), event_type="purchase", txid="T1", **{"\x01\x1f": "a", "a\x02b": "1\x022", "'--": '"'})
    assert kept() == {"ab": "12", "'--": '"'}


def test_personal_data_is_kept_as_a_digest(world: World) -> None:
    send(click_id=world.click(), event_type="purchase", txid="T1", contact="ana@example.com")
    assert "ana@example.com" not in kept()["contact"]


def test_of_another_platform_leaves_out_the_names_of_its_mapping(world: World) -> None:
    fields = {"cid": world.click(), "et": "purchase", "txid": "T1", "sub1": "b"}
    intake([received(fields, mapping="voluum")], now=NOW)
    assert kept() == {"sub1": "b"}


class TestFinding:
    @pytest.fixture
    def rows(self, world: World) -> list[str]:
        sent = [{"sub_id1": "banner-7"}, {"sub_id1": "banner-8"}, {}]
        answers = [
            send(click_id=world.click(), event_type="purchase", txid=f"T{n}", **extra) for n, extra in enumerate(sent)
        ]
        return [str(decision.body["conversion_id"]) for decision in answers]

    def test_by_api(self, rows: list[str], olga: User) -> None:
        (found,) = results(client_of(olga), "conversions", extra="Sub_id1:banner-7")
        assert found["id"] == rows[0]
        assert found["extras"] == {"sub_id1": "banner-7"}

    def test_wants_name_and_value(self, rows: list[str], olga: User) -> None:
        answer = client_of(olga).get("/api/v1/conversions/", {"extra": "banner-7"})
        assert answer.status_code == 400
        assert "name:value" in answer.content.decode()

    def test_is_not_an_affiliates(self, rows: list[str], world: World) -> None:
        shown = results(client_of(world.ana), "conversions")
        assert len(shown) == 3
        assert not any("extras" in row for row in shown)

    def test_in_the_panel(self, rows: list[str], olga: User, client: Client) -> None:
        client.force_login(olga)
        page = client.get("/admin/conversions/conversion/", {"q": "sub_id1=banner-8"}).content.decode()
        assert rows[1] in page
        assert rows[0] not in page
        row = Conversion.objects.get(public_id=rows[1])
        assert "banner-8" in client.get(f"/admin/conversions/conversion/{row.pk}/change/").content.decode()

    def test_by_an_index(self, rows: list[str], olga: User) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            results(client_of(olga), "conversions", extra="sub_id1:banner-7")
        (statement,) = [q["sql"] for q in asked if "@>" in q["sql"] and "COUNT" not in q["sql"]]
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "conversion_by_extra" in plan
