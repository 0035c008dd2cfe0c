"""The country of an address, its autonomous system, and whether that is a hosting company's.

The bundled database (see `geography_data/README.md`) is used unless GEOIP_FILES names others. A file that is replaced
while a worker runs is noticed within a minute.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import maxminddb
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

BUNDLED = Path(__file__).parent / "geography_data" / "geography.mmdb"
HOSTING = Path(__file__).parent / "geography_data" / "hosting_asns.txt"
# Seconds between two checks whether a file was replaced.
RE_EVALUATE = 60


@dataclass(frozen=True, slots=True)
class Location:
    """`country` is ISO 3166-1 alpha-2 or empty; `asn` is the number of the autonomous system, if known."""

    country: str = ""
    asn: int | None = None
    is_data_centre: bool = False


NOWHERE = Location()


def locate(address: str | None) -> Location:
    """The place of the address. Invalid and unassigned addresses have no place. Never raises."""
    if not address:
        return NOWHERE
    return _locate(address, _files(tuple(settings.GEOIP_FILES), int(time.monotonic() // RE_EVALUATE)))


def open_database(path: Path) -> maxminddb.Reader:
    """Open a database; raise OSError or `maxminddb.InvalidDatabaseError` for a file that cannot be used."""
    return maxminddb.open_database(path)


Files = tuple[tuple[Path, int], ...]


@lru_cache(maxsize=1)
def _files(named: tuple[str, ...], moment: int) -> Files:
    """The files and when each was changed.

    A missing file is left out and logged: a worse answer is better than none.
    """
    found: list[tuple[Path, int]] = []
    for path in [Path(name) for name in named] or [BUNDLED]:
        try:
            found.append((path, path.stat().st_mtime_ns))
        except OSError as error:
            log.error("geography_unreadable", file=str(path), error=str(error))
    return tuple(found)


@lru_cache(maxsize=8)
def _reader(path: Path, changed_at: int) -> maxminddb.Reader | None:
    try:
        return open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        log.error("geography_unreadable", file=str(path), error=str(error))
        return None


@lru_cache(maxsize=50_000)
def _locate(address: str, files: Files) -> Location:
    country, asn, is_hosting = "", None, False
    for record in _records(address.removeprefix("::ffff:"), files):
        country = country or _country(record)
        asn = asn or _asn(record)
        is_hosting = is_hosting or bool(record.get("is_hosting_provider"))
    return Location(country=country, asn=asn, is_data_centre=is_hosting or asn in hosting_asns())


def _records(address: str, files: Files) -> Iterator[dict[str, Any]]:
    for path, changed_at in files:
        reader = _reader(path, changed_at)
        # An invalid address raises, and so does an IPv6 address if a database knows IPv4 only.
        with suppress(ValueError, TypeError):
            record = reader.get(address) if reader else None
            if isinstance(record, dict):
                yield record


def _country(record: dict[str, Any]) -> str:
    """In MaxMind's layout a record under `country`, elsewhere a plain code."""
    for name in ("country", "country_code", "registered_country"):
        found = record.get(name)
        code = found.get("iso_code") if isinstance(found, dict) else found
        if isinstance(code, str) and len(code) == 2:
            return code.upper()
    return ""


def _asn(record: dict[str, Any]) -> int | None:
    found = record.get("autonomous_system_number") or record.get("asn")
    text = str(found or "").upper().removeprefix("AS")
    return int(text) if text.isdecimal() else None


@cache
def hosting_asns() -> frozenset[int]:
    """The autonomous systems of companies that rent out computers."""
    lines = HOSTING.read_text(encoding="utf-8").splitlines()
    return frozenset(int(line.split("\t")[0]) for line in lines if not line.startswith("#"))
