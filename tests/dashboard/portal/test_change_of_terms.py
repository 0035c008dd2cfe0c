"""A change of terms that begins in the past: drafting and asking in the panel, answering in the portal."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from affiliates.models import Affiliate, User
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, DraftVersion, LedgerEntry, PlanConsent, PlanVersion, WhatIf
from payouts.plan_changes.consent_requests import ask_for_consent, waiting_for
from payouts.plan_changes.drafts import change_draft, publish_draft, withdraw_draft, write_draft
from tests.dashboard.portal_pages import World, as_user, signed_in, words, world_of
from tests.factories import AffiliateMemberFactory
from tests.payouts.deals import flat

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(ana: Affiliate, ben: Affiliate) -> World:
    """120 EUR for a first deposit. Ana has two of three days ago, Ben one; all booked."""
    world = world_of(ana, name="LuckyFox")
    for affiliate in (ana, ana, ben):
        world.conversion(affiliate=affiliate, ago=timedelta(days=3))
    book_changes()
    return world


@pytest.fixture
def plan(world: World) -> CommissionPlan:
    return CommissionPlan.objects.get()


@pytest.fixture
def draft(world: World, plan: CommissionPlan) -> DraftVersion:
    now = datetime.now(UTC)
    given = {"rules": [flat(world.goal, "100")], "effective_from": now - timedelta(days=10), "note": ""}
    return write_draft(plan=plan, actor=None, now=now, **given)  # type: ignore[arg-type]


@pytest.fixture
def asked(draft: DraftVersion, olga: User) -> DraftVersion:
    ask_for_consent(draft=draft, actor=olga, now=datetime.now(UTC))
    draft.refresh_from_db()
    return draft


@pytest.fixture
def desk(olga: User) -> Client:
    return as_user(olga)


def at(draft: DraftVersion) -> str:
    return reverse("portal:change_of_terms", args=[draft.public_id])


def action_url(draft: DraftVersion, name: str) -> str:
    return reverse(f"admin:payouts_draftversion_{name}", args=[draft.pk])


def reply(client: Client, draft: DraftVersion, answer: str, digest: str = "") -> str:
    response = client.post(at(draft), {"answer": answer, "digest": digest or draft.digest}, follow=True)
    assert response.status_code == 200
    return words(response)


class TestThePortal:
    def test_reports_the_question_and_what_it_means(self, asked: DraftVersion, ana: Affiliate) -> None:
        client = signed_in(ana)
        assert "The terms of LuckyFox are to change for events since" in words(client.get("/"))
        page = words(client.get(at(asked)))
        assert "First deposit (FTD) 120.00 EUR 100.00 EUR" in page
        # Two events: 2 x 120 = 240 now, 2 x 100 = 200 then.
        assert "240.00 EUR 200.00 EUR 40.00 EUR less" in page

    def test_an_owner_accepts_and_it_is_kept_with_time_user_and_address(
        self, asked: DraftVersion, ana: Affiliate
    ) -> None:
        client = signed_in(ana, name="Ana Duarte")
        page = reply(client, asked, "accept")
        assert "You have accepted the change. It is on record." in page
        kept = PlanConsent.objects.get()
        assert (kept.affiliate, kept.answer, kept.source, kept.address) == (ana, "accepted", "portal", "127.0.0.1")
        assert kept.answered_by.name == "Ana Duarte"
        assert kept.shown["money"] == ["40.00 EUR less"]
        assert kept.shown["terms"][0]["after"] == "100.00 EUR"
        assert waiting_for(ana) == []
        assert "LuckyFox are to change" not in words(client.get("/"))

    def test_a_consent_may_be_taken_back_until_it_is_in_force(self, asked: DraftVersion, ana: Affiliate) -> None:
        client = signed_in(ana)
        reply(client, asked, "accept")
        assert "You have declined the change." in reply(client, asked, "decline")
        assert [each.answer for each in PlanConsent.objects.order_by("pk")] == ["accepted", "declined"]

    def test_terms_that_were_changed_meanwhile_are_not_agreed_to(
        self, asked: DraftVersion, ana: Affiliate, world: World, olga: User
    ) -> None:
        client = signed_in(ana)
        change_draft(
            draft=asked, rules=[flat(world.goal, "1")], effective_from=asked.effective_from, note="",
            now=datetime.now(UTC),
        )  # fmt: skip
        assert (
            "The terms were changed meanwhile"
            in words(client.post(at(asked), {"answer": "accept", "digest": asked.digest}, follow=True))
            or not PlanConsent.objects.exists()
        )
        assert not PlanConsent.objects.exists()

    def test_only_owners_answer(self, asked: DraftVersion, ana: Affiliate) -> None:
        member = AffiliateMemberFactory(affiliate=ana, roles=["read_only"])
        client = as_user(member.user)
        assert "Only an owner of the account can answer." in words(client.get(at(asked)))
        assert client.post(at(asked), {"answer": "accept", "digest": asked.digest}).status_code == 403
        assert not PlanConsent.objects.exists()

    def test_others_do_not_see_it(self, asked: DraftVersion, olga: User) -> None:
        stranger = AffiliateMemberFactory()
        client = as_user(stranger.user)
        assert client.get(at(asked)).status_code == 404
        reply(client, asked, "accept")
        assert not PlanConsent.objects.exists()
        assert "are to change" not in words(client.get("/"))

    def test_an_operator_who_looks_on_cannot_answer(self, asked: DraftVersion, ana: Affiliate, desk: Client) -> None:
        assert desk.get(at(asked), {"as": ana.public_id}).status_code == 200
        assert desk.post(at(asked), {"answer": "accept", "digest": asked.digest}).status_code == 403
        assert not PlanConsent.objects.exists()

    def test_a_draft_that_no_one_was_asked_about_is_not_shown(self, draft: DraftVersion, ana: Affiliate) -> None:
        assert signed_in(ana).get(at(draft)).status_code == 404

    def test_shows_what_became_of_it(self, asked: DraftVersion, ana: Affiliate) -> None:
        client = signed_in(ana)
        reply(client, asked, "decline")
        withdraw_draft(draft=asked, now=datetime.now(UTC))
        assert "This change was withdrawn. Nothing changes." in words(client.get(at(asked)))
        assert "withdrawn already" in reply(client, asked, "accept")


class TestThePanel:
    def form(self, world: World, since: datetime, amount: str, part: str = "publish") -> dict[str, str]:
        rule = {"kind": "flat", "goal": str(world.goal.pk), "amount": amount, "currency": "EUR"}
        begins = {"effective_from_0": f"{since:%Y-%m-%d}", "effective_from_1": "00:00"}
        return {"rule": "r1", "note": "Cut", "part": part, **begins, **{f"rule-r1-{k}": v for k, v in rule.items()}}

    def test_a_cut_of_the_past_is_refused_and_leads_to_a_draft(
        self, desk: Client, world: World, plan: CommissionPlan
    ) -> None:
        path = reverse("admin:payouts_commissionplan_new_version", args=[plan.pk])
        since = datetime.now(UTC) - timedelta(days=9)
        assert "2 of 2 consents are missing (Ana, Ben). Ask the affiliates" in words(
            desk.post(path, self.form(world, since, "100"))
        )
        page = desk.post(path, self.form(world, since, "100", "draft"), follow=True).content.decode()
        address = reverse("admin:payouts_draftversion_change", args=[DraftVersion.objects.get().pk])
        assert address in page
        page = words(desk.get(address))
        assert "0 of 2 concerned have accepted. No affiliate was asked yet." in page
        assert "First deposit (FTD) 120.00 EUR 100.00 EUR" in page

    def test_a_draft_is_changed_on_the_plans_form(self, desk: Client, world: World, asked: DraftVersion) -> None:
        form = desk.get(action_url(asked, "rewrite"), follow=True)
        assert 'value="100"' in form.content.decode()
        path = form.redirect_chain[-1][0]
        desk.post(path, self.form(world, asked.effective_from, "110", "draft"))
        asked.refresh_from_db()
        assert (asked.rules["rules"][0]["amount"], asked.asked_at) == ("110", None)

    def test_asking_computes_the_money_and_writes_to_owners_who_have_not_answered(
        self, desk: Client, draft: DraftVersion, ana: Affiliate, ben: Affiliate, mailoutbox: list[EmailMessage]
    ) -> None:
        owners = [AffiliateMemberFactory(affiliate=each).user.email for each in (ana, ben)]
        assert "2 affiliates concerned" in words(desk.get(action_url(draft, "ask_for_consent")))
        page = words(desk.post(action_url(draft, "ask_for_consent"), {"confirmed": "yes"}, follow=True))
        assert sorted(to for mail in mailoutbox for to in mail.to) == sorted(owners)
        assert "Asked" in page
        assert WhatIf.objects.get().draft == draft
        draft.refresh_from_db()
        reply(signed_in(ana), draft, "accept")
        mailoutbox.clear()
        page = words(desk.post(action_url(draft, "ask_for_consent"), {"confirmed": "yes"}, follow=True))
        assert [mail.to for mail in mailoutbox] == [[owners[1]]]
        assert "1 of 2 concerned have accepted." in page
        assert "40.00 EUR less" in page

    def test_records_an_answer_to_the_terms_that_were_shown(
        self, desk: Client, draft: DraftVersion, ana: Affiliate, world: World, olga: User
    ) -> None:
        path = action_url(draft, "record_consent")
        assert draft.digest in desk.get(path).content.decode()
        given = {"confirmed": "yes", "affiliate": ana.pk, "answer": "accepted", "evidence_file": "letter.pdf"}
        given |= {"evidence": "Letter of 3 May", "digest": draft.digest}
        page = words(desk.post(path, given, follow=True))
        kept = PlanConsent.objects.get()
        assert (kept.answered_by, kept.source, kept.evidence_file) == (olga, "operator", "letter.pdf")
        assert f"Recorded by an operator: Letter of 3 May ({olga})" in page
        change_draft(
            draft=draft, rules=[flat(world.goal, "1")], effective_from=draft.effective_from, note="",
            now=datetime.now(UTC),
        )  # fmt: skip
        assert "The terms were changed meanwhile" in words(desk.post(path, given))

    def test_publishes_once_all_have_agreed_and_books_the_difference(
        self, desk: Client, asked: DraftVersion, ana: Affiliate, ben: Affiliate
    ) -> None:
        reply(signed_in(ana), asked, "accept")
        path = action_url(asked, "publish")
        assert "1 of 2 consents are missing (Ben)" in words(desk.post(path, {"confirmed": "yes"}))
        reply(signed_in(ben), asked, "accept")
        assert "is in force from" in words(desk.post(path, {"confirmed": "yes"}, follow=True))
        book_changes()
        amounts = LedgerEntry.objects.filter(affiliate=ben).order_by("sequence").values_list("amount", flat=True)
        assert list(amounts) == [120, -120, 100]
        assert desk.get(action_url(asked, "publish")).status_code in (200, 302)
        assert "published already" in words(desk.post(path, {"confirmed": "yes"}))
        version = PlanVersion.objects.get(number=2)
        page = words(desk.get(reverse("admin:payouts_planversion_change", args=[version.pk])))
        assert "2 affiliates answered exactly these terms." in page

    def test_a_closed_draft_offers_no_actions(self, desk: Client, asked: DraftVersion) -> None:
        page = desk.get(reverse("admin:payouts_draftversion_change", args=[asked.pk])).content.decode()
        assert action_url(asked, "publish") in page
        assert action_url(asked, "rewrite") in page
        withdraw_draft(draft=asked, now=datetime.now(UTC))
        page = desk.get(reverse("admin:payouts_draftversion_change", args=[asked.pk])).content.decode()
        for name in ("publish", "rewrite", "ask_for_consent", "record_consent", "withdraw"):
            assert action_url(asked, name) not in page

    def test_a_what_if_of_the_list_of_versions_is_shown_with_chart_and_file(
        self, desk: Client, draft: DraftVersion, ana: Affiliate
    ) -> None:
        path = reverse("admin:payouts_whatif_try_version")
        since = datetime.now(UTC) - timedelta(days=20)
        given = {"confirmed": "yes", "tried": f"draft-{draft.pk}", "starts_on": f"{since:%Y-%m-%d}"}
        response = desk.post(path, {**given, "ends_on": f"{datetime.now(UTC):%Y-%m-%d}"}, follow=True)
        page = words(response)
        assert "Ana 240.00 EUR 200.00 EUR 40.00 EUR less" in page
        assert "Affiliates: 0 gain, 2 lose, 0 unchanged" in page
        assert "60.00 EUR less" in page
        assert "-16.7 %" in page
        assert "flat 120.00 EUR for First deposit (FTD)" in page
        assert 'data-type="bar"' in response.content.decode()
        row = WhatIf.objects.get()
        download = desk.get(reverse("admin:payouts_whatif_download", args=[row.pk]))
        assert download["Content-Type"].startswith("text/csv")
        lines = b"".join(download.streaming_content).decode().splitlines()
        assert lines[1] == f"Ana,{ana.public_id},EUR,240,200,-40,240,200"

    def test_a_period_ahead_is_refused(self, desk: Client, draft: DraftVersion) -> None:
        since = datetime.now(UTC) + timedelta(days=2)
        given = {
            "confirmed": "yes",
            "starts_on": f"{since:%Y-%m-%d}",
            "ends_on": f"{since + timedelta(days=1):%Y-%m-%d}",
        }
        assert "lie in the past" in words(desk.post(action_url(draft, "try_draft"), given))

    def test_one_at_work_renews_itself(self, desk: Client, plan: CommissionPlan) -> None:
        now = datetime.now(UTC)
        row = WhatIf.objects.create(
            plan=plan, tried="A draft", rules={"rules": []}, digest="", starts_at=now - timedelta(days=1), ends_at=now,
            total=10, done=4,
        )  # fmt: skip
        path = reverse("admin:payouts_whatif_change", args=[row.pk])
        page = desk.get(path)
        assert "4 of 10 events" in words(page)
        assert "every 2s" in page.content.decode()
        WhatIf.objects.update(state="done", finished_at=now)
        assert desk.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
        assert "No event of the period earns anything" in words(desk.get(path))


def test_a_raise_for_everybody_is_published_from_a_draft_without_asking(
    world: World, plan: CommissionPlan, desk: Client
) -> None:
    now = datetime.now(UTC)
    draft = write_draft(
        plan=plan,
        rules=[flat(world.goal, "150")],
        effective_from=now - timedelta(days=10),
        note="",
        actor=None,
        now=now,
    )
    version = publish_draft(draft=draft, actor=None, now=now)
    page = words(desk.get(reverse("admin:payouts_planversion_change", args=[version.pk])))
    assert "No affiliate lost by it: 2 sums, as they stood when it was published." in page
    assert "Ana 60.00 EUR more 60.00 EUR more" in page
    book_changes()
    assert LedgerEntry.objects.filter(amount=Decimal(150)).count() == 3
