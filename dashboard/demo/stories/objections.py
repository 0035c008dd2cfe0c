"""Affiliates' appeals and the operator's decisions: appeals in every state, and a dismissed conflict."""

from datetime import datetime, timedelta

from affiliates.models import AffiliateMember
from conversions import conflicts
from conversions.lifecycle import appeals
from conversions.models import Appeal, ConflictReview, Conversion
from conversions.reasons.codes import Reason
from dashboard.demo.program.groundwork import Ground
from dashboard.demo.program.partners import DUARTE, OKAFOR
from dashboard.demo.stories.affiliates import APPEALS
from dashboard.demo.visitors.journeys import Verdict

EVIDENCE = "https://files.example.com/receipts/lf-late-appeal.pdf"
ON_THE_PHONE = "The player registered on the phone in time and deposited on the computer later: see the mail."
NEW_ACCOUNT = "The player closed the first account and opened another one: for you this is a new player."
SAME_PLAYER = "Same person, same documents: the terms count the first deposit of a player once."
FORGOTTEN_MAIL = "The player registered within the month, but confirmed the mail after it. Please check it again."
TYPED_AGAIN = "The shop sent the basket's sum again with shipping; commission goes by the goods."


class Objections:
    """Ana's and Ben's appeals and Olga's answers, through the functions that portal and panel call."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def appeal_for_the_late_one(self, at: datetime) -> None:
        self._appeal(Conversion.objects.filter(transaction_id=APPEALS[0]).first(), ON_THE_PHONE, at, EVIDENCE)

    def uphold_it(self, verdict: Verdict, at: datetime) -> None:
        for row in Appeal.objects.filter(conversion__transaction_id=APPEALS[0], state=Appeal.State.OPEN):
            appeals.uphold(conversion_id=row.pk, note=verdict.note, actor=self._ground.operator, now=at)

    def appeal_for_a_second_first(self, at: datetime) -> None:
        self._appeal(self._rejected(DUARTE, Reason.NOT_FIRST, at), NEW_ACCOUNT, at)

    def dismiss_what_is_old(self, at: datetime) -> None:
        """Dismiss appeals and conflicts older than a day; the latest two of these conflicts stay open for the demo."""
        old = at - timedelta(days=1)
        for row in Appeal.objects.filter(state=Appeal.State.OPEN, opened_at__lt=old):
            appeals.dismiss(conversion_id=row.pk, note=SAME_PLAYER, actor=self._ground.operator, now=at)
        for review in list(ConflictReview.objects.filter(resolved_at=None, opened_at__lt=old))[:-2]:
            conflicts.dismiss(review_id=review.pk, note=TYPED_AGAIN, actor=self._ground.operator, now=at)

    def appeal_for_a_late_one(self, at: datetime) -> None:
        self._appeal(self._rejected(OKAFOR, Reason.OUTSIDE_WINDOW, at), FORGOTTEN_MAIL, at)

    def _rejected(self, name: str, reason: Reason, at: datetime) -> Conversion | None:
        """The affiliate's newest one that was rejected for this reason within the time for appeals."""
        rows = Conversion.objects.filter(affiliate=self._ground.affiliates[name], status="rejected", reason=reason)
        rows = rows.filter(appeal=None, is_test=False, received_at__range=(at - timedelta(days=25), at))
        return rows.order_by("-received_at", "-pk").first()

    def _appeal(self, row: Conversion | None, words: str, at: datetime, evidence_url: str = "") -> None:
        if row and row.status == Conversion.Status.REJECTED:
            user = AffiliateMember.objects.filter(affiliate=row.affiliate).earliest("pk").user
            appeals.appeal(conversion=row, words=words, evidence_url=evidence_url, user=user, now=at)
