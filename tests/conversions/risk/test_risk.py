"""Risk signals: each on its own, added up against the threshold, decided by a person or by time, caught up later."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from conversions.lifecycle.operator_decisions import approve
from conversions.lifecycle.status import approve_due
from conversions.models import (
    AddressSighting,
    Conversion,
    MemberAddress,
    QualificationRule,
    RiskPolicy,
    RiskReview,
    StatusChange,
    Trace,
)
from conversions.reasons.codes import Reason
from conversions.risk.reviews import catch_up, keep_up, resolve
from conversions.risk.signals import _LOOK_UP, MOST, address_digest, count_pace, forget_addresses, note_sign_in
from tests.conversions.sending import NOW, World, outcome, send, send_all
from tests.factories import AffiliateMemberFactory, ConversionFactory, OperatorFactory
from tracking.models import Click

DAY = timedelta(days=1)
HOME, OFFICE = "93.184.216.34", "93.184.216.35"


@pytest.fixture
def world(db):
    return World()


def policy(world, **fields):
    return RiskPolicy.objects.create(offer=world.offer, **fields)


def marked(world, **fields):
    return world.click(marked_at=NOW, **fields)


def marks(txid):
    """Marks and points of the decision, as the trace shows them."""
    trace = Trace.objects.filter(conversion__transaction_id=txid).earliest("id")
    rules = [step["rule"] for step in trace.steps if step["step"] == "risk" and step["result"] == "marked"]
    return dict(rule.removesuffix(" points").split(": ") for rule in rules)


def sale(world, txid="1", *, cid=None, customer="c", **fields):
    cid = cid or marked(world)
    return send(**{"click_id": cid, "txid": txid, "event_type": "purchase", "customer_id": customer, **fields})


class TestMarks:
    @pytest.mark.parametrize(
        ("field", "mark", "points"),
        [
            ("is_bot", "bot_click", "100"),
            ("is_data_centre", "data_centre", "50"),
            ("is_duplicate", "duplicate_click", "10"),
        ],
    )
    def test_of_the_click(self, world, field, mark, points):
        sale(world, cid=marked(world, **{field: True}))
        assert marks("1") == {mark: points}

    @pytest.mark.parametrize(("seconds", "found"), [(9, {"too_fast": "30"}), (10, {}), (11, {})])
    def test_too_fast(self, world, seconds, found):
        cid = marked(world, ago=timedelta(hours=1))
        at = NOW - timedelta(hours=1) + timedelta(seconds=seconds)
        sale(world, cid=cid, timestamp=at.isoformat())
        assert marks("1") == found

    def test_deposits_that_follow_the_lock_are_not_too_fast(self, world):
        sale(world, "r", cid=marked(world), event_type="registration")
        sale(world, "d", cid=None, event_type="deposit", revenue="5", click_id=None)
        assert marks("d") == {}

    @pytest.mark.parametrize(
        ("offer", "click", "sent", "found"),
        [
            ([], "DE", "DE", {}),
            ([], "DE", None, {}),
            ([], "DE", "FR", {"country_mismatch": "40"}),
            (["FR"], "DE", None, {"country_mismatch": "40"}),
            (["DE"], "DE", "DE", {}),
            (["DE"], "", "DE", {}),
        ],
    )
    def test_countries(self, world, offer, click, sent, found):
        type(world.offer).objects.update(countries=offer)
        sale(world, cid=marked(world, country=click), country=sent)
        assert marks("1") == found

    def test_many_customers_of_one_address(self, world):
        for n in range(1, 5):
            sale(world, str(n), cid=marked(world, ip=HOME), customer=f"c{n}")
        sale(world, "again", cid=marked(world, ip=HOME), customer="c1")
        sale(world, "elsewhere", cid=marked(world, ip=OFFICE), customer="c9")
        found = [marks(txid) for txid in ("1", "2", "3", "4", "again", "elsewhere")]
        assert found == [{}, {}, {}, {"same_address": "50"}, {"same_address": "50"}, {}]

    def test_addresses_of_long_ago_of_other_offers_and_private_ones_do_not_count(self, world):
        policy(world, customers_per_address=2)
        sale(world, "old", cid=marked(world, ip=HOME), customer="a", at=NOW - 8 * DAY, timestamp=None)
        sale(world, "new", cid=marked(world, ip=HOME), customer="b")
        for n in range(3):
            sale(world, f"private{n}", cid=marked(world, ip="10.0.0.7"), customer=f"p{n}")
        assert [marks(txid) for txid in ("new", "private2")] == [{}, {}]

    def test_many_customers_of_one_click(self, world):
        cid = marked(world)
        for n in range(1, 4):
            sale(world, str(n), cid=cid, customer=f"c{n}")
        sale(world, "again", cid=cid, customer="c1")
        assert [marks(txid) for txid in ("1", "2", "3", "again")] == [{}, {}, {"crowded_click": "30"}] + [
            {"crowded_click": "30"}
        ]

    def test_affiliates_own_address(self, world):
        member = AffiliateMemberFactory(affiliate=world.ana)
        note_sign_in(user_id=member.user_id, address=HOME, now=NOW)
        sale(world, "own", cid=marked(world, ip=HOME))
        sale(world, "rival", cid=marked(world, link=world.ben_link, ip=HOME), customer="d")
        assert (marks("own"), marks("rival")) == ({"self_referral": "100"}, {})
        assert Conversion.objects.get(transaction_id="own").reason == "risk_review"

    def test_more_conversions_an_hour_than_usual(self, world):
        policy(world, velocity_least=3, velocity_factor=Decimal(2))
        for hours, number in ((30, 2), (50, 4)):
            for _ in range(number):
                ConversionFactory(goal=world.deposit, affiliate=world.ana, occurred_at=NOW - timedelta(hours=hours))
        assert count_pace(now=NOW) == 1
        decided = [sale(world, str(n), customer=f"c{n}") for n in range(1, 8)]
        assert {decision.http_status for decision in decided} == {200}
        # Three an hour are usual, so six are the limit.
        assert [marks(str(n)) for n in (6, 7)] == [{}, {"velocity": "20"}]

    def test_velocity_counts_within_a_batch(self, world):
        policy(world, velocity_least=2)
        cid = marked(world)
        send_all([{"click_id": cid, "txid": f"b{n}", "event_type": "purchase"} for n in range(4)])
        assert [bool(marks(f"b{n}")) for n in range(4)] == [False, False, True, True]


class TestThreshold:
    def test_points_add_up_and_the_bound_belongs_to_the_hold(self, world):
        policy(world, data_centre=50, duplicate_click=49)
        assert sale(world, "1", cid=marked(world, is_data_centre=True, is_duplicate=True)).body["reason"] == "ok"
        RiskPolicy.objects.update(duplicate_click=50)
        decision = sale(world, "2", cid=marked(world, is_data_centre=True, is_duplicate=True), customer="d")
        assert outcome(decision) == (202, "held", "risk_review")
        steps = Trace.objects.latest("id").steps
        assert any(step["note"].startswith("100 of 100 points: ") for step in steps)

    def test_a_mark_of_no_points_is_no_mark(self, world):
        policy(world, bot_click=0)
        assert sale(world, cid=marked(world, is_bot=True)).body["reason"] == "ok"
        assert marks("1") == {}

    def test_held_with_score_owner_and_end_date(self, world):
        olga = OperatorFactory(name="Olga")
        policy(world, owner=olga, hold_for=3 * DAY)
        sale(world, cid=marked(world, is_bot=True))
        review = RiskReview.objects.get()
        assert (review.score, review.threshold, review.owner, review.held_until) == (100, 100, olga, NOW + 3 * DAY)
        assert [part["mark"] for part in review.parts] == ["bot_click"]
        assert review.why == "The click was made by a bot."

    def test_someone_answers_also_where_the_policy_names_no_one(self, world):
        olga = OperatorFactory(name="Olga")
        sale(world, cid=marked(world, is_bot=True))
        assert RiskReview.objects.get().owner == olga

    def test_what_is_rejected_anyway_is_not_weighed(self, world):
        sale(world, "1", cid=marked(world, is_bot=True), status="rejected")
        sale(world, "2", cid=marked(world, is_bot=True, ago=40 * DAY))
        assert not RiskReview.objects.exists()
        assert not Conversion.objects.exclude(status="rejected").exists()

    def test_queries_do_not_grow_with_the_batch(self, world):
        def queries(prefix, number):
            batch = [
                {"click_id": marked(world, ip=HOME), "txid": f"{prefix}{n}", "event_type": "purchase",
                 "customer_id": f"{prefix}{n}"}
                for n in range(number)
            ]  # fmt: skip
            with CaptureQueriesContext(connection) as seen:
                send_all(batch)
            return len(seen)

        queries("warm", 2)
        assert queries("few", 2) == queries("many", 20)


class TestDecision:
    @pytest.fixture(autouse=True)
    def held(self, world):
        self.olga = OperatorFactory(name="Olga")
        policy(world, owner=self.olga, hold_for=3 * DAY)
        self.cid = marked(world, is_bot=True)
        sale(world, cid=self.cid)
        self.row = Conversion.objects.get()

    def state(self):
        self.row.refresh_from_db()
        return self.row.status, self.row.reason

    @pytest.mark.parametrize(
        ("approved", "reason", "expected"),
        [
            (True, Reason.OPERATOR_APPROVED, ("approved", "operator_approved")),
            (False, Reason.FRAUD, ("rejected", "fraud")),
        ],
    )
    def test_by_an_operator_with_a_reason(self, approved, reason, expected):
        fields = {"conversion_ids": [self.row.pk], "approve": approved, "reason": reason, "note": "Called."}
        assert resolve(**fields, actor=self.olga, now=NOW) == 1
        assert resolve(**fields, actor=self.olga, now=NOW) == 0
        assert self.state() == expected
        change = StatusChange.objects.latest("id")
        assert (change.actor, change.note) == (self.olga, "Called.")
        assert RiskReview.objects.get().resolved_by == self.olga

    def test_elsewhere_closes_the_review(self):
        approve(conversion_id=self.row.pk, actor=self.olga, now=NOW)
        assert keep_up(now=NOW) == 1
        assert RiskReview.objects.get().resolution == "approved"

    def test_stays_after_its_end_and_alarms_once(self):
        assert keep_up(now=NOW + 3 * DAY - timedelta(seconds=1)) == 0
        assert keep_up(now=NOW + 3 * DAY) == 1
        assert keep_up(now=NOW + 3 * DAY) == 0
        assert self.state() == ("pending", "risk_review")
        assert RiskReview.objects.get().alarmed_at == NOW + 3 * DAY

    @pytest.mark.parametrize(
        ("approval", "expected"),
        [("at_once", ("approved", "review_ended")), ("by_hand", ("pending", "awaits_approval"))],
    )
    def test_goes_on_after_its_end_where_the_offer_says_so(self, world, approval, expected):
        type(world.purchase).objects.update(approval=approval)
        RiskReview.objects.update(at_end="approve")
        assert keep_up(now=NOW + 3 * DAY) == 1
        assert self.state() == expected
        assert RiskReview.objects.get().resolution == "ended"

    def test_a_delay_goes_on_where_it_was(self, world):
        type(world.purchase).objects.update(approval="after_delay", approval_delay=2 * DAY)
        RiskReview.objects.update(at_end="approve")
        assert approve_due(now=NOW + 3 * DAY) == 0
        keep_up(now=NOW + 3 * DAY)
        assert approve_due(now=NOW + 3 * DAY) == 1

    def test_the_senders_approval_does_not_jump_over_the_review(self, world):
        assert outcome(sale(world, cid=self.cid, status="approved")) == (202, "held", "risk_review")
        type(world.purchase).objects.update(approval="by_hand")
        RiskReview.objects.update(at_end="approve")
        keep_up(now=NOW + 3 * DAY)
        assert self.state() == ("approved", "review_ended")

    def test_the_senders_rejection_ends_it(self, world):
        assert sale(world, cid=self.cid, status="rejected").body["outcome"] == "updated"
        keep_up(now=NOW)
        assert RiskReview.objects.get().resolution == "rejected"


class TestBesideRules:
    def test_a_rule_that_is_met_leaves_the_review(self, world):
        OperatorFactory()
        QualificationRule.objects.create(goal=world.purchase, kind="requires", other_goal=world.registration)
        cid = marked(world, is_bot=True)
        sale(world, "p", cid=cid)
        assert Conversion.objects.get(transaction_id="p").reason == "awaits_rules"
        sale(world, "r", cid=marked(world), event_type="registration")
        row = Conversion.objects.get(transaction_id="p")
        assert (row.status, row.reason) == ("pending", "risk_review")


class TestLateMarks:
    def click(self, world, **fields):
        cid = world.click(marked_at=None, ip=None)
        decided = sale(world, cid=cid, **fields)
        Click.objects.update(is_bot=True, marked_at=NOW + timedelta(seconds=2))
        return decided

    def test_hold_what_waits(self, world):
        type(world.purchase).objects.filter(code="purchase").update(approval="after_delay", approval_delay=7 * DAY)
        assert self.click(world).body["reason"] == "awaits_delay"
        assert catch_up(since=NOW - DAY, now=NOW) == 1
        assert catch_up(since=NOW - DAY, now=NOW) == 0
        row = Conversion.objects.get()
        assert (row.status, row.reason, row.approve_at) == ("pending", "risk_review", None)
        assert Trace.objects.latest("id").steps[0]["rule"] == "bot_click: 100 points"

    def test_bring_what_is_approved_before_a_person(self, world):
        assert self.click(world).body["status"] == "approved"
        assert catch_up(since=NOW - DAY, now=NOW) == 1
        assert Conversion.objects.get().status == "approved"
        assert RiskReview.objects.get(resolved_at=None).is_late
        assert keep_up(now=NOW) == 0
        resolve(
            conversion_ids=[Conversion.objects.get().pk], approve=False, reason=Reason.FRAUD, note="x",
            actor=OperatorFactory(), now=NOW,
        )  # fmt: skip
        assert Conversion.objects.get().status == "rejected"


def test_addresses_are_kept_as_digests_and_forgotten(world):
    sale(world, cid=marked(world, ip=HOME))
    assert bytes(AddressSighting.objects.get().address_digest) == address_digest(HOME)
    assert forget_addresses(now=NOW + 89 * DAY) == 0
    assert forget_addresses(now=NOW + 91 * DAY) == 1


@pytest.mark.django_db
def test_a_sign_in_of_an_affiliate_is_noted_and_one_of_an_operator_is_not():
    request = RequestFactory().get("/", REMOTE_ADDR=HOME)
    for user in (AffiliateMemberFactory().user, OperatorFactory()):
        user_logged_in.send(type(user), request=request, user=user)
    assert [bytes(row.address_digest) for row in MemberAddress.objects.all()] == [address_digest(HOME)]


def test_customers_of_a_click_are_looked_up_by_the_click(world):
    """Also while PostgreSQL has no statistics of a young table, and takes the goal for as telling as the click."""
    suspect = {"position": 0, "click": str(ConversionFactory().click_id), "goal": world.purchase.pk, "many": 3}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + _LOOK_UP, [json.dumps([suspect]), MOST, "[]"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "conversions_conversion" in plan
    assert "conversion_by_goal" not in plan
