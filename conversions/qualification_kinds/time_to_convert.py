"""The time since the click, or since the customer's first event of another goal. Its bounds are included."""

from datetime import datetime, timedelta

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
from records.words import duration_words


class TimeToConvert(QualificationKind):
    code, label, short = "time", _("Time to convert"), _("time to convert")
    fields = {
        "at_least": _("sooner is rejected. 00:10:00 is ten minutes, 2 00:00:00 two days."),
        "at_most": _("later is rejected."),
        "other_goal": _("from which event the time is counted; empty: from the click."),
        "within": WITHIN,
    }
    needs = (
        Need(
            "at_most",
            _("Give a minimum or a maximum time, or both."),
            Q(at_least__isnull=False) | Q(at_most__isnull=False),
        ),
    )
    waits = True
    rejects = (Reason.TOO_SOON, Reason.TOO_LATE, Reason.NOT_QUALIFIED)
    open_inputs = ("since", "occurred_at")

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.CUSTOMER if rule.other_goal_id else LooksBack.NOWHERE

    def words(self, rule: Rule) -> str:
        return f"{_bounds(rule)} after {rule.other_goal_name or 'the click'}{within_words(rule)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        start = f"the customer's {rule.other_goal_name}" if rule.other_goal_id else "the click"
        since = known.first_at if rule.other_goal_id else event.clicked_at
        if since is None and rule.other_goal_id:
            return self.wait(rule, event, f"{start}, from which the time is counted", now)
        if since is None:
            return self.met(rule, "There is no click to count from: the time is not judged.")
        elapsed = event.occurred_at - since
        inputs = {"since": since.isoformat(), "occurred_at": event.occurred_at.isoformat()}
        note = f"{duration_words(max(elapsed, timedelta(0)))} after {start}."
        if rule.at_least is not None and elapsed < rule.at_least:
            return self.reject(rule, f"Too soon: {note}", Reason.TOO_SOON, **inputs)
        if rule.at_most is not None and elapsed > rule.at_most:
            return self.reject(rule, f"Too late: {note}", Reason.TOO_LATE, **inputs)
        return self.met(rule, note, **inputs)


def _bounds(rule: Rule) -> str:
    least, most = rule.at_least, rule.at_most
    if least is not None and most is not None:
        return f"{duration_words(least)} to {duration_words(most)}"
    return (
        f"at least {duration_words(least)}" if least is not None else f"at most {duration_words(most or timedelta(0))}"
    )
