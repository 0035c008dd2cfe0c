"""The whole story on one page, for each kind of ID that people have."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from conversions.models import Conversion, StatusChange
from dashboard.trace import look_up, story_of
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry, Payout
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period
from tests.conversions.sending import NOW, World, send
from tests.factories import PostbackFactory
from tests.payouts.deals import deal, flat, move, percent
from tracking.models import Click

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


class Story:
    """Carl clicks on Ana's link, registers and deposits; Ana is paid; the deposit turns out to be fraud."""

    def __init__(self, olga) -> None:
        self.world = world = World()
        deal(flat(world.ftd, "120"), percent(world.deposit, "25"))
        self.click = world.click(sub1="blog", aff_click_id="ext-77", user_agent="Firefox on Linux", ip="203.0.113.99")
        carl = {"customer_id": "Carl", "currency": "EUR"}
        self.ftd = send(click_id=self.click, event_type="ftd", txid="F1", revenue="50", **carl)
        self.deposit = send(event_type="deposit", txid="D1", revenue="80", at=NOW + timedelta(hours=1), **carl)
        self.again = send(event_type="deposit", txid="D1", revenue="80", at=NOW + timedelta(hours=2), **carl)
        book_changes(now=NOW + timedelta(hours=3))
        close_period(ends_at=NOW.replace(hour=0) + timedelta(days=2), now=NOW + timedelta(days=2), actor=olga)
        mark_paid(payout=Payout.objects.get(), reference="SEPA-7", actor=olga, now=NOW + timedelta(days=3))
        move(Conversion.objects.get(transaction_id="D1"), Conversion.Status.REJECTED, note="Stolen card", actor=olga)
        book_changes(now=NOW + timedelta(days=4))


@pytest.fixture
def story(olga, db) -> Story:
    return Story(olga)


def read(desk: Client, text: str) -> str:
    response = desk.get("/trace/", {"q": text})
    assert response.status_code == 200
    return response.content.decode()


# What the page says of each part, whichever ID led to it.
CLICK = ("Ana", "Lucky Fox Casino", "blog", "ext-77", "203.0.113.99", "Firefox on Linux")
POSTBACK = ("Parameters, as they were sent", "Answered HTTP 200", "authenticate", "deduplicate", "decide")
MONEY = ("Commission 120.00 EUR", "flat 120.00 EUR", "Standard plan v1", "line #1 of Ana", "SEPA-7")


def has(page: str, *texts: str) -> None:
    text = " ".join(page.replace('<span class="aff-money">', "").replace("</span>", " ").split())
    missing = [each for each in texts if each not in text]
    assert not missing


class TestOnePageShowsAll:
    def test_by_click_id(self, desk, story):
        page = read(desk, story.click)
        has(page, story.click, *CLICK, *POSTBACK, *MONEY, "Counted", "Conversion made, approved")
        has(page, story.ftd.postback_id, story.ftd.body["conversion_id"], "2026-10-")

    def test_by_click_id_with_what_the_customer_did_later(self, desk, story):
        page = read(desk, story.click)
        has(
            page,
            story.deposit.body["conversion_id"],
            "Reversal -20.00 EUR",
            "Approved → Rejected",
            "Stolen card",
            "Olga",
        )

    def test_by_transaction_with_every_repeat(self, desk, story):
        page = read(desk, "D1")
        has(page, story.deposit.postback_id, story.again.postback_id, "Duplicate", "25 % of 80.00 EUR = 20.00 EUR")
        has(page, "The customer&#x27;s lock", *CLICK)

    def test_by_customer(self, desk, story):
        page = read(desk, "Carl")
        has(page, story.ftd.body["conversion_id"], story.deposit.body["conversion_id"], *MONEY)

    @pytest.mark.parametrize("part", ["ftd", "deposit"])
    def test_by_postback_and_conversion(self, desk, story, part):
        decision = getattr(story, part)
        for name, public_id in (
            ("trace:postback", decision.postback_id),
            ("trace:conversion", decision.body["conversion_id"]),
        ):
            page = desk.get(reverse(name, args=[public_id]))
            assert page.status_code == 200
            has(page.content.decode(), decision.postback_id, decision.body["conversion_id"], *CLICK, *POSTBACK)
            has(page.content.decode(), "Other conversions of the same customer")

    def test_the_trace_url_of_the_answer_opens(self, desk, story):
        path = story.ftd.body["trace_url"].split("/", 3)[3]
        assert desk.get(f"/{path}").status_code == 200

    def test_hash_statement_and_payout_are_named(self, desk, story):
        entry = LedgerEntry.objects.get(kind="commission", conversion__transaction_id="F1")
        page = read(desk, "F1")
        has(page, entry.hash, "Period closed: statement 2026-10-16-", "Payout 140.00 EUR", "by Olga, reference SEPA-7")

    def test_a_line_that_no_statement_covers_says_so(self, desk, story):
        has(read(desk, "D1"), "none yet: the period is open")


