"""Operators' names, risk points and limits, the advertiser's revenue and other affiliates: nowhere in what Ana reads.

Rows are filled with values that stand nowhere else; every page, file, answer and mail of Ana's is searched for them.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from reportlab.pdfgen.textobject import PDFTextObject

from affiliates.models import AffiliateMember, ApiKey, User
from conversions.lifecycle import appeals
from conversions.lifecycle.operator_decisions import reject
from conversions.lifecycle.refunds import refund
from conversions.models import Conversion, RiskPolicy, StatusChange
from conversions.reasons.codes import Reason
from payouts.invoicing.billing import set_details
from payouts.ledger.booking import adjust, book_changes
from payouts.models import Statement
from payouts.paying.methods import set_method
from payouts.statements.statements import close_period
from tests.conversions.sending import NOW, World, send
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory, InvoiceFactory, SuperuserFactory
from tests.payouts.deals import deal, flat
from tests.reach.addresses import registered
from tests.rest import key_of

pytestmark = pytest.mark.django_db

# By what each is, texts that stand nowhere else.
HIDDEN = {
    "the operator's name": "Zoltana",
    "the operator's address": "zoltana@operator.example",
    "risk points": "4711",
    "a risk threshold": "5309",
    "a limit of a signal": "86413",
    "the advertiser's revenue": "977.31",
    "a refund": "13.57",
    "the revenue that is left": "963.74",
    "a rival's name": "Rivalissima",
    "a rival's commission": "38.19",
    "the sender's address": "198.51.100.20",
    "the visitor's address": "203.0.113.77",
    "the customer's ID": "player-4242-of-fox",
    "the sender's token": "aft_the_token",
}


@pytest.fixture
def printed(monkeypatch) -> list[str]:
    """What was printed on paper: PDF has it as numbers of glyphs, so it is read where it is drawn."""
    words: list[str] = []
    draw = PDFTextObject._formatText

    def note(self: PDFTextObject, text: str) -> Any:
        words.append(text)
        return draw(self, text)

    monkeypatch.setattr(PDFTextObject, "_formatText", note)
    return words


@pytest.fixture
def boss() -> User:
    return SuperuserFactory(name="Zoltana", email="zoltana@operator.example")


@pytest.fixture
def world(boss: User) -> World:
    """Ana with a sale, one on hold, one rejected and appealed, a refund, an adjustment, a statement and an invoice."""
    world = World()
    world.ben.name = "Rivalissima"
    world.ben.save()
    deal(flat(world.purchase, "120"))
    asked = {"event_type": "purchase", "customer_id": "player-4242-of-fox", "revenue": "977.31", "status": "approved"}
    send(click_id=world.click(ip="203.0.113.77"), txid="1", **asked)
    send(click_id=world.click(ip="203.0.113.77"), txid="2", **asked)
    send(click_id=world.click(world.ben_link), txid="3", **{**asked, "customer_id": "another"})
    sold, rejected = Conversion.objects.filter(affiliate=world.ana).order_by("pk")[:2]
    given = {"source": StatusChange.Source.POSTBACK, "now": NOW}
    refund(conversion=sold, amount=Decimal("13.57"), refund_id="R", occurred_at=NOW, **given)
    book_changes(now=NOW)
    reject(conversion_id=rejected.pk, reason=Reason.FRAUD, note="Three accounts on one card.", actor=boss, now=NOW)
    owner = AffiliateMember.objects.create(affiliate=world.ana, user=AffiliateMemberFactory().user, roles=["owner"])
    now = datetime.now(UTC)
    appeals.appeal(conversion=rejected, words="It was real.", evidence_url="", user=owner.user, now=NOW)
    RiskPolicy.objects.create(
        offer=world.offer, owner=boss, bot_click=4711, too_fast=4711, threshold=5309, fast_seconds=86413
    )
    held = world.click(is_bot=True, marked_at=NOW, ip="203.0.113.77")
    send(click_id=held, txid="5", event_type="purchase", customer_id="player-4242-of-fox", revenue="977.31")
    adjust(
        affiliate=world.ben, amount=Decimal("38.19"), currency="EUR", arithmetic="Bonus", actor=boss,
        now=NOW - timedelta(days=2),
    )  # fmt: skip
    adjust(affiliate=world.ana, amount=Decimal(5), currency="EUR", arithmetic="Bonus", actor=boss, now=NOW)
    set_method(affiliate=world.ana, kind="paypal", details={"email": "ana@example.com"}, actor=boss, now=now)
    set_details(
        affiliate=world.ana,
        given={"party": "private", "is_small_business": False, "legal_name": "Ana", "address": "Town", "country": "FR"},
        actor=boss,
        now=now,
    )
    ApiKey.objects.create(user=boss, affiliate=world.ana, name="ours", digest="0" * 64, hint="afk_")
    close_period(ends_at=datetime(2026, 11, 1, tzinfo=UTC), actor=boss, now=now)
    InvoiceFactory(statement=Statement.objects.get(affiliate=world.ana))
    return world


def values(world: World) -> dict[str, list[str]]:
    """What Ana's addresses name, by a word of their route."""
    ana = world.ana
    return {
        "conversions": list(Conversion.objects.filter(affiliate=ana).values_list("public_id", flat=True)),
        "offers": [world.offer.public_id],
        "link": [world.ana_link.code],
        "links": [world.ana_link.code],
        "statements": list(Statement.objects.filter(affiliate=ana).values_list("number", flat=True)),
        "invoices": list(ana.invoices.values_list("number", flat=True)),
        "payouts": list(ana.payouts.values_list("public_id", flat=True)),
    }


