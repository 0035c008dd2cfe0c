"""The demo data: whole, true to the ledger, the same for the same seed, and never mixed with other data.

They are made once for this file, in a transaction that is rolled back at its end.
"""

import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Max, Min, OuterRef, Subquery, Sum
from django.test import override_settings

from affiliates.models import AdvertiserSecret, Affiliate, ApiKey, CouponCode, Enrollment, User
from conversions.intake import Received, intake
from conversions.models import Appeal, ConflictReview, Conversion, Customer, Postback, StatusChange, Trace
from conversions.reasons.codes import Reason
from dashboard.demo import seeding
from dashboard.demo.clicks import closing
from dashboard.demo.clock import DemoSpan, source
from dashboard.demo.facts import facts
from dashboard.demo.seeding import figures, seed
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry, Payout, PlanVersion, Statement
from payouts.verification.verify import Verification
from records.secrets import digest
from tests.traces import gaps_of
from tracking.capture.routes import read_routes
from tracking.click_id import codec
from tracking.counts import reading
from tracking.models import ALL_LINKS, Click, ClickDay, TrackingLink

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SCALE = 0.02
# A run of this file alone makes its database, too; what a test writes lies within the transaction of them all.
pytestmark = pytest.mark.django_db
QUICK = "django.contrib.auth.hashers.MD5PasswordHasher"


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The demo at a fiftieth of its size, at a fixed moment."""
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=[QUICK]), transaction.atomic():
        assert seed(now=NOW, scale=SCALE)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def changeable(demo):
    """The demo, with what the test changes undone after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def command(*options: str) -> str:
    out = io.StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def test_every_decision_can_be_followed_to_its_rule(demo):
    gaps = {gap for trace in Trace.objects.iterator() for gap in gaps_of(trace)}
    assert Trace.objects.exclude(outcome__in=["accepted", "duplicate", "updated"]).exists()
    assert gaps == set()


def test_shows_affiliates_enrollments_and_conversions_in_every_status(demo):
    assert set(Affiliate.objects.values_list("status", flat=True)) == set(Affiliate.Status.values)
    assert set(Enrollment.objects.values_list("status", flat=True)) == set(Enrollment.Status.values)
    assert set(Conversion.objects.values_list("status", flat=True)) == set(Conversion.Status.values)
    evidence = set(Conversion.objects.values_list("evidence", flat=True))
    assert evidence == set(Conversion.Evidence.values) - {"legacy", "touch"}
    assert set(StatusChange.objects.values_list("source", flat=True)) == set(StatusChange.Source.values)
    assert Affiliate.objects.count() == 9
    assert Affiliate.objects.exclude(parent=None).count() == 1
    assert CouponCode.objects.exists()


def test_shows_every_common_reason_of_a_conversion(demo):
    reasons = set(Conversion.objects.values_list("status", "reason"))
    expected = {
        "approved": "ok delay_passed operator_approved advertiser_approved appeal",
        "pending": "awaits_approval awaits_delay sent_pending risk_review affiliate_closed",
        "rejected": "outside_window before_click below_minimum not_first sent_rejected reversed operator_rejected "
        "fraud test_event",
    }
    assert reasons >= {(status, reason) for status, listed in expected.items() for reason in listed.split()}


def test_shows_appeals_in_every_state_and_contradictions_to_decide(demo):
    assert set(Appeal.objects.values_list("state", flat=True)) == set(Appeal.State.values)
    assert ConflictReview.objects.filter(resolved_at=None).exists()


def test_shows_every_outcome_of_a_postback_and_the_usual_problems(demo):
    assert set(Postback.objects.values_list("outcome", flat=True)) == set(Postback.Outcome.values)
    problems = {
        problem["code"] for problems in Trace.objects.values_list("problems", flat=True) for problem in problems
    }
    reasons = set(Trace.objects.values_list("reason", flat=True)) | problems
    assert reasons >= {
        *("bad_token", "wrong_advertiser", "unresolved_macro", "unknown_click", "waiting_for_customer", "bad_amount"),
        *("wrong_name", "bad_currency", "bad_status", "bad_timestamp", "unknown_goal", "missing_goal"),
        *("missing_click_id", "invalid_request", "transaction_conflict", "status_not_allowed", "duplicate"),
    }


def test_the_ledger_verifies_and_nothing_is_left_to_book(demo):
    run = Verification()
    assert list(run.findings()) == []
    assert run.entries > 50
    assert run.due == 0
    assert set(LedgerEntry.objects.values_list("kind", flat=True)) == set(LedgerEntry.Kind.values)
    assert set(LedgerEntry.objects.values_list("currency", flat=True)) == {"EUR", "USD"}


def test_full_months_are_closed_with_payouts_paid_and_due_and_the_current_one_is_open(demo):
    ends = set(Statement.objects.values_list("ends_at", flat=True))
    assert ends == {datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)}
    assert set(Payout.objects.values_list("status", flat=True)) >= {"paid", "due"}
    assert LedgerEntry.objects.filter(booked_at__gte=max(ends), kind="commission").exists()


