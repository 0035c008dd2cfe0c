"""Appeals of affiliates against rejections: once, in time, by no other affiliate, answered by an operator."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from affiliates.models import Affiliate, User
from conversions.lifecycle.appeals import AppealRefused, appeal, dismiss, end_decided, uphold
from conversions.lifecycle.operator_decisions import approve
from conversions.models import Appeal, Conversion, RiskPolicy
from dashboard.navigation import waiting
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.conversions.sending import NOW, World, send
from tests.dashboard.portal_pages import as_user, signed_in, words
from tests.factories import AffiliateMemberFactory, OperatorFactory, UserFactory
from tests.payouts.deals import deal, flat

pytestmark = pytest.mark.django_db
QUEUE = "/admin/conversions/appeal/"
WORDS = "The customer deposited 50 EUR on 3 October, see the receipt."


@pytest.fixture
def world(db: None) -> World:
    world = World()
    deal(flat(world.ftd, "120"))
    return world


@pytest.fixture
def rejected(world: World) -> Conversion:
    """A deposit that came in just now, as the portal reads the clock."""
    fields = {"click_id": world.click(), "event_type": "ftd", "txid": "F-1", "customer_id": "carl"}
    send(**fields, revenue="5", currency="EUR", at=timezone.now(), timestamp=NOW.isoformat())
    row = Conversion.objects.get()
    assert (row.status, row.reason) == ("rejected", "below_minimum")
    return row


@pytest.fixture
def ana(world: World) -> Client:
    return signed_in(world.ana, name="Ana")


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def page_of(row: Conversion) -> str:
    return f"/conversions/{row.public_id}/"


def send_appeal(client: Client, row: Conversion, **fields: Any) -> Any:
    return client.post(f"{page_of(row)}appeal/", {"words": WORDS, **fields}, follow=True)


def made(row: Conversion) -> Appeal:
    return appeal(conversion=row, words=WORDS, evidence_url="", user=UserFactory(), now=timezone.now())


def owed() -> Decimal:
    book_changes()
    return sum((row.amount for row in LedgerEntry.objects.all()), Decimal(0))


class TestAffiliate:
    def test_appeals_with_words_and_evidence_and_sees_the_state(self, rejected: Conversion, ana: Client) -> None:
        before = words(ana.get(page_of(rejected)))
        assert "Is the rejection wrong? Say why: an operator will review it again. You can appeal once" in before
        page = words(send_appeal(ana, rejected, evidence_url="https://shop.example/receipt.png"))
        assert "Your appeal was sent." in page
        assert f"Your appeal Open {WORDS} https://shop.example/receipt.png" in page
        row = Appeal.objects.get()
        assert (row.appealed_by.name, row.state, row.due_at - row.opened_at) == ("Ana", "open", timedelta(days=7))
        assert "Appeal: open" in words(ana.get("/conversions/"))

    def test_appeals_once(self, rejected: Conversion, ana: Client) -> None:
        send_appeal(ana, rejected)
        page = words(send_appeal(ana, rejected, words="Something else altogether"))
        assert "was appealed before; an appeal can be made only once" in page
        assert Appeal.objects.get().words == WORDS

    def test_learns_what_is_missing(self, rejected: Conversion, ana: Client) -> None:
        page = send_appeal(ana, rejected, words="Wrong!", evidence_url="javascript:alert(1)")
        assert page.status_code == 400
        assert "Write at least 15 characters" in words(page)
        assert "Enter a valid URL" in words(page)
        assert not Appeal.objects.exists()

    @pytest.mark.parametrize(
        "address", ["ftp://files.example/proof", "data:text/html,hello", "javascript://x.example/a"]
    )
    def test_takes_addresses_of_pages_only(self, rejected: Conversion, ana: Client, address: str) -> None:
        assert send_appeal(ana, rejected, evidence_url=address).status_code == 400

    def test_words_are_shown_as_text(self, rejected: Conversion, ana: Client, desk: Client) -> None:
        send_appeal(ana, rejected, words="<script>alert(1)</script> is no reason\x1b to reject")
        for client, page in ((ana, page_of(rejected)), (desk, QUEUE), (desk, f"{QUEUE}{rejected.pk}/change/")):
            text = client.get(page).content.decode()
            assert "&lt;script&gt;alert(1)&lt;/script&gt; is no reason" in text
            assert "<script>alert(1)" not in text

    def test_another_affiliate_neither_sees_nor_appeals(self, world: World, rejected: Conversion, ana: Client) -> None:
        send_appeal(ana, rejected)
        ben = signed_in(world.ben)
        assert ben.get(page_of(rejected)).status_code == 404
        assert send_appeal(ben, rejected).status_code == 404
        assert WORDS not in ben.get("/conversions/").content.decode()
        assert Appeal.objects.count() == 1

    def test_nor_does_a_stranger_or_an_operator_in_a_preview(self, rejected: Conversion, olga: User) -> None:
        assert Client().post(f"{page_of(rejected)}appeal/", {"words": WORDS}).status_code == 302
        preview = as_user(olga)
        page = words(preview.get(page_of(rejected), {"as": rejected.affiliate.public_id}))
        assert "The affiliate can appeal once" in page
        assert "Send the appeal" not in page
        assert send_appeal(preview, rejected).status_code == 403
        assert not Appeal.objects.exists()

    def test_a_suspended_account_may_appeal(self, rejected: Conversion, ana: Client) -> None:
        Affiliate.objects.update(status=Affiliate.Status.SUSPENDED)
        send_appeal(ana, rejected)
        assert Appeal.objects.count() == 1

    def test_the_time_for_it_ends(self, rejected: Conversion, ana: Client, settings: Any) -> None:
        last = rejected.status_changes.get().at
        given: dict[str, Any] = {"conversion": rejected, "words": WORDS, "evidence_url": "", "user": UserFactory()}
        with pytest.raises(AppealRefused, match="The time to appeal ended on"):
            appeal(**given, now=last + timedelta(days=30, seconds=1))
        settings.APPEAL_DAYS = 0
        assert "Is the rejection wrong?" not in words(ana.get(page_of(rejected)))
        assert "The time to appeal ended on" in words(send_appeal(ana, rejected))
        settings.APPEAL_DAYS = 30
        appeal(**given, now=last + timedelta(days=30))

    def test_only_what_is_rejected(self, world: World, ana: Client, olga: User) -> None:
        send(click_id=world.click(), event_type="purchase", txid="P")
        row = Conversion.objects.get()
        assert "Is the rejection wrong?" not in words(ana.get(page_of(row)))
        assert "This conversion is approved: there is nothing to appeal against." in words(send_appeal(ana, row))

    def test_no_tests(self, world: World, ana: Client) -> None:
        fields = {"event_type": "ftd", "txid": "T", "customer_id": "c", "revenue": "5", "currency": "EUR"}
        send(click_id=world.click(), **fields, test="1", at=timezone.now(), timestamp=NOW.isoformat())
        assert "This is a test" in words(send_appeal(ana, Conversion.objects.get()))

    def test_reads_the_operators_answer(self, rejected: Conversion, ana: Client, olga: User) -> None:
        made(rejected)
        dismiss(conversion_id=rejected.pk, note="The receipt is of another day.", actor=olga, now=timezone.now())
        page = words(ana.get(page_of(rejected)))
        assert "Your appeal Dismissed" in page
        assert "The receipt is of another day." in page
        assert "Send the appeal" not in page


class TestOperator:
    def test_upholds_and_the_commission_follows(self, rejected: Conversion, ana: Client, olga: User) -> None:
        made(rejected)
        uphold(conversion_id=rejected.pk, note="The bank confirmed it.", actor=olga, now=timezone.now())
        rejected.refresh_from_db()
        change = rejected.status_changes.last()
        assert change is not None
        assert (rejected.status, change.reason, change.note, change.actor) == (
            *("approved", "appeal", "The bank confirmed it.", olga),
        )
        assert owed() == 120
        assert "Your appeal Upheld" in words(ana.get(page_of(rejected)))

    @pytest.mark.parametrize("first", [uphold, dismiss])
    @pytest.mark.parametrize("second", [uphold, dismiss])
    def test_answers_once(self, rejected: Conversion, olga: User, first: Any, second: Any) -> None:
        made(rejected)
        given: dict[str, Any] = {"conversion_id": rejected.pk, "actor": olga, "now": timezone.now()}
        first(**given, note="So it is.")
        with pytest.raises(AppealRefused, match="by Olga already"):
            second(**given, note="No, otherwise.")
        assert Appeal.objects.get().note == "So it is."

    def test_the_queue_shows_owner_and_deadline(self, world: World, rejected: Conversion, desk: Client) -> None:
        omar = OperatorFactory(name="Omar")
        RiskPolicy.objects.create(offer=world.offer, owner=omar)
        row = made(rejected)
        assert (row.owner, waiting().appeals) == (omar, 1)
        page = words(desk.get(QUEUE))
        for text in ("Omar", WORDS, "Rejected: the revenue is below the goal's minimum", "Open"):
            assert text in page
        Appeal.objects.update(due_at=timezone.now() - timedelta(hours=1))
        assert "Past its deadline" in words(desk.get(QUEUE, {"state": "overdue"}))

    def test_answers_in_the_panel_with_words(self, rejected: Conversion, desk: Client, olga: User) -> None:
        made(rejected)
        fields = {"action": "uphold", "_selected_action": [rejected.pk], "confirmed": "1"}
        assert "This field is required" in desk.post(QUEUE, fields).content.decode()
        desk.post(QUEUE, fields | {"note": "Confirmed."})
        row = Appeal.objects.get()
        assert (row.state, row.resolved_by, Conversion.objects.get().status) == ("upheld", olga, "approved")
        assert waiting().appeals == 0

    def test_who_may_not_decide_conversions_answers_none(self, rejected: Conversion, client: Client) -> None:
        reader = OperatorFactory()
        reader.user_permissions.set(Permission.objects.filter(codename__in=["view_appeal", "change_appeal"]))
        client.force_login(reader)
        made(rejected)
        assert "Uphold" not in words(client.get(reverse("admin:conversions_appeal_change", args=[rejected.pk])))
        client.post(QUEUE, {"action": "uphold", "_selected_action": [rejected.pk], "confirmed": "1", "note": "x"})
        assert Appeal.objects.get().state == "open"

    def test_evidence_is_followed_without_telling_from_where(self, rejected: Conversion, desk: Client) -> None:
        row = made(rejected)
        Appeal.objects.filter(pk=row.pk).update(evidence_url="https://shop.example/receipt?a=1&b=2")
        page = desk.get(reverse("admin:conversions_appeal_change", args=[row.pk])).content.decode()
        assert 'href="https://shop.example/receipt?a=1&amp;b=2" target="_blank" rel="noopener noreferrer' in page


class TestMeanwhile:
    def test_a_correction_ends_the_appeal_as_upheld(self, world: World, rejected: Conversion, olga: User) -> None:
        made(rejected)
        fields = {"click_id": world.click(), "event_type": "ftd", "txid": "F-1", "customer_id": "carl"}
        send(**fields, revenue="50", currency="EUR", at=timezone.now(), timestamp=NOW.isoformat())
        with pytest.raises(AppealRefused, match="decided again meanwhile"):
            dismiss(conversion_id=rejected.pk, note="No", actor=olga, now=timezone.now())
        assert end_decided(now=timezone.now()) == 1
        row = Appeal.objects.get()
        assert (row.state, row.resolved_by, row.note) == ("upheld", None, "Corrected and decided again.")
        assert end_decided(now=timezone.now()) == 0

    def test_an_approval_on_the_conversions_page_answers_it(self, rejected: Conversion, olga: User) -> None:
        made(rejected)
        approve(conversion_id=rejected.pk, actor=olga, now=timezone.now(), note="Seen the receipt")
        with pytest.raises(AppealRefused, match="was approved meanwhile"):
            uphold(conversion_id=rejected.pk, note="Yes", actor=olga, now=timezone.now())
        end_decided(now=timezone.now())
        row = Appeal.objects.get()
        assert (row.state, row.note, row.resolved_by) == ("upheld", "Seen the receipt", olga)


def test_the_database_wants_a_whole_answer(rejected: Conversion) -> None:
    made(rejected)
    with pytest.raises(IntegrityError, match="appeal_decided_whole"), transaction.atomic():
        Appeal.objects.update(state="dismissed", resolved_at=NOW)


def test_refuses_settings_out_of_range(settings: Any) -> None:
    from conversions.checks import check_appeals

    settings.APPEAL_DAYS, settings.APPEAL_ANSWER_DAYS = 0, 366
    assert [error.msg.split()[0] for error in check_appeals()] == ["APPEAL_DAYS", "APPEAL_ANSWER_DAYS"]


def test_a_former_member_appeals_no_more(rejected: Conversion) -> None:
    member = AffiliateMemberFactory(affiliate=rejected.affiliate)
    client = as_user(member.user)
    member.delete()
    assert send_appeal(client, rejected).status_code == 403
