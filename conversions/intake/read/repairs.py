"""Repair parameters that were damaged by HTML if the meaning is certain, and report each repair to the sender.

If an address is pasted into a page without escaping, anything that looks like an entity is lost: `&currency=` becomes
`¤cy=`, and without the ampersand it sticks to the value before it: `payout=10¤cy=EUR`. A page that encodes twice leaves
`amp;` before a name.
"""

from functools import lru_cache
from html.entities import html5

from conversions.dialects.mapping import NATIVE, Mapping, Pairs
from conversions.dialects.table import DIALECTS

AMPERSAND = "amp;"


@lru_cache(maxsize=64)
def damaged_names(more: frozenset[str] = frozenset()) -> dict[str, str]:
    """The parameters that are read, by what HTML makes of their names after an ampersand.

    `more` are names beside our own and those of the platforms in the table.
    """
    legacy = {name: text for name, text in html5.items() if not name.endswith(";") and name.isalpha()}
    names = more.union(*(mapping.names for mapping in (NATIVE, *(dialect.mapping for dialect in DIALECTS))))
    return {
        legacy[entity] + name[len(entity) :]: name
        for name in names
        for entity in sorted(legacy, key=len)
        if name.startswith(entity)
    }


def repair(pairs: Pairs, mapping: Mapping = NATIVE) -> tuple[Pairs, list[str]]:
    """Return the repaired pairs, and a sentence for each repair. `mapping` gives the names."""
    if not any(_may_be_damaged(name, value) for name, value in pairs):
        return pairs, []
    damaged = damaged_names(mapping.names)
    repaired: Pairs = []
    notes: list[str] = []
    for name, value in pairs:
        if name.startswith(AMPERSAND):
            plain = name.replace(AMPERSAND, "")
            notes.append(f"{name}= was read as {plain}=: the address was encoded for HTML twice.")
            name = plain  # noqa: PLW2901
        if whole := damaged.get(name):
            notes.append(_sentence(name, whole))
            name = whole  # noqa: PLW2901
        repaired += _parted(name, value, damaged, notes)
    return repaired, notes


def _may_be_damaged(name: str, value: str) -> bool:
    return name.startswith(AMPERSAND) or not name.isascii() or (not value.isascii() and "=" in value)


def _parted(name: str, value: str, names: dict[str, str], notes: list[str]) -> Pairs:
    """Split a value from the parameters that stick to it."""
    for damaged, whole in names.items():
        before, mark, after = value.partition(f"{damaged}=")
        if mark:
            notes.append(_sentence(damaged, whole))
            return [*_parted(name, before, names, notes), *_parted(whole, after, names, notes)]
    return [(name, value)]


def _sentence(damaged: str, whole: str) -> str:
    return f"{damaged}= was read as &{whole}=: the address was damaged by HTML. Write &amp; for & in pages."
