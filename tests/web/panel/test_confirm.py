"""Actions of the panel: asked before they are done, within bounds, by those who may, and written down."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from affiliates.admin.forms import SuspendAffiliates
from affiliates.models import Affiliate, User
from tests.factories import AffiliateFactory
from tests.rights import operator_with
from web.panel import PanelAdmin

LIST = "/admin/affiliates/affiliate/"
YES = {"confirmed": "yes", "note": "Fake traffic"}


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def chosen(*rows: Affiliate, action: str = "suspend", **more: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [row.pk for row in rows], **more}


def statuses() -> set[str]:
    return set(Affiliate.objects.values_list("status", flat=True))


def test_the_page_carries_what_was_chosen_to_its_answer(desk: Client, ana: Affiliate, ben: Affiliate) -> None:
    page: Any = desk.post(f"{LIST}?status=active", chosen(ana, ben))
    assert statuses() == {"active"}
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    sent: dict[str, Any] = {"_selected_action": [value for name, value in hidden if name == "_selected_action"]}
    assert set(sent["_selected_action"]) == {str(ana.pk), str(ben.pk)}
    answer = desk.post(f"{LIST}?status=active", {**sent, "action": "suspend", **YES})
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?status=active")
    assert statuses() == {"suspended"}


def test_one_more_than_the_bound_is_refused_and_nothing_is_done(
    desk: Client, ana: Affiliate, ben: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SuspendAffiliates, "most", 1)
    page: Any = desk.post(LIST, chosen(ana, ben, **YES), follow=True)
    assert "At most 1 at once. More are chosen, so nothing was done" in page.content.decode()
    assert statuses() == {"active"}
    assert not LogEntry.objects.exists()


def test_the_bound_of_the_page_holds_also_for_a_form_that_would_take_more(
    desk: Client, ana: Affiliate, ben: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PanelAdmin, "ASK_BOUND", 1)
    desk.post(LIST, chosen(ana, ben, **YES))
    assert statuses() == {"active"}


def test_every_row_of_an_action_has_its_line_in_the_log(desk: Client, olga: User, ana: Affiliate) -> None:
    others = AffiliateFactory.create_batch(2)
    desk.post(LIST, chosen(ana, *others, **YES))
    entries = LogEntry.objects.order_by("object_id")
    assert {entry.object_id for entry in entries} == {str(row.pk) for row in (ana, *others)}
    assert {(entry.user, entry.get_change_message()) for entry in entries} == {
        (olga, "3 affiliates suspended. Note: Fake traffic")
    }


def test_a_refused_action_is_not_written_down_and_keeps_what_was_typed(desk: Client) -> None:
    gone = AffiliateFactory(name="Gone", status="closed")
    page = desk.post(LIST, chosen(gone, **YES)).content.decode()
    assert "Gone is “Closed” and cannot become “Suspended”." in page
    assert "Fake traffic" in page
    assert not LogEntry.objects.exists()


def test_an_action_on_a_row_that_is_not_there_changes_nothing(desk: Client, ana: Affiliate) -> None:
    path = reverse("admin:affiliates_affiliate_suspend", args=[ana.pk + 1000])
    assert [desk.get(path).status_code, desk.post(path, YES).status_code] == [404, 404]
    assert statuses() == {"active"}


def test_the_same_answer_sent_twice_is_done_once(desk: Client, ana: Affiliate) -> None:
    first: Any = desk.post(LIST, chosen(ana, **YES), follow=True)
    again: Any = desk.post(LIST, chosen(ana, **YES), follow=True)
    assert "1 affiliate suspended." in first.content.decode()
    assert "0 affiliates suspended; 1 unchanged." in again.content.decode()


def test_who_may_only_look_is_offered_no_action_and_does_none(client: Client, ana: Affiliate) -> None:
    client.force_login(operator_with("affiliates.view_affiliate"))
    path = reverse("admin:affiliates_affiliate_suspend", args=[ana.pk])
    page = client.get(reverse("admin:affiliates_affiliate_change", args=[ana.pk])).content.decode()
    assert path not in page
    assert client.post(path, YES).status_code == 403
    client.post(LIST, chosen(ana, **YES))
    assert statuses() == {"active"}


def test_a_note_is_shown_as_text_to_the_next_operator(desk: Client, ana: Affiliate) -> None:
    desk.post(LIST, chosen(ana, confirmed="yes", note="<script>alert(1)</script>"))
    page = desk.get(reverse("admin:affiliates_affiliate_change", args=[ana.pk])).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_note_beyond_its_column_is_refused_before_anything_is_done(desk: Client, ana: Affiliate) -> None:
    page = desk.post(LIST, chosen(ana, confirmed="yes", note="x" * 251)).content.decode()
    assert "at most 250 characters" in page
    assert statuses() == {"active"}