def test_booking_follows_each_change_within_two_seconds(demo):
    """Commission comes after an approval, its reversal after a rejection."""
    changes = StatusChange.objects.filter(conversion=OuterRef("conversion"), at__lte=OuterRef("booked_at"))
    entries = LedgerEntry.objects.filter(conversion__isnull=False, kind__in=["commission", "reversal"]).annotate(
        changed_at=Subquery(changes.order_by("-at").values("at")[:1]),
        became=Subquery(changes.order_by("-at").values("to_status")[:1]),
    )
    assert entries.count() > 50
    assert not entries.filter(booked_at__gt=F("changed_at") + timedelta(seconds=2)).exists()
    assert set(entries.values_list("kind", "became")) == {("commission", "approved"), ("reversal", "rejected")}


def test_events_are_approved_on_the_day_that_their_delay_ends(demo):
    passed = StatusChange.objects.filter(reason=Reason.DELAY_PASSED).select_related("conversion__goal")
    waits = [change.at - change.conversion.received_at - change.conversion.goal.approval_delay for change in passed]
    assert waits
    assert timedelta(0) <= min(waits)
    assert max(waits) <= timedelta(days=1)


def test_nothing_lies_in_the_future_or_before_the_time_shown(demo):
    since = DemoSpan(NOW).since
    for model, column in (
        (Click, "clicked_at"),
        (Postback, "received_at"),
        (Trace, "decided_at"),
        (StatusChange, "at"),
        (LedgerEntry, "booked_at"),
    ):
        found = model.objects.aggregate(first=Min(column), last=Max(column))
        assert since <= found["first"]
        assert found["last"] <= NOW, model
    for model, column in ((Customer, "created_at"), (Payout, "created_at"), (Statement, "closed_at")):
        assert model.objects.aggregate(last=Max(column))["last"] <= NOW, model


def test_clicks_lie_in_partitions_and_carry_genuine_ids_and_marks(demo):
    assert Click.objects.count() > 500
    for click in Click.objects.order_by("?")[:20]:
        found = codec.parse(codec.text_of(click.pk))
        assert found is not None
        assert (found.link_number, found.made_at) == (click.link_id, click.clicked_at)
    assert not Click.objects.filter(marked_at=None).exists()
    assert Click.objects.filter(is_bot=True).exists()
    assert Click.objects.filter(is_duplicate=True).exists()
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ONLY tracking_click_default")
        assert cursor.fetchone() == (0,)


def test_the_sums_that_reports_read_are_what_the_clicks_give(demo):
    summed = reading.total(since=NOW - timedelta(days=70), until=NOW)
    stored = Click.objects.filter(is_bot=False, is_duplicate=False)
    assert (summed.clicks, summed.unique) == (Click.objects.count(), stored.count())
    assert ClickDay.objects.filter(link_number=ALL_LINKS).aggregate(total=Sum("clicks")) == {"total": summed.clicks}


def test_closed_links_get_no_clicks_after_they_were_closed(demo):
    last = dict(TrackingLink.objects.values_list("code").annotate(last=Max("clicks__clicked_at")))
    assert last["ana-casino-old"] is None
    assert last["nordic-casino"] < closing(DemoSpan(NOW), "nordic-casino")
    assert last["bright-casino"] < closing(DemoSpan(NOW), "bright-casino")


def test_an_override_has_two_versions_and_both_have_paid(demo):
    versions = PlanVersion.objects.filter(plan__affiliate__name="Ana Duarte Media").order_by("number")
    assert [version.number for version in versions] == [1, 2]
    for version in versions:
        entries = LedgerEntry.objects.filter(plan_version=version, kind="commission")
        assert entries.exists()
        assert all(entry.occurred_at >= version.effective_from for entry in entries)


def test_a_second_run_changes_nothing_and_says_so(changeable):
    before = figures()
    assert "already exist" in command()
    assert figures() == before
    assert seed(now=NOW + timedelta(days=3), scale=SCALE) is False


def test_facts_have_the_shape_of_the_contract(demo):
    answer = json.loads(command("--facts"))
    assert {name: sorted(rows[0]) for name, rows in answer.items()} == {
        "links": ["advertiser", "affiliate", "code", "destination", "offer"],
        "advertisers": ["hmac_secret", "name", "token"],
        "goals": ["code", "name", "offer"],
        "logins": ["affiliate", "email", "note", "password", "role"],
        "api_keys": ["key", "role"],
    }
    assert answer["links"][0]["code"] == "ana-casino"
    assert [(login["role"], login["affiliate"]) for login in answer["logins"]] == [
        ("operator", None),
        ("affiliate", "Ana Duarte Media"),
        ("affiliate", "Brandt Blog"),
    ]


