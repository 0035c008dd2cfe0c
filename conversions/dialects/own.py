"""Operators' mappings as rows of the table of dialects: the same code reads and answers them."""

from collections.abc import Mapping as Dictionary
from zoneinfo import ZoneInfo

import structlog

from conversions.dialects.answers import Answers, OwnAnswers, native_answer
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import MONEY, NAMES, Mapping
from conversions.dialects.table import BY_NAME
from conversions.models import SenderMapping
from conversions.models.mappings import OWN

log = structlog.get_logger(__name__)

PATH = "/d/{slug}/postback"


def read_dialects() -> dict[str, Dialect]:
    """Every mapping in the database, by slug. An invalid one is left out and logged, so the others still work."""
    found = {}
    for row in SenderMapping.objects.all():
        try:
            found[row.slug] = dialect_of(row)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            log.error("mapping_unreadable", mapping=row.slug, error=str(error))
    return found


def dialect_of(row: SenderMapping) -> Dialect:
    """The row as a dialect; raise what its values raise if they are invalid."""
    ZoneInfo(row.time_zone)
    mapping = Mapping(
        name=row.slug,
        fields={ours: tuple(map(str, row.names[ours])) for ours in NAMES if row.names.get(ours)},
        minor_units=row.minor_units,
        statuses=_words(row.statuses),
        goals=_words(row.goals),
        defaults={ours: str(value) for ours, value in row.defaults.items() if ours in NAMES and value},
        sums=frozenset(MONEY) if row.adds_lists else frozenset(),
        time_format=row.time_format,
        time_zone=row.time_zone,
        tokens=tuple(map(str, row.tokens)),
        version=row.version,
    )
    return Dialect(
        title=row.name,
        mapping=mapping,
        sample="",
        answers=answers_of(row),
        advertiser_id=row.advertiser_id,
        is_active=row.is_active,
        image_when=None,
    )


def _words(words: Dictionary[str, str]) -> dict[str, str]:
    return {str(theirs).strip().lower(): str(ours) for theirs, ours in words.items()}


def answers_of(row: SenderMapping) -> Answers:
    """The answers of a mapping: its own, a platform's, or the native ones."""
    if row.answers_as == OWN:
        return OwnAnswers(
            row.content_type, row.taken_body, row.duplicate_body, row.refused_body, int(row.refused_status)
        )
    preset = BY_NAME.get(row.answers_as)
    return preset.answers if preset else native_answer


def address(mapping: Mapping) -> str:
    """The path and query for the sender; values that the sender fills in are in {braces}, by our names."""
    pairs = [f"{names[0]}={{{ours}}}" for ours, names in mapping.fields.items()]
    token = mapping.tokens[0] if mapping.tokens else "token"
    return f"{PATH.format(slug=mapping.name)}?{'&'.join([*pairs, f'{token}={{token}}'])}"
