"""How operators find clicks and links."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import ClickFactory, EnrollmentFactory, TrackingLinkFactory
from tracking.admin.clicks import ClickAdmin
from tracking.click_id.codec import text_of
from tracking.models import Click, TrackingLink

CLICKS = "/admin/tracking/click/"


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def listed(response) -> set:
    return {row.pk for row in response.context["cl"].result_list}


class TestClicks:
    def test_are_found_by_click_id_uuid_and_link(self, desk):
        click, other = ClickFactory(), ClickFactory()
        for term in (text_of(click.pk), text_of(click.pk).upper(), str(click.pk), click.link.code):
            assert listed(desk.get(CLICKS, {"q": term})) == {click.pk}, term
        assert listed(desk.get(CLICKS, {"q": "nothing"})) == set()
        assert listed(desk.get(CLICKS)) == {click.pk, other.pk}

    def test_days_are_those_of_the_operator_and_both_count(self, desk, olga):
        olga.time_zone = "Asia/Tokyo"
        olga.save()
        moments = [datetime(2026, 11, day, hour, tzinfo=UTC) for day, hour in ((9, 14), (9, 15), (10, 14), (10, 15))]
        keys = [ClickFactory(clicked_at=at).pk for at in moments]
        found = desk.get(CLICKS, {"clicked_at_from": "2026-11-10", "clicked_at_to": "2026-11-10"})
        assert listed(found) == {keys[1], keys[2]}

    def test_a_day_that_is_none_filters_nothing(self, desk):
        click = ClickFactory()
        assert listed(desk.get(CLICKS, {"clicked_at_from": "soon"})) == {click.pk}

    def test_are_filtered_by_affiliate(self, desk, ana, ben):
        mine = ClickFactory(link__enrollment__affiliate=ana)
        ClickFactory(link__enrollment__affiliate=ben)
        assert listed(desk.get(CLICKS, {"link__enrollment__affiliate__id__exact": ana.pk})) == {mine.pk}

    def test_lead_to_their_story(self, desk):
        click = ClickFactory()
        response = desk.get(reverse("admin:tracking_click_trace", args=[click.pk]))
        assert response["Location"] == f"/trace/?q={text_of(click.pk)}"

    def test_show_what_is_known_of_the_visitor(self, desk):
        known = {"os": "Android", "browser": "Chrome Mobile", "asn": 64500, "is_data_centre": True}
        click, plain = ClickFactory(**known), ClickFactory()
        page = desk.get(reverse("admin:tracking_click_change", args=[click.pk])).content.decode()
        for text in ("Android · Chrome Mobile", "AS64500 · data centre"):
            assert text in page
        assert "Android · Chrome Mobile" in desk.get(CLICKS).content.decode()
        assert listed(desk.get(CLICKS, {"is_data_centre__exact": "0"})) == {plain.pk}

    def export(self, desk: Client) -> list[dict[str, str]]:
        path = reverse("admin:tracking_click_export")
        fields = {f"clickcolumns_{name}": "on" for name in ("click_id", "sub1", "affiliate", "clicked_at")}
        answer = desk.post(path, {"format": "0", "resource": "0", **fields})
        assert answer["Content-Type"] == "text/csv"
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    def test_are_exported_with_their_signed_ids(self, desk, ana):
        click = ClickFactory(link__enrollment__affiliate=ana, sub1="blog")
        [row] = self.export(desk)
        assert (row["click_id"], row["sub1"], row["affiliate"]) == (text_of(click.pk), "blog", "Ana")

    @pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx"])
    def test_a_label_from_outside_cannot_become_a_formula(self, desk, text):
        ClickFactory(sub1=text)
        assert self.export(desk)[0]["sub1"] == f"'{text}"

    def test_more_than_the_bound_is_refused_with_what_to_do(self, desk, monkeypatch):
        monkeypatch.setattr(ClickAdmin, "EXPORT_BOUND", 1)
        ClickFactory.create_batch(2)
        path = reverse("admin:tracking_click_export")
        page = desk.post(path, {"format": "0", "resource": "0", "clickcolumns_click_id": "on"}).content.decode()
        assert "More than 1 rows match. Go back and narrow the list with a filter" in page


class TestLinks:
    def test_are_never_deleted(self, desk):
        link = TrackingLinkFactory()
        assert (
            desk.post(reverse("admin:tracking_trackinglink_delete", args=[link.pk]), {"post": "yes"}).status_code == 403
        )

    def test_keep_enrollment_and_code(self, desk):
        link, other = TrackingLinkFactory(code="ana-blog"), EnrollmentFactory()
        path = reverse("admin:tracking_trackinglink_change", args=[link.pk])
        desk.post(path, {"enrollment": other.pk, "code": "stolen", "name": "Blog", "destination_url": ""})
        link.refresh_from_db()
        assert (link.code, link.name, link.is_active) == ("ana-blog", "Blog", False)
        assert link.enrollment != other


def test_clicks_older_and_newer_are_listed_newest_first(desk):
    old, new = (ClickFactory(clicked_at=datetime.now(UTC) - timedelta(days=days)) for days in (9, 1))
    assert [row.pk for row in desk.get(CLICKS).context["cl"].result_list] == [new.pk, old.pk]
    assert Click.objects.count() == TrackingLink.objects.count() == 2
