"""What a sender is answered: outcome, reason, HTTP status, and every problem at once."""

from datetime import timedelta

import pytest

from conversions.intake import intake
from conversions.models import Conversion, Postback, Trace
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from tests.conversions.sending import NOW, TOKEN, outcome, received, send, send_all
from tests.factories import AdvertiserFactory, AdvertiserSecretFactory, OfferFactory
from tracking.click_id import codec


def problems(decision):
    return {problem["field"]: problem["code"] for problem in decision.body["problems"]}


def test_a_good_postback_is_accepted_and_counted(world):
    cid = world.click()
    decision = send(
        click_id=cid, txid="t-1", event_type="purchase", revenue="100.00", currency="EUR", status="approved"
    )
    assert outcome(decision) == (200, "accepted", "ok")
    conversion = Conversion.objects.get()
    assert decision.body["conversion_id"] == conversion.public_id
    assert decision.body["status"] == "approved"
    assert decision.body["problems"] == []
    assert decision.body["received"]["txid"] == "t-1"
    assert decision.body["trace_url"].endswith(f"/trace/postback/{decision.body['postback_id']}/")
    assert (conversion.affiliate, conversion.goal, conversion.revenue) == (world.ana, world.purchase, 100)
    assert conversion.booked_at is None


def test_the_token_is_never_kept_or_repeated(world):
    decision = send(click_id=world.click(), txid="t-1", event_type="purchase")
    assert TOKEN not in str(decision.body)
    assert TOKEN not in str(Postback.objects.values())


@pytest.mark.parametrize(
    ("changed", "status", "reason", "field"),
    [
        ({"click_id": None}, 422, "missing_click_id", "click_id"),
        ({"click_id": "{click_id}"}, 422, "unresolved_macro", "click_id"),
        ({"click_id": "#reqid#"}, 422, "unresolved_macro", "click_id"),
        ({"click_id": "[CLICK_ID]"}, 422, "unresolved_macro", "click_id"),
        ({"click_id": "${clickid}"}, 422, "unresolved_macro", "click_id"),
        ({"click_id": "%7Bclickid%7D"}, 422, "unresolved_macro", "click_id"),
        ({"click_id": "12345"}, 404, "unknown_click", "click_id"),
        ({"event_type": None}, 422, "missing_goal", "event_type"),
        ({"event_type": "nosuch"}, 422, "unknown_goal", "event_type"),
        ({"revenue": "12.3x"}, 422, "bad_amount", "revenue"),
        ({"revenue": "1,230"}, 422, "bad_amount", "revenue"),
        ({"revenue": "-5"}, 422, "bad_amount", "revenue"),
        ({"revenue": "1e99"}, 422, "bad_amount", "revenue"),
        ({"revenue": "NaN"}, 422, "bad_amount", "revenue"),
        ({"revenue": "99999999999999999"}, 422, "bad_amount", "revenue"),
        ({"revenue": "0.123456789"}, 422, "bad_amount", "revenue"),
        ({"revenue": "\u0661\u0662"}, 422, "bad_amount", "revenue"),
        ({"payout": "ten"}, 422, "bad_amount", "payout"),
        ({"currency": "EURO"}, 422, "bad_currency", "currency"),
        ({"currency": "XXX"}, 422, "bad_currency", "currency"),
        ({"status": "maybe"}, 422, "bad_status", "status"),
        ({"timestamp": "yesterday"}, 422, "bad_timestamp", "timestamp"),
        ({"timestamp": "99999999999999999999"}, 422, "bad_timestamp", "timestamp"),
        ({"timestamp": "2030-01-01T00:00:00Z"}, 422, "bad_timestamp", "timestamp"),
        ({"txid": "x" * 101}, 422, "value_too_long", "txid"),
        ({"event_type": "deposit", "customer_id": "c"}, 422, "missing_revenue", "revenue"),
        ({"event_type": "registration"}, 422, "missing_customer", "customer_id"),
        ({"txid": None, "tid": "7"}, 422, "wrong_name", "tid"),
        ({"event_type": None, "type": "purchase"}, 422, "wrong_name", "type"),
        ({"txid": "undefined"}, 422, "unresolved_macro", "txid"),
        ({"test": "perhaps"}, 422, "bad_test_flag", "test"),
    ],
)
def test_each_problem_is_named_and_the_request_is_kept(world, changed, status, reason, field):
    fields = {"click_id": world.click(), "txid": "t-1", "event_type": "purchase", **changed}
    decision = send(**fields)
    assert (decision.http_status, decision.body["reason"]) == (status, reason)
    assert problems(decision) == {field: reason}
    problem = decision.body["problems"][0]
    assert problem["message"]
    assert problem["remedy"] == EXPLANATIONS[Reason(reason)].remedy
    assert not Conversion.objects.exists()
    assert Postback.objects.get().reason == reason


