"""Import legacy click IDs from a CSV file: streamed, checked row by row, harmless to repeat."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TextIO

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from records.csv_bounds import ColumnsRefused, bounded, column_names
from tracking.click_id import codec
from tracking.models import SUB_IDS, LegacyClickID, TrackingLink

BATCH = 1_000
NEEDED = ("click_id", "link", "clicked_at")
COLUMNS = (*NEEDED, "source", "aff_click_id", *SUB_IDS)
LIMITS = {"click_id": 255, "source": 60, **dict.fromkeys(SUB_IDS, 255), "aff_click_id": 512}
FUTURE = timedelta(days=1)
# No platform's clicks are older; an earlier time is a date that was read wrongly.
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)

Progress = Callable[[int], None]


class UnusableFile(ValueError):
    """The file as a whole cannot be read; nothing was imported. The message says how to fix it."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was not imported: its line in the file, and its error."""

    line: int
    message: str


@dataclass(slots=True)
class ImportedClicks:
    """The result of a file. `known` rows existed before, with the same link and time."""

    rows: int = 0
    added: int = 0
    known: int = 0
    errors: list[RowError] = field(default_factory=list)


@dataclass(slots=True)
class _Row:
    line: int
    values: LegacyClickID
    code: str


def import_clicks(
    file: TextIO, *, source: str, now: datetime, is_dry_run: bool = False, on_progress: Progress = lambda rows: None
) -> ImportedClicks:
    """Import the rows of a CSV file with a header line; rows with errors are skipped and listed.

    Columns: click_id, link (its code) and clicked_at; aff_click_id and sub1 to sub10 if wanted; `source` if it differs
    from row to row. Each batch of rows is a transaction: a crash leaves whole batches, and the file can be imported
    again. Raise `UnusableFile` when the header is invalid.
    """
    reader = _reader(file, source)
    done = ImportedClicks()
    lines = _lines(reader)
    while batch := list(islice(lines, BATCH)):
        rows = [row for line, sent in batch if (row := _read(line, sent, source, now, done))]
        with transaction.atomic():
            _keep(rows, done, is_dry_run)
        done.rows += len(batch)
        on_progress(done.rows)
    done.errors.sort(key=lambda error: error.line)
    return done