def test_what_the_facts_name_can_be_used(demo):
    reported = facts()
    routes = read_routes(link["code"] for link in reported["links"])
    assert all(route is not None and route.is_open for route in routes.values())
    tokens = {digest(advertiser["token"]) for advertiser in reported["advertisers"]}
    assert AdvertiserSecret.objects.filter(digest__in=tokens, kind="token", revoked_at=None).count() == 3
    for login in reported["logins"]:
        user = User.objects.get(email=login["email"])
        assert user.check_password(login["password"])
        assert user.is_staff == (login["role"] == "operator")
    assert ApiKey.objects.filter(digest__in=[digest(key["key"]) for key in reported["api_keys"]]).count() == 2


def test_facts_leave_out_what_was_closed_or_revoked(changeable):
    TrackingLink.objects.filter(code="ana-casino").update(is_active=False)
    AdvertiserSecret.objects.filter(advertiser__name="LuckyFox", kind="token").update(revoked_at=NOW)
    reported = facts()
    assert "ana-casino" not in {link["code"] for link in reported["links"]}
    assert {advertiser["name"] for advertiser in reported["advertisers"]} == {"Northpeak Funding", "Casa Verbena"}


def test_facts_are_refused_when_the_secret_key_is_another(changeable, settings):
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-0123456789"
    with pytest.raises(CommandError, match="another SECRET_KEY"):
        command("--facts")
    with pytest.raises(CommandError, match="another SECRET_KEY"):
        command()


def test_a_purchase_with_nothing_but_click_and_transaction_earns_commission(changeable):
    """As the contract is checked: any offer with a purchase goal, in euro, approved by the sender."""
    reported = facts()
    purchases = {(goal["offer"], goal["code"]) for goal in reported["goals"] if "purchase" in goal["code"]}
    tokens = {advertiser["name"]: advertiser["token"] for advertiser in reported["advertisers"]}
    links = [link for link in reported["links"] if link["offer"] in {offer for offer, _ in purchases}]
    assert {link["offer"] for link in links} == {"Northpeak Challenge", "Casa Verbena Shop"}
    for link in links:
        goal = next(code for offer, code in purchases if offer == link["offer"])
        click = codec.new(link_number=TrackingLink.objects.get(code=link["code"]).pk, at=NOW)
        fields = {"click_id": click.text, "txid": f"tx-{link['code']}", "event_type": goal, "revenue": "100.00"}
        fields |= {"currency": "EUR", "status": "approved", "token": tokens[link["advertiser"]]}
        [decision] = intake([received(fields)], now=NOW + timedelta(seconds=5))
        assert (decision.http_status, decision.body["outcome"], decision.body["status"]) == (
            200,
            "accepted",
            "approved",
        )
        book_changes(now=NOW + timedelta(seconds=6))
        entry = LedgerEntry.objects.get(conversion__public_id=decision.body["conversion_id"])
        assert entry.amount > 0


def received(fields: dict[str, str]) -> Received:
    return Received(
        endpoint=Postback.Endpoint.NATIVE,
        method="GET",
        path="/postback",
        parameters=list(fields.items()),
        headers={},
        ip="127.0.0.1",
        is_secure=True,
        received_at=NOW + timedelta(seconds=5),
    )


def test_destinations_receive_the_click_id(demo):
    for link in facts()["links"]:
        assert "{click_id}" in dict(parse_qsl(urlsplit(link["destination"]).query)).values()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_figures(demo):
    assert again(number=seeding.SEED) == sums()


def test_another_seed_draws_something_else():
    assert source(1, "clicks").random() == source(1, "clicks").random()
    assert len({source(1, "clicks").random(), source(2, "clicks").random(), source(1, "journeys").random()}) == 3


def sums() -> dict[str, list[tuple[object, ...]]]:
    conversions = Conversion.objects.order_by().values_list("goal__code", "status", "reason", "affiliate__name")
    entries = LedgerEntry.objects.order_by().values_list("affiliate__name", "kind", "currency")
    clicks = Click.objects.order_by().values_list("link__code", "country", "device", "is_bot", "is_duplicate")
    return {
        "conversions": sorted(conversions.annotate(Count("pk"), Sum("revenue"))),
        "ledger": sorted(entries.annotate(Count("pk"), Sum("amount"))),
        "clicks": sorted(clicks.annotate(Count("pk"))),
    }


def again(*, number: int) -> dict[str, list[tuple[object, ...]]]:
    """The figures of another seed in a database as it was before the first."""
    with transaction.atomic():
        clear()
        assert seed(now=NOW, number=number, scale=SCALE)
        found = sums()
        transaction.set_rollback(True)
    return found


def clear() -> None:
    """Empty the tables, those of history too, which are protected by triggers."""
    with pgtrigger.ignore(), transaction.get_connection().cursor() as cursor:
        # Constraints that wait for the end of the transaction stand in the way of it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        tables = "affiliates_user, affiliates_affiliate, affiliates_advertiser, tracking_click, payouts_issuer"
        cursor.execute(f"TRUNCATE {tables} CASCADE")
        # Intake writes rows in any order, as it may.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