def test_wrong_name_for_the_click_id_is_recognised(world):
    decision = send(cid=world.click(), txid="t-1", event_type="purchase")
    assert problems(decision) == {"cid": "wrong_name"}
    assert "`click_id`" in decision.body["message"]


def test_all_problems_are_reported_at_once(world):
    decision = send(
        click_id="{click_id}", revenue="x", currency="??", event_type="nosuch", status="maybe", timestamp="?"
    )
    assert outcome(decision) == (422, "invalid", "invalid_request")
    assert problems(decision) == {
        "click_id": "unresolved_macro",
        "revenue": "bad_amount",
        "currency": "bad_currency",
        "event_type": "unknown_goal",
        "status": "bad_status",
        "timestamp": "bad_timestamp",
    }


def test_a_faulty_click_id_beside_an_unknown_customer_is_one_problem(world):
    decision = send(click_id="{click_id}", customer_id="new", txid="1", event_type="purchase")
    assert outcome(decision) == (422, "invalid", "unresolved_macro")


def test_a_forged_click_among_other_problems_is_one_of_them(world):
    forged = world.click()[:-1] + "!"
    decision = send(click_id=forged, txid="1", event_type="purchase", revenue="x")
    assert outcome(decision)[1:] == ("invalid", "invalid_request")
    assert problems(decision) == {"revenue": "bad_amount", "click_id": "unknown_click"}


def test_every_character_of_the_click_id_matters(world):
    cid = world.click()
    for place in (0, 8, 20, 39):
        forged = cid[:place] + ("a" if cid[place] != "a" else "b") + cid[place + 1 :]
        assert outcome(send(click_id=forged, txid=f"t{place}", event_type="purchase")) == (
            404,
            "unknown_click",
            "unknown_click",
        )


def test_repeated_parameter_with_two_values_is_a_problem(world):
    request = received({"click_id": world.click(), "txid": "1", "event_type": "purchase"})
    request.parameters.append(("txid", "2"))
    (decision,) = intake([request], now=NOW)
    assert problems(decision) == {"txid": "repeated_parameter"}
    request.parameters[-1] = ("transaction_id", "1")
    (decision,) = intake([request], now=NOW)
    assert outcome(decision)[1] == "accepted"


@pytest.mark.parametrize("name", ["txid", "transaction_id", "event_id"])
def test_transaction_id_has_three_names(world, name):
    send(click_id=world.click(), event_type="purchase", **{name: "abc-789"})
    assert Conversion.objects.get().transaction_id == "abc-789"


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("1792051200", "2026-10-15T08:00:00+00:00"),
        ("1792051200123", "2026-10-15T08:00:00.123000+00:00"),
        ("2026-10-15T10:00:00+02:00", "2026-10-15T08:00:00+00:00"),
        ("2026-10-15T10:00:00 02:00", "2026-10-15T08:00:00+00:00"),
        ("2026-10-15T08:00:00Z", "2026-10-15T08:00:00+00:00"),
        ("2026-10-15 08:00:00", "2026-10-15T08:00:00+00:00"),
    ],
)
def test_times_are_read_in_seconds_milliseconds_and_iso(world, timestamp, moment):
    send(click_id=world.click(ago=timedelta(days=2)), txid="1", event_type="purchase", timestamp=timestamp)
    assert Conversion.objects.get().occurred_at.isoformat() == moment


