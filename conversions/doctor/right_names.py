"""The parameters of a request under our own names, and what it lacks."""

from conversions.dialects.mapping import NAMES, Pairs
from conversions.dialects.other_names import ALIAS, AMBIGUOUS, LABEL, OWN, UNKNOWN, Meaning, meaning_of

GOAL_MARK = "YOUR_GOAL"
NOTHING = Meaning(UNKNOWN)


def rightly_named(pairs: Pairs) -> Pairs:
    """The pairs with the name of each that is meant for a field, as intake would read or ask for it."""
    meanings = [meaning_of(name) if value else NOTHING for name, value in pairs]
    filled = {meaning.fields[0] for meaning in meanings if meaning.kind == OWN}
    names = [meaning.name if meaning.kind == OWN else name for meaning, (name, _) in zip(meanings, pairs, strict=True)]
    # A name of two fields is decided last: by then one of them may be taken.
    for kinds in ((ALIAS, LABEL), (AMBIGUOUS,)):
        for at, meaning in enumerate(meanings):
            if meaning.kind in kinds and (field := _meant(meaning, filled)):
                filled.add(field)
                names[at] = NAMES[field][0]
    renamed = [(name, value) for name, (_, value) in zip(names, pairs, strict=True)]
    return renamed if "event_type" in filled or not renamed else [*renamed, ("event_type", GOAL_MARK)]


def _meant(meaning: Meaning, filled: set[str]) -> str:
    """The field that a name is meant for: the only one of its fields that is still empty."""
    empty = [field for field in meaning.fields if field not in filled]
    is_needed = meaning.kind != LABEL or empty in (["click_id"], ["event_type"])
    return empty[0] if len(empty) == 1 and is_needed else ""
