"""An advertiser's connection to a source: made here, and read as a mapping whose goals the operator chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings

from affiliates.models import Advertiser
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import NAMES, Mapping
from conversions.models import SourceConnection
from conversions.sources.base import Source
from conversions.sources.table import sources
from records.secrets import decrypt, digest, encrypt, new_token

PREFIX = "/sources/"
# What the names of connections begin with, which stored requests have.
NAME = "src_"
TOKEN = "afw"  # noqa: S105 - what such tokens begin with
# What a source says under our own names, beside which nothing else is read.
FIELDS = {ours: names[:1] for ours, names in NAMES.items()}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection with its source, ready to take what comes from there."""

    row: SourceConnection
    source: Source
    secrets: tuple[str, ...]
    dialect: Dialect

    @property
    def name(self) -> str:
        return self.dialect.name

    def counts(self, word: str) -> bool:
        """Whether an operator mapped the word to a goal; what takes back has no word."""
        return not word or word in self.dialect.mapping.goals


@dataclass(frozen=True, slots=True)
class Connections:
    """All connections, by the digest of their token and by the name that stored requests have."""

    by_digest: dict[str, Connected]
    by_name: dict[str, Connected]


def new_connection(*, advertiser: Advertiser, source: str) -> SourceConnection:
    """A connection with a token of its own, not saved yet."""
    token = new_token(TOKEN)
    return SourceConnection(advertiser=advertiser, source=source, digest=digest(token), encrypted_token=encrypt(token))


def set_secrets(row: SourceConnection, secrets: Sequence[str]) -> None:
    """Replace the signing secrets; the row is not saved."""
    row.encrypted_secrets = encrypt("\n".join(secrets)) if secrets else ""


def secrets_of(row: SourceConnection) -> tuple[str, ...]:
    return tuple(decrypt(row.encrypted_secrets).split("\n")) if row.encrypted_secrets else ()


def address_of(row: SourceConnection) -> str:
    """The address to paste at the platform; it has the token."""
    return f"{settings.PUBLIC_URL}{PREFIX}{row.source}/{decrypt(row.encrypted_token)}"


def read_connections() -> Connections:
    """Every connection in the database. One that cannot be read is left out and logged, so the others still work."""
    found: list[Connected] = []
    for row in SourceConnection.objects.select_related("advertiser"):
        try:
            found.append(connected(row))
        except (InvalidToken, KeyError, ValueError, AttributeError) as error:
            log.error("source_unreadable", source=row.public_id, error=str(error) or repr(error))
    return Connections({each.row.digest: each for each in found}, {each.name: each for each in found})


def connected(row: SourceConnection) -> Connected:
    """The row as it is used. Raise `KeyError` for a source that there is no file of, and what its values raise."""
    ZoneInfo(row.time_zone)
    source = sources()[row.source]
    mapping = Mapping(
        name=row.public_id,
        fields=FIELDS,
        goals={str(word): str(code) for word, code in row.goals.items() if code},
        time_zone=row.time_zone,
        version=row.version,
        finds_sales=True,
        later=source.later,
    )
    dialect = Dialect(
        title=source.title,
        mapping=mapping,
        sample="",
        advertiser_id=row.advertiser_id,
        is_active=row.is_active,
        image_when=None,
    )
    return Connected(row, source, secrets_of(row), dialect)
