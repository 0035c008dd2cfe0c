"""Anchors: what a crash, a full disk, two writers, an exchanged key and a hostile copy do to them."""

import errno
import json
import os
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from affiliates.models import Affiliate, User
from config.monitoring.metrics import registry
from config.monitoring.readiness import check_anchors
from payouts.anchors.checking import anchor_findings
from payouts.anchors.files import AnchorFileRefused, append_missing, read_file
from payouts.anchors.key_setting import KeyRefused
from payouts.anchors.making import keep_anchors, make_anchor, unwritten, waiting
from payouts.anchors.records import read_line
from payouts.anchors.seals import canonical_json
from payouts.ledger.booking import adjust
from payouts.models import Anchor, AnchoredStatement, AnchorFile, AnchorKey, PeriodClose, Statement
from payouts.statements.statements import close_period
from tests.factories import AffiliateMemberFactory
from tests.payouts.statements.test_documents import two_statements
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db
__all__ = ["two_statements"]

DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def new_key(number: int) -> str:
    return f"{number}:{secrets.token_urlsafe(32)}"


def forget_anchors() -> None:
    """What the owner of the tables can do, so that the next anchor is made as if it were the first."""
    with triggers_off(AnchoredStatement), triggers_off(Anchor):
        AnchoredStatement.objects.all()._raw_delete("default")
        Anchor.objects.all()._raw_delete("default")


@pytest.fixture
def anchor(two_statements: list[Statement]) -> Anchor:
    made = make_anchor(now=DECEMBER)
    assert made
    return made


def problems(*copies: Path) -> list[str]:
    return [f"{each.subject} {each.problem}" for each in anchor_findings(None, copies)]


