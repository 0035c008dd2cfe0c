"""The customer's volume (wagering, turnover, lots) reaches a minimum."""

from datetime import datetime

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
from records.translation import gettext_lazy as _
from records.words import plain

FIXED = Q(amount__isnull=False, amount__gt=0, factor=None)
TIMES = Q(factor__isnull=False, factor__gt=0, amount=None)


class Wagering(QualificationKind):
    code, label, short = "wagering", _("Volume reaches a minimum (wagering, turnover, lots)"), _("volume")
    fields = {
        "amount": _("the minimum, in its own unit."),
        "factor": _("so many times the event's own amount, in place of a minimum."),
        "other_goal": _("whose events report the volume."),
        "within": WITHIN,
    }
    needs = (
        Need("amount", _("Give a minimum or a factor."), FIXED | TIMES),
        Need("other_goal", _("Say which goal's events report the volume."), Q(other_goal__isnull=False)),
    )
    waits = True
    rejects = (Reason.NOT_QUALIFIED,)
    open_inputs = ()

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.CUSTOMER

    def words(self, rule: Rule) -> str:
        need = f"{plain(rule.factor)} times the amount" if rule.factor is not None else plain(rule.amount or ZERO)
        return f"volume of {need} by {rule.other_goal_name}{within_words(rule)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        need = rule.amount or ZERO
        if rule.factor is not None:
            if event.revenue is None or event.currency != rule.currency:
                times = f"{plain(rule.factor)} times the event's own amount"
                note = f"The volume is {times}, which is not given in {rule.currency}: an operator decides."
                return self.ask_operator(rule, note)
            need = rule.factor * event.revenue
        have = f"{plain(known.total)} of {plain(need)} by {rule.other_goal_name}"
        if known.total >= need:
            return self.met(rule, f"{have} reached.", volume=known.total, needed=need)
        return self.wait(rule, event, have, now, volume=known.total, needed=need)
