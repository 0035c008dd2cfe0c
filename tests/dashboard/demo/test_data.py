"""The demo's data files: only words that the player knows, and a new affiliate or story needs no code."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from affiliates.models import Affiliate
from conversions.models import Conversion, Postback
from conversions.reasons.codes import Reason
from dashboard.demo.data import CALENDAR, JOURNEYS, LINK, OFFER, PROGRAM, SLIPS, STORIES, VISITORS, Spec
from dashboard.demo.desk import Desk
from dashboard.demo.program import BESIDE_LINK
from dashboard.demo.seeding import seed
from dashboard.demo.slips import CHANGES
from tracking.models import TrackingLink

STEP = {
    *("event", "update", "after", "spread", "late", "chance", "repeats", "revenue", "minimum", "click", "verdict"),
    *("one_of", "share", "then", "status", "customer", "coupon", "txid"),
}
VISIT = {"link", "offer", "at", "robot", "expired", "steps"}
NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def steps(found: Any) -> Iterator[Spec]:
    for step in found:
        yield step
        yield from steps(step.get("then", ()))
        yield from steps(step.get("one_of", ()))


def all_steps() -> list[Spec]:
    journeys = [journey for journey in JOURNEYS.values() if isinstance(journey, dict)]
    begun = [journey.get(name, ()) for journey in journeys for name in ("steps", "robots")]
    begun += [visit["steps"] for story in STORIES["stories"] for visit in story["visits"]]
    return [step for first in begun for step in steps(first)]


def test_steps_have_only_words_that_the_player_knows():
    assert {word for step in all_steps() for word in step} <= STEP
    assert {word for story in STORIES["stories"] for visit in story["visits"] for word in visit} <= VISIT


def test_what_files_name_of_each_other_is_there():
    goals = {goal["code"] for offer in OFFER.values() for goal in offer["goals"]}
    assert {step["event"] for step in all_steps() if "event" in step} <= goals
    assert {step["verdict"] for step in all_steps() if "verdict" in step} <= CALENDAR["verdicts"].keys()
    assert {verdict["reason"] for verdict in CALENDAR["verdicts"].values()} <= set(Reason)
    assert {visit["link"] for story in STORIES["stories"] for visit in story["visits"] if "link" in visit} <= set(LINK)
    assert {link["channel"] for _, link in LINK.values()} <= VISITORS["channels"].keys()
    assert {how for slip in SLIPS["slips"] for how in slip.get("change", {}).values()} <= CHANGES.keys()
    assert all(callable(getattr(Desk, entry["do"])) for entry in [*CALENDAR["entries"], *CALENDAR["monthly"]])


def test_links_have_only_fields_of_their_model_and_words_of_their_traffic():
    fields = {field.name for field in TrackingLink._meta.get_fields()}
    assert {word for _, link in LINK.values() for word in link} <= fields | BESIDE_LINK


@pytest.mark.long
@pytest.mark.django_db
def test_an_affiliate_with_a_link_and_a_story_is_added_by_data_alone(monkeypatch: pytest.MonkeyPatch):
    added = copy.deepcopy(next(each for each in PROGRAM["affiliates"] if each["name"] == "Kasino-Kompass"))
    added |= {"name": "New Page", "owner": {"name": "Nina", "email": "nina@example.com"}, "parent": "Kasino-Kompass"}
    added["links"] = [{**added["links"][0], "code": "new-casino", "daily": 0}]
    visit = {"link": "new-casino", "at": "3 10:00:00", "steps": [{"event": "registration", "after": "5m"}]}
    monkeypatch.setitem(PROGRAM, "affiliates", [*PROGRAM["affiliates"], added])
    monkeypatch.setitem(LINK, "new-casino", (added, added["links"][0]))
    monkeypatch.setitem(STORIES, "stories", [*STORIES["stories"], {"about": "New.", "visits": [visit]}])
    assert seed(now=NOW, scale=0.01)
    assert Affiliate.objects.get(name="New Page").parent is not None
    conversion = Conversion.objects.get(link__code="new-casino")
    assert (conversion.goal.code, conversion.affiliate.name) == ("registration", "New Page")
    assert Postback.objects.filter(outcome="accepted").exists()