def filled(route: str, known: dict[str, list[str]]) -> list[str]:
    """The route with each value that fits; none for what Ana has no row of."""
    plain = re.sub(r"\(\?P(<\w+>)[^()]*\)", r"\1", route).replace("^", "").replace("/?$", "/").replace("$", "")
    if "<" not in plain:
        return [plain]
    noun = next((part for part in reversed(plain.split("<")[0].split("/")) if part in known), "")
    return [re.sub(r"<[^>]*>", value, plain) for value in known.get(noun, [])]


# Addresses that are posted to, or lead away.
NOT_READ = {"switch", "leave_preview", "apply", "link_state", "appeal", "end_self_billing", "revoke_api_key"}


def addresses(world: World) -> list[str]:
    known = values(world)
    portal = [(name, route) for space, name, route in registered() if space == "portal" and name not in NOT_READ]
    api = [(name, route) for _, name, route in registered() if route.startswith("api/v1/") or "^v1" in route]
    found = [f"/{address}" for _, route in [*portal, *api] for address in filled(route, known)]
    found += [f"/api/v1/trace/?id={row}" for row in known["conversions"]]
    return [*found, f"/api/v1/funnel/?offer={world.offer.public_id}"]


def text_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(body.decode(errors="replace"))


def everything(world: World) -> dict[str, str]:
    """Each address that answers Ana's owner, in the portal and with a key, with its text."""
    user = AffiliateMember.objects.filter(affiliate=world.ana, roles=["owner"]).latest("pk").user
    AffiliateMember.objects.filter(user=user).exclude(affiliate=world.ana).delete()
    portal, script = as_user(user), Client(headers={"Authorization": f"Bearer {key_of(world.ana)}"})
    shown = {}
    for address in addresses(world):
        answer = (script if address.startswith("/api/") else portal).get(address)
        assert answer.status_code < 500, address
        if answer.status_code == 200:
            # Amounts as plain digits, without the marks between thousands.
            shown[address] = re.sub(r"(?<=\d)[,\u202f\xa0 ](?=\d{3})", "", text_of(answer))
    return shown


def test_nothing_hidden_stands_in_anything_that_an_affiliate_reads(world, mailoutbox, printed):
    shown = everything(world)
    assert "Statement" in " ".join(printed)
    mails = "\n".join(f"{mail.subject}\n{mail.body}" for mail in mailoutbox if "operator.example" not in mail.to[0])
    found = {
        (address, what)
        for address, text in {**shown, "mails": mails, "on paper": " ".join(printed)}.items()
        for what, value in HIDDEN.items()
        if re.search(rf"(?<!\d){re.escape(value)}(?!\d)", text)
    }
    assert found == set()


def test_the_pages_were_read_with_rows_on_them(world):
    """Or the test above would find nothing whatever stood there."""
    shown = everything(world)
    assert len(shown) > 50
    text = "\n".join(shown.values())
    written = ("120.00", "Bonus", "It was real.", "Three accounts on one card.")
    assert {each for each in written if each not in text} == set()
    assert "an operator decides" in text
    assert {name for name in ("pdf", "export", "proof") if not any(name in address for address in shown)} == set()


def test_the_operator_does_read_them(world, boss):
    """The values are there: the search for them is not in vain."""
    client = as_user(boss)
    rows = Conversion.objects.filter(affiliate=world.ana)
    text = "\n".join(client.get(f"/trace/conversion/{row.public_id}/").content.decode() for row in rows)
    text += client.get("/admin/payouts/ledgerentry/").content.decode()
    unseen = {"a limit of a signal", "the sender's token", "the revenue that is left"}
    text = text.replace(",", "")
    assert {what for what, value in HIDDEN.items() if what not in unseen and value not in text} == set()
