"""Validation of an operator's mapping: all errors at once, each with its field and how to fix it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree
from zoneinfo import available_timezones

from conversions.dialects.answers import JSON, PLACE, SENT, VALUES, OwnAnswers
from conversions.dialects.mapping import NAMES
from conversions.dialects.paths import is_path
from conversions.dialects.table import BY_NAME
from conversions.models import Conversion, Goal, SenderMapping
from conversions.models.mappings import NATIVE, OWN
from conversions.values import NoAmount, read_amount
from records.money import PLACES

NAME = re.compile(r"[^\s&=#?+%,\x00-\x1f\x7f]{1,60}")
MOST_NAMES, MOST_WORDS, LONGEST_WORD, LONGEST_BODY = 10, 200, 100, 2_000
# Fields that may have a fixed value; a fixed ID would make many events one.
FIXED = ("event_type", "status", "currency", "payout", "revenue", "coupon")
BODIES = ("taken_body", "duplicate_body", "refused_body")


class MappingProblem(NamedTuple):
    """An error in a field of `SenderMapping`; `key` is the field or word within it, if there is one."""

    field: str
    key: str
    message: str


def problems(row: SenderMapping) -> list[MappingProblem]:
    """All errors of a mapping, saved or not. At most one query."""
    if broken := [*_shapes(row)]:
        return broken
    parts = (_slug, _names, _needed, _defaults, _words, _times, _answers)
    return [problem for part in parts for problem in part(row)]


def _shapes(row: SenderMapping) -> Iterator[MappingProblem]:
    """JSON that is not a table of texts: from the API or a shell, never from the form."""
    for field in ("defaults", "goals", "statuses"):
        value = getattr(row, field)
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            yield MappingProblem(field, "", "Give an object of texts.")
    lists = row.names.values() if isinstance(row.names, dict) else [None]
    if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in lists):
        yield MappingProblem("names", "", "Give an object that has a list of names for each field.")
    if not isinstance(row.tokens, list) or not all(isinstance(name, str) for name in row.tokens):
        yield MappingProblem("tokens", "", "Give a list of names.")


def _slug(row: SenderMapping) -> Iterator[MappingProblem]:
    if row.slug in BY_NAME or row.slug == NATIVE:
        title = BY_NAME[row.slug].title if row.slug in BY_NAME else "Affidavit"
        yield MappingProblem("slug", "", f"/d/{row.slug}/ is the address of {title}: choose another name.")


def _names(row: SenderMapping) -> Iterator[MappingProblem]:
    taken = {"token": "as the token", "test": "by every address"}
    for field, key, names in [("tokens", "", row.tokens), *(("names", ours, row.names[ours]) for ours in row.names)]:
        if field == "names" and key not in NAMES:
            yield MappingProblem("names", key, f"{key[:60]} is no field; there are {', '.join(NAMES)}.")
            continue
        if len(names) > MOST_NAMES:
            yield MappingProblem(field, key, f"{len(names)} names; {MOST_NAMES} are enough.")
        meaning = f"as {key}" if key else "as the token"
        for name in names[:MOST_NAMES]:
            if not (name.isprintable() and (NAME.fullmatch(name) or (key and is_path(name)))):
                yield MappingProblem(
                    field, key, f"{name[:60]!r} is no parameter's name: 1 to 60 characters without & = # ? + % ,"
                )
            elif taken.setdefault(name.lower(), meaning) != meaning:
                yield MappingProblem(
                    field, key, f"{name} is read {taken[name.lower()]} already. A parameter has one meaning."
                )


def _needed(row: SenderMapping) -> Iterator[MappingProblem]:
    read = {ours for ours, names in row.names.items() if names}
    if not (read & {"click_id", "customer_id", "coupon"} or row.defaults.get("coupon")):
        message = "Nothing says which affiliate an event belongs to: name the parameter of the click ID."
        yield MappingProblem("names", "click_id", message)
    if not (read & {"click_id", "txid"}):
        message = "Without a click ID an event needs a transaction ID: name its parameter, or that of the click ID."
        yield MappingProblem("names", "txid", message)
    has_default = row.advertiser is not None and bool(row.advertiser.default_goal)
    if "event_type" not in read and not row.defaults.get("event_type") and not has_default:
        message = "Nothing says which goal an event is: name the parameter, or give the goal that it always is."
        yield MappingProblem("names", "event_type", message)


def _defaults(row: SenderMapping) -> Iterator[MappingProblem]:
    for ours, value in row.defaults.items():
        if ours not in FIXED:
            yield MappingProblem(
                "defaults", ours, f"{ours[:60]} cannot be the same for all events; {', '.join(FIXED)} can."
            )
        elif ours == "status" and value not in Conversion.Status.values:
            yield MappingProblem("defaults", ours, f"{value[:60]} is none of {', '.join(Conversion.Status.values)}.")
        elif ours == "currency" and value not in PLACES:
            yield MappingProblem("defaults", ours, f"{value[:60]} is not a currency code such as EUR.")
        elif ours in ("payout", "revenue") and (problem := _no_amount(value)):
            yield MappingProblem("defaults", ours, problem)
        elif len(value) > 60 or not value.isprintable():
            yield MappingProblem("defaults", ours, "At most 60 characters, none of them a control character.")


def _no_amount(value: str) -> str:
    try:
        read_amount(value)
    except NoAmount as error:
        return f"{value[:60]} {error}"
    return ""


def _words(row: SenderMapping) -> Iterator[MappingProblem]:
    for field, words in (("statuses", row.statuses), ("goals", row.goals)):
        if len(words) > MOST_WORDS:
            yield MappingProblem(field, "", f"{len(words)} words; at most {MOST_WORDS}.")
        for theirs in words:
            if not theirs.strip() or len(theirs) > LONGEST_WORD or not theirs.isprintable():
                yield MappingProblem(
                    field, theirs, f"{theirs[:60]!r}: a word has 1 to {LONGEST_WORD} plain characters."
                )
    for theirs, ours in row.statuses.items():
        if ours not in Conversion.Status.values:
            message = f"{ours[:60]} is none of {', '.join(Conversion.Status.values)}."
            yield MappingProblem("statuses", theirs, message)
    yield from _goals(row)


def _goals(row: SenderMapping) -> Iterator[MappingProblem]:
    """Goals that no offer has: every event with a word mapped to one would be refused."""
    named = {(theirs, ours) for theirs, ours in row.goals.items() if ours}
    fixed = row.defaults.get("event_type", "")
    if not (named or fixed):
        return
    goals = Goal.objects.filter(offer__advertiser=row.advertiser) if row.advertiser else Goal.objects.all()
    known = set(goals.values_list("code", flat=True))
    whose = f"offer of {row.advertiser}" if row.advertiser else "offer"
    there = f"There are {', '.join(sorted(known)[:20])}." if known else "Make the goal first."
    for theirs, ours in sorted(named):
        if ours not in known:
            yield MappingProblem("goals", theirs, f"{theirs[:60]} is {ours[:60]}, which no {whose} counts. {there}")
    if fixed and fixed not in known:
        yield MappingProblem("defaults", "event_type", f"No {whose} counts {fixed[:60]}. {there}")


def _times(row: SenderMapping) -> Iterator[MappingProblem]:
    if row.time_zone not in available_timezones():
        yield MappingProblem("time_zone", "", f"{row.time_zone[:40]} is no time zone such as Europe/Berlin or UTC.")
    sample = datetime(2026, 12, 31, 23, 58, 59, tzinfo=UTC)
    if not row.time_format:
        return
    try:
        again = datetime.strptime(sample.strftime(row.time_format), row.time_format)  # noqa: DTZ007
        is_whole = again.date() == sample.date()
    except ValueError:
        is_whole = False
    if not is_whole:
        message = "It must say year, month and day so that they can be read back, as %d.%m.%Y %H:%M does."
        yield MappingProblem("time_format", "", message)


def _answers(row: SenderMapping) -> Iterator[MappingProblem]:
    if row.answers_as not in {NATIVE, OWN, *BY_NAME}:
        yield MappingProblem("answers_as", "", f"There is no platform {row.answers_as[:40]}.")
    if row.answers_as != OWN:
        return
    for field in BODIES:
        if message := _body_problem(row.content_type, getattr(row, field)):
            yield MappingProblem(field, "", message)
    if row.refused_status == SenderMapping.RefusedStatus.OK and row.refused_body.strip() in (
        "", row.taken_body.strip(), row.duplicate_body.strip()
    ):  # fmt: skip
        message = "With status 200 the body alone says that it was refused: it must differ from the other two."
        yield MappingProblem("refused_body", "", message)


def _body_problem(content_type: str, text: str) -> str:
    if len(text) > LONGEST_BODY:
        return f"{len(text):,} characters; at most {LONGEST_BODY:,}."
    if any(not char.isprintable() and char not in "\r\n\t" for char in text):
        return "It has invisible control characters: type it again."
    unknown = [each for each in PLACE.findall(text) if not each.startswith(SENT) and each not in VALUES]
    if unknown:
        known = ", ".join(f"{{{each}}}" for each in VALUES)
        return f"{{{unknown[0]}}} is not known. There are {known}, and {{sent.NAME}} for a parameter as it was sent."
    return _misread(content_type, text)


def _misread(content_type: str, text: str) -> str:
    """The error of the text as JSON or XML, once its placeholders are filled with awkward values."""
    body = dict.fromkeys(VALUES, 'a "quoted" <value> & more') | {"outcome": "accepted", "problems": []}
    spoken = OwnAnswers(content_type, text, text, text)(200, body, {})
    filled = spoken.content.decode()
    if not text.strip() or content_type == "text/plain":
        return ""
    try:
        if content_type == JSON:
            json.loads(filled)
        elif "<!" in text.replace("<!--", ""):
            return "XML without a document type: leave <!DOCTYPE and <!ENTITY out."
        else:
            ElementTree.fromstring(filled)  # noqa: S314 # nosec B314 # no entities are declared, see above
    except ValueError as error:
        return f'It is not JSON once its places are filled in: {error}. A place stands in quotes: "{{message}}".'
    except ElementTree.ParseError as error:
        return f"It is not XML once its places are filled in: {error}."
    return ""
