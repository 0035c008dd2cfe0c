"""The customer's amounts add up to a minimum."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from conversions.qualification_kinds.base import (
    WITHIN,
    ZERO,
    EventToJudge,
    LooksBack,
    Need,
    QualificationKind,
    Rule,
    RulePast,
    RuleResult,
    within_words,
)
from conversions.reasons.codes import Reason
from records.money import format_money
from records.translation import gettext_lazy as _


class Accumulated(QualificationKind):
    code, label, short = "accumulated", _("Amounts add up to a minimum"), _("amounts that add up")
    fields = {
        "amount": _("the minimum in the offer's currency."),
        "other_goal": _("whose events are added up; empty: this goal's."),
        "within": WITHIN,
    }
    needs = (Need("amount", _("Give the minimum, more than 0."), Q(amount__isnull=False, amount__gt=0)),)
    waits = True
    rejects = (Reason.NOT_QUALIFIED,)
    open_inputs = ()

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.CUSTOMER

    def words(self, rule: Rule) -> str:
        minimum = format_money(rule.amount or ZERO, rule.currency)
        return f"{rule.other_goal_name or rule.goal_name} amounts add up to {minimum}{within_words(rule)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        """Amounts in another currency than the offer's are left out, and the trace lists them."""
        minimum, currency, total, left_out = rule.amount or ZERO, rule.currency, known.total, dict(known.elsewhere)
        if event.currency == currency:
            total += event.revenue or ZERO
        elif event.revenue:
            left_out[event.currency] = left_out.get(event.currency, ZERO) + event.revenue
        inputs: dict[str, Any] = {"total": total, "minimum": minimum, "currency": currency}
        other = ""
        if left_out:
            inputs["not_counted"] = ", ".join(format_money(left_out[code], code) for code in sorted(left_out))
            other = f" ({inputs['not_counted']} in other currencies not counted)"
        have = f"{format_money(total, currency)} of {format_money(minimum, currency)}"
        if total >= minimum:
            return self.met(rule, f"{have} reached.", **inputs)
        return self.wait(rule, event, f"{have}{other}", now, **inputs)
