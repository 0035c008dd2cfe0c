"""All kinds of rules, and what is derived from them: choices, help texts and the database's constraint."""

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q
from django.utils.translation import gettext

from conversions.qualification_kinds.accumulated import Accumulated
from conversions.qualification_kinds.base import UNUSED, QualificationKind
from conversions.qualification_kinds.cap import Cap
from conversions.qualification_kinds.country import Country
from conversions.qualification_kinds.kyc import IdentityCheck
from conversions.qualification_kinds.requires import Requires
from conversions.qualification_kinds.time_to_convert import TimeToConvert
from conversions.qualification_kinds.wagering import Wagering
from conversions.reasons.codes import CORRECTABLE
from records.kinds import table
from records.translation import gettext_lazy as _

PARTS = {
    "label": _("its name in the panel's form."),
    "short": _("its name in help texts: `For caps: …`."),
    "fields": _("the columns that it uses, each with its help text."),
    "needs": _("what a rule must have: field, message and condition."),
    "waits": _("whether an event may wait for it."),
    "rejects": _("the reasons by which it rejects."),
    "open_inputs": _("the names of inputs that show nothing of the advertiser's revenue."),
    "looks_back": _("what has to be read before it can be judged."),
    "words": _("the rule as people read it."),
    "judge": _("the result for one event."),
}


def _named(kinds: dict[str, QualificationKind]) -> dict[str, QualificationKind]:
    """Check the kinds: an event that a rule rejects may be corrected, so their reasons must be correctable."""
    for kind in kinds.values():
        if stray := [reason for reason in kind.rejects if reason not in CORRECTABLE]:
            named = ", ".join(stray)
            raise ImproperlyConfigured(f"The rule kind {kind.code} rejects by {named}, which CORRECTABLE lacks.")
    return kinds


# Of every kind that can cause a hold, and of the goal's own once per customer.
OWN_INPUTS = frozenset({"until", "earlier_events"})
# In the order of the form.
KINDS: dict[str, QualificationKind] = _named(
    table(PARTS, Accumulated, Wagering, IdentityCheck, Requires, Country, TimeToConvert, Cap)
)


def kind_of(code: str) -> QualificationKind:
    """The kind of a stored rule; a rule of a kind that this version does not know is never evaluated as another."""
    if code not in KINDS:
        raise ValueError(
            gettext("There is no kind of rule {code!r}; there are {names}.").format(code=code, names=", ".join(KINDS))
        )
    return KINDS[code]


def kind_choices() -> list[tuple[str, str]]:
    """For the model's field: named by function, so that it follows the table."""
    return [(kind.code, kind.label) for kind in KINDS.values()]


def help_of(field: str) -> str:
    """The help text of a column; kinds that use it alike are named together."""
    by_use: dict[str, list[str]] = {}
    for kind in KINDS.values():
        if field in kind.fields:
            by_use.setdefault(str(kind.fields[field]), []).append(str(kind.short))
    return " ".join(
        gettext("For {names}: {use}").format(names=", ".join(shorts), use=use) for use, shorts in by_use.items()
    )


def open_inputs() -> frozenset[str]:
    """Inputs in traces that reveal nothing of the advertiser's revenue; any other input may."""
    return OWN_INPUTS.union(*(kind.open_inputs for kind in KINDS.values()))


def rule_is_complete() -> Q:
    """The database condition: a known kind, all that it needs, and nothing that it does not use."""
    condition = Q()
    for kind in KINDS.values():
        condition |= Q(kind=kind.code) & _needs(kind) & _leaves_out(kind)
    return condition


def _needs(kind: QualificationKind) -> Q:
    condition = Q()
    for need in kind.needs:
        condition &= need.condition
    return condition


def _leaves_out(kind: QualificationKind) -> Q:
    return Q(**{field: value for field, value in UNUSED.items() if field not in kind.fields})
