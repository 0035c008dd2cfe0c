"""The customer comes from one of certain countries: the request's own `country`, else the click's."""

from datetime import datetime

from django.db.models import Q

from conversions.qualification_kinds.base import (
    EventToJudge,
    LooksBack,
    Need,
    QualificationKind,
    Rule,
    RulePast,
    RuleResult,
)
from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _


class Country(QualificationKind):
    code, label, short = "country", _("Only from certain countries"), _("countries")
    fields = {"countries": _("those that count, as DE or BR.")}
    needs = (Need("countries", _("Name at least one country."), Q(countries__len__gt=0)),)
    waits = False
    rejects = (Reason.COUNTRY_NOT_ALLOWED,)
    open_inputs = ("country",)

    def looks_back(self, rule: Rule) -> LooksBack:
        return LooksBack.NOWHERE

    def words(self, rule: Rule) -> str:
        return f"customers from {', '.join(rule.countries)}"

    def judge(self, rule: Rule, event: EventToJudge, known: RulePast, now: datetime) -> RuleResult:
        if not event.country:
            note = "Neither the click nor the request names the country: an operator decides."
            return self.ask_operator(rule, note, country="not known")
        if event.country in rule.countries:
            return self.met(rule, f"From {event.country}.", country=event.country)
        note = f"From {event.country}, which is not one of {', '.join(rule.countries)}."
        return self.reject(rule, note, Reason.COUNTRY_NOT_ALLOWED, country=event.country)
