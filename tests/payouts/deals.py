"""Plans and conversions as the tests of this folder need them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from affiliates.models import Affiliate, Offer
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, Goal, StatusChange
from conversions.reasons.codes import Reason
from payouts.models import CommissionPlan, CommissionRule, LedgerEntry, PlanVersion
from payouts.plan_changes.publish import publish_version

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)
YEAR_AGO = NOW - timedelta(days=365)

APPROVED, REJECTED, PENDING = Conversion.Status.APPROVED, Conversion.Status.REJECTED, Conversion.Status.PENDING


def flat(goal: Goal, amount: str, currency: str = "EUR") -> CommissionRule:
    return CommissionRule(goal=goal, kind=CommissionRule.Kind.FLAT, amount=Decimal(amount), currency=currency)


def percent(goal: Goal, of_revenue: str) -> CommissionRule:
    return CommissionRule(goal=goal, kind=CommissionRule.Kind.PERCENT, percent=Decimal(of_revenue))


def deal(
    *rules: CommissionRule, affiliate: Affiliate | None = None, since: datetime = YEAR_AGO, now: datetime = YEAR_AGO
) -> PlanVersion:
    """Publish the next version of the plan for the offer of these rules' goals."""
    offer: Offer = rules[0].goal.offer
    name = f"Deal of {affiliate.name}" if affiliate else "Standard plan"
    plan, _ = CommissionPlan.objects.get_or_create(offer=offer, affiliate=affiliate, defaults={"name": name})
    return publish_version(plan=plan, rules=rules, effective_from=since, actor=None, now=now)


def move(conversion: Conversion, to: Conversion.Status, **fields: Any) -> None:
    reason = Reason.OPERATOR_APPROVED if to == APPROVED else Reason.OPERATOR_REJECTED
    change_status(
        conversion_ids=[conversion.pk], to=to, reason=reason, source=StatusChange.Source.OPERATOR, now=NOW, **fields
    )


def lines(affiliate: Affiliate) -> list[tuple[str, Decimal, str, str]]:
    """The affiliate's ledger as it is read from the top: kind, amount, currency, arithmetic."""
    entries = LedgerEntry.objects.filter(affiliate=affiliate).order_by("sequence")
    return [(entry.kind, entry.amount, entry.currency, entry.arithmetic) for entry in entries]
