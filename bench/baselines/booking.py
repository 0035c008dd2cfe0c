"""Booking as an ordinary function for one conversion: one ORM statement after the other, one transaction."""

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from conversions.models import Conversion
from payouts.ledger.chain import EntryFacts, seal
from payouts.models import CommissionPlan, CommissionRule, LedgerEntry, LedgerHead, Statement
from records.money import round_money

Kind = LedgerEntry.Kind
ZERO = Decimal(0)


def book_one(pk: int) -> bool:
    """Append what is owed for the conversion minus what is booked; False when it is no longer due."""
    with transaction.atomic():
        row = Conversion.objects.select_for_update(of=("self",)).select_related("goal", "affiliate").get(pk=pk)
        if row.booked_at:
            return False
        rule = _rule(row)
        kinds = [Kind.COMMISSION, Kind.REVERSAL]
        booked = LedgerEntry.objects.filter(conversion=row, kind__in=kinds).aggregate(total=Sum("amount"))["total"]
        amount, currency = _owed(row, rule)
        if rule and amount != (booked or ZERO):
            _append(row, rule, amount - (booked or ZERO), currency)
        row.booked_at = timezone.now()
        row.save(update_fields=["booked_at"])
    return True


def _rule(row: Conversion) -> CommissionRule | None:
    """The affiliate's own plan for the offer, else the default; its version of the event's time; the goal's rule."""
    plans = CommissionPlan.objects.filter(offer=row.goal.offer_id)
    for plan in (plans.filter(affiliate=row.affiliate_id).first(), plans.filter(affiliate=None).first()):
        if plan is None:
            continue
        version = plan.versions.filter(effective_from__lte=row.occurred_at).order_by("-effective_from").first()
        if version:
            return version.rules.select_related("goal").filter(goal=row.goal_id).first()
    return None


def _owed(row: Conversion, rule: CommissionRule | None) -> tuple[Decimal, str]:
    if rule is None or row.status != Conversion.Status.APPROVED:
        return ZERO, row.currency
    if rule.kind == CommissionRule.Kind.FLAT:
        return rule.amount or ZERO, rule.currency
    return round_money((row.revenue or ZERO) * (rule.percent or ZERO) / 100, row.currency), row.currency


def _append(row: Conversion, rule: CommissionRule, amount: Decimal, currency: str) -> None:
    """Number and seal the entry at the end of the affiliate's chain."""
    LedgerHead.objects.get_or_create(affiliate=row.affiliate)
    head = LedgerHead.objects.select_for_update().get(affiliate=row.affiliate)
    closed = Statement.objects.filter(affiliate=row.affiliate).order_by("-ends_at").first()
    moment = timezone.now()
    facts = EntryFacts(
        affiliate=row.affiliate.public_id,
        sequence=head.sequence + 1,
        kind=Kind.COMMISSION if amount > 0 else Kind.REVERSAL,
        amount=amount,
        currency=currency,
        conversion=row.public_id,
        payout=None,
        plan_version=rule.version_id,
        rule=rule.pk,
        arithmetic=f"{rule} = {amount} {currency}",
        occurred_at=row.occurred_at,
        booked_at=max(moment, closed.ends_at) if closed else moment,
        previous_hash=head.hash,
    )
    head.sequence, head.hash = facts.sequence, seal(facts)
    LedgerEntry.objects.create(
        affiliate=row.affiliate,
        sequence=facts.sequence,
        kind=facts.kind,
        amount=amount,
        currency=currency,
        conversion=row,
        plan_version_id=rule.version_id,
        rule=rule,
        arithmetic=facts.arithmetic,
        occurred_at=row.occurred_at,
        booked_at=facts.booked_at,
        previous_hash=facts.previous_hash,
        hash=head.hash,
    )
    head.save()
