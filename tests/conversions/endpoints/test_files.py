"""What is done by files: events taken in, conversions approved and rejected; each row by itself, hostile files too."""

import csv
import io
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from affiliates.models import User
from conversions.decisions.bulk import MOST, Wish, decide_many, read_wishes
from conversions.endpoints.csv_import import ImportedConversions, import_conversions
from conversions.models import Conversion, Postback
from conversions.replay import replay
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from records.csv_files import FileRefused, read_table
from tests.conversions.sending import NOW, World, send
from tests.examples import examples
from tests.payouts.deals import deal, flat
from tests.rest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


class TestReading:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_reads_what_spreadsheets_write(self, delimiter: str, encoding: str) -> None:
        text = f'Status{delimiter} Note \r\napproved{delimiter}"Müller{delimiter} Köln"\r\n{delimiter}\r\n'
        table = read_table(text.encode(encoding))
        assert table.columns == ["status", "note"]
        assert [tuple(row) for row in table.rows] == [
            (2, {"status": "approved", "note": f"Müller{delimiter} Köln"}),
        ]

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (b"", "must name the columns"),
            (b"\n\n", "must name the columns"),
            (b"PK\x03\x04rest", "Save it as CSV"),
            (b"a,a\n1,2", "named twice"),
            (b"a,b\n1,2,3", "3 values for 2 columns"),
            (b'a,b\n1,"2', "Line 2 is not CSV"),
            (b'a,b\n1,"2"3', "Line 2 is not CSV"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, content: bytes, text: str) -> None:
        with pytest.raises(FileRefused, match=text):
            list(read_table(content).rows)

    @given(st.binary(max_size=300))
    @effort(max_examples=examples(200), deadline=None)
    def test_any_bytes_are_rows_or_refused(self, content: bytes) -> None:
        try:
            rows = list(read_table(content).rows)
        except FileRefused:
            return
        assert all("\x00" not in value for row in rows for value in row.values.values())


class TestStatus:
    @pytest.fixture
    def sales(self, world: World) -> list[Conversion]:
        for number in range(4):
            send(click_id=world.click(), txid=f"S{number}", event_type="purchase", revenue="10", status="pending")
        return list(Conversion.objects.order_by("pk"))

    def test_each_row_is_judged_by_itself(self, world: World, sales: list[Conversion], olga: User) -> None:
        deal(flat(world.purchase, "5"))
        wishes = [
            Wish("approved", id=sales[0].public_id),
            Wish("rejected", transaction_id="S1", advertiser="Lucky Fox", note="Fake"),
            Wish("approved", transaction_id="S2", goal="purchase", advertiser=world.advertiser.public_id),
            Wish("rejected", id=sales[3].public_id),
            Wish("approved", id=sales[0].public_id),
            Wish("approved", id="cv_nobody"),
            Wish("approved", transaction_id="S1", advertiser="Another"),
            Wish("pending", id=sales[3].public_id),
            Wish("approved"),
        ]
        answers = decide_many(wishes, actor=olga, now=NOW)
        assert [answer.result for answer in answers] == ["changed"] * 3 + ["refused"] * 6
        assert "needs a note" in answers[3].message
        assert "An earlier row" in answers[4].message
        statuses = Conversion.objects.order_by("pk").values_list("status", "reason")
        assert list(statuses) == [
            ("approved", "operator_approved"),
            ("rejected", "operator_rejected"),
            ("approved", "operator_approved"),
            ("pending", "sent_pending"),
        ]
        book_changes()
        assert LedgerEntry.objects.count() == 2

    def test_again_changes_nothing_and_looking_changes_nothing(self, sales: list[Conversion], olga: User) -> None:
        wishes = [Wish("approved", id=row.public_id) for row in sales]
        assert {answer.result for answer in decide_many(wishes, actor=olga, now=NOW, dry=True)} == {"changed"}
        assert set(Conversion.objects.values_list("status", flat=True)) == {"pending"}
        decide_many(wishes, actor=olga, now=NOW)
        assert {answer.result for answer in decide_many(wishes, actor=olga, now=NOW)} == {"unchanged"}

    def test_a_constant_number_of_queries(
        self, sales: list[Conversion], olga: User, django_assert_max_num_queries: Any
    ) -> None:
        wishes = [Wish("approved", id=row.public_id) for row in sales]
        with django_assert_max_num_queries(10):
            decide_many(wishes, actor=olga, now=NOW)

    def test_reversal_and_appeal(self, sales: list[Conversion], olga: User) -> None:
        [row] = sales[:1]
        for status, reason in (("approved", ""), ("rejected", "reversed"), ("approved", "appeal")):
            wish = Wish(status, id=row.public_id, reason=reason, note="Because")
            assert decide_many([wish], actor=olga, now=NOW)[0].result == "changed"
        assert row.status_changes.count() == 4

    def test_too_many_at_once(self, olga: User) -> None:
        with pytest.raises(FileRefused, match="at most 10,000"):
            decide_many([Wish("approved")] * (MOST + 1), actor=olga, now=NOW)

    def test_the_api_answers_row_by_row(self, world: World, sales: list[Conversion], olga: User) -> None:
        body = [{"id": sales[0].public_id, "status": "approved"}, {"transaction_id": "none", "status": "approved"}]
        address = "/api/v1/conversions/status"
        answer = client_of(olga).post(address, body, content_type="application/json")
        assert answer.status_code == 200, answer.text
        assert [row["result"] for row in answer.json()] == ["changed", "refused"]
        assert client_of(world.ana).post(address, body, content_type="application/json").status_code == 403
        for wrong in ({"a": 1}, [], [{"status": "maybe"}], [1], "text"):
            assert client_of(olga).post(address, wrong, content_type="application/json").status_code == 400

    def test_the_panel_takes_a_file_whole_or_not_at_all(self, sales: list[Conversion], olga: User) -> None:
        client, address = Client(), "/admin/conversions/conversion/by_file/"
        client.force_login(olga)
        assert "columns status" in client.get(address, follow=True).content.decode()
        text = f"id;status;note\n{sales[0].public_id};approved;\ncv_none;approved;\n"

        def sent(**fields: str) -> Any:
            file = SimpleUploadedFile("wishes.csv", text.encode())
            return client.post(address, {"confirmed": "1", "file": file, **fields})

        page = sent().content.decode()
        assert "1 rows failed; nothing was changed." in page
        assert "Line 3: There is no conversion cv_none." in page
        assert Conversion.objects.filter(status="approved").count() == 0
        assert sent(leave_out="on").status_code == 302
        assert Conversion.objects.filter(status="approved").count() == 1

    @pytest.mark.parametrize("content", [b"id\ncv_1\n", b"status\napproved\n", b"id,status,x\n1,2,3\n", b"id,status\n"])
    def test_refuses_a_file_without_the_columns(self, content: bytes) -> None:
        with pytest.raises(FileRefused):
            read_wishes(content)


