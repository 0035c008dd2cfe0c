"""Who sees what: an affiliate its own affairs only, an operator everything and changes nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from affiliates.models import Affiliate, ApiKey, Enrollment, User
from dashboard.portal.urls import urlpatterns
from payouts.models import CommissionPlan, DraftVersion, Invoice, PlanConsent
from payouts.plan_changes.drafts import write_draft
from records.public_ids import offer_id
from tests.dashboard.portal_pages import World, as_user, signed_in, words, world_of
from tests.factories import (
    AffiliateFactory,
    AffiliateMemberFactory,
    ApiKeyFactory,
    LedgerEntryFactory,
    OfferFactory,
    PayoutFactory,
    StatementFactory,
    UserFactory,
)
from tests.payouts.billing import OCTOBER, SEPTEMBER, billed, closed, earn, issuer
from tests.payouts.deals import flat
from tracking.models import TrackingLink

PLAIN = [str(pattern.name) for pattern in urlpatterns if "<" not in str(pattern.pattern)]
PAGES = [name for name in PLAIN if name not in ("switch", "leave_preview", "end_self_billing")]
LISTS = ["offers", "links", "conversions", "clicks", "earnings", "statements", "payouts", "invoices"]


@dataclass
class Things:
    """One of each kind that belongs to an affiliate."""

    world: World
    addresses: dict[str, str]


@pytest.fixture
def bens(ben: Affiliate) -> Things:
    world = world_of(ben, status="paused", name="Ben's secret offer")
    world.click(sub1="bens-sub")
    conversion = world.conversion(transaction_id="bens-tx")
    invoice = invoice_of(ben)
    statement = invoice.statement
    PayoutFactory(statement=StatementFactory(affiliate=ben, currency="USD"), reference="bens-reference")
    key = ApiKeyFactory(affiliate=ben, name="Ben's key")
    draft = draft_for(ben, world)
    code, number = world.link.code, statement.number
    return Things(
        world,
        {
            "offer": reverse("portal:offer", args=[world.offer.public_id]),
            "link": reverse("portal:link", args=[code]),
            "link_qr_svg": reverse("portal:link_qr_svg", args=[code]),
            "link_qr_png": reverse("portal:link_qr_png", args=[code]),
            "edit_link": reverse("portal:edit_link", args=[code]),
            "conversion": reverse("portal:conversion", args=[conversion.public_id]),
            "appeal": reverse("portal:appeal", args=[conversion.public_id]),
            "statement": reverse("portal:statement", args=[number]),
            "statement_export": reverse("portal:statement_export", args=[number]),
            "statement_pdf": reverse("portal:statement_pdf", args=[number]),
            "statement_proof": reverse("portal:statement_proof", args=[number]),
            "change_of_terms": reverse("portal:change_of_terms", args=[draft.public_id]),
            "invoice_pdf": reverse("portal:invoice_pdf", args=[invoice.number]),
            "invoice_json": reverse("portal:invoice_json", args=[invoice.number]),
            "invoice_csv": reverse("portal:invoice_csv", args=[invoice.number]),
            "apply": reverse("portal:apply", args=[world.offer.public_id]),
            "link_state": reverse("portal:link_state", args=[code]),
            "edit_api_key": reverse("portal:edit_api_key", args=[key.pk]),
            "rotate_api_key": reverse("portal:rotate_api_key", args=[key.pk]),
            "revoke_api_key": reverse("portal:revoke_api_key", args=[key.pk]),
        },
    )


def invoice_of(affiliate: Affiliate) -> Invoice:
    """The invoice for a bonus, written by a close."""
    issuer()
    billed(affiliate)
    earn(affiliate, "100", SEPTEMBER, why="A bonus for Ben")
    closed(OCTOBER)
    return Invoice.objects.get(affiliate=affiliate)


def draft_for(affiliate: Affiliate, world: World) -> DraftVersion:
    """A change of terms that the affiliate has answered."""
    plan, now = CommissionPlan.objects.get(offer=world.offer), timezone.now()
    draft = write_draft(plan=plan, rules=[flat(world.goal, "1")], effective_from=now, note="", actor=None, now=now)
    PlanConsent.objects.create(
        draft=draft,
        digest=draft.digest,
        affiliate=affiliate,
        answer=PlanConsent.Answer.ACCEPTED,
        source=PlanConsent.Source.PORTAL,
        answered_by=UserFactory(),
    )
    return draft


POSTED = ("appeal", "apply", "link_state", "revoke_api_key", "rotate_api_key")


def ask(client: Client, name: str, address: str) -> int:
    if name in POSTED:
        return client.post(address, {"words": "It was a real sale, see the receipt.", "keep_hours": "24"}).status_code
    return client.get(address).status_code


def test_every_address_with_an_object_is_tried_below(bens: Things) -> None:
    assert set(bens.addresses) == {str(each.name) for each in urlpatterns if "<" in str(each.pattern)}


@pytest.mark.parametrize("name", PAGES)
def test_asks_a_stranger_to_sign_in(db: None, client: Client, name: str) -> None:
    response = client.get(reverse(f"portal:{name}"))

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_rivals_objects_are_unknown(ana: Affiliate, bens: Things) -> None:
    client = signed_in(ana)

    assert {name: ask(client, name, address) for name, address in bens.addresses.items()} == dict.fromkeys(
        bens.addresses, 404
    )
    assert ApiKey.objects.get(name="Ben's key").revoked_at is None
    assert TrackingLink.objects.get(pk=bens.world.link.pk).is_active


def test_the_owner_reaches_them(ben: Affiliate, bens: Things) -> None:
    key = ApiKey.objects.get(name="Ben's key")
    AffiliateMemberFactory(affiliate=ben, user=key.user)
    client = as_user(key.user)

    answers = {name: ask(client, name, address) for name, address in bens.addresses.items()}

    assert set(answers.values()) == {200, 302}


@pytest.mark.parametrize("name", [*LISTS, "overview", "api_keys"])
def test_a_rivals_rows_are_in_no_list(ana: Affiliate, bens: Things, name: str) -> None:
    text = words(signed_in(ana).get(reverse(f"portal:{name}")))

    assert "Ben" not in text
    assert "bens-" not in text


@pytest.mark.parametrize("name", LISTS)
def test_a_rivals_rows_are_in_no_export(ana: Affiliate, bens: Things, name: str) -> None:
    response = signed_in(ana).get(reverse(f"portal:{name}_export"))

    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Ben" not in text
    assert "bens-" not in text
    assert len(text.splitlines()) == 1


def test_a_filter_cannot_name_a_rivals_link_or_offer(ana: Affiliate, bens: Things) -> None:
    client = signed_in(ana)

    for address in (f"/clicks/?link={bens.world.link.code}", f"/conversions/?offer={bens.world.offer.public_id}"):
        assert "not one of the available choices" in words(client.get(address))


def test_an_affiliate_is_chosen_among_ones_own(ana: Affiliate, ben: Affiliate) -> None:
    user = UserFactory()
    second = AffiliateFactory(name="Zoe's second site")
    for affiliate in (ana, second):
        AffiliateMemberFactory(affiliate=affiliate, user=user)
    client = as_user(user)

    client.post("/switch/", {"affiliate": second.public_id})
    assert client.get("/").context["portal"].affiliate == second
    client.post("/switch/", {"affiliate": ben.public_id})
    assert client.get("/").context["portal"].affiliate == second


def test_someone_without_an_affiliate_learns_what_to_do(db: None) -> None:
    response = as_user(UserFactory()).get("/")

    assert response.status_code == 403
    assert "Ask the operator who invited you" in words(response)


def test_an_operator_lands_in_the_panel(olga: User) -> None:
    response = as_user(olga).get("/")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_an_operator_looks_at_an_affiliate_with_a_banner(olga: User, ana: Affiliate) -> None:
    world_of(ana)
    client = as_user(olga)

    assert "You are viewing Ana as an operator" in words(client.get(f"/?as={ana.public_id}"))
    assert "Front page" in words(client.get("/links/"))


def test_an_operator_changes_nothing_in_a_preview(olga: User, ana: Affiliate) -> None:
    world, offer = world_of(ana), OfferFactory()
    client = as_user(olga)
    client.get(f"/?as={ana.public_id}")

    for address, data in (
        (f"/offers/{offer.public_id}/apply/", {}),
        (f"/link/{world.link.code}/state/", {"active": "no"}),
        (f"/link/{world.link.code}/edit/", {"name": "Changed"}),
        ("/links/new/", {"enrollment": world.enrollment.pk, "name": "New"}),
        ("/settings/api-keys/", {"name": "Mine"}),
    ):
        response = client.post(address, data)
        assert response.status_code == 403
        assert "A preview only shows" in words(response)
    assert Enrollment.objects.count() == 1
    assert TrackingLink.objects.get().name == "Front page"
    assert not ApiKey.objects.exists()


def test_an_operator_leaves_the_preview(olga: User, ana: Affiliate) -> None:
    client = as_user(olga)
    client.get(f"/?as={ana.public_id}")

    assert client.get("/leave-preview/")["Location"] == "/admin/"
    assert client.get("/")["Location"] == "/admin/"


def test_an_affiliate_cannot_preview_another(ana: Affiliate, ben: Affiliate) -> None:
    assert signed_in(ana).get(f"/?as={ben.public_id}").context["portal"].affiliate == ana


@pytest.mark.parametrize(
    ("status", "expected"),
    [("pending", "waits for approval"), ("suspended", "is suspended"), ("closed", "is closed")],
)
def test_an_account_that_is_not_active_is_shown_why(db: None, status: str, expected: str) -> None:
    client = signed_in(AffiliateFactory(status=status, status_note="We check your website."))

    text = words(client.get("/"))
    assert expected in text
    assert "We check your website." in text


@pytest.mark.parametrize("status", ["pending", "suspended", "closed"])
def test_an_account_that_is_not_active_cannot_act(db: None, status: str) -> None:
    affiliate = AffiliateFactory(status=status)
    world, client = world_of(affiliate), signed_in(affiliate)

    for address in ("/links/new/", f"/link/{world.link.code}/state/", f"/offers/{OfferFactory().public_id}/apply/"):
        assert client.post(address, {"enrollment": world.enrollment.pk, "active": "no"}).status_code == 403
    assert TrackingLink.objects.get().is_active
    assert Enrollment.objects.count() == 1


@pytest.mark.parametrize("name", [name for name in PAGES if not name.endswith(("export", "proof"))])
def test_pages_hold_the_strict_content_policy(ana: Affiliate, name: str) -> None:
    world_of(ana).conversion()

    response = signed_in(ana).get(reverse(f"portal:{name}"))

    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=\"", html)
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", html, re.S)
    assert all('type="application/json"' in attributes or not body.strip() for attributes, body in scripts)
    assert not re.search(r"(src|href)=\"(https?:)?//", html)


@pytest.mark.parametrize("name", PAGES)
def test_pages_about_money_are_kept_by_no_cache(ana: Affiliate, name: str) -> None:
    assert "no-store" in signed_in(ana).get(reverse(f"portal:{name}"))["Cache-Control"]


def test_unknown_ids_are_not_found(ana: Affiliate) -> None:
    client = signed_in(ana)

    for address in (f"/offers/{offer_id()}/", "/link/nolink/", "/conversions/cv_none/", "/earnings/statements/none/"):
        assert client.get(address).status_code == 404


def test_a_draft_offer_is_seen_by_no_one(ana: Affiliate) -> None:
    draft = OfferFactory(status="draft", name="Not yet")
    client = signed_in(ana)

    assert "Not yet" not in words(client.get("/offers/"))
    assert client.get(f"/offers/{draft.public_id}/").status_code == 404


# What each page may ask the database, with one row or many: session, user, affiliates, then its own.
BUDGETS = {
    # One of them asks for changes of terms that wait for an answer.
    "overview": 16,
    "offers": 11,
    "links": 11,
    "conversions": 9,
    "clicks": 7,
    "earnings": 12,
    "statements": 6,
    "payouts": 6,
    "invoices": 6,
    "api_keys": 5,
}


@pytest.mark.parametrize("name", BUDGETS)
def test_pages_keep_their_query_budget(
    ana: Affiliate, name: str, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    client = signed_in(ana)
    for number in range(5):
        world = world_of(ana)
        for _ in range(3):
            click = world.click(sub1="a")
            conversion = world.conversion(click_id=click.pk)
            LedgerEntryFactory(affiliate=ana, kind="commission", conversion=conversion)
        currency = ("EUR", "USD", "GBP", "JPY", "BTC")[number]
        PayoutFactory(statement=StatementFactory(affiliate=ana, currency=currency))
        ApiKeyFactory(affiliate=ana)

    with django_assert_max_num_queries(BUDGETS[name]):  # type: ignore[attr-defined]
        assert client.get(reverse(f"portal:{name}")).status_code == 200
