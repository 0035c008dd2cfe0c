"""Why a conversion should not be approved in bulk: one rule for the panel, the REST API and files."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext

from affiliates.models import Affiliate
from conversions.models import Conversion, QualificationWait, RiskReview
from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _

Status = Conversion.Status


class HeldConversions(StrEnum):
    REVIEW = "review"
    RULES = "rules"
    CAP = "cap"
    CLOSED = "closed"


LABELS = {
    HeldConversions.REVIEW: _("held for review"),
    HeldConversions.RULES: _("waiting for a rule"),
    HeldConversions.CAP: _("over a cap"),
    HeldConversions.CLOSED: _("of affiliates without access (suspended or closed)"),
}
_BY_REASON = {
    Reason.RISK_REVIEW: (HeldConversions.REVIEW, _("held for review")),
    Reason.AWAITS_RULES: (HeldConversions.RULES, _("waiting for a rule of its goal")),
    Reason.OVER_CAP_HELD: (HeldConversions.CAP, _("over the cap of its period")),
    Reason.AFFILIATE_CLOSED: (HeldConversions.CLOSED, _("its affiliate has no access to the offer any more")),
}


def held_of(rows: Collection[Conversion]) -> dict[int, dict[HeldConversions, str]]:
    """By conversion, what it is on hold for, in words; conversions that are not on hold are left out.

    Reads the current reviews, holds and affiliates in one query, whatever the number of rows. Lock the conversions
    first if the answer must stay valid.
    """
    found: dict[int, dict[HeldConversions, str]] = {}
    facts = {pk: rest for pk, *rest in _facts([row.pk for row in rows])}
    for row in rows:
        affiliate, in_review, waits = facts[row.pk]
        held: dict[HeldConversions, str] = {}
        if row.status == Status.PENDING:
            if kind := _BY_REASON.get(Reason(row.reason)):
                held[kind[0]] = str(kind[1])
            held |= {HeldConversions.REVIEW: gettext("held for review")} if in_review else {}
            held |= {HeldConversions.RULES: gettext("waiting for a rule of its goal")} if waits else {}
        if affiliate != Affiliate.Status.ACTIVE:
            held[HeldConversions.CLOSED] = gettext("its affiliate is {status}").format(
                status=Affiliate.Status(affiliate).label.lower()
            )
        if held:
            found[row.pk] = held
    return found


def _facts(ids: Collection[int]) -> Iterable[tuple[Any, ...]]:
    """For each conversion: its affiliate's status, whether a review is open, whether a rule is not met yet."""
    reviews = RiskReview.objects.filter(pk=OuterRef("pk"), resolved_at=None)
    waits = QualificationWait.objects.filter(pk=OuterRef("pk"), ended_at=None)
    rows = Conversion.objects.filter(pk__in=ids).order_by()
    return rows.values_list("pk", "affiliate__status", Exists(reviews), Exists(waits))


def held_words(held: Mapping[HeldConversions, str]) -> str:
    return " and ".join(held.values())
