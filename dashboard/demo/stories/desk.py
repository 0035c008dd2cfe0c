"""The operator's decisions: orders looked through, fraud found, accounts suspended and closed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Subquery

from affiliates.approvals import change_affiliates, decide_enrollments
from affiliates.models import Affiliate, Enrollment
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from dashboard.demo.program.groundwork import Ground
from dashboard.demo.program.offers import CHALLENGE
from dashboard.demo.program.partners import CLICKS, DUARTE, NORDIC
from dashboard.demo.stories.affiliates import APPEALS, TESTS
from dashboard.demo.visitors.journeys import Verdict
from payouts.models import LedgerEntry, Statement

Status = Conversion.Status

ORDERS_AFTER, REVIEWS_AFTER, CLOSED_AFTER = timedelta(days=3), timedelta(days=2), timedelta(days=5)
RING_SINCE = timedelta(days=14)

LOOKS_GOOD = Verdict(True, Reason.OPERATOR_APPROVED, "")
BROUGHT_BEFORE = Verdict(True, Reason.OPERATOR_APPROVED, "The player was brought while the account was open.")
RING = Verdict(
    False, Reason.FRAUD, "Several accounts of one person: same device and card. The case file names them all."
)


CHARGED_BACK = Verdict(False, Reason.REVERSED, "The customer's bank took the payment back, weeks later.")


class Desk:
    """Olga's decisions, made through the functions that the operator panel calls."""

    def __init__(self, ground: Ground, verdicts: Mapping[str, Verdict]) -> None:
        self._ground, self._verdicts = ground, verdicts

    def morning(self, now: datetime) -> None:
        """Decide the conversions that wait for an operator; recent ones keep waiting for further events."""
        decisions: dict[Verdict, list[int]] = {}
        for reason, after, otherwise in (
            (Reason.AWAITS_APPROVAL, ORDERS_AFTER, LOOKS_GOOD),
            (Reason.RISK_REVIEW, REVIEWS_AFTER, None),
        ):
            waiting = Conversion.objects.filter(status=Status.PENDING, reason=reason, received_at__lt=now - after)
            for pk, txid in waiting.order_by("pk").values_list("pk", "transaction_id"):
                if verdict := self._verdicts.get(txid, otherwise):
                    decisions.setdefault(verdict, []).append(pk)
        held = Conversion.objects.filter(status=Status.PENDING, reason=Reason.AFFILIATE_CLOSED)
        of_closed = held.filter(affiliate__status=Affiliate.Status.CLOSED, received_at__lt=now - CLOSED_AFTER)
        decisions[BROUGHT_BEFORE] = list(of_closed.order_by("pk").values_list("pk", flat=True))
        for verdict, pks in decisions.items():
            self._decide(pks, verdict, now)

    def take_out_tests(self, now: datetime) -> None:
        self._decide_by_transaction(TESTS, now)

    def charge_back(self, now: datetime) -> None:
        """An invoiced sale is charged back: the next close writes a credit note for it."""
        affiliate = self._ground.affiliates[DUARTE]
        last = Statement.objects.filter(affiliate=affiliate).order_by("-last_sequence").values("last_sequence")[:1]
        closed = LedgerEntry.objects.filter(
            affiliate=affiliate, kind=LedgerEntry.Kind.COMMISSION, sequence__lte=Subquery(last)
        )
        kept = closed.filter(conversion__status=Status.APPROVED)
        ours = kept.exclude(conversion__transaction_id__in=(*APPEALS, *TESTS)).order_by("-amount", "sequence")
        found = ours.values_list("conversion_id", flat=True)[:1]
        self._decide([pk for pk in found if pk], CHARGED_BACK, now)

    def block_nordic_on_challenge(self, now: datetime) -> None:
        enrollment = self._ground.enrollments[NORDIC, CHALLENGE]
        decide_enrollments(
            enrollment_ids=[enrollment.pk],
            to=Enrollment.Status.BLOCKED,
            note="Adverts on Northpeak's own name, after two warnings.",
            actor=self._ground.operator,
            now=now,
        )

    def close_brightlane(self, now: datetime) -> None:
        affiliate = self._ground.affiliates[CLICKS]
        note = "Closed at the affiliate's own wish; the balance is paid with the next run."
        change_affiliates(affiliate_ids=[affiliate.pk], to=Affiliate.Status.CLOSED, note=note)

    def suspend_nordic(self, now: datetime) -> None:
        """Stop the account, and take back the first deposits of the ring that was found."""
        affiliate = self._ground.affiliates[NORDIC]
        note = "Suspended while we look into first deposits that one person seems to have made. Please write to us."
        change_affiliates(affiliate_ids=[affiliate.pk], to=Affiliate.Status.SUSPENDED, note=note)
        ring = Conversion.objects.filter(
            affiliate=affiliate, goal__code="ftd", link__code="nordic-ads", received_at__gte=now - RING_SINCE
        )
        self._decide(list(ring.exclude(status=Status.REJECTED).values_list("pk", flat=True)), RING, now)

    def _decide_by_transaction(self, txids: tuple[str, ...], now: datetime) -> None:
        for txid in txids:
            found = Conversion.objects.filter(transaction_id=txid).values_list("pk", flat=True)
            self._decide(list(found), self._verdicts[txid], now)

    def _decide(self, pks: list[int], verdict: Verdict, now: datetime) -> None:
        if pks:
            change_status(
                conversion_ids=pks,
                to=Status.APPROVED if verdict.approve else Status.REJECTED,
                reason=verdict.reason,
                source=StatusChange.Source.OPERATOR,
                now=now,
                actor=self._ground.operator,
                note=verdict.note,
            )
