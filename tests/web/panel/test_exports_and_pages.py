"""Exports of the panel are bounded and of the filtered list; long lists are paged to the bound and no further."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from affiliates.models import Affiliate, User
from tests.factories import AffiliateFactory, LedgerEntryFactory
from tests.rights import operator_with
from web.panel import BoundedExport
from web.panel.counting import BoundedPaginator

EXPORT = "admin:payouts_ledgerentry_export"
LIST = "/admin/affiliates/affiliate/"


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def export(desk: Client, **query: Any) -> Any:
    form = desk.get(reverse(EXPORT), query).context["form"]
    boxes = [name for name in form.fields if name not in ("format", "resource", "export_items")]
    path = f"{reverse(EXPORT)}?" + "&".join(f"{name}={value}" for name, value in query.items())
    return desk.post(path, {"format": "0", "resource": "0", **dict.fromkeys(boxes, "on")})


def lines(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_an_export_has_the_rows_of_the_filtered_list_and_no_others(
    desk: Client, ana: Affiliate, ben: Affiliate
) -> None:
    for affiliate in (ana, ana, ben):
        LedgerEntryFactory(affiliate=affiliate)
    assert len(lines(export(desk))) == 3
    assert len(lines(export(desk, affiliate__id__exact=ana.pk))) == 2


def test_one_row_more_than_the_bound_is_refused_with_a_way_on(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedExport, "EXPORT_BOUND", 2)
    LedgerEntryFactory.create_batch(2)
    assert len(lines(export(desk))) == 2
    LedgerEntryFactory()
    answer = export(desk)
    assert "More than 2 rows match. Go back and narrow the list with a filter" in answer.content.decode()
    assert "text/csv" not in answer["Content-Type"]


def test_who_may_see_other_lists_exports_not_this_one(db: None, client: Client) -> None:
    client.force_login(operator_with("payouts.view_payout"))
    assert client.post(reverse(EXPORT), {"format": "0"}).status_code == 403


@pytest.fixture
def long(desk: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A list of seven rows where four are counted, two on a page."""
    monkeypatch.setattr(BoundedPaginator, "BOUND", 4)
    monkeypatch.setattr("affiliates.admin.people.AffiliateAdmin.list_per_page", 2)
    AffiliateFactory.create_batch(7)
    return desk


def shown(desk: Client, **query: Any) -> Any:
    return desk.get(LIST, query).context["cl"]


def test_a_long_list_says_about_how_many_and_ends_at_the_bound(long: Client) -> None:
    page = shown(long)
    assert str(page.result_count).startswith("about ")
    assert page.paginator.num_pages == 2
    assert [len(shown(long, p=number).result_list) for number in (1, 2)] == [2, 2]
    assert long.get(LIST, {"p": 3}).status_code == 302


def test_a_filter_reaches_rows_beyond_the_bound(long: Client) -> None:
    oldest = Affiliate.objects.order_by("created_at").first()
    assert oldest
    page = shown(long, q=oldest.public_id)
    assert [row.pk for row in page.result_list] == [oldest.pk]
    assert str(page.result_count) == "1"


def test_a_list_of_exactly_the_bound_is_counted_exactly(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "BOUND", 4)
    AffiliateFactory.create_batch(4)
    assert str(shown(desk).result_count) == "4"
