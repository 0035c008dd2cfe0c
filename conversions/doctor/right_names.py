"""The parameters of a request under our own names, and what it lacks."""

from collections.abc import Iterator

from conversions.dialects.mapping import NAMES, Pairs
from conversions.dialects.other_names import ALIAS, AMBIGUOUS, LABEL, OWN, Meaning, meaning_of

GOAL_MARK = "YOUR_GOAL"


def rightly_named(pairs: Pairs) -> Pairs:
    """The pairs with the name of each that is meant for a field, as intake would read or ask for it."""
    filled = {meaning.fields[0] for name, value in pairs if value and (meaning := meaning_of(name)).kind == OWN}
    renamed = [*_renamed(pairs, filled)]
    return renamed if "event_type" in filled or not renamed else [*renamed, ("event_type", GOAL_MARK)]


def _renamed(pairs: Pairs, filled: set[str]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        meaning = meaning_of(name)
        field = _meant(meaning, filled) if value else ""
        if meaning.kind == OWN:
            yield meaning.name, value
        elif field:
            filled.add(field)
            yield NAMES[field][0], value
        else:
            yield name, value


def _meant(meaning: Meaning, filled: set[str]) -> str:
    """The field that a name is meant for: the only one of its fields that is still empty."""
    empty = [field for field in meaning.fields if field not in filled]
    needed = meaning.kind == ALIAS or (meaning.kind == LABEL and empty in (["click_id"], ["event_type"]))
    return empty[0] if len(empty) == 1 and (needed or meaning.kind == AMBIGUOUS) else ""
