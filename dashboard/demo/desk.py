"""What the operator's people and the affiliates do by hand, through the functions that panel and portal call.

A method does an entry of calendar.toml: `at` is its moment, the rest is what the entry holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from affiliates.approvals import change_affiliates, decide_enrollments
from affiliates.models import Affiliate, AffiliateMember, Enrollment
from conversions.conflicts import dismiss as dismiss_conflict
from conversions.lifecycle import appeals as appealing
from conversions.lifecycle.status import change_status
from conversions.models import Appeal, ConflictReview, Conversion, StatusChange
from conversions.reasons.codes import Reason
from dashboard.demo.data import CALENDAR, OFFERS, Spec
from dashboard.demo.program import Ground, publish, rules
from payouts.anchors.making import make_anchor
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout, Statement
from payouts.paying.batches import make_batches
from payouts.paying.payments import mark_paid, mark_returned
from payouts.plan_changes.consent_requests import ask_for_consent, standings
from payouts.plan_changes.consents import record
from payouts.plan_changes.drafts import write_draft
from payouts.statements.statements import close_period

Status = Conversion.Status
ORDERS_AFTER, REVIEWS_AFTER, CLOSED_AFTER = timedelta(days=3), timedelta(days=2), timedelta(days=5)


class Desk:
    """`verdicts` are the names of decisions by transaction; `ends_at` of a monthly entry is the end of its month."""

    def __init__(self, ground: Ground, verdicts: Mapping[str, str]) -> None:
        self._ground, self._verdicts = ground, verdicts

    def morning(self, at: datetime) -> None:
        """Decide the conversions that wait for an operator; recent ones keep waiting for further events."""
        decisions: dict[str, list[int]] = {}
        for reason, after, otherwise in (
            (Reason.AWAITS_APPROVAL, ORDERS_AFTER, "looks_good"),
            (Reason.RISK_REVIEW, REVIEWS_AFTER, ""),
        ):
            waiting = Conversion.objects.filter(status=Status.PENDING, reason=reason, received_at__lt=at - after)
            for pk, txid in waiting.order_by("pk").values_list("pk", "transaction_id"):
                if verdict := self._verdicts.get(txid, otherwise):
                    decisions.setdefault(verdict, []).append(pk)
        held = Conversion.objects.filter(status=Status.PENDING, reason=Reason.AFFILIATE_CLOSED)
        of_closed = held.filter(affiliate__status=Affiliate.Status.CLOSED, received_at__lt=at - CLOSED_AFTER)
        decisions["brought_before"] = list(of_closed.order_by("pk").values_list("pk", flat=True))
        for verdict, pks in decisions.items():
            self._decide(pks, verdict, at)

    def decide(self, at: datetime, *, transactions: Sequence[str], verdict: str) -> None:
        found = Conversion.objects.filter(transaction_id__in=transactions).order_by("pk")
        self._decide(list(found.values_list("pk", flat=True)), verdict, at)

    def take_back(self, at: datetime, *, link: str, goal: str, days: int, verdict: str) -> None:
        """Reject what came by a link within so many days."""
        found = Conversion.objects.filter(link__code=link, goal__code=goal, received_at__gte=at - timedelta(days=days))
        self._decide(list(found.exclude(status=Status.REJECTED).values_list("pk", flat=True)), verdict, at)

    def charge_back(self, at: datetime, ends_at: datetime, *, affiliate: str, verdict: str) -> None:
        """The greatest sale on a statement is charged back: the next close writes a credit note for it."""
        ours = Statement.objects.filter(affiliate=self._ground.affiliates[affiliate]).order_by("-last_sequence")
        last = ours.values_list("last_sequence", flat=True).first() or 0
        closed = LedgerEntry.objects.filter(
            affiliate__name=affiliate, kind=LedgerEntry.Kind.COMMISSION, sequence__lte=last
        )
        kept = closed.filter(conversion__status=Status.APPROVED).exclude(conversion__transaction_id__in=self._verdicts)
        found = kept.order_by("-amount", "sequence").values_list("conversion_id", flat=True)[:1]
        self._decide([pk for pk in found if pk], verdict, at)

    def block(self, at: datetime, *, affiliate: str, offer: str, note: str) -> None:
        ids, to = [self._ground.enrollments[affiliate, offer].pk], Enrollment.Status.BLOCKED
        decide_enrollments(enrollment_ids=ids, to=to, note=note, actor=self._ground.operator, now=at)

    def change_status(self, at: datetime, *, affiliate: str, to: str, note: str) -> None:
        ids = [self._ground.affiliates[affiliate].pk]
        change_affiliates(affiliate_ids=ids, to=Affiliate.Status(to), note=note)

    def adjust(self, at: datetime, *, affiliate: str, amount: str, words: str) -> None:
        whose, much, operator = self._ground.affiliates[affiliate], Decimal(amount), self._ground.operator
        adjust(affiliate=whose, amount=much, currency="EUR", arithmetic=words, actor=operator, now=at)

    def publish(self, at: datetime, *, plan: str) -> None:
        """Publish the next version of a plan."""
        versions = next(each["versions"] for each in OFFERS["plans"] if each["name"] == plan)
        row = self._ground.plans[plan]
        publish(self._ground, row, versions[row.versions.count()], now=at)

    # Appeals

    def appeal(self, at: datetime, *, transaction: str, words: str, evidence_url: str) -> None:
        self._appeal(Conversion.objects.filter(transaction_id=transaction).first(), words, at, evidence_url)

    def appeal_the_newest(self, at: datetime, *, affiliate: str, reason: str, words: str) -> None:
        """Appeal for the newest one that was rejected for this reason within the time for appeals."""
        rows = Conversion.objects.filter(affiliate__name=affiliate, status=Status.REJECTED, reason=reason)
        rows = rows.filter(appeal=None, is_test=False, received_at__range=(at - timedelta(days=25), at))
        self._appeal(rows.order_by("-received_at", "-pk").first(), words, at)

    def uphold(self, at: datetime, *, transaction: str, verdict: str) -> None:
        note = CALENDAR["verdicts"][verdict]["note"]
        for row in Appeal.objects.filter(conversion__transaction_id=transaction, state=Appeal.State.OPEN):
            appealing.uphold(conversion_id=row.pk, note=note, actor=self._ground.operator, now=at)

    def dismiss_what_is_old(self, at: datetime, *, appeals: str, conflicts: str) -> None:
        """Dismiss appeals and conflicts older than a day; the latest two of these conflicts stay open for the demo."""
        old, operator = at - timedelta(days=1), self._ground.operator
        for row in Appeal.objects.filter(state=Appeal.State.OPEN, opened_at__lt=old):
            appealing.dismiss(conversion_id=row.pk, note=appeals, actor=operator, now=at)
        for review in list(ConflictReview.objects.filter(resolved_at=None, opened_at__lt=old))[:-2]:
            dismiss_conflict(review_id=review.pk, note=conflicts, actor=operator, now=at)

    # After the end of a month

    def close(self, at: datetime, ends_at: datetime) -> None:
        close_period(ends_at=ends_at, now=at, actor=self._ground.finance)
        make_anchor(now=at)

    def pay(self, at: datetime, ends_at: datetime, *, currency: str = "") -> None:
        """Pay what is due, of one currency or of all."""
        due = Payout.objects.filter(status=Payout.Status.DUE, currency__startswith=currency).order_by("pk")
        for number, payout in enumerate(due, start=1):
            kind = "SEPA" if payout.currency == "EUR" else "WIRE"
            reference = f"{kind}-{at:%Y%m%d}-{number:03d}"
            mark_paid(payout=payout, reference=reference, actor=self._ground.finance, now=at)

    def collect_batch(self, at: datetime, ends_at: datetime) -> None:
        """Put payouts that are still due into batches that wait for a second person's approval."""
        due = Payout.objects.filter(status=Payout.Status.DUE, batch=None).values_list("pk", flat=True)
        make_batches(payout_ids=list(due), actor=self._ground.finance, now=at)

    def bring_back_a_payment(self, at: datetime, ends_at: datetime, *, why: str) -> None:
        """One bank account was closed: the money comes back and is paid with the next statement."""
        payout = Payout.objects.filter(status=Payout.Status.PAID).order_by("amount", "pk").first()
        if payout:
            mark_returned(payout=payout, why=why, actor=self._ground.finance, now=at)

    # In the end

    def draft(self, at: datetime, spec: Spec) -> None:
        """Write a draft; ask about one that was accepted by letter, and record that answer."""
        plan, operator = self._ground.plans[spec["plan"]], self._ground.operator
        since = self._ground.span.midnight(spec["days_ago"])
        given = rules(plan.offer, spec["rules"])
        written = write_draft(plan=plan, rules=given, effective_from=since, note=spec["note"], actor=operator, now=at)
        if "accepted_by_letter" in spec and (concerned := standings(written, at)):
            ask_for_consent(draft=written, actor=operator, now=at)
            answer = {"affiliate": concerned[-1].affiliate, "accepts": True, **spec["accepted_by_letter"]}
            record(draft=written, digest=written.digest, operator=operator, now=at, **answer)

    def _appeal(self, row: Conversion | None, words: str, at: datetime, evidence_url: str = "") -> None:
        if row and row.status == Status.REJECTED:
            user = AffiliateMember.objects.filter(affiliate=row.affiliate).earliest("pk").user
            appealing.appeal(conversion=row, words=words, evidence_url=evidence_url, user=user, now=at)

    def _decide(self, pks: list[int], verdict: str, now: datetime) -> None:
        decision = CALENDAR["verdicts"][verdict]
        if pks:
            change_status(
                conversion_ids=pks,
                to=Status(decision["to"]),
                reason=Reason(decision["reason"]),
                source=StatusChange.Source.OPERATOR,
                now=now,
                actor=self._ground.operator,
                note=decision["note"],
            )
