"""The rules of goals: met, not yet, not for good, at their bounds, out of order, in currencies without decimals."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from conversions.lifecycle.operator_decisions import approve
from conversions.models import Conversion, Customer, QualificationRule, QualificationWait, StatusChange, Trace
from conversions.qualification.waits import re_evaluate
from conversions.qualification.words import all_words
from tests.conversions.sending import NOW, World, outcome, send, send_all
from tests.factories import OperatorFactory

DAY = timedelta(days=1)


@pytest.fixture
def world(db):
    world = World()
    world.kyc = world.goal("kyc", kind="kyc", needs_customer_id=True)
    world.trade = world.goal("trade", needs_customer_id=True)
    return world


def rule(goal, kind, **fields):
    return QualificationRule.objects.create(goal=goal, kind=kind, **fields)


def event(world, txid, event_type="purchase", *, customer="c", **fields):
    if not hasattr(world, "cid"):
        world.cid = world.click(ago=timedelta(hours=1))
    return send(**{"click_id": world.cid, "txid": txid, "event_type": event_type, "customer_id": customer, **fields})


def state(txid):
    row = Conversion.objects.get(transaction_id=txid)
    return row.status, row.reason


def waits_for(txid):
    wait = QualificationWait.objects.get(conversion__transaction_id=txid, ended_at=None)
    return [part["text"] for part in wait.waiting_for]


class TestAccumulated:
    @pytest.fixture(autouse=True)
    def rules(self, world):
        rule(world.purchase, "accumulated", amount=Decimal(100), other_goal=world.deposit, within=30 * DAY)

    def test_waits_until_the_amounts_add_up_and_says_for_what(self, world):
        decision = event(world, "p", revenue="40")
        assert outcome(decision) == (200, "accepted", "awaits_rules")
        assert decision.body["status"] == "pending"
        assert waits_for("p") == ["Waiting for 40.00 EUR of 100.00 EUR."]
        event(world, "d1", "deposit", revenue="59.99")
        assert waits_for("p") == ["Waiting for 99.99 EUR of 100.00 EUR."]
        event(world, "d2", "deposit", revenue="0.01")
        assert state("p") == ("approved", "qualified")
        changes = StatusChange.objects.filter(conversion__transaction_id="p").order_by("id")
        assert [(c.to_status, c.reason, c.source) for c in changes] == [
            ("pending", "awaits_rules", "postback"),
            ("approved", "qualified", "automatic"),
        ]

    def test_is_met_at_once_when_the_deposits_came_first(self, world):
        event(world, "d1", "deposit", revenue="60")
        assert event(world, "p", revenue="40").body["reason"] == "ok"
        assert not QualificationWait.objects.exists()

    def test_rejected_deposits_other_customers_and_other_currencies_do_not_count(self, world):
        event(world, "p", revenue="40")
        event(world, "d1", "deposit", revenue="100", status="rejected")
        event(world, "d2", "deposit", revenue="100", customer="other")
        event(world, "d3", "deposit", revenue="100", currency="USD")
        assert state("p") == ("pending", "awaits_rules")
        assert waits_for("p") == ["Waiting for 40.00 EUR of 100.00 EUR (100.00 USD in other currencies not counted)."]

    def test_is_rejected_once_the_time_for_it_is_over_naming_rule_and_inputs(self, world):
        event(world, "p", revenue="40")
        assert re_evaluate(now=NOW + 30 * DAY) == 0
        assert re_evaluate(now=NOW + 30 * DAY + timedelta(seconds=1)) == 1
        assert state("p") == ("rejected", "not_qualified")
        step = Trace.objects.latest("id").steps[0]
        assert step["rule"] == "Deposit amounts add up to 100.00 EUR, within 30 days"
        assert step["input"]["total"] == "40.00000000"
        assert step["input"]["minimum"] == "100.00000000"
        assert StatusChange.objects.latest("id").note == step["rule"]

    def test_a_late_request_about_a_deposit_in_time_counts_and_one_after_it_does_not(self, world):
        event(world, "p", revenue="40")
        late = NOW + 30 * DAY + timedelta(minutes=5)
        send(txid="d0", event_type="deposit", customer_id="c", revenue="60", timestamp=(NOW + 30 * DAY).isoformat(),
             at=late)  # fmt: skip
        assert state("p") == ("approved", "qualified")
        event(world, "p2", customer="two", revenue="40")
        send(txid="d9", event_type="deposit", customer_id="two", revenue="60", at=late)
        assert state("p2") == ("rejected", "not_qualified")

    def test_own_goal_is_added_up_where_no_other_is_named(self, world):
        QualificationRule.objects.all().delete()
        rule(world.purchase, "accumulated", amount=Decimal(100))
        event(world, "p1", revenue="60")
        assert event(world, "p2", revenue="40").body["reason"] == "ok"
        assert state("p1") == ("approved", "qualified")

    @pytest.mark.parametrize(
        ("currency", "minimum", "amounts", "status"),
        [
            ("JPY", "10000", ("4000", "6000"), "approved"),
            ("JPY", "10000", ("4000", "5999"), "pending"),
            ("KWD", "10.005", ("4.002", "6.003"), "approved"),
            ("KWD", "10.005", ("4.002", "6.002"), "pending"),
        ],
    )
    def test_in_currencies_of_no_and_three_decimals(self, world, currency, minimum, amounts, status):
        type(world.offer).objects.update(currency=currency)
        QualificationRule.objects.update(amount=Decimal(minimum))
        event(world, "p", revenue=amounts[0], currency=currency)
        event(world, "d", "deposit", revenue=amounts[1], currency=currency)
        assert state("p")[0] == status

    def test_without_a_customer_an_operator_decides(self, world):
        decision = event(world, "p", customer=None, revenue="500")
        assert (decision.body["status"], decision.body["reason"]) == ("pending", "awaits_approval")


class TestWagering:
    @pytest.mark.parametrize(("volume", "status"), [("199.99", "pending"), ("200", "approved")])
    def test_times_the_deposit(self, world, volume, status):
        rule(world.purchase, "wagering", factor=Decimal(4), other_goal=world.trade)
        event(world, "p", revenue="50")
        event(world, "t", "trade", revenue=volume)
        assert state("p")[0] == status

    @pytest.mark.parametrize(("volume", "status"), [("1.99", "pending"), ("2", "approved")])
    def test_absolute_volume_such_as_lots(self, world, volume, status):
        rule(world.purchase, "wagering", amount=Decimal(2), other_goal=world.trade)
        event(world, "t", "trade", revenue=volume)
        event(world, "p")
        assert state("p")[0] == status

    def test_times_an_amount_of_another_currency_is_for_an_operator(self, world):
        rule(world.purchase, "wagering", factor=Decimal(4), other_goal=world.trade)
        assert event(world, "p", revenue="50", currency="USD").body["reason"] == "awaits_approval"


class TestChains:
    def test_identity_check_has_to_be_approved(self, world):
        rule(world.purchase, "kyc", other_goal=world.kyc)
        event(world, "p")
        event(world, "k", "kyc", status="pending")
        assert state("p") == ("pending", "awaits_rules")
        event(world, "k", "kyc", status="approved")
        assert state("p") == ("approved", "qualified")

    def test_identity_check_approved_by_an_operator_is_found_by_the_sweep(self, world):
        rule(world.purchase, "kyc", other_goal=world.kyc)
        event(world, "p")
        event(world, "k", "kyc", status="pending")
        check = Conversion.objects.get(transaction_id="k")
        approve(conversion_id=check.pk, actor=OperatorFactory(), now=NOW)
        assert re_evaluate(now=NOW) == 1
        assert re_evaluate(now=NOW) == 0
        assert state("p") == ("approved", "qualified")

    def test_a_chain_that_comes_in_backwards_is_solved_by_its_first_link(self, world):
        rule(world.deposit, "requires", other_goal=world.ftd)
        rule(world.ftd, "requires", other_goal=world.kyc)
        rule(world.kyc, "requires", other_goal=world.registration)
        event(world, "d", "deposit", revenue="10")
        event(world, "f", "ftd", revenue="50")
        event(world, "k", "kyc")
        assert [state(txid) for txid in "dfk"] == [("pending", "awaits_rules")] * 3
        event(world, "r", "registration")
        assert [state(txid) for txid in "dfk"] == [("approved", "qualified")] * 3

    def test_a_rejected_link_breaks_the_chain(self, world):
        rule(world.purchase, "requires", other_goal=world.ftd)
        event(world, "f", "ftd", revenue="5")
        event(world, "p")
        assert state("p") == ("pending", "awaits_rules")

    def test_goals_that_require_each_other_wait_and_end(self, world):
        rule(world.deposit, "requires", other_goal=world.purchase)
        rule(world.purchase, "requires", other_goal=world.deposit)
        event(world, "d", "deposit", revenue="10")
        event(world, "p")
        assert state("d") == state("p") == ("pending", "awaits_rules")


class TestCountry:
    @pytest.mark.parametrize(
        ("click", "sent", "expected"),
        [
            ("DE", None, ("approved", "ok")),
            ("FR", None, ("rejected", "country_not_allowed")),
            ("FR", "at", ("approved", "ok")),
            ("DE", "FR", ("rejected", "country_not_allowed")),
            ("", None, ("pending", "awaits_approval")),
        ],
    )
    def test_of_the_click_or_as_sent(self, world, click, sent, expected):
        rule(world.purchase, "country", countries=["DE", "AT"])
        cid = world.click(country=click, marked_at=NOW, ip=None)
        decision = event(world, "p", click_id=cid, country=sent)
        assert (decision.body["status"], decision.body["reason"]) == expected


class TestTime:
    @pytest.mark.parametrize(
        ("after", "reason"),
        [
            (timedelta(minutes=10) - timedelta(seconds=1), "too_soon"),
            (timedelta(minutes=10), "ok"),
            (timedelta(minutes=50), "ok"),
            (timedelta(minutes=50, seconds=1), "too_late"),
        ],
    )
    def test_since_the_click(self, world, after, reason):
        rule(world.purchase, "time", at_least=timedelta(minutes=10), at_most=timedelta(minutes=50))
        cid = world.click(ago=timedelta(hours=1))
        at = (NOW - timedelta(hours=1) + after).isoformat()
        assert event(world, "p", click_id=cid, timestamp=at).body["reason"] == reason

    @pytest.mark.parametrize(
        ("after", "reason"), [(2 * DAY, "qualified"), (2 * DAY + timedelta(seconds=1), "too_late")]
    )
    def test_since_an_earlier_goal_that_arrives_later(self, world, after, reason):
        rule(world.purchase, "time", at_most=2 * DAY, other_goal=world.registration)
        world.cid = world.click(ago=5 * DAY)
        event(world, "p")
        assert state("p") == ("pending", "awaits_rules")
        event(world, "r", "registration", timestamp=(NOW - after).isoformat())
        assert state("p")[1] == reason


class TestCaps:
    def test_per_affiliate_and_day_in_utc(self, world):
        rule(world.purchase, "cap", number=2, scope="affiliate", period="day")
        batch = [{"click_id": world.click(), "txid": f"a{n}", "event_type": "purchase"} for n in range(3)]
        batch += [{"click_id": world.click(world.ben_link), "txid": "b", "event_type": "purchase"}]
        decided = [decision.body["reason"] for decision in send_all(batch)]
        assert decided == ["ok", "ok", "over_cap", "ok"]
        tomorrow = NOW.replace(hour=0) + DAY
        assert send(click_id=world.click(), txid="a9", event_type="purchase", at=tomorrow).body["reason"] == "ok"

    def test_over_it_held_by_choice(self, world):
        rule(world.purchase, "cap", number=0, scope="goal", period="total", over_cap="hold")
        assert outcome(event(world, "p")) == (202, "held", "over_cap_held")
        assert state("p") == ("pending", "over_cap_held")

    def test_of_the_offer_counts_all_goals_and_leaves_out_rejected_ones(self, world):
        rule(world.purchase, "cap", number=2, scope="offer", period="month")
        event(world, "r", "registration")
        event(world, "f", "ftd", revenue="1")
        assert event(world, "p1").body["reason"] == "ok"
        assert event(world, "p2").body["reason"] == "over_cap"

    def test_a_rejection_names_the_cap_and_the_count(self, world):
        rule(world.purchase, "cap", number=0, scope="goal", period="week")
        event(world, "p")
        step = next(s for s in Trace.objects.latest("id").steps if s["result"] == "rejected")
        assert (step["rule"], step["input"]) == ("at most 0 a week in all", {"counted": "0", "cap": "0"})


class TestAfterwards:
    @pytest.fixture(autouse=True)
    def rules(self, world):
        rule(world.purchase, "requires", other_goal=world.registration)

    @pytest.mark.parametrize(
        ("approval", "status", "expected"),
        [
            ("at_once", None, ("approved", "qualified")),
            ("by_hand", None, ("pending", "awaits_approval")),
            ("after_delay", None, ("pending", "awaits_delay")),
            ("by_hand", "approved", ("approved", "qualified")),
            ("at_once", "pending", ("pending", "sent_pending")),
        ],
    )
    def test_the_senders_word_then_the_goals_approval(self, world, approval, status, expected):
        type(world.purchase).objects.filter(code="purchase").update(approval=approval, approval_delay=14 * DAY)
        event(world, "p", status=status)
        event(world, "r", "registration")
        assert state("p") == expected
        row = Conversion.objects.get(transaction_id="p")
        assert row.approve_at == (NOW + 14 * DAY if expected[1] == "awaits_delay" else None)
        assert not QualificationWait.objects.filter(ended_at=None).exists()

    def test_a_later_approval_of_the_sender_does_not_jump_over_the_rule(self, world):
        type(world.purchase).objects.filter(code="purchase").update(approval="by_hand")
        event(world, "p")
        assert outcome(event(world, "p", status="approved"))[1:] == ("held", "awaits_rules")
        assert outcome(event(world, "p", status="approved"))[1:] == ("duplicate", "duplicate")
        assert state("p") == ("pending", "awaits_rules")
        event(world, "r", "registration")
        assert state("p") == ("approved", "qualified")

    def test_a_rejection_ends_the_wait(self, world):
        event(world, "p")
        event(world, "p", status="rejected")
        event(world, "r", "registration")
        assert state("p")[0] == "rejected"
        assert not QualificationWait.objects.filter(ended_at=None).exists()

    def test_an_operator_may_approve_what_waits(self, world):
        event(world, "p")
        row = Conversion.objects.get(transaction_id="p")
        approve(conversion_id=row.pk, actor=OperatorFactory(), now=NOW)
        assert re_evaluate(now=NOW) == 0
        assert state("p") == ("approved", "operator_approved")
        assert not QualificationWait.objects.filter(ended_at=None).exists()

    def test_what_the_sender_rejects_does_not_wait(self, world):
        assert event(world, "p", status="rejected").body["reason"] == "waiting_for_sale"
        assert not QualificationWait.objects.exists()

    def test_in_one_batch_as_well(self, world):
        cid = world.click()
        send_all(
            [
                {"click_id": cid, "txid": "p", "event_type": "purchase", "customer_id": "c"},
                {"click_id": cid, "txid": "r", "event_type": "registration", "customer_id": "c"},
            ]
        )
        assert state("p") == ("approved", "qualified")


def test_queries_do_not_grow_with_the_batch(world):
    rule(world.purchase, "accumulated", amount=Decimal(100), other_goal=world.deposit)
    rule(world.purchase, "requires", other_goal=world.registration)
    rule(world.purchase, "cap", number=10_000, scope="affiliate", period="day")

    def queries(prefix, number):
        fields = {"event_type": "purchase", "revenue": "10"}
        batch = [{"click_id": world.click(), "txid": f"{prefix}{n}", "customer_id": f"{prefix}{n}", **fields}
                 for n in range(number)]  # fmt: skip
        send_all(batch)
        with CaptureQueriesContext(connection) as seen:
            send_all([{**sent, "txid": f"{sent['txid']}-again"} for sent in batch])
        return len(seen)

    queries("warm", 2)
    assert queries("few", 2) == queries("many", 30)
    assert Customer.objects.count() == 34


def test_rules_in_words(world):
    rule(world.ftd, "kyc", other_goal=world.kyc)
    rule(world.ftd, "time", at_least=timedelta(seconds=30), at_most=7 * DAY)
    rule(world.ftd, "wagering", factor=Decimal("3.50"), other_goal=world.trade, within=60 * DAY)
    rule(world.ftd, "cap", number=5, scope="offer", period="total")
    assert all_words(world.ftd) == [
        "once per customer",
        "from 20.00 EUR",
        "identity checked and approved",
        "30 s to 7 days after the click",
        "volume of 3.5 times the amount by Trade, within 60 days",
        "at most 5 ever for the whole offer",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "accumulated"},
        {"kind": "wagering", "amount": 1},
        {"kind": "kyc"},
        {"kind": "requires"},
        {"kind": "country"},
        {"kind": "time"},
        {"kind": "cap", "number": 5},
    ],
)
def test_an_incomplete_rule_is_refused_in_words_and_by_the_database(world, fields):
    with pytest.raises(ValidationError):
        QualificationRule(goal=world.ftd, **fields).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        QualificationRule.objects.create(goal=world.ftd, **fields)
