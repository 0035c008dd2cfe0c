"""Click IDs of another platform, brought by a file in the panel: checked first, then imported."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import OperatorFactory, TrackingLinkFactory
from tracking.legacy import upload
from tracking.models import LegacyClickID

PAGE = reverse("admin:tracking_legacyclickid_upload")
LIST = reverse("admin:tracking_legacyclickid_changelist")
AT = "2026-09-01T12:00:00Z"
HEAD = "click_id,link,clicked_at\n"


@pytest.fixture
def desk(olga, client) -> Client:
    TrackingLinkFactory(code="ana-old")
    client.force_login(olga)
    return client


def bring(desk: Client, text: str | bytes, *, source: str = "OldTracker"):
    content = text if isinstance(text, bytes) else text.encode()
    return desk.post(PAGE, {"file": SimpleUploadedFile("old.csv", content), "source": source})


def go_on(desk: Client, page):
    return desk.post(PAGE, {"kept": page.context["upload"].key}, follow=True)


def test_the_list_leads_to_it(desk):
    assert PAGE in desk.get(LIST).content.decode()
    assert "checked first" in desk.get(PAGE).content.decode()


def test_a_look_names_every_problem_with_its_line_and_imports_nothing(desk):
    page = bring(desk, f"{HEAD}A,ana-old,{AT}\nB,nobody,{AT}\nC,ana-old,yesterday\n<b>,ana-old\n")
    shown = page.content.decode()
    assert "4 rows: 1 to import" in " ".join(shown.split())
    assert [problem.line for problem in page.context["shown"]] == [3, 4, 5]
    assert "There is no tracking link nobody." in shown
    assert "Import 1 click ID<" in shown
    assert not LegacyClickID.objects.exists()


def test_then_what_is_right_is_imported_and_written_down(desk, olga):
    answer = go_on(desk, bring(desk, f"{HEAD}A,ana-old,{AT}\nB,nobody,{AT}\n"))
    assert answer.redirect_chain == [(LIST, 302)]
    message = "Imported 1 click IDs from old.csv; 0 existed already, 1 rows with errors were skipped."
    assert message in answer.content.decode()
    row = LegacyClickID.objects.get()
    assert (row.foreign_id, row.source, row.link.code) == ("A", "OldTracker", "ana-old")
    assert (LogEntry.objects.get().user, LogEntry.objects.get().change_message) == (olga, message)


def test_the_button_pressed_twice_imports_once(desk):
    page = bring(desk, f"{HEAD}A,ana-old,{AT}\n")
    go_on(desk, page)
    assert "The file is no longer stored, or was imported already" in go_on(desk, page).content.decode()
    assert LegacyClickID.objects.count() == 1


def test_the_same_file_again_has_nothing_to_import(desk):
    go_on(desk, bring(desk, f"{HEAD}A,ana-old,{AT}\n"))
    page = bring(desk, f"{HEAD}A,ana-old,{AT}\n")
    assert "There is nothing to import." in page.content.decode()
    assert 'type="submit" class="aff-button">Import' not in page.content.decode()


def test_another_operator_cannot_go_on_with_it(desk, client):
    page = bring(desk, f"{HEAD}A,ana-old,{AT}\n")
    rival = OperatorFactory()
    rival.user_permissions.add(*Permission.objects.filter(codename__in=["view_legacyclickid", "add_legacyclickid"]))
    client.force_login(rival)
    go_on(client, page)
    assert not LegacyClickID.objects.exists()


def test_viewing_is_not_enough(desk, client):
    viewer = OperatorFactory()
    viewer.user_permissions.add(Permission.objects.get(codename="view_legacyclickid"))
    client.force_login(viewer)
    assert client.get(PAGE).status_code == 403
    assert bring(client, f"{HEAD}A,ana-old,{AT}\n").status_code == 403
    assert PAGE not in client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("content", "source", "text"),
    [
        ("click_id,clicked_at\n", "x", "link is missing"),
        (HEAD, "", "Say where the IDs come from"),
        (HEAD, "x" * 61, "at most 60 characters"),
        (b"\xff\xfe\x00", "x", "not CSV in UTF-8"),
        (b"", "x", "The submitted file is empty"),
    ],
)
def test_what_is_no_such_file_is_refused_with_what_to_fix(desk, content, source, text):
    page = bring(desk, content, source=source)
    assert page.status_code == 200
    assert text in page.content.decode()
    assert page.context["found"] is None


@pytest.mark.parametrize(
    "row", ['"', '"A', "A\x00B,ana-old," + AT, "\udcff,ana-old," + AT, "=A1,ana-old," + AT, "," * 500]
)
def test_odd_rows_are_problems_of_theirs(desk, row):
    content = f"{HEAD}{row}\n".encode("utf-8", "surrogateescape")
    page = bring(desk, content)
    assert page.status_code == 200
    if page.context["found"] and page.context["found"].added:
        assert go_on(desk, page).status_code == 200


def test_a_file_that_is_too_large_is_refused(desk, monkeypatch):
    monkeypatch.setattr(upload, "LARGEST", 10)
    assert "use manage.py import_clicks" in bring(desk, f"{HEAD}A,ana-old,{AT}\n").content.decode()


def test_what_the_cache_has_lost_is_asked_for_again(desk):
    page = bring(desk, f"{HEAD}A,ana-old,{AT}\n")
    cache.clear()
    assert "choose it again" in go_on(desk, page).content.decode()
    assert "choose it again" in desk.post(PAGE, {"kept": "nonsense\r\n \x00"}, follow=True).content.decode()
