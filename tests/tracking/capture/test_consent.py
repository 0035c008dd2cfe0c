"""A visitor's consent: recorded with the click, and heeded in what is stored, set and passed on."""

import json
from urllib.parse import quote

import pytest

from affiliates.models import Offer
from conversions.models import Conversion, Trace
from tests.asgi_client import BROWSER, Answer, visit
from tests.conversions.sending import World, send
from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect
from tests.tracking.consent.test_signals import made
from tracking.capture import spool
from tracking.capture.click_writer import drain
from tracking.capture.clicks import format_row
from tracking.click_id import codec
from tracking.marks import mark_clicks
from tracking.models import SUB_IDS, Click, TrackingLink
from tracking.visitors.identity import pseudonym_of_the_day

pytestmark = pytest.mark.django_db(transaction=True)
HELD = {"cookie": "aff_visitor=0123456789abcdef0123456789abcdef"}
CAME_FROM = {"referer": "https://forum.example/thread/7?user=ben"}


@pytest.fixture
def link() -> TrackingLink:
    link: TrackingLink = TrackingLinkFactory(
        code="ana",
        enrollment__offer__destination_url="https://shop.example/?btag={click_id}&c={consent}&tc={gdpr_consent}",
        enrollment__offer__pass_through=Offer.PassThrough.ALL,
    )
    return link


def click(headers: dict[str, str] | None = None, path: str = "/c/ana", **params: str) -> Answer:
    answer: Answer = visit(lambda client: client.get(path, params, headers={**CAME_FROM, **(headers or {})}))
    return answer


def mark() -> None:
    row = Click.objects.latest("id")
    mark_clicks(now=row.clicked_at)


def test_without_a_signal_a_click_is_stored_as_ever(link: TrackingLink) -> None:
    answer = click()
    row = Click.objects.get()
    assert (row.consent, row.consent_basis, row.ip, row.user_agent) == ("", "", "203.0.113.9", BROWSER)
    assert len(answer.cookies) == 2


def test_a_consent_is_recorded_with_its_signals_and_changes_nothing_else(link: TrackingLink) -> None:
    answer = click(gdpr="1", GDPR_Consent=made(1, 7))
    row = Click.objects.get()
    assert (row.consent, row.consent_basis) == ("granted", "TCF: purposes 1,7; platform 300, 2023-11-14")
    assert (row.ip, row.referrer) == ("203.0.113.9", CAME_FROM["referer"])
    assert len(answer.cookies) == 2


@pytest.mark.parametrize("query", [{"consent": "denied"}, {"gdpr": "1"}, {"gdpr": "1", "gdpr_consent": "broken!"}])
def test_a_refusal_leaves_no_cookie_no_full_address_and_no_page(link: TrackingLink, query: dict[str, str]) -> None:
    answer = click(**query)
    row = Click.objects.get()
    assert answer.cookies == []
    assert (row.ip, row.referrer) == ("203.0.113.0", "https://forum.example/")
    assert len(answer.query["btag"]) == 40


def test_a_refusal_clears_the_cookies_that_are_still_there(link: TrackingLink) -> None:
    assert len(click(HELD).cookies) == 2
    (gone,) = click(HELD, consent="denied").cookies
    assert gone.startswith("aff_visitor=0; Path=/; Max-Age=0;")
    assert "0123456789abcdef" not in Click.objects.latest("id").visitor.hex


def test_the_user_agent_of_a_refusal_goes_once_it_was_looked_at(link: TrackingLink) -> None:
    click(consent="denied")
    assert Click.objects.get().user_agent == BROWSER
    mark()
    row = Click.objects.get()
    assert (row.user_agent, row.is_bot, row.browser, row.os) == ("", False, "Firefox", "Linux")


def test_a_repeat_and_a_bot_are_found_without_consent_too(link: TrackingLink) -> None:
    for _ in range(2):
        click(consent="denied")
        mark()
    click({"user-agent": "Googlebot/2.1"}, consent="denied")
    mark()
    marks = list(Click.objects.order_by("id").values_list("is_duplicate", "is_bot"))
    assert marks == [(False, False), (True, False), (False, True)]


def test_the_id_of_the_day_joins_no_two_days_and_no_two_visitors() -> None:
    day = 86_400_000
    first = pseudonym_of_the_day(milliseconds=day, ip="203.0.113.9", agent=BROWSER)
    assert pseudonym_of_the_day(milliseconds=2 * day - 1, ip="203.0.113.9", agent=BROWSER) == first
    assert pseudonym_of_the_day(milliseconds=2 * day, ip="203.0.113.9", agent=BROWSER) != first
    assert pseudonym_of_the_day(milliseconds=day, ip="203.0.113.8", agent=BROWSER) != first


