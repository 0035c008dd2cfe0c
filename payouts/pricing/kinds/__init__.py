"""The kinds of commission: each is one class in a file of this package, and everything else walks the table of them.

The table is made at start. A kind that lacks a part, or shares its code with another, stops the start with a sentence
(`IncompleteKind`); docs/how-to/add-a-commission-kind.md goes through the parts.
"""

import inspect
from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from payouts.pricing.facts import PricingRule
from payouts.pricing.kind import COLUMNS, PARTS, PER_CONVERSION, CommissionKind, Prices
from records.kinds import IncompleteKind, by_code, complete

LONGEST_CODE = 12
# Inputs that every kind's form has; a kind's own have other names.
COMMON_INPUTS = {"kind", "goal", "country", "sub_name", "sub_value", "valid_from", "valid_until", *PER_CONVERSION}


class UnknownKind(LookupError):
    """A rule is of a kind that has no file here."""


def table_of(kinds: Iterable[type[CommissionKind]]) -> dict[str, CommissionKind]:
    """The kinds by code, in the order of their places. Raise `IncompleteKind` for one that cannot be used."""
    return by_code(sorted(map(checked, kinds), key=lambda each: each.place))


def checked(kind: type[CommissionKind]) -> CommissionKind:
    """The kind, ready to be used. Raise `IncompleteKind` naming the first part that is missing or wrong."""
    made = complete(kind, {part: what for part, what in PARTS.items() if _is_asked_for(kind, part)})
    if problem := _problem(kind):
        raise IncompleteKind(f"{kind.__module__}.{kind.__qualname__}: {problem}")
    return made


def _is_asked_for(kind: type[CommissionKind], part: str) -> bool:
    """Whether the kind or one of its bases names the part: each base asks for parts of its own."""
    return any(part in vars(base) or part in inspect.get_annotations(base) for base in kind.__mro__)


def _problem(kind: type[CommissionKind]) -> str:
    if len(kind.code) > LONGEST_CODE:
        return f"`code` {kind.code!r} must be a word of at most {LONGEST_CODE} letters, digits and _, such as per_lot."
    if unknown := set(kind.columns - COLUMNS):
        return f"`columns` are of {', '.join(sorted(COLUMNS))}; {', '.join(sorted(unknown))} is none of them."
    if unasked := kind.columns - kind.inputs.keys():
        return f"`inputs` has none for {', '.join(sorted(unasked))}, which `columns` names."
    if taken := kind.inputs.keys() & COMMON_INPUTS:
        return f"`inputs` has {', '.join(sorted(taken))}, which every rule has anyway; choose another name."
    if unknown := set(kind.limits.names) - set(PER_CONVERSION):
        return f"`limits` are of {', '.join(PER_CONVERSION)}; {', '.join(sorted(unknown))} is none of them."
    refused = set(PER_CONVERSION) - set(kind.limits.names) - {"is_component", "limit_currency"}
    if refused and not kind.limits.problem:
        return f"`limits` has no sentence (`problem`) for a rule that has {', '.join(sorted(refused))}."
    if "is_component" not in kind.limits.names and not kind.limits.component_problem:
        return "`limits` has no sentence (`component_problem`) for a rule that is a component."
    return ""


def _in_files() -> list[type[CommissionKind]]:
    """The class of each file of this package."""
    found = []
    for info in iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        own = [
            each
            for each in vars(module).values()
            if inspect.isclass(each) and issubclass(each, CommissionKind) and each.__module__ == module.__name__
        ]
        if len(own) != 1:
            raise IncompleteKind(f"{module.__name__} has {len(own)} classes of commission kinds; a file holds one.")
        found += own
    return found


KINDS = table_of(_in_files())


def kind_of(rule: PricingRule) -> CommissionKind:
    """The rule's kind. Raise `UnknownKind` rather than price it by another."""
    return kind_with(rule.kind)


def kind_with(code: str) -> CommissionKind:
    try:
        return KINDS[code]
    except KeyError:
        raise UnknownKind(f"There is no commission kind {code!r}; there are {', '.join(KINDS)}.") from None


def codes_that_price(*what: Prices) -> list[str]:
    """The codes of the kinds that price this."""
    return [code for code, kind in KINDS.items() if kind.prices in what]


def kind_choices() -> list[tuple[str, str]]:
    """Codes and labels, for a form or a column."""
    return [(code, kind.label) for code, kind in KINDS.items()]


def is_share_of_revenue(rule: PricingRule) -> bool:
    """Whether the rule pays a part of the event's revenue, so that its line lets the affiliate know that revenue.

    Every other affiliate must not see the advertiser's revenue: anything but True hides it, as does an unknown kind.
    """
    kind = KINDS.get(rule.kind)
    return kind is not None and kind.is_share_of_revenue(rule) is True
