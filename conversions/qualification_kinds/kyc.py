"""The customer's identity check is reported and approved."""

from datetime import datetime

from django.db.models import Q

from conversions.qualification_kinds.base import (
    WITHIN,
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
from records.translation import gettext_lazy as _


class IdentityCheck(QualificationKind):
    code, label, short = "kyc", _("The customer's identity is checked"), _("identity")
    fields = {
        "other_goal": _("which goal reports the check."),
        "within": WITHIN,
    }
    needs = (Need("other_goal", _("Say which goal reports the identity check."), Q(other_goal__isnull=False)),)
    waits = True
    rejects = (Reason.NOT_QUALIFIED,)
    open_inputs = ("events", "approved")

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.CUSTOMER

    def words(self, rule: Rule) -> str:
        return f"identity checked and approved{within_words(rule)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        inputs = {"events": known.number, "approved": known.approved}
        if known.approved:
            return self.met(rule, f"The customer has {rule.other_goal_name}.", **inputs)
        return self.wait(rule, event, f"{rule.other_goal_name}, approved", now, **inputs)
