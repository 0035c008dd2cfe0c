"""Each kind of commission, priced by the words of docs/commission.md: a file each, found by its `CODE`.

A file has `PRICES`, which is conversions, clicks or parents, and one function: `figure` gives the exact amount for an
event, `line` a rounded amount of its own, `clicks_paid` the number of clicks that are paid, and `shares` those of
parents. `count`, where there is one, counts an event before it is priced.
"""

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from payouts.verification.independent.facts import CannotPrice, Rule, Version


def _in_files() -> dict[str, Any]:
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    return {module.CODE: module for module in modules}


KINDS = _in_files()


def kind_of(rule: Rule) -> Any:
    """The file that prices the rule. Raise `CannotPrice` where there is none: nothing else may stand in for it."""
    if rule.kind not in KINDS:
        raise CannotPrice(rule, f"no second implementation prices rules of the kind {rule.kind}")
    return KINDS[rule.kind]


def version_of(version_id: int, effective_from: datetime, rules: Iterable[Rule]) -> Version:
    """The version with its rules by what they price; those of an unknown kind stand with those for conversions."""
    parts: dict[str, list[Rule]] = {"conversions": [], "clicks": [], "parents": []}
    for rule in rules:
        parts[KINDS[rule.kind].PRICES if rule.kind in KINDS else "conversions"].append(rule)
    return Version(version_id, effective_from, *map(tuple, parts.values()))
