"""Store each request as received, before it is decided. Secrets are masked."""

import re

from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import Mapping
from conversions.dialects.table import TOKEN_NAMES
from conversions.intake import reference_cache
from conversions.intake.case import Case, Received
from conversions.intake.connection import look_after_plans
from conversions.intake.read.personal import Pairs, hidden_before, hide, hide_in_text
from conversions.intake.read.signing import check
from conversions.intake.read.throttle import token_of
from conversions.models import Postback
from conversions.reasons.codes import Reason
from records.bulk_rows import insert, new
from records.secrets import digest

MASK = "•••"
SECRET_FIELDS = frozenset({"token", "secret", "hmac", "signature", "password", "api_key"}) | TOKEN_NAMES
MAX_STORED_BODY = 16_000
# Our own tokens, HMAC secrets and API keys are recognised anywhere.
_OURS = re.compile(r"\baf[hkstw]_[A-Za-z0-9_-]{8,}")
# `token=…`, `"token": "…"`, `<token>…`, and our own.
_SECRET = re.compile(
    rf"(\b(?:{'|'.join(sorted(map(re.escape, SECRET_FIELDS)))})\b[\"']?\s*(?:=|:|>|%3D)\s*[\"']?)[^\"'&\s,;}}<]+"
    rf"|{_OURS.pattern}",
    re.IGNORECASE,
)


def masked(parameters: list[tuple[str, str]], dialect: Dialect | None = None) -> list[tuple[str, str]]:
    """Mask the secret parameters: those of every known form, those of the dialect, and our own tokens."""
    secret = secret_names(dialect.mapping) if dialect else SECRET_FIELDS
    return [
        (name, MASK if name.strip().lower() in secret and value else without_tokens(value))
        for name, value in parameters
    ]


def without_tokens(text: str) -> str:
    """Mask our tokens and keys in the text, even under a wrong name or after other characters."""
    return _OURS.sub(MASK, text) if "af" in text else text


def secret_names(mapping: Mapping) -> frozenset[str]:
    """The names, in lower case, whose values are secret."""
    return SECRET_FIELDS.union(name.lower() for name in mapping.tokens) if mapping.tokens else SECRET_FIELDS


def masked_text(text: str) -> str:
    """Mask the secrets that can be found in a body that could not be parsed."""
    return _SECRET.sub(lambda found: f"{found[1] or ''}{MASK}", text)


def receive(batch: list[Received]) -> list[Case]:
    """Store the requests in one statement and open a case for each."""
    signatures = _check_signatures(batch)
    dialects = reference_cache.dialects_named(received.mapping for received in batch)
    hidden = [hide(received.parameters) for received in batch]
    rows = [
        new(
            Postback,
            received_at=received.received_at,
            endpoint=received.endpoint,
            mapping=received.mapping,
            method=received.method,
            path=received.path[:200],
            parameters=masked(pairs, dialects.get(received.mapping)),
            body=_kept(received.body),
            headers=received.headers,
            ip=received.ip,
            is_secure=received.is_secure,
            token_digest=received.address_digest or fitting or _digest(received, dialects.get(received.mapping)),
            signature=received.proof or state,
            advertiser=received.advertiser,
        )
        for received, (pairs, _), (state, fitting) in zip(batch, hidden, signatures, strict=True)
    ]
    insert(rows)
    look_after_plans(rows[-1].pk)
    cases = [_case(row, received, *found) for row, received, found in zip(rows, batch, hidden, strict=True)]
    for case in cases:
        case.dialect = dialects.get(case.postback.mapping)
    return cases


def _digest(received: Received, dialect: Dialect | None) -> str:
    token = token_of(received, dialect)
    return digest(token) if token else ""


def _kept(body: str) -> str:
    """Cut the text, with a margin, before it is searched: secrets and personal data are masked whole."""
    return hide_in_text(masked_text(body[: MAX_STORED_BODY + 200]))[:MAX_STORED_BODY] if body else ""


def _check_signatures(batch: list[Received]) -> list[tuple[str, str]]:
    """The result of each signature, and the digest of the secret that fits; at most one query for the batch."""
    named = {received.signed.advertiser for received in batch if received.signed and received.signed.advertiser}
    secrets = reference_cache.hmac_secrets.many(named) if named else {}
    return [
        check(received.signed, secrets.get(received.signed.advertiser, ()), received_at=received.received_at)
        if received.signed
        else ("", "")
        for received in batch
    ]


def _case(row: Postback, received: Received, parameters: Pairs, personal: Pairs) -> Case:
    case = Case(postback=row, parameters=parameters, personal=personal, left_out=received.left_out)
    if received.problem:
        case.problems.append(received.problem)
    if received.signed and received.signed.problem:
        case.report(Reason.BAD_SIGNATURE, "signature", received.signed.problem)
    return case


def reopen(row: Postback) -> Case:
    """Open the case of a stored request. Call `learn_dialects` before it is parsed, which sets its dialect."""
    pairs = [(name, value) for name, value in row.parameters]
    return Case(postback=row, parameters=pairs, personal=hidden_before(pairs))


def learn_dialects(cases: list[Case]) -> None:
    """Set the current dialects of stored requests; at most one query."""
    unknown = [case for case in cases if case.dialect is None]
    dialects = reference_cache.dialects_named(case.postback.mapping for case in unknown)
    for case in unknown:
        case.dialect = dialects.get(case.postback.mapping)
