"""An event of another goal is required first. It must exist and must not be on hold for a rule itself."""

from datetime import datetime

from django.db.models import F, Q

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


class Requires(QualificationKind):
    code, label, short = "requires", _("Another goal comes first"), _("chains")
    fields = {
        "other_goal": _("which goal comes first."),
        "within": WITHIN,
    }
    needs = (
        Need("other_goal", _("Say which goal must come first."), Q(other_goal__isnull=False)),
        Need("other_goal", _("A goal cannot require itself."), ~Q(other_goal=F("goal"))),
    )
    waits = True
    rejects = (Reason.NOT_QUALIFIED,)
    open_inputs = ("events", "approved")

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.CUSTOMER

    def words(self, rule: Rule) -> str:
        return f"{rule.other_goal_name} comes first{within_words(rule)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        inputs = {"events": known.number, "approved": known.approved}
        if known.there:
            return self.met(rule, f"The customer has {rule.other_goal_name}.", **inputs)
        return self.wait(rule, event, rule.other_goal_name, now, **inputs)