class TestInOrder:
    def test_events_come_in_the_order_of_time(self, story):
        answer = story_of(look_up(story.click))
        assert [event.at for event in answer.events] == sorted(event.at for event in answer.events)
        assert [event.kind for event in answer.events][:3] == ["click", "postback", "status"]

    def test_each_says_how_long_after_the_first(self, story):
        first, second, *_ = story_of(look_up(story.click)).events
        assert (first.after, second.after) == ("", "1 hour")

    def test_money_is_kept_apart_by_conversion(self, story):
        answer = story_of(look_up("Carl"))
        sums = {each.row.transaction_id: each.commissions for each in answer.conversions}
        assert sums == {"F1": [("EUR", Decimal(120))], "D1": [("EUR", Decimal(0))]}


class TestWithoutAStoredClick:
    def test_the_signature_shows_time_and_link(self, desk, story):
        Click.objects.all().delete()
        page = read(desk, story.click)
        has(page, "A genuine click ID without a stored click", "No stored click", "Ana", "Lucky Fox Casino")
        has(page, "its signature: time and link are part of the ID", story.ftd.body["conversion_id"])


class TestNothingEarned:
    def test_says_why(self, desk):
        world = World()
        deal(flat(world.ftd, "120"))
        send(click_id=world.click(), event_type="registration", txid="R1", customer_id="Carl")
        book_changes()
        has(read(desk, "R1"), "Standard plan v1 has no rule for this goal.")

    def test_or_that_booking_is_due(self, desk):
        world = World()
        deal(flat(world.ftd, "120"))
        send(click_id=world.click(), event_type="ftd", txid="F1", customer_id="Carl", revenue="50", currency="EUR")
        has(read(desk, "F1"), "It earns commission and is due for booking.")


class TestRefused:
    def test_every_problem_is_listed_with_its_remedy(self, desk):
        world = World()
        decision = send(click_id=world.click(), event_type="ftd", revenue="twelve", currency="EURO", txid="X")
        page = desk.get(reverse("trace:postback", args=[decision.postback_id])).content.decode()
        has(page, "Answered HTTP 422", "revenue", "currency", "customer_id", "Send it as 1234.50")

    def test_a_forged_click_id_leads_to_the_postback_that_sent_it(self, desk):
        text = World().click()
        forged = text[:-1] + ("0" if text[-1] != "0" else "1")
        decision = send(click_id=forged, event_type="purchase", txid="1", revenue="5", currency="EUR")
        has(read(desk, forged), "Not a genuine click ID", "Probably meant", text, decision.postback_id, "HTTP 404")

    def test_one_that_was_not_decided_yet_says_so(self, desk):
        row = PostbackFactory()
        has(desk.get(reverse("trace:postback", args=[row.public_id])).content.decode(), "no decision was made yet")

    @pytest.mark.parametrize("name", ["postback", "conversion"])
    def test_an_unknown_address_is_404_and_explained(self, desk, name):
        page = desk.get(reverse(f"trace:{name}", args=["xx_nothing"]))
        assert page.status_code == 404
        has(page.content.decode(), f"No such {name}")

    def test_what_a_sender_wrote_is_shown_as_text(self, desk):
        send(click_id="<script>alert(1)</script>", event_type="ftd", txid="<b>bold</b>")
        page = read(desk, "<b>bold</b>")
        assert "<script>alert(1)" not in page
        assert "<b>bold</b>" not in page


class TestSearch:
    def test_the_first_page_asks_for_any_id(self, desk):
        page = desk.get("/admin/").content.decode()
        assert 'action="/trace/"' in page
        assert "Click ID, transaction, customer, postback or conversion" in page

    def test_the_trace_page_explains_itself(self, desk):
        has(desk.get("/trace/").content.decode(), "What can be traced", "Transaction ID", "Customer ID")

    def test_the_panels_own_search_leads_to_the_story(self, desk, story):
        for text in (story.click, "D1", "Carl", story.ftd.postback_id):
            page = desk.get("/admin/search/", {"s": text, "extended": "1"}).content.decode()
            assert f"/trace/?q={text}" in page, text
        assert "/trace/?q=" not in desk.get("/admin/search/", {"s": "nobody knows", "extended": "1"}).content.decode()

    def test_the_panels_own_search_shows_nothing_without_permission(self, client, story):
        from tests.factories import OperatorFactory

        client.force_login(OperatorFactory())
        assert story.click not in client.get("/admin/search/", {"s": story.click, "extended": "1"}).content.decode()


def test_a_long_story_takes_no_more_queries(story, django_assert_max_num_queries, django_assert_num_queries):
    found = look_up("Carl")
    with django_assert_max_num_queries(16) as few:
        story_of(found)
    for number in range(6):
        send(event_type="deposit", txid=f"D9{number}", customer_id="Carl", revenue="10", currency="EUR")
    book_changes()
    longer = look_up("Carl")
    with django_assert_num_queries(len(few)):
        answer = story_of(longer)
    assert len(answer.conversions) == 8
    assert StatusChange.objects.count() == 9
