"""How each parameter of a request is read: as which of our fields, in our words and units."""

from collections.abc import Iterator
from typing import NamedTuple

from affiliates.models import Advertiser
from conversions.dialects.mapping import MappedValue, Mapping, Pairs
from conversions.dialects.other_names import ALIAS, OWN, is_test_name, meaning_of
from conversions.intake.read.receive import MASK, secret_names
from conversions.intake.read.repairs import repair
from conversions.values import read_moment
from web.characters import visible

TOKEN, TEST, UNREAD = "token", "test", ""


class Parameter(NamedTuple):
    """One parameter; `ours` is the field that it is read as, empty if no rule reads it.

    The name is empty for a value that was not sent but comes from the mapping or the advertiser.
    """

    name: str
    value: str
    ours: str
    read_as: str


def parameters_of(sent: Pairs, mapping: Mapping, advertiser: Advertiser | None) -> list[Parameter]:
    """Every parameter in the order sent, then the values of the mapping and the advertiser; secrets are masked."""
    pairs, _ = repair(sent, mapping)
    if mapping.is_native:
        readings = [*_native_readings(pairs)]
    else:
        known = {"goal": advertiser.default_goal, "currency": advertiser.currency} if advertiser else {}
        readings = mapping.read(pairs, **known)
    read = {(each.name, each.sent): each for each in readings if each.name}
    secret = secret_names(mapping)
    found = [_parameter(name, value, read.get((name, value)), mapping, secret) for name, value in pairs]
    return [*found, *(Parameter("", "", each.ours, each.value) for each in readings if not each.name)]


def _native_readings(pairs: Pairs) -> Iterator[MappedValue]:
    """The parameters that our own form reads, under our names and under those read in place of an empty field."""
    fields: dict[str, str] = {}
    for kind in (OWN, ALIAS):
        for name, value in pairs:
            meaning = meaning_of(name)
            if meaning.kind == kind and value.strip() and (kind == OWN or meaning.fields[0] not in fields):
                fields.setdefault(meaning.fields[0], name)
                yield MappedValue(meaning.fields[0], name, value, visible(value))


def _parameter(name: str, value: str, read: MappedValue | None, mapping: Mapping, secret: frozenset[str]) -> Parameter:
    if name.strip().lower() in secret:
        return Parameter(name, MASK if value else "", TOKEN, "")
    if read is None:
        return Parameter(name, value, TEST if is_test_name(name) else UNREAD, "")
    return Parameter(name, value, read.ours, _shown(read, mapping))


def _shown(read: MappedValue, mapping: Mapping) -> str:
    if read.ours == "timestamp" and (moment := read_moment(read.value, mapping.time_format, mapping.time_zone)):
        return f"{moment.at:%Y-%m-%d %H:%M:%S} UTC"
    return read.value