@pytest.mark.parametrize(("state", "is_passed"), [("granted", True), ("limited", False), ("denied", False)])
def test_ids_of_advertising_networks_are_passed_on_by_consent_alone(
    link: TrackingLink, state: str, is_passed: bool
) -> None:
    found = click(consent=state, fbclid="F1", GCLID="G1", campaign="autumn").query
    assert ("fbclid" in found, "GCLID" in found, found["campaign"]) == (is_passed, is_passed, "autumn")
    assert len(found["btag"]) == 40


def test_the_signals_are_passed_on_uncut_and_as_macros(link: TrackingLink) -> None:
    text = made(1, 7)
    found = click(consent="yes", gdpr="1", gdpr_consent=text, gpp="DBAA~x").query
    assert (found["c"], found["tc"], found["gdpr_consent"], found["gpp"]) == ("granted", text, text, "DBAA~x")
    long = "C" * 6000
    assert click(gdpr_consent=long).query["gdpr_consent"] == long
    assert Click.objects.latest("id").consent == "unknown"


@pytest.mark.parametrize(
    ("policy", "query", "is_stored"),
    [
        ("require", {}, False),
        ("require", {"consent": "granted"}, True),
        ("require", {"gdpr": "0"}, True),
        ("record", {"consent": "denied"}, True),
        ("honour", {"consent": "denied"}, False),
    ],
)
def test_the_program_decides_what_silence_and_a_refusal_mean(link, settings, policy, query, is_stored) -> None:
    settings.CLICK_CONSENT = policy
    answer = click(**query)
    assert (Click.objects.get().ip == "203.0.113.9", len(answer.cookies) == 2) == (is_stored, is_stored)
    mark()
    assert bool(Click.objects.get().user_agent) == is_stored


def test_the_tag_hears_whether_it_may_store(link: TrackingLink) -> None:
    said = [json.loads(click(path="/c/ana.json", **query).body) for query in ({}, {"consent": "denied"})]
    assert [each["may_store"] for each in said] == [True, False]
    assert all(each["destination"].startswith("https://shop.example/?btag=") for each in said)


def test_hostile_signals_break_no_row_and_no_header(link: TrackingLink) -> None:
    awkward = "a\tb\\N\n\0\"'<script>ü\u2028%s" + "x" * 300
    answer = visit(lambda client: client.get("/c/ana", query=f"consent={quote(awkward)}&gdpr=%FF&gcs=%0d%0aX".encode()))
    row = Click.objects.get()
    assert (answer.status, row.consent, row.sub1) == (302, "unknown", "")
    assert row.consent_basis.isprintable()


def test_a_click_that_was_put_on_disk_before_there_was_a_consent_is_stored(link: TrackingLink, tmp_path) -> None:
    milliseconds = 1_790_000_000_000
    row = format_row(
        raw_id=codec.new_bytes(link_number=link.pk, milliseconds=milliseconds),
        milliseconds=milliseconds,
        link_number=link.pk,
        ip="203.0.113.9",
        visitor=None,
        texts=[BROWSER, "", "t-1", "", *["x"] * len(SUB_IDS)],
    )
    writer = spool.Spool(tmp_path)
    writer.append([row.removesuffix(b"\t\t\n") + b"\n", row.replace(row[:2], b"ff", 1)])
    writer.close()
    assert drain(tmp_path, connect) == 2
    assert not list((tmp_path).glob("quarantine/*"))
    assert list(Click.objects.values_list("aff_click_id", "sub10", "consent")) == [("t-1", "x", "")] * 2


def test_the_trace_of_a_conversion_names_the_consent() -> None:
    world = World()
    text = world.click(consent="denied")
    send(click_id=text, txid="t-1", event_type="purchase", revenue="40", currency="EUR")
    (step,) = [step for step in Trace.objects.get().steps if step["step"] == "find_click"]
    assert step["input"]["consent"] == "denied"
    assert step["note"].endswith("The visitor's consent: denied.")


def test_a_refusal_is_attributed_and_paid_like_any_other_click(link: TrackingLink) -> None:
    world = World()
    decision = send(
        click_id=world.click(consent="denied"), txid="t-2", event_type="purchase", revenue="40", currency="EUR"
    )
    assert (decision.http_status, Conversion.objects.get().affiliate) == (200, world.ana)
