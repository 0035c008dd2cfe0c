"""Step 1: store each request as it came, before anything is judged. Secrets are masked."""

from affiliates.secrets import digest
from conversions.dialects.table import TOKEN_NAMES
from conversions.intake import terms
from conversions.intake.case import Case, Received
from conversions.intake.personal import Pairs, hidden_before, hide
from conversions.intake.throttle import token_of
from conversions.intake.writing import insert, new
from conversions.models import Postback
from conversions.signing import check

MASK = "•••"
SECRET_FIELDS = frozenset({"token", "secret", "hmac", "signature", "password", "api_key"}) | TOKEN_NAMES
MAX_STORED_BODY = 16_000


def masked(parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, MASK if name.lower() in SECRET_FIELDS and value else value) for name, value in parameters]


def receive(batch: list[Received]) -> list[Case]:
    """Store the requests in one statement and open a case for each."""
    signatures = _check_signatures(batch)
    hidden = [hide(received.parameters) for received in batch]
    rows = [
        new(
            Postback,
            received_at=received.received_at,
            door=received.door,
            mapping=received.mapping,
            method=received.method,
            path=received.path[:200],
            parameters=masked(pairs),
            body=received.body[:MAX_STORED_BODY],
            headers=received.headers,
            ip=received.ip,
            is_secure=received.is_secure,
            token_digest=fitting or (digest(token) if (token := token_of(received)) else ""),
            signature=state,
            advertiser=received.advertiser,
        )
        for received, (pairs, _), (state, fitting) in zip(batch, hidden, signatures, strict=True)
    ]
    insert(rows)
    return [_case(row, received, *found) for row, received, found in zip(rows, batch, hidden, strict=True)]


def _check_signatures(batch: list[Received]) -> list[tuple[str, str]]:
    """For each request what came of its signature, and the digest of the secret; at most one query for the batch."""
    named = {received.signed.advertiser for received in batch if received.signed}
    secrets = terms.hmac_secrets.many(named) if named else {}
    return [
        check(received.signed, secrets.get(received.signed.advertiser, ()), received_at=received.received_at)
        if received.signed
        else ("", "")
        for received in batch
    ]


def _case(row: Postback, received: Received, parameters: Pairs, personal: Pairs) -> Case:
    case = Case(postback=row, parameters=parameters, personal=personal)
    if received.fault:
        case.problems.append(received.fault)
    return case


def reopen(row: Postback) -> Case:
    """The case of a request that was stored before: for one left undecided by a crash."""
    pairs = [(name, value) for name, value in row.parameters]
    return Case(postback=row, parameters=pairs, personal=hidden_before(pairs))
