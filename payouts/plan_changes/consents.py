"""Consents to versions that begin in the past: the affiliates concerned, their answers, and recording an answer.

A consent is given to exactly the terms that were shown: it names their digest, and a changed draft has another digest.
Answers are append-only; of several answers to one digest the newest counts. The database refuses a version without them
(`plan_version_agreed_to`, in `payouts.models.plans`).
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext

from affiliates.models import Affiliate, User
from payouts.models import CommissionPlan, DraftVersion, PlanConsent
from payouts.models.plans import AFFECTED

Answer = PlanConsent.Answer
_AFFECTED = AFFECTED.format(plan="%(plan)s", since="%(since)s", until="%(until)s")


class ConsentRefused(ValueError):
    """The answer was refused; the message says why and what to do."""


def affected_by(plan: CommissionPlan, since: datetime, until: datetime) -> list[int]:
    """The affiliates whose earnings change if the plan's terms change for the events of a span. One query.

    Those with approved or pending events that the plan prices, and parents with a booked share of them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED, {"plan": plan.pk, "since": since, "until": until})
        return sorted(row[0] for row in cursor.fetchall())


def answers_to(plan: CommissionPlan, digest: str) -> dict[int, PlanConsent]:
    """The newest answer of each affiliate that has given one to exactly these terms."""
    rows = PlanConsent.objects.filter(draft__plan=plan, digest=digest).select_related("answered_by", "affiliate")
    return {row.affiliate_id: row for row in rows.order_by("pk")}


def without_consent(plan: CommissionPlan, digest: str, affiliate_ids: list[int]) -> list[int]:
    """The affiliates that have not accepted, in the order given."""
    answers = answers_to(plan, digest)
    return [pk for pk in affiliate_ids if pk not in answers or answers[pk].answer != Answer.ACCEPTED]


def answer(
    *,
    draft: DraftVersion,
    digest: str,
    affiliate: Affiliate,
    accepts: bool,
    user: User,
    now: datetime,
    address: str | None = None,
    shown: dict[str, Any] | None = None,
) -> PlanConsent:
    """Store the affiliate's own answer to the terms named by `digest`.

    Locks the draft, so it waits for concurrent changes and publishing. Raise `ConsentRefused` when the draft has
    changed since it was shown, when no consent was requested, or when the affiliate is not concerned.
    """
    with transaction.atomic():
        draft = _as_it_stands(draft, digest, affiliate, now)
        if draft.asked_at is None:
            raise ConsentRefused(gettext("No answer to this change of terms has been requested yet."))
        return PlanConsent.objects.create(
            draft=draft,
            digest=digest,
            affiliate=affiliate,
            answer=Answer.ACCEPTED if accepts else Answer.DECLINED,
            source=PlanConsent.Source.PORTAL,
            answered_by=user,
            answered_at=now,
            address=address,
            shown=shown or {},
        )


def record(
    *,
    draft: DraftVersion,
    digest: str,
    affiliate: Affiliate,
    accepts: bool,
    operator: User,
    evidence: str,
    evidence_file: str,
    now: datetime,
) -> PlanConsent:
    """Store an answer that the affiliate gave elsewhere, with its evidence, as recorded by `operator`.

    Raise `ConsentRefused` as `answer` does, and when the evidence is missing.
    """
    if not evidence.strip():
        raise ConsentRefused(
            gettext("Say how and when the affiliate agreed: the record is worth what its evidence is worth.")
        )
    with transaction.atomic():
        draft = _as_it_stands(draft, digest, affiliate, now)
        return PlanConsent.objects.create(
            draft=draft,
            digest=digest,
            affiliate=affiliate,
            answer=Answer.ACCEPTED if accepts else Answer.DECLINED,
            source=PlanConsent.Source.OPERATOR,
            answered_by=operator,
            answered_at=now,
            evidence=evidence.strip(),
            evidence_file=evidence_file.strip(),
        )


def _as_it_stands(draft: DraftVersion, digest: str, affiliate: Affiliate, now: datetime) -> DraftVersion:
    """Lock the draft and its plan until the transaction ends, and check that its terms are still those shown."""
    CommissionPlan.objects.select_for_update(no_key=True).get(pk=draft.plan_id)
    draft = DraftVersion.objects.select_for_update(of=("self",)).select_related("plan").get(pk=draft.pk)
    if not draft.is_open:
        raise ConsentRefused(
            gettext("This change of terms is {state} already.").format(state=draft.get_state_display().lower())
        )
    if draft.digest != digest:
        raise ConsentRefused(gettext("The terms were changed meanwhile. Read them again, then answer."))
    if affiliate.pk not in affected_by(draft.plan, draft.effective_from, now):
        raise ConsentRefused(
            gettext("{affiliate} has no events that this change of terms would price again.").format(
                affiliate=affiliate
            )
        )
    return draft
