"""Many decided at once: what is held is left out and named unless asked for, and only what was shown is decided."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from affiliates.models import Affiliate, User
from conversions.lifecycle.operator_decisions import reject
from conversions.lifecycle.refunds import refund
from conversions.models import Conversion, QualificationWait, RiskReview
from conversions.reasons.codes import Reason
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory
from tests.payouts.at_once import at_once
from tests.rest import client_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 10, 15, tzinfo=UTC)
LIST, API = "/admin/conversions/conversion/", "/api/v1/conversions"
Status = Conversion.Status


def pending(reason: Reason = Reason.AWAITS_APPROVAL, **fields: Any) -> Conversion:
    return ConversionFactory(status=Status.PENDING, reason=reason, **fields)


def review(row: Conversion, olga: User) -> RiskReview:
    return RiskReview.objects.create(
        conversion=row, score=100, threshold=100, parts=[], owner=olga, at_end="stay", opened_at=NOW,
        held_until=NOW + timedelta(days=7),
    )  # fmt: skip


def wait(row: Conversion) -> None:
    QualificationWait.objects.create(conversion=row, waiting_for=[], opened_at=NOW, looked_at=NOW)


class Cast:
    """A conversion of each kind."""

    def __init__(self, olga: User) -> None:
        self.fine = pending()
        self.review = pending(Reason.RISK_REVIEW)
        review(self.review, olga)
        self.rule = pending(Reason.AWAITS_RULES)
        wait(self.rule)
        self.cap = pending(Reason.OVER_CAP_HELD)
        self.access = pending(Reason.AFFILIATE_CLOSED)
        self.suspended = pending(affiliate=AffiliateFactory(name="Sue", status=Affiliate.Status.SUSPENDED))
        self.closed = pending(affiliate=AffiliateFactory(name="Carl", status=Affiliate.Status.CLOSED))
        # A review, and a rule that waits, may stand beside another reason.
        self.hidden_review, self.hidden_rule = pending(), pending()
        review(self.hidden_review, olga)
        wait(self.hidden_rule)

    def all(self) -> list[Conversion]:
        return list(vars(self).values())

    def approved(self) -> set[str]:
        names = {row.pk: name for name, row in vars(self).items()}
        return {names[pk] for pk in Conversion.objects.filter(status=Status.APPROVED).values_list("pk", flat=True)}


@pytest.fixture
def cast(olga: User) -> Cast:
    return Cast(olga)


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def ask(desk: Client, rows: list[Conversion], name: str = "approve", **more: str) -> Any:
    return desk.post(LIST, {"action": name, "_selected_action": [row.pk for row in rows], **more})


def shown(page: Any) -> str:
    return str(page.context["form"].seen())


def answer(desk: Client, rows: list[Conversion], seen: str | None, name: str = "approve", **fields: str) -> str:
    """The answer as the page sends it: one row chosen, all others in `seen`."""
    chosen = {"action": name, "_selected_action": [row.pk for row in rows[:1]], "confirmed": "yes"}
    given = {"reason": "operator_approved" if name == "approve" else "operator_rejected", "note": "x", **fields}
    page = desk.post(LIST, {**chosen, **given, **({} if seen is None else {"seen": seen})}, follow=True)
    return " ".join(page.content.decode().split())


TICKS = {
    "with_review": {"review", "hidden_review"},
    "with_rules": {"rule", "hidden_rule"},
    "with_cap": {"cap"},
    "with_closed": {"access", "suspended", "closed"},
}
EVERY = {name for names in TICKS.values() for name in names} | {"fine"}


class TestPanel:
    def test_leaves_out_what_is_held_and_names_each_with_its_reason(self, desk: Client, cast: Cast) -> None:
        page = answer(desk, cast.all(), shown(ask(desk, cast.all())))
        assert cast.approved() == {"fine"}
        assert "Left out: 8." in page
        assert all(row.public_id in page for row in cast.all() if row != cast.fine)
        for why in ("Held for review: ", "Waiting for a rule", "Over the cap", "is suspended", "is closed"):
            assert why in page

    @pytest.mark.parametrize("tick", sorted(TICKS))
    def test_each_tick_lets_its_own_kind_through(self, desk: Client, cast: Cast, tick: str) -> None:
        answer(desk, cast.all(), shown(ask(desk, cast.all())), **{tick: "on"})
        assert cast.approved() == {"fine"} | TICKS[tick]

    def test_two_reasons_need_two_ticks(self, desk: Client, cast: Cast) -> None:
        Affiliate.objects.filter(pk=cast.review.affiliate_id).update(status="suspended")
        seen = shown(ask(desk, cast.all()))
        answer(desk, cast.all(), seen, with_review="on")
        assert "review" not in cast.approved()
        answer(desk, cast.all(), shown(ask(desk, cast.all())), with_review="on", with_closed="on")
        assert "review" in cast.approved()

    def test_a_ticked_review_is_closed_with_who(self, desk: Client, cast: Cast, olga: User) -> None:
        answer(desk, cast.all(), shown(ask(desk, cast.all())), with_review="on")
        found = RiskReview.objects.get(conversion=cast.review)
        assert (found.resolution, found.resolved_by) == ("approved", olga)

    def test_the_question_shows_money_by_currency_group_and_affiliate(self, desk: Client, ana: Affiliate) -> None:
        sale = {"affiliate": ana, "goal": GoalFactory()}
        rows = [
            pending(**sale, revenue=Decimal("12.50"), currency="EUR"),
            pending(**sale, revenue=Decimal(30), currency="EUR"),
            pending(**sale, revenue=Decimal(7), currency="USD"),
            pending(Reason.OVER_CAP_HELD, **sale, revenue=Decimal(100), currency="EUR"),
        ]
        text = " ".join(ask(desk, rows).content.decode().split())
        assert "4 · 142.50 EUR + 7.00 USD revenue" in text
        assert "3 · 42.50 EUR + 7.00 USD revenue" in text
        assert "Over a cap" in text
        assert "Also over a cap: 1 · 100.00 EUR revenue" in text
        assert "Left out unless you tick it" in text

    def test_all_of_the_filter_across_pages_is_asked_once_and_done(self, desk: Client, ana: Affiliate) -> None:
        goal = GoalFactory()
        rows = [pending(affiliate=ana, goal=goal) for _ in range(620)]
        page = ask(desk, rows[:1], select_across="1")
        assert len(page.context["form"].rows) == 620
        assert page.content.decode().count("_selected_action") == 1
        assert "620 conversions approved" in answer(desk, rows, shown(page))
        assert not Conversion.objects.filter(status=Status.PENDING).exists()

    def test_more_than_the_bound_is_refused_with_a_way_on(self, desk: Client, cast: Cast, monkeypatch: Any) -> None:
        monkeypatch.setattr("web.panel.base.PanelAdmin.ASK_BOUND", 2)
        page = desk.post(
            LIST, {"action": "approve", "_selected_action": [cast.fine.pk], "select_across": "1"}, follow=True
        )
        assert "At most 2 at once. More are chosen, so nothing was done: narrow the list" in page.content.decode()

    def test_one_by_itself_is_approved_as_it_stands_with_the_hold_in_sight(self, desk: Client, cast: Cast) -> None:
        address = f"{LIST}{cast.review.pk}/approve/"
        page = desk.get(address)
        assert "held for review" in page.content.decode()
        desk.post(address, {"confirmed": "yes", "seen": shown(page), "reason": "operator_approved", "note": ""})
        assert cast.approved() == {"review"}

    def test_rejecting_shows_the_groups_and_needs_no_tick(self, desk: Client, cast: Cast) -> None:
        booked = ConversionFactory()
        rows = [*cast.all(), booked]
        page = ask(desk, rows, "reject")
        assert "Approved: " in page.content.decode()
        answer(desk, rows, shown(page), "reject")
        assert set(Conversion.objects.values_list("status", flat=True)) == {"rejected"}
        assert not RiskReview.objects.filter(resolved_at=None).exists()


def _reviewed(row: Conversion, olga: User) -> None:
    review(row, olga)


def _rejected(row: Conversion, olga: User) -> None:
    reject(conversion_id=row.pk, reason=Reason.FRAUD, note="Bots", actor=olga, now=NOW)


def _suspended(row: Conversion, olga: User) -> None:
    Affiliate.objects.filter(pk=row.affiliate_id).update(status="suspended")


def _refunded(row: Conversion, olga: User) -> None:
    refund(
        conversion=row,
        amount=Decimal(1),
        refund_id="",
        note="x",
        occurred_at=NOW,
        now=NOW,
        source="operator",
        actor=olga,
    )


def _more(row: Conversion, olga: User) -> None:
    Conversion.objects.filter(pk=row.pk).update(revenue=Decimal(99_999))


def _held(row: Conversion, olga: User) -> None:
    Conversion.objects.filter(pk=row.pk).update(reason=Reason.AWAITS_RULES)


class TestWhatWasShown:
    @pytest.mark.parametrize("change", [_reviewed, _rejected, _suspended, _refunded, _more, _held])
    @pytest.mark.parametrize("alone", [True, False])
    def test_what_changed_meanwhile_is_left_out_and_named_in_spite_of_every_tick(
        self, desk: Client, olga: User, change: Callable[[Conversion, User], None], alone: bool
    ) -> None:
        row = pending(revenue=Decimal(10), currency="EUR")
        rows = [row] if alone else [pending(), row]
        seen = shown(ask(desk, rows))
        change(row, olga)
        before = Conversion.objects.get(pk=row.pk).status
        page = answer(desk, rows, seen, note="x", **dict.fromkeys(TICKS, "on"))
        assert "Changed since the question was shown: " in page
        assert f"{row.public_id} (now " in page
        assert Conversion.objects.get(pk=row.pk).status == before
        assert Conversion.objects.filter(status=Status.APPROVED).count() == len(rows) - 1

    def test_what_left_the_list_meanwhile_is_named_too(self, desk: Client, cast: Cast, olga: User) -> None:
        rows = [cast.fine, pending()]
        address = f"{LIST}?status__exact=pending"
        chosen = {"action": "approve", "_selected_action": [rows[0].pk, rows[1].pk]}
        seen = shown(desk.post(address, chosen))
        _rejected(rows[1], olga)
        given = {"confirmed": "yes", "seen": seen, "reason": "operator_approved", "note": ""}
        page = desk.post(address, {**chosen, **given}, follow=True).content.decode()
        assert "1 conversion approved" in page
        assert f"{rows[1].public_id} (now rejected" in page

    @pytest.mark.parametrize("hostile", ["", "x", "1:2:3", ":", "²:review", "9" * 40 + ":", "-1:x"])
    def test_an_odd_snapshot_approves_nothing(self, desk: Client, cast: Cast, hostile: str) -> None:
        answer(desk, cast.all(), hostile, **dict.fromkeys(TICKS, "on"))
        assert cast.approved() == set()

    def test_a_row_that_was_not_shown_cannot_be_added(self, desk: Client, cast: Cast) -> None:
        seen = shown(ask(desk, [cast.fine, cast.cap]))
        answer(desk, [cast.fine], f"{seen} {cast.review.pk}:", **dict.fromkeys(TICKS, "on"))
        assert cast.approved() == {"fine", "cap"}


class TestApi:
    def post(self, olga: User, path: str, body: Any) -> Any:
        return client_of(olga).post(f"{API}/{path}", body, content_type="application/json")

    def test_many_leave_out_what_is_held_and_say_why(self, cast: Cast, olga: User) -> None:
        body = [{"id": row.public_id, "status": "approved"} for row in cast.all()]
        found = self.post(olga, "status", body).json()
        assert cast.approved() == {"fine"}
        kinds = ["review", "rules", "cap", "closed", "closed", "closed", "review", "rules"]
        assert [row["held"] for row in found] == [[], *([kind] for kind in kinds)]
        assert [row["result"] for row in found] == ["changed", *(["refused"] * 8)]
        assert all("include_held" in row["message"] for row in found[1:])

    def test_the_flag_is_for_its_own_row(self, cast: Cast, olga: User) -> None:
        body: list[dict[str, Any]] = [{"id": row.public_id, "status": "approved"} for row in cast.all()]
        body[1]["include_held"] = True
        self.post(olga, "status", body)
        assert cast.approved() == {"fine", "review"}
        assert RiskReview.objects.get(conversion=cast.review).resolved_by == olga

    def test_one_named_in_the_address_and_rejections_answer_as_before(self, cast: Cast, olga: User) -> None:
        assert self.post(olga, f"{cast.review.public_id}/approve/", {}).status_code == 200
        body = [{"id": row.public_id, "status": "rejected", "note": "x"} for row in (cast.rule, cast.closed)]
        assert {row["result"] for row in self.post(olga, "status", body).json()} == {"changed"}


class TestFile:
    def upload(self, desk: Client, text: str, **fields: str) -> str:
        file = SimpleUploadedFile("wishes.csv", text.encode())
        return desk.post(f"{LIST}by_file/", {"confirmed": "1", "file": file, **fields}, follow=True).content.decode()

    def test_what_is_held_is_left_out_and_named_unless_it_is_included(self, desk: Client, cast: Cast) -> None:
        text = "id,status\n" + "".join(f"{row.public_id},approved\n" for row in cast.all())
        page = self.upload(desk, text)
        assert "1 changed, 0 unchanged, 8 left out." in page
        assert f"Line 3: {cast.review.public_id} is left out: held for review." in page
        assert all(row.public_id in page for row in cast.all() if row != cast.fine)
        assert cast.approved() == {"fine"}
        self.upload(desk, text, include_held="on")
        assert cast.approved() == EVERY

    def test_a_column_includes_a_row(self, desk: Client, cast: Cast) -> None:
        text = f"id,status,include_held\n{cast.review.public_id},approved,yes\n{cast.cap.public_id},approved,\n"
        self.upload(desk, text)
        assert cast.approved() == {"review"}
        assert "write yes or no" in self.upload(desk, f"id,status,include_held\n{cast.rule.public_id},approved,maybe\n")

    def test_other_errors_still_stop_the_file(self, desk: Client, cast: Cast) -> None:
        text = f"id,status\n{cast.fine.public_id},approved\n{cast.cap.public_id},approved\ncv_none,approved\n"
        assert "1 rows failed; nothing was changed." in self.upload(desk, text)
        assert cast.approved() == set()


def test_the_review_queue_leaves_out_who_is_closed_and_what_waits_for_a_rule(
    desk: Client, olga: User, ana: Affiliate
) -> None:
    rows = [
        pending(Reason.RISK_REVIEW, affiliate=ana),
        pending(Reason.AWAITS_RULES),
        pending(Reason.RISK_REVIEW, affiliate=AffiliateFactory(status="closed")),
    ]
    for row in rows:
        review(row, olga)
    address, chosen = "/admin/conversions/riskreview/", {"action": "approve", "_selected_action": [r.pk for r in rows]}
    given = {"confirmed": "yes", "seen": shown(desk.post(address, chosen)), "reason": "operator_approved", "note": "x"}
    assert "Left out: 2." in desk.post(address, {**chosen, **given}, follow=True).content.decode()
    assert list(Conversion.objects.filter(status=Status.APPROVED)) == [rows[0]]


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_change_each_once(olga: User) -> None:
    rows = [pending(revenue=Decimal(10), currency="EUR") for _ in range(5)]
    desks = [Client(), Client()]
    for each in desks:
        each.force_login(olga)
    seen = [shown(ask(each, rows)) for each in desks]
    at_once(*[lambda desk=desk, text=text: answer(desk, rows, text) for desk, text in zip(desks, seen, strict=True)])
    assert {row.status_changes.count() for row in rows} == {1}
    assert set(Conversion.objects.values_list("status", flat=True)) == {"approved"}
