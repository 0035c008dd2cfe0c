"""Appeals of affiliates against rejections: one for each conversion, in time, answered by an operator.

Upholding approves the conversion through the lifecycle's status change; dismissing stores a reason. If the conversion
is decided otherwise while an appeal is open (a correction, or an operator on its page), the appeal ends as upheld.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from affiliates.access.operators import first_operator
from affiliates.models import User
from conversions.lifecycle.operator_decisions import approve
from conversions.models import Appeal, Conversion, StatusChange
from records.translation import in_english

State, Status = Appeal.State, Conversion.Status


class AppealRefused(ValueError):
    """The appeal cannot be made or decided like this; nothing was changed. The message says why."""


def appeal_ends(rejected_at: datetime) -> datetime:
    """The end of the time to appeal against a rejection."""
    return rejected_at + timedelta(days=settings.APPEAL_DAYS)


def appeal(*, conversion: Conversion, words: str, evidence_url: str, user: User, now: datetime) -> Appeal:
    """Appeal against a rejection in the affiliate's words. Raise `AppealRefused`.

    The caller must check that the user may act for the conversion's affiliate.
    """
    with transaction.atomic():
        row = Conversion.objects.select_for_update().get(pk=conversion.pk)
        _check(row, now)
        # The owner of the offer's reviews answers appeals as well.
        policy = getattr(row.goal.offer, "risk_policy", None)
        return Appeal.objects.create(
            conversion=row,
            words=words,
            evidence_url=evidence_url,
            appealed_by=user,
            opened_at=now,
            owner=(policy.owner if policy else None) or first_operator(),
            due_at=now + timedelta(days=settings.APPEAL_ANSWER_DAYS),
        )


def _check(row: Conversion, now: datetime) -> None:
    if Appeal.objects.filter(pk=row.pk).exists():
        raise AppealRefused(gettext("This conversion was appealed before; an appeal can be made only once."))
    if row.status != Status.REJECTED:
        raise AppealRefused(
            gettext("This conversion is {status}: there is nothing to appeal against.").format(
                status=row.get_status_display().lower()
            )
        )
    if row.is_test:
        raise AppealRefused(gettext("This is a test: it is never paid, so there is nothing to appeal against."))
    ends = appeal_ends(rejected_at(row))
    if now > ends:
        raise AppealRefused(gettext("The time to appeal ended on {ends:%Y-%m-%d %H:%M} UTC.").format(ends=ends))


def rejected_at(row: Conversion) -> datetime:
    """The time of the last rejection; for a conversion without a history the time it was received."""
    last = StatusChange.objects.filter(conversion=row, to_status=Status.REJECTED).order_by("-pk").first()
    return last.at if last else row.received_at


def uphold(*, conversion_id: int, note: str, actor: User, now: datetime) -> Appeal:
    """Approve the conversion on appeal; its commission follows. Raise `AppealRefused`."""
    with transaction.atomic():
        row = _lock(conversion_id)
        if not approve(conversion_id=conversion_id, actor=actor, now=now, note=note):
            raise AppealRefused(
                gettext("Conversion {conversion} was approved meanwhile: the appeal ends automatically.").format(
                    conversion=row.conversion
                )
            )
        return _settle(row, State.UPHELD, note, actor, now)


def dismiss(*, conversion_id: int, note: str, actor: User, now: datetime) -> Appeal:
    """Keep the rejection; the affiliate sees the note. Raise `AppealRefused`."""
    with transaction.atomic():
        row = _lock(conversion_id)
        if Conversion.objects.select_for_update().get(pk=conversion_id).status != Status.REJECTED:
            raise AppealRefused(
                gettext("Conversion {conversion} was decided again meanwhile: the appeal ends automatically.").format(
                    conversion=row.conversion
                )
            )
        return _settle(row, State.DISMISSED, note, actor, now)


def _lock(conversion_id: int) -> Appeal:
    row = Appeal.objects.select_related("conversion", "resolved_by").select_for_update(of=("self",))
    found = row.get(pk=conversion_id)
    if found.state != State.OPEN:
        by = f" by {found.resolved_by}" if found.resolved_by else ""
        raise AppealRefused(
            gettext("The appeal against {conversion} was {state}{by} already.").format(
                conversion=found.conversion, state=found.state, by=by
            )
        )
    return found


def _settle(row: Appeal, state: Appeal.State, note: str, actor: User | None, now: datetime) -> Appeal:
    row.state, row.note, row.resolved_by, row.resolved_at = state, note, actor, now
    row.save(update_fields=["state", "note", "resolved_by", "resolved_at"])
    return row


def end_decided(*, now: datetime, limit: int = 500) -> int:
    """End open appeals whose conversions are no longer rejected; return how many. Any number of workers may run it.

    The note and the operator are those of the last status change, if it has them.
    """
    with transaction.atomic():
        gone = Appeal.objects.filter(state=State.OPEN).exclude(conversion__status=Status.REJECTED)
        rows = list(gone.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:limit])
        last = {
            change.conversion_id: change
            for change in StatusChange.objects.filter(conversion__in=[row.pk for row in rows])
            .select_related("actor")
            .order_by("pk")
        }
        for row in rows:
            change = last[row.pk]
            note = (change.actor and change.note) or f"{in_english(change.get_reason_display())}."
            _settle(row, State.UPHELD, note[:250], change.actor, now)
    return len(rows)