@pytest.mark.parametrize("kept", [1, 100, -1])
def test_a_torn_line_is_written_again_whole(anchor: Anchor, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text(anchor.line[:kept])
    assert append_missing(path) == 1
    assert append_missing(path) == 1
    assert path.read_text() == f"{anchor.line[:kept]}\n{anchor.line}\n"
    assert problems(path) == []


def test_a_line_that_lacks_only_its_end_is_not_written_twice(anchor: Anchor, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text(anchor.line)
    assert append_missing(path) == 1
    assert path.read_text() == anchor.line


def test_a_damaged_line_is_named(anchor: Anchor, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text(f"{anchor.line[:50]}x\n{anchor.line}\n")
    assert any("line 1 is no anchor" in problem for problem in problems(path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_stops_nothing_and_is_made_good_later(anchor: Anchor, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "anchors.jsonl"
    path.symlink_to("/dev/full")
    settings.ANCHOR_FILE = str(path)
    assert keep_anchors(now=DECEMBER) is False
    assert os.strerror(errno.ENOSPC) in AnchorFile.objects.get(path=str(path)).error
    assert unwritten() == 1
    path.unlink()
    assert keep_anchors(now=DECEMBER) is True
    assert (path.read_text(), unwritten()) == (anchor.line + "\n", 0)
    assert AnchorFile.objects.get(path=str(path)).error == ""


def test_a_path_that_cannot_be_written_stops_nothing(anchor: Anchor, settings: Any) -> None:
    settings.ANCHOR_FILE = "/proc/nowhere/anchors.jsonl"
    assert keep_anchors(now=DECEMBER) is False
    assert AnchorFile.objects.get(path=settings.ANCHOR_FILE).error


def test_a_file_of_another_history_is_not_continued(anchor: Anchor, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "anchors.jsonl"
    append_missing(path)
    forget_anchors()
    make_anchor(now=JANUARY)
    before = path.read_bytes()
    with pytest.raises(AnchorFileRefused, match="Run manage.py verify_ledger"):
        append_missing(path)
    assert path.read_bytes() == before
    assert any("history was rewritten" in problem for problem in problems(path))


def test_the_file_is_readable_by_others_and_writable_by_its_owner_only(anchor: Anchor, tmp_path: Path) -> None:
    path = tmp_path / "new" / "anchors.jsonl"
    append_missing(path)
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0


def test_a_new_key_signs_and_the_old_one_stays_known(two_statements: list[Statement], settings: Any) -> None:
    old, new = new_key(1), new_key(2)
    settings.ANCHOR_KEYS = [old]
    first = make_anchor(now=DECEMBER)
    settings.ANCHOR_KEYS = [new, old]
    forget_anchors()
    second = make_anchor(now=JANUARY)
    assert first
    assert second
    assert [read_line(each.line).values["key"] for each in (first, second)] == [1, 2]
    assert list(AnchorKey.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert problems() == []


def test_a_number_of_another_key_is_refused_and_statements_wait(two_statements: list[Statement], settings: Any) -> None:
    settings.ANCHOR_KEYS = [new_key(1)]
    make_anchor(now=DECEMBER)
    forget_anchors()
    settings.ANCHOR_KEYS = [new_key(1)]
    with pytest.raises(KeyRefused, match="number that was never used"):
        make_anchor(now=DECEMBER)
    assert keep_anchors(now=DECEMBER) is False
    assert waiting(now=DECEMBER).count() == Statement.objects.count()


def test_once_signed_an_anchor_without_a_signature_is_not_made(two_statements: list[Statement], settings: Any) -> None:
    settings.ANCHOR_KEYS = [new_key(1)]
    make_anchor(now=DECEMBER)
    forget_anchors()
    settings.ANCHOR_KEYS = []
    with pytest.raises(KeyRefused, match="ANCHOR_KEYS is empty now"):
        make_anchor(now=DECEMBER)
    assert (keep_anchors(now=DECEMBER), Anchor.objects.count()) == (False, 0)
    assert "ANCHOR_KEYS" in AnchorFile.objects.get().error


def test_an_anchor_whose_signature_was_left_out_is_found(
    two_statements: list[Statement], ana: Affiliate, olga: User, settings: Any
) -> None:
    settings.ANCHOR_KEYS = [new_key(1)]
    make_anchor(now=DECEMBER)
    adjust(affiliate=ana, amount=Decimal(3), currency="EUR", arithmetic="x", actor=olga, now=DECEMBER)
    close_period(ends_at=JANUARY, now=JANUARY)
    second = make_anchor(now=JANUARY)
    assert second
    line = canonical_json({**read_line(second.line).values, "key": None, "signature": None})
    with triggers_off(Anchor):
        Anchor.objects.filter(number=2).update(line=line, hash=read_line(line).hash)
    assert problems() == ["Anchor 2 is not signed, though anchors are since anchor 1."]


def test_a_public_key_exchanged_in_the_database_is_found(two_statements: list[Statement], settings: Any) -> None:
    """History signed anew with another key needs that key in the database; ANCHOR_KEYS stands outside of it."""
    settings.ANCHOR_KEYS = forged = [new_key(1)]
    make_anchor(now=DECEMBER)
    assert problems() == []
    settings.ANCHOR_KEYS = [new_key(1)]
    assert problems() == ["Key 1 in the database is not the key of that number in ANCHOR_KEYS."]
    settings.ANCHOR_KEYS = forged
    assert problems() == []


@pytest.mark.parametrize(
    "keys", [["x"], ["1:abc"], ["0:" + "A" * 43], ["a:" + "A" * 43], ["1:" + "A" * 43] * 2, ["1:" + "é" * 43]]
)
def test_a_bad_key_is_named_at_start(keys: list[str], settings: Any) -> None:
    settings.ANCHOR_KEYS = keys
    assert ["ANCHOR_KEYS" in each.msg for each in run_checks() if each.id == "payouts.E001"] == [True]


def test_a_good_key_passes_at_start(settings: Any) -> None:
    settings.ANCHOR_KEYS = [new_key(2), new_key(1)]
    assert [each for each in run_checks() if each.id == "payouts.E001"] == []


def test_a_role_that_could_alter_history_is_named_by_the_check_of_the_database() -> None:
    """Tests run as the tables' owner. `tests/config/test_database_roles.py` has the other case."""
    found = run_checks(databases=["default"])
    assert ["docs/operations.md" in each.msg for each in found if each.id == "affiliates.W001"] == [True]


def test_a_changed_signature_is_found(two_statements: list[Statement], settings: Any) -> None:
    settings.ANCHOR_KEYS = [new_key(1)]
    anchor = make_anchor(now=DECEMBER)
    assert anchor
    values = json.loads(anchor.line)
    line = canonical_json({**values, "signature": "0" * 128})
    with triggers_off(Anchor):
        Anchor.objects.update(line=line, hash=read_line(line).hash)
    assert problems() == ["Anchor 1 is not signed by key 1."]


def test_anyone_may_read_anchors_and_keys_and_finds_no_names_or_amounts(
    anchor: Anchor, ana: Affiliate, olga: User, client: Client
) -> None:
    answer = client.get("/anchors/anchors.jsonl")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert (answer.status_code, text) == (200, anchor.line + "\n")
    for secret in (ana.name, ana.public_id, olga.email, "EUR", "JPY", "100.0", "7000", "Bonus"):
        assert secret not in text
    for statement in Statement.objects.all():
        assert statement.number not in text
    assert client.get("/anchors/keys.json").status_code == 200


def test_the_page_of_a_close_shows_its_anchors(anchor: Anchor, olga: User, client: Client) -> None:
    ends = {"ends_at": DECEMBER, "asked_at": DECEMBER, "started_at": DECEMBER, "finished_at": DECEMBER}
    close = PeriodClose.objects.create(state="done", done=1, total=1, **ends)
    client.force_login(olga)
    page = client.get(reverse("admin:payouts_periodclose_change", args=[close.pk])).content.decode()
    assert anchor.hash in page
    assert f'href="{reverse("anchors")}?after=0"' in page


def test_the_page_of_a_statement_names_its_anchor(anchor: Anchor, ana: Affiliate, client: Client) -> None:
    client.force_login(AffiliateMemberFactory(affiliate=ana).user)
    page = client.get(reverse("portal:statement", args=[Statement.objects.earliest("pk").number])).content.decode()
    assert anchor.hash in page
    assert f'href="{reverse("anchors")}"' in page


@pytest.mark.parametrize("part", ["statements", "file"])
def test_readiness_and_metrics_count_what_is_left_to_anchor(
    part: str, two_statements: list[Statement], settings: Any
) -> None:
    settings.ANCHOR_FILE = "/proc/nowhere/anchors.jsonl" if part == "file" else ""
    if part == "file":
        assert keep_anchors(now=DECEMBER) is False
    connection.ensure_connection()
    found = check_anchors(connection.connection)
    assert found.state == "warning"
    assert ("not written" if part == "file" else "have no anchor yet") in found.message
    numbers = [
        registry().get_sample_value(f"affidavit_{name}") for name in ("statements_unanchored", "anchors_unwritten")
    ]
    assert numbers == ([0, 1] if part == "file" else [3, 0])


def test_a_copy_is_brought_up_to_date_by_number_and_by_etag(anchor: Anchor, client: Client) -> None:
    answer = client.get("/anchors/anchors.jsonl")
    tag = answer["ETag"]
    assert client.get("/anchors/anchors.jsonl", headers={"If-None-Match": tag}).status_code == 304
    after = client.get("/anchors/anchors.jsonl?after=1")
    assert b"".join(after.streaming_content) == b""  # type: ignore[attr-defined]
    assert after["ETag"] != tag
    forget_anchors()
    make_anchor(now=JANUARY)
    assert client.get("/anchors/anchors.jsonl", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "٣", "9" * 19, ""])
def test_an_odd_number_is_refused_in_words(client: Client, after: str) -> None:
    answer = client.get("/anchors/anchors.jsonl", {"after": after})
    assert (answer.status_code, b"must be the number of an anchor" in answer.content) == (400, True)


@pytest.mark.django_db(transaction=True)
def test_any_number_may_anchor_and_write_at_once(
    two_statements: list[Statement], tmp_path: Path, settings: Any, django_db_blocker: DjangoDbBlocker
) -> None:
    settings.ANCHOR_FILE = str(tmp_path / "anchors.jsonl")

    def keep(_: int) -> bool:
        with django_db_blocker.unblock():
            try:
                return keep_anchors(now=DECEMBER)
            finally:
                connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(keep, range(12))) == [True] * 12
    assert [line.record.number for line in read_file(Path(settings.ANCHOR_FILE)) if line.record] == [1]
    assert Anchor.objects.get().count == Statement.objects.count()
