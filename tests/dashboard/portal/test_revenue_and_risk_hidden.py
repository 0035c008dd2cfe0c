"""What affiliates must not see: revenue that they are paid no share of, and how risk is weighed."""

import re
from decimal import Decimal

import pytest
from django.urls import get_resolver

from conversions.models import Conversion, RiskPolicy
from conversions.risk.signals import DEFAULTS
from conversions.risk.words import A_SIGNAL, TO_AFFILIATES, words_for_affiliates
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule
from tests.conversions.sending import NOW, World, send
from tests.dashboard.portal_pages import as_user
from tests.dashboard.test_every_template import portal_addresses
from tests.factories import AffiliateMemberFactory, CommissionPlanFactory, CommissionRuleFactory, PlanVersionFactory
from tests.rest import client_of

pytestmark = pytest.mark.django_db

REVENUE = "977.31"


def tiers(basis: str, mode: str, **step: str) -> dict[str, object]:
    formula = {"basis": basis, "mode": mode, "period": "month", "currency": "EUR", "steps": [{"above": "0", **step}]}
    return {"kind": "tiered", "amount": None, "currency": "", "formula": formula}


FIXED = {
    "flat": {"kind": "flat", "amount": Decimal(50), "currency": "EUR"},
    "per lot": {"kind": "per_lot", "amount": Decimal(2), "currency": "EUR"},
    "tiers by count": tiers("count", "marginal", amount="50"),
    "tiers by count, whole": tiers("count", "whole", amount="50"),
    "tiers by revenue that pay amounts": tiers("revenue", "marginal", amount="50"),
    "tiers by revenue that pay amounts, whole": tiers("revenue", "whole", amount="50"),
    "tiers by lots": tiers("volume", "marginal", amount="50"),
}
SHARES = {
    "percent": {"kind": "percent", "amount": None, "currency": "", "percent": Decimal(25)},
    "tiers by revenue": tiers("revenue", "marginal", percent="25"),
    "tiers by count that pay percents": tiers("count", "whole", percent="25"),
    "net revenue": {"kind": "net_revenue", "amount": None, "currency": "", "percent": Decimal(25)},
}


@pytest.fixture
def world() -> World:
    return World()


def sold(world: World, rule: dict[str, object]) -> Conversion:
    plan = CommissionPlanFactory(offer=world.offer)
    CommissionRuleFactory(version=PlanVersionFactory(plan=plan), goal=world.purchase, **rule)
    send(click_id=world.click(), txid="1", event_type="purchase", revenue=REVENUE, volume="3", status="approved")
    book_changes(now=NOW)
    return Conversion.objects.get()


def read_everything(world: World) -> str:
    """All pages, exports and API answers that Ana gets."""
    member = AffiliateMemberFactory(affiliate=world.ana, roles=["owner"])
    portal, api = as_user(member.user), client_of(world.ana)
    answers = [portal.get(address) for address in [*portal_addresses(world.ana), *exports()]]
    answers += [api.get(f"/api/v1/{name}/") for name in ("conversions", "ledger-entries", "balances", "clicks")]
    assert {answer.status_code for answer in answers} == {200}
    bodies = [b"".join(answer.streaming_content) if answer.streaming else answer.content for answer in answers]
    return re.sub(r"(?<=\d)[, ](?=\d{3})", "", b"\n".join(bodies).decode())


def exports() -> list[str]:
    found = get_resolver("dashboard.portal.urls").reverse_dict
    names = [
        name for name in found if isinstance(name, str) and name.endswith("_export") and name != "statement_export"
    ]
    assert len(names) > 4
    return [f"/{found.getlist(name)[0][0][0][0]}" for name in names]


@pytest.mark.parametrize("rule", FIXED.values(), ids=list(FIXED))
def test_revenue_is_hidden_where_the_commission_is_no_share_of_it(world, rule):
    sold(world, rule)
    assert REVENUE not in read_everything(world)


@pytest.mark.parametrize("rule", SHARES.values(), ids=list(SHARES))
def test_revenue_is_shown_where_the_commission_is_a_share_of_it(world, rule):
    sold(world, rule)
    assert REVENUE in read_everything(world)


def test_every_kind_of_rule_is_tried():
    tried = {rule["kind"] for rule in [*FIXED.values(), *SHARES.values()]}
    # Clicks have no revenue, and parents earn beside what the conversion earns.
    assert set(CommissionRule.Kind.values) - tried == {"per_click", "parents"}


class TestRisk:
    # Numbers that stand nowhere else on a page.
    POLICY = {"bot_click": 4711, "too_fast": 3713, "threshold": 5309, "fast_seconds": 86413}

    @pytest.fixture
    def held(self, world) -> Conversion:
        RiskPolicy.objects.create(offer=world.offer, **self.POLICY)
        send(click_id=world.click(is_bot=True, marked_at=NOW), txid="1", event_type="purchase", revenue="40")
        return Conversion.objects.get()

    def test_affiliates_see_neither_points_nor_limits(self, world, held):
        assert held.reason == "risk_review"
        text = read_everything(world)
        numbers = {*map(str, self.POLICY.values()), str(4711 + 3713)}
        assert {number for number in numbers if re.search(rf"\b{number}\b", text)} == set()
        assert "points" not in text

    def test_affiliates_see_why_in_words(self, world, held):
        text = read_everything(world)
        assert "The click was made by a bot." in text
        assert "The event came sooner after the click than people need." in text

    def test_every_signal_has_words_for_affiliates(self):
        names = {name for name in vars(DEFAULTS) if name in TO_AFFILIATES}
        signals = {field.name for field in RiskPolicy._meta.fields if hasattr(RiskPolicy, field.name)} & names
        assert signals == TO_AFFILIATES.keys()
        assert words_for_affiliates("of tomorrow") == A_SIGNAL
        assert not re.search(r"\d", " ".join(map(str, TO_AFFILIATES.values())))
