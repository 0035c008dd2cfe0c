"""Drafts that the demo's operator is thinking about: one to try, and one that affiliates are asked about."""

from datetime import datetime, time, timedelta
from decimal import Decimal

from affiliates.models import User
from conversions.models import Goal
from dashboard.demo.program.offers import CASINO, CHALLENGE
from payouts.models import CommissionPlan, CommissionRule, DraftVersion
from payouts.plan_changes.consent_requests import ask_for_consent, standings
from payouts.plan_changes.consents import record
from payouts.plan_changes.drafts import write_draft

SINCE = timedelta(days=12)


def propose(operator: User, now: datetime) -> None:
    """Write the drafts, ask about the second, and record one answer to it that came by letter."""
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    _write(
        operator, now, CASINO, midnight + timedelta(days=14), "More for the first deposit, less for those after it",
        ftd=("flat", "110"), deposit=("percent", "9"),
    )  # fmt: skip
    asked = _write(
        operator, now, CHALLENGE, midnight - SINCE, "As agreed with the partners at their meeting",
        registration=("flat", "3"), challenge_purchase=("percent", "13"),
    )  # fmt: skip
    concerned = standings(asked, now)
    if not concerned:
        return
    ask_for_consent(draft=asked, actor=operator, now=now)
    record(
        draft=asked,
        digest=asked.digest,
        affiliate=concerned[-1].affiliate,
        accepts=True,
        operator=operator,
        evidence="Letter of the partners' meeting, signed",
        evidence_file="partners-meeting.pdf",
        now=now,
    )


def _write(
    operator: User, now: datetime, offer: str, since: datetime, note: str, **rules: tuple[str, str]
) -> DraftVersion:
    plan = CommissionPlan.objects.select_related("offer").get(offer__name=offer, affiliate=None)
    goals = {goal.code: goal for goal in Goal.objects.filter(offer=plan.offer).select_related("offer")}
    given = [_rule(goals[code], kind, value) for code, (kind, value) in rules.items()]
    return write_draft(plan=plan, rules=given, effective_from=since, note=note, actor=operator, now=now)


def _rule(goal: Goal, kind: str, value: str) -> CommissionRule:
    if kind == CommissionRule.Kind.PERCENT:
        return CommissionRule(goal=goal, kind=kind, percent=Decimal(value))
    return CommissionRule(goal=goal, kind=kind, amount=Decimal(value), currency=goal.offer.currency)
