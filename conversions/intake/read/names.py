"""Sort the parameters by field: our own names in any case, and the names that other senders use for an empty field.

What is read under another name, or resembles a name and is not read, is reported: nothing that looks like a field is
dropped without a word.
"""

from collections.abc import Iterator
from typing import NamedTuple

from conversions.dialects.mapping import MONEY, NAMES, Mapping, Pairs
from conversions.dialects.other_names import ALIAS, AMBIGUOUS, LABEL, NEAR, OWN, UNKNOWN, Meaning, meaning_of
from conversions.intake.case import REPAIRED, Case
from conversions.reasons.codes import Reason
from web.characters import visible
from web.http import clean

STEP = "parse"
RULE = "names"
# Fields of which a second value under another name is worth a warning: an order number beside a txid is not.
_CONTRADICTED = frozenset({"click_id", "currency", "revenue", "status", "event_type", "refund"})
# No platform's table has them; a platform's own parameter of these names means the same.
_READ_EVERYWHERE = frozenset({"refund", "refund_id"})
# An event may be known by any of these.
_ORIGINS = ("click_id", "customer_id", "coupon")


class Sent(NamedTuple):
    """A parameter with a value: its name as sent, the value, and what the name means."""

    name: str
    value: str
    meaning: Meaning


Fields = dict[str, Pairs]


def sort(case: Case, sent: Pairs, own: Pairs) -> tuple[Fields, set[str]]:
    """The values of each field with the names that they came under, and the further names that were read.

    `own` are the pairs that the mapping translated; for our own form they are those that were sent.
    """
    fields: Fields = {}
    others: list[Sent] = []
    is_native = case.mapping.is_native
    for name, raw in own:
        if not (value := visible(raw)):
            continue
        meaning = meaning_of(name)
        if meaning.kind == OWN:
            fields.setdefault(meaning.fields[0], []).append((meaning.name, value))
        elif is_native and meaning.kind != UNKNOWN:
            others.append(Sent(name.strip(), value, meaning))
    if not is_native:
        others = [*_unread(case.mapping, sent)]
    return fields, _read_others(case, fields, others) if others else set()


def _unread(mapping: Mapping, sent: Pairs) -> Iterator[Sent]:
    """The parameters that the mapping does not read, where their names mean something elsewhere."""
    known = mapping.folded_names
    for name, value in sent:
        if visible(name).lower() not in known and (value := visible(value)):  # noqa: PLW2901
            meaning = meaning_of(name)
            # Platforms have many parameters of their own: only names with one meaning count there.
            if meaning.kind == ALIAS or (
                meaning.kind == OWN and (mapping.version or meaning.fields[0] in _READ_EVERYWHERE)
            ):
                yield Sent(name.strip(), value, meaning)


def _read_others(case: Case, fields: Fields, others: list[Sent]) -> set[str]:
    read: set[str] = set()
    for each in others:
        if each.meaning.kind in (ALIAS, OWN):
            read |= _read_alias(case, fields, each)
    for each in others:
        if each.meaning.kind == AMBIGUOUS:
            _refuse_ambiguous(case, fields, each)
        elif each.meaning.kind in (LABEL, NEAR):
            _warn_of_label(case, fields, each)
    return read


def _read_alias(case: Case, fields: Fields, sent: Sent) -> set[str]:
    """Read the value if its field is empty; the names that were read."""
    field, shown = sent.meaning.fields[0], clean(sent.name, 60)
    there = fields.get(field, [])
    ours = case.mapping.shown(field)
    if not there and not _may_read(case.mapping, field):
        note = f"`{shown}` is kept as a label: {case.mapping.name} does not read it. If it is the {ours}, name it so."
        case.note(STEP, REPAIRED, note, rule=RULE)
    elif not there:
        fields[field] = [(sent.name, sent.value)]
        if sent.meaning.kind == ALIAS:
            case.note(
                STEP, REPAIRED, f"You sent `{shown}`; this endpoint reads `{ours}`. It was read as that.", rule=RULE
            )
        return {visible(sent.name).lower()}
    elif field in _CONTRADICTED and all(value.lower() != sent.value.lower() for _, value in there):
        value, counted = clean(sent.value, 60), clean(there[0][1], 60)
        note = f"`{shown}={value}` is kept as a label: `{there[0][0]}={counted}` counts."
        case.note(STEP, REPAIRED, note, rule=RULE)
    return set()


def _may_read(mapping: Mapping, field: str) -> bool:
    """An operator's mapping reads its own names only. An amount in the smallest unit needs its own name, too."""
    return not mapping.version and not (mapping.minor_units and field in (*MONEY, "currency"))


def _refuse_ambiguous(case: Case, fields: Fields, sent: Sent) -> None:
    """A name of two fields, one of which is empty, could be either."""
    if all(field in fields for field in sent.meaning.fields):
        return
    ours = " or ".join(f"`{NAMES[field][0]}`" for field in sent.meaning.fields)
    first, second = (_MEANT[field] for field in sent.meaning.fields)
    name = clean(sent.name, 60)
    message = f"`{name}` is {first} on some platforms and {second} on others: send it as {ours}."
    case.report(Reason.WRONG_NAME, name, message, sent.value)


_MEANT = {"click_id": "the click ID", "txid": "the transaction"}


def _warn_of_label(case: Case, fields: Fields, sent: Sent) -> None:
    """A label that may be meant for an empty field. One that may be the missing click ID explains the refusal."""
    field, name = sent.meaning.fields[0], clean(sent.name, 60)
    if field in fields or (field == "click_id" and any(each in fields for each in _ORIGINS)):
        return
    ours = sent.meaning.name
    if field in ("click_id", "event_type") and sent.meaning.kind == LABEL:
        also = f" (`{name}` may also be {sent.meaning.otherwise}.)"
        case.report(Reason.WRONG_NAME, name, f"You sent `{name}`; this endpoint reads `{ours}`.{also}", sent.value)
        return
    why = f"it may also be {sent.meaning.otherwise}" if sent.meaning.otherwise else "nothing reads it"
    case.note(STEP, REPAIRED, f"`{name}` is kept as a label, for {why}. If it is the {ours}, send `{ours}`.", rule=RULE)