def rows_of(*rows: dict[str, Any]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


class TestImport:
    def take(self, world: World, content: bytes, **kwargs: Any) -> ImportedConversions:
        given = {"advertiser": world.advertiser, "name": "october.csv", "by": "Olga", "now": timezone.now(), **kwargs}
        return import_conversions(content, **given)

    def events(self, world: World) -> bytes:
        at = (NOW - timedelta(minutes=30)).isoformat()
        sale = {"click_id": world.click(), "event_type": "purchase", "currency": "EUR", "timestamp": at}
        return rows_of(
            {**sale, "txid": "1", "revenue": "10"},
            {**sale, "txid": "2", "revenue": "20"},
            {**sale, "txid": "1", "revenue": "10"},
            {**sale, "txid": "3", "revenue": "ten"},
            {**sale, "txid": "4", "revenue": "5", "event_type": "nosuch"},
        )

    def test_each_row_is_an_event_and_the_same_file_counts_nothing_twice(self, world: World) -> None:
        content = self.events(world)
        first, again = self.take(world, content), self.take(world, content)
        assert first.words() == "5 rows: 2 accepted, 2 invalid, 1 duplicate."
        assert again.counts == {"duplicate": 3, "invalid": 2}
        assert [(answer.line, answer.reason) for answer in first.refused] == [(5, "bad_amount"), (6, "unknown_goal")]
        assert Conversion.objects.count() == 2
        stored = Postback.objects.order_by("pk")[0]
        assert (stored.endpoint, stored.path, stored.advertiser) == ("csv", "october.csv, line 2", world.advertiser)
        assert "Imported for Lucky Fox by Olga" in str(stored.traces.get().steps)
        assert replay([stored], by="Olga", now=timezone.now())[0].after[0] == "accepted"

    def test_a_look_keeps_nothing(self, world: World) -> None:
        done = self.take(world, self.events(world), dry=True)
        assert done.counts == {"accepted": 2, "invalid": 2, "duplicate": 1}
        assert not Postback.objects.exists()

    def test_columns_may_be_another_platforms(self, world: World) -> None:
        content = rows_of({"transaction_id": world.click(), "order_id": "7", "amount": "12.50", "event_id": "purchase"})
        done = self.take(world, content, mapping="everflow", now=NOW)
        assert done.counts == {"accepted": 1}, done.answers

    def test_an_advertiser_that_is_switched_off_gets_nothing(self, world: World) -> None:
        world.advertiser.is_active = False
        world.advertiser.save()
        assert self.take(world, self.events(world)).counts == {"forbidden": 5}

    def test_a_postback_cannot_pass_for_a_file(self, world: World) -> None:
        decision = send(click_id=world.click(), event_type="purchase", txid="1", token=None)
        assert decision.http_status == 401

    def test_formulas_are_disarmed_in_the_answers(self, world: World) -> None:
        content = rows_of({"event_type": "=cmd()", "txid": "1", "click_id": world.click()})
        assert "\n=" not in self.take(world, content).as_csv().replace(",=", "\n=")

    def test_the_command(self, world: World, tmp_path: Path) -> None:
        file, answers, out = tmp_path / "october.csv", tmp_path / "answers.csv", StringIO()
        file.write_bytes(self.events(world))
        with pytest.raises(CommandError, match="2 rows were refused"):
            call_command("import_conversions", file, advertiser=world.advertiser.public_id, answers=answers, stdout=out)
        assert "5 rows: 2 accepted" in out.getvalue()
        assert len(list(csv.DictReader(answers.open()))) == 5
        with pytest.raises(CommandError, match="There is no advertiser"):
            call_command("import_conversions", file, advertiser="ad_none")
        with pytest.raises(CommandError, match="cannot be opened"):
            call_command("import_conversions", tmp_path / "none.csv", advertiser=world.advertiser.public_id)

    def test_the_panel(self, world: World, olga: User) -> None:
        client, address = Client(), "/admin/conversions/postback/import_events/"
        client.force_login(olga)
        form = {"confirmed": "1", "advertiser": str(world.advertiser.pk), "platform": "native"}
        content = self.events(world)

        def sent(**fields: str) -> Any:
            return client.post(address, {**form, "file": SimpleUploadedFile("o.csv", content), **fields})

        page = sent(only_look="on").content.decode()
        assert "The result would be: 5 rows: 2 accepted, 2 invalid, 1 duplicate." in page
        assert not Conversion.objects.exists()
        assert sent().status_code == 302
        assert Conversion.objects.count() == 2