def _reader(file: TextIO, source: str) -> "csv.DictReader[str]":
    reader = csv.DictReader(bounded(file), strict=True)
    try:
        names = column_names(reader.fieldnames or [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnusableFile(gettext("The file is not CSV in UTF-8: {error}.").format(error=error)) from error
    except ColumnsRefused as error:
        raise UnusableFile(str(error)) from error
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UnusableFile(
            gettext("The first line must name the columns; {names} is missing. Known are {names_2}.").format(
                names=", ".join(missing), names_2=", ".join(COLUMNS)
            )
        )
    if unknown := [name for name in names if name not in COLUMNS]:
        raise UnusableFile(
            gettext("Unknown column {names}. Known are {names_2}.").format(
                names=", ".join(unknown)[:200], names_2=", ".join(COLUMNS)
            )
        )
    if not source and "source" not in names:
        raise UnusableFile(
            gettext("Say where the IDs come from: give their source (--source NAME), or a column `source`.")
        )
    reader.fieldnames = names
    return reader


def _lines(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Mapping[str, str | None] | str]]:
    """Each row with the line where it ends; a row that is not CSV with its error instead."""
    while True:
        try:
            sent = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            yield reader.line_num + 1, f"It is not CSV in UTF-8: {error}."
            if isinstance(error, UnicodeDecodeError):  # the rest cannot be distinguished from damage
                return
            continue
        yield reader.line_num, sent


def _read(
    line: int, sent: Mapping[str, str | None] | str, source: str, now: datetime, done: ImportedClicks
) -> _Row | None:
    try:
        return _checked(line, sent, source, now)
    except ValueError as error:
        done.errors.append(RowError(line, str(error)))
        return None


def _checked(line: int, sent: Mapping[str, str | None] | str, source: str, now: datetime) -> _Row:
    """The row as it is stored, without its link; raise ValueError with its error."""
    if isinstance(sent, str):
        raise ValueError(sent)
    if None in sent or None in sent.values():
        raise ValueError(gettext("It has more or fewer values than the file has columns."))
    values = {name: (value or "").strip() for name, value in sent.items()}
    values["source"] = values.get("source") or source
    for name in (*NEEDED, "source"):
        if not values[name]:
            raise ValueError(gettext("{name} is empty.").format(name=name))
    for name, limit in LIMITS.items():
        if len(values.get(name, "")) > limit:
            raise ValueError(
                gettext("{name} has {number} characters; at most {limit} are allowed.").format(
                    name=name, number=len(values[name]), limit=limit
                )
            )
        if "\x00" in values.get(name, ""):
            raise ValueError(gettext("{name} has a NUL character.").format(name=name))
    row = LegacyClickID(
        source=values["source"],
        foreign_id=values["click_id"],
        clicked_at=_moment(values["clicked_at"], now),
        aff_click_id=values.get("aff_click_id", ""),
        sub_ids={name: values[name] for name in SUB_IDS if values.get(name)},
        imported_at=now,
    )
    return _Row(line, row, values["link"].lower())


def _moment(text: str, now: datetime) -> datetime:
    """Seconds or milliseconds since 1970, or ISO 8601; UTC if it has no offset."""
    try:
        if text.isascii() and text.isdigit():
            number = int(text)
            moment: datetime | None = datetime.fromtimestamp(number / 1000 if number >= 10**11 else number, UTC)
        else:
            moment = parse_datetime(text)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None:
        raise ValueError(
            gettext("clicked_at {text} is not a time such as 2026-03-01T12:00:00Z.").format(text=text[:40])
        )
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if not OLDEST <= moment <= now + FUTURE:
        raise ValueError(
            gettext("clicked_at {text} lies in the future or before {year}.").format(text=text[:40], year=OLDEST.year)
        )
    return moment


def _keep(rows: Sequence[_Row], done: ImportedClicks, is_dry_run: bool) -> None:
    """Store new rows; existing ones must have the same values. Three queries."""
    links = {link.code: link for link in TrackingLink.objects.filter(code__in={row.code for row in rows})}
    known = _known(rows)
    fresh: dict[tuple[str, str], _Row] = {}
    for row in rows:
        link, key = links.get(row.code), (row.values.source, row.values.foreign_id)
        if link is None:
            done.errors.append(
                RowError(row.line, gettext("There is no tracking link {code}.").format(code=row.code[:40]))
            )
            continue
        row.values.link = link
        before = known.get(key) or (fresh[key].values if key in fresh else None)
        if before is None:
            row.values.click_id = codec.new(link_number=link.pk, at=row.values.clicked_at).uuid
            fresh[key] = row
        elif (before.link_id, before.clicked_at) == (link.pk, row.values.clicked_at):
            done.known += 1
        else:
            there = f"{before.link.code}, {before.clicked_at.isoformat()}"
            done.errors.append(
                RowError(
                    row.line,
                    gettext("click_id {key} is there with another link or time: {there}.").format(
                        key=key[1][:60], there=there
                    ),
                )
            )
    if not is_dry_run:
        # Another import of the same file at the same time has the same rows.
        LegacyClickID.objects.bulk_create([row.values for row in fresh.values()], ignore_conflicts=True)
    done.added += len(fresh)


def _known(rows: Sequence[_Row]) -> dict[tuple[str, str], LegacyClickID]:
    found = LegacyClickID.objects.filter(
        source__in={row.values.source for row in rows}, foreign_id__in={row.values.foreign_id for row in rows}
    )
    return {(row.source, row.foreign_id): row for row in found.select_related("link")}
