"""A maximum number of events in a period, by our clock in UTC; rejected events do not count."""

from datetime import datetime

from django.db.models import Q

from conversions.qualification_kinds.base import (
    CapPeriod,
    EventToJudge,
    LooksBack,
    Need,
    OverCap,
    QualificationKind,
    Rule,
    RulePast,
    RuleResult,
    Scope,
    Verdict,
)
from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _

WHOM = {Scope.AFFILIATE: "for each affiliate", Scope.GOAL: "in all", Scope.OFFER: "for the whole offer"}


class Cap(QualificationKind):
    code, label, short = "cap", _("Cap per period"), _("caps")
    fields = {
        "number": _("how many count in a period."),
        "scope": _("who is counted together."),
        "period": _("what the number holds for."),
        "over_cap": _("what happens to an event over it."),
    }
    needs = (
        Need(
            "number",
            _("Say how many, for whom, and in which period."),
            Q(number__isnull=False) & ~Q(scope="") & ~Q(period=""),
        ),
    )
    waits = False
    rejects = (Reason.OVER_CAP,)
    open_inputs = ("counted", "cap")

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.PERIOD

    def words(self, rule: Rule) -> str:
        period = "ever" if rule.period == CapPeriod.TOTAL else f"a {rule.period}"
        return f"at most {rule.number} {period} {WHOM[Scope(rule.scope)]}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        inputs = {"counted": known.in_period, "cap": rule.number}
        if known.in_period < (rule.number or 0):
            return self.met(rule, f"{known.in_period} of {rule.number} counted before.", **inputs)
        note = f"The cap is reached: {self.words(rule)}."
        if rule.over_cap == OverCap.HOLD:
            return RuleResult(Verdict.HELD, self.words(rule), note, Reason.OVER_CAP_HELD, inputs)
        return self.reject(rule, note, Reason.OVER_CAP, **inputs)
