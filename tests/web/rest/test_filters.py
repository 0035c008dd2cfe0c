"""Filters of the REST API: half-open periods, exact words, and never "everything" for a misspelt one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from affiliates.models import Affiliate, User
from tests.conversions.api.test_postback_log import LOG, with_token
from tests.conversions.sending import TOKEN, World
from tests.factories import AffiliateFactory, EnrollmentFactory, TrackingLinkFactory
from tests.rest import client_of, problems, results

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def olgas(olga: User) -> Client:
    return client_of(olga)


def names(client: Client, **query: Any) -> set[str]:
    return {row["name"] for row in results(client, "affiliates", **query)}


class TestPeriods:
    @pytest.fixture(autouse=True)
    def rows(self, db: None) -> None:
        for name, at in {
            "before": datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            "first": FIRST,
            "last": datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC),
            "after": datetime(2026, 12, 1, tzinfo=UTC),
        }.items():
            AffiliateFactory(name=name, created_at=at)

    def test_from_is_in_and_to_is_out(self, olgas: Client) -> None:
        november = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
        assert names(olgas, **november) == {"first", "last"}

    def test_two_periods_that_meet_have_every_row_once(self, olgas: Client) -> None:
        at = "2026-11-01T00:00:00Z"
        assert not names(olgas, to=at) & names(olgas, **{"from": at})
        assert len(names(olgas, to=at) | names(olgas, **{"from": at})) == 4

    @pytest.mark.parametrize(
        "moment", ["2026-11-01T01:00:00+01:00", "2026-10-31T20:00:00-04:00", "2026-11-01T00:00:00", "2026-11-01"]
    )
    def test_a_moment_is_the_same_in_every_zone_and_utc_without_one(self, olgas: Client, moment: str) -> None:
        assert names(olgas, **{"from": moment}) == {"first", "last", "after"}

    def test_a_period_that_ends_before_it_begins_is_empty(self, olgas: Client) -> None:
        assert names(olgas, **{"from": "2026-12-01", "to": "2026-11-01"}) == set()

    @pytest.mark.parametrize("moment", ["tomorrow", "01.11.2026", "2026-02-30", "2026-11-01T25:00:00Z", "1793491200"])
    def test_what_is_no_moment_is_refused_with_an_example(self, olgas: Client, moment: str) -> None:
        found = problems(olgas.get("/api/v1/affiliates/", {"from": moment}))
        assert list(found) == ["from"]
        assert "2026-11-01T00:00:00Z" in found["from"]


class TestWords:
    def test_a_country_is_exact(self, olgas: Client) -> None:
        AffiliateFactory(name="Ana", country="AT")
        assert names(olgas, country="AT") == {"Ana"}
        assert names(olgas, country="at") == set()

    @pytest.mark.parametrize("status", ["Active", "active,pending", "closed ", "*", "0"])
    def test_a_status_that_is_none_is_refused_and_not_left_out(self, olgas: Client, status: str) -> None:
        found = problems(olgas.get("/api/v1/affiliates/", {"status": status}))
        assert "pending, active, suspended, closed" in found["status"]

    def test_one_wrong_word_among_right_ones_is_named(self, olgas: Client) -> None:
        found = problems(olgas.get("/api/v1/affiliates/?status=active&status=happy"))
        assert "happy" in found["status"]
        assert "“active”" not in found["status"]

    @pytest.mark.parametrize("said", ["True", "1", "yes", "on", "TRUE", "null"])
    def test_yes_and_no_are_true_and_false(self, olgas: Client, said: str) -> None:
        assert problems(olgas.get("/api/v1/links/", {"is_active": said})) == {"is_active": "Give true or false."}

    def test_true_and_false_part_the_rows(self, olgas: Client) -> None:
        on, off = TrackingLinkFactory(), TrackingLinkFactory(is_active=False)
        shown = {said: [row["code"] for row in results(olgas, "links", is_active=said)] for said in ("true", "false")}
        assert shown == {"true": [on.code], "false": [off.code]}


class TestUnknownParameters:
    @pytest.mark.parametrize(
        "name", ["Status", "status__in", "created_at__gte", "id", "format", "limit", "page", "ordering"]
    )
    def test_a_name_that_is_not_listed_is_refused(self, olgas: Client, name: str) -> None:
        assert list(problems(olgas.get("/api/v1/affiliates/", {name: "1"}))) == [name]

    def test_every_wrong_one_is_named_at_once_and_no_right_one(self, olgas: Client) -> None:
        query = "?x=1&y=2&country=DE&country=AT&page_size=&status=active&status=pending"
        assert set(problems(olgas.get(f"/api/v1/affiliates/{query}"))) == {"x", "y", "country", "page_size"}

    def test_no_list_takes_a_parameter_that_it_does_not_know(self, olgas: Client) -> None:
        """Every list there is: one that forgot would answer everything to a misspelt filter."""
        paths = olgas.get("/api/schema/", {"format": "json"}).json()["paths"]
        lists = [path for path, methods in paths.items() if "get" in methods and "{" not in path]
        assert len(lists) > 10
        World()
        clients = dict.fromkeys(lists, olgas) | {LOG: with_token(TOKEN)}
        assert [path for path in lists if "no_such" not in problems(clients[path].get(path, {"no_such": "1"}))] == []


def test_a_filter_by_another_row_reaches_through_its_public_id_only(ana: Affiliate, olgas: Client) -> None:
    link = TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ana))
    TrackingLinkFactory()
    assert [row["code"] for row in results(olgas, "links", affiliate=ana.public_id)] == [link.code]
    assert results(olgas, "links", affiliate=str(ana.pk)) == []
