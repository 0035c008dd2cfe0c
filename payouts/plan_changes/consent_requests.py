"""Asking affiliates for their consent to a draft, and the state of their answers."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from affiliates.models import Affiliate, AffiliateMember, User
from payouts.models import DraftVersion, PlanConsent, WhatIf, WhatIfLine
from payouts.plan_changes.consents import Answer, affected_by, answers_to
from payouts.plan_changes.drafts import locked
from payouts.plan_changes.what_if_jobs import ask_of_draft
from payouts.plans.documents import PlanRefused


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """An affiliate concerned by a draft, and its newest answer to the current terms."""

    affiliate: Affiliate
    consent: PlanConsent | None

    @property
    def has_accepted(self) -> bool:
        return self.consent is not None and self.consent.answer == Answer.ACCEPTED


def standings(draft: DraftVersion, now: datetime) -> list[ConsentStanding]:
    """Every affiliate whose consent the draft needs, by name; empty when it begins later."""
    if draft.effective_from >= now:
        return []
    answers = answers_to(draft.plan, draft.digest)
    rows = Affiliate.objects.filter(pk__in=affected_by(draft.plan, draft.effective_from, now)).order_by("name", "pk")
    return [ConsentStanding(each, answers.get(each.pk)) for each in rows]


def ask_for_consent(*, draft: DraftVersion, actor: User, now: datetime) -> WhatIf:
    """Ask the affiliates concerned, or remind them: their portal shows both terms and the effect on their earnings.

    The effect is computed again each time. Raise `PlanRefused` when no consent is needed.
    """
    with transaction.atomic():
        draft = locked(draft)
        if draft.effective_from >= now:
            raise PlanRefused([gettext("The draft begins later: publish it, it needs no consent.")])
        if not affected_by(draft.plan, draft.effective_from, now):
            raise PlanRefused(
                [
                    gettext(
                        "No affiliate has events since then that it prices again, so it needs no consent: publish it."
                    )
                ]
            )
        draft.asked_at, draft.asked_by = now, actor
        draft.save(update_fields=["asked_at", "asked_by"])
    return ask_of_draft(draft, draft.effective_from, now, actor=actor, now=now)


def owners_to_remind(draft: DraftVersion, now: datetime) -> list[str]:
    """The e-mail addresses of the owners of affiliates that have not answered the current draft."""
    silent = [each.affiliate.pk for each in standings(draft, now) if each.consent is None]
    owners = AffiliateMember.objects.filter(affiliate__in=silent, roles__contains=[AffiliateMember.OWNER])
    return list(owners.order_by("user__email").values_list("user__email", flat=True).distinct())


def waiting_for(affiliate: Affiliate) -> list[DraftVersion]:
    """The drafts that wait for the affiliate's answer, the oldest question first."""
    drafts = DraftVersion.objects.filter(_concerns(affiliate), asked_at__isnull=False, state=DraftVersion.State.OPEN)
    answered = PlanConsent.objects.filter(affiliate=affiliate, draft=OuterRef("pk"), digest=OuterRef("digest"))
    return list(drafts.exclude(Exists(answered)).select_related("plan__offer").order_by("asked_at"))


def draft_for(affiliate: Affiliate, public_id: str) -> DraftVersion | None:
    """A draft that the affiliate was asked about, in any state."""
    asked = Exists(PlanConsent.objects.filter(affiliate=affiliate, draft=OuterRef("pk")))
    open_question = _concerns(affiliate) & Q(asked_at__isnull=False)
    rows = DraftVersion.objects.filter(open_question | Q(asked), public_id=public_id)
    return rows.select_related("plan__offer", "version").first()


def _concerns(affiliate: Affiliate) -> Q:
    """Whether a finished what-if of the current draft has a line for the affiliate, with or without a change."""
    lines = WhatIfLine.objects.filter(
        affiliate=affiliate,
        what_if__draft=OuterRef("pk"),
        what_if__digest=OuterRef("digest"),
        what_if__starts_at=OuterRef("effective_from"),
        what_if__state=WhatIf.State.DONE,
    )
    return Q(Exists(lines))