class TestWhoSentIt:
    def test_wrong_and_missing_tokens_are_401(self, world):
        cid = world.click()
        for token in ("wrong", None, ""):
            decision = send(click_id=cid, txid="1", event_type="purchase", token=token)
            assert outcome(decision) == (401, "unauthorized", "bad_token")
        assert Postback.objects.filter(outcome="unauthorized", advertiser=None).count() == 3

    def test_bearer_token_is_read_too(self, world):
        request = received(
            {"click_id": world.click(), "txid": "1", "event_type": "purchase", "token": None}, bearer=TOKEN
        )
        assert outcome(intake([request], now=NOW)[0])[1] == "accepted"

    def test_second_token_holds_beside_the_first_until_one_is_revoked(self, world):
        AdvertiserSecretFactory(advertiser=world.advertiser, text="aft_new")
        assert outcome(send(click_id=world.click(), txid="1", event_type="purchase", token="aft_new"))[0] == 200
        world.advertiser.secrets.exclude(digest=Postback.objects.get().token_digest).update(revoked_at=NOW)
        assert outcome(send(click_id=world.click(), txid="2", event_type="purchase"))[0] == 401
        assert outcome(send(click_id=world.click(), txid="2", event_type="purchase", token="aft_new"))[0] == 200

    def test_hmac_secret_is_no_token(self, world):
        AdvertiserSecretFactory(advertiser=world.advertiser, kind="hmac", text="afh_secret")
        assert outcome(send(click_id=world.click(), txid="1", event_type="purchase", token="afh_secret"))[0] == 401

    def test_inactive_advertiser_is_403(self, world):
        type(world.advertiser).objects.update(is_active=False)
        assert outcome(send(click_id=world.click(), txid="1", event_type="purchase")) == (
            403,
            "forbidden",
            "advertiser_inactive",
        )

    @pytest.mark.parametrize(
        ("network", "status"), [("198.51.100.0/24", 200), ("192.0.2.0/24", 403), ("2001:db8::/32", 403)]
    )
    def test_sender_networks_are_kept_to(self, world, network, status):
        type(world.advertiser).objects.update(sender_networks=[network])
        assert send(click_id=world.click(), txid="1", event_type="purchase").http_status == status

    def test_plain_http_is_refused_where_https_is_required(self, world, settings):
        settings.REQUIRE_HTTPS = True
        request = received({"click_id": world.click(), "txid": "1", "event_type": "purchase"}, is_secure=False)
        assert outcome(intake([request], now=NOW)[0]) == (403, "forbidden", "https_required")

    def test_click_of_another_advertisers_offer_is_403(self, world):
        AdvertiserSecretFactory(advertiser=AdvertiserFactory(name="Rival"), text="aft_rival")
        decision = send(click_id=world.click(), txid="1", event_type="purchase", token="aft_rival")
        assert outcome(decision) == (403, "forbidden", "wrong_advertiser")
        assert not Conversion.objects.exists()

    def test_goal_of_another_offer_is_unknown(self, world):
        other = OfferFactory(advertiser=world.advertiser)
        other.goals.create(code="trade", name="Trade", kind="trade")
        decision = send(click_id=world.click(), txid="1", event_type="trade")
        assert outcome(decision) == (422, "invalid", "unknown_goal")
        assert "purchase" in decision.body["message"]


def test_every_decision_has_a_trace_that_ends_with_it(world):
    cid = world.click()
    send_all(
        [
            {"click_id": cid, "txid": "1", "event_type": "purchase"},
            {"click_id": cid, "txid": "1", "event_type": "purchase"},
            {"click_id": cid, "txid": "2", "event_type": "nosuch"},
            {"click_id": "x", "txid": "2", "event_type": "purchase"},
            {"token": "wrong"},
        ]
    )
    traces = list(Trace.objects.all())
    assert {trace.outcome for trace in traces} == {"accepted", "duplicate", "invalid", "unknown_click", "unauthorized"}
    for trace in traces:
        assert trace.steps
        assert all(step["step"] and step["result"] and step["note"] for step in trace.steps)
        assert trace.reason == trace.postback.reason
        assert trace.outcome == trace.postback.outcome
    accepted = next(trace for trace in traces if trace.outcome == "accepted")
    assert [step["step"] for step in accepted.steps] == [
        "authenticate", "parse", "find_click", "attribute", "deduplicate", "risk", "decide",
    ]  # fmt: skip


def test_the_answers_come_in_the_order_of_the_batch(world):
    cid = world.click()
    events = [{"click_id": cid, "txid": f"t{n % 4}", "event_type": "purchase"} for n in range(12)]
    decisions = send_all(events)
    assert [d.body["received"]["txid"] for d in decisions] == [e["txid"] for e in events]
    assert [d.body["outcome"] for d in decisions] == ["accepted"] * 4 + ["duplicate"] * 8
    assert len({d.body["conversion_id"] for d in decisions}) == 4


def test_a_batch_takes_a_constant_number_of_queries(world, django_assert_max_num_queries):
    events = [
        {"click_id": world.click(), "txid": f"t{n}", "event_type": "deposit", "customer_id": f"c{n}", "revenue": "30"}
        for n in range(60)
    ]
    with django_assert_max_num_queries(32):
        decisions = send_all(events)
    assert {d.body["outcome"] for d in decisions} == {"accepted"}


def test_click_id_survives_upper_case(world):
    assert outcome(send(click_id=world.click().upper(), txid="1", event_type="purchase"))[1] == "accepted"


def test_a_genuine_click_without_a_row_is_attributed_by_signature(world):
    made = codec.new(link_number=world.ana_link.pk, at=NOW - timedelta(days=3))
    decision = send(click_id=made.text, txid="1", event_type="purchase")
    assert outcome(decision)[1] == "accepted"
    conversion = Conversion.objects.get()
    assert (conversion.evidence, conversion.click_id, conversion.affiliate) == ("signature", made.uuid, world.ana)
    assert "by signature, no stored click" in str(Trace.objects.get().steps)


def test_a_genuine_click_of_a_link_that_is_not_there_is_waited_for(world):
    made = codec.new(link_number=999_999, at=NOW)
    decision = send(click_id=made.text, txid="1", event_type="purchase")
    assert outcome(decision) == (202, "held", "waiting_for_click")
