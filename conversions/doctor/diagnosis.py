"""Errors of a request, how to fix them, and the decision that it would get."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

from affiliates.models import Advertiser
from conversions.dialects.answers import Spoken
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import NATIVE, Mapping, Pairs
from conversions.dialects.table import DIALECTS
from conversions.doctor.dry_run import DryRun, dry_run, read_alone
from conversions.doctor.parameters import Parameter, parameters_of
from conversions.doctor.reading import SentRequest
from conversions.doctor.right_names import rightly_named
from conversions.endpoints.dialects import PREFIX, find_address
from conversions.endpoints.native import PATH
from conversions.endpoints.pixel import IMAGE_PATH
from conversions.intake import Received, reference_cache
from conversions.intake.read.extras import OF_OTHER_STEPS
from conversions.intake.read.macros import unfilled
from conversions.intake.read.names import RULE as NAMES_RULE
from conversions.intake.read.parse import READ
from conversions.intake.read.receive import secret_names
from conversions.intake.read.repairs import repair
from conversions.intake.write.answer import warnings_of
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.translation import in_english

TOKEN_MARK = "YOUR_TOKEN"  # noqa: S105 (stands where a token was)
# Reasons that refuse the sender: the request is then decided as the advertiser's.
OF_THE_SENDER = frozenset(
    {Reason.BAD_TOKEN, Reason.SENDER_NOT_ALLOWED, Reason.HTTPS_REQUIRED, Reason.BAD_SIGNATURE, Reason.STALE_SIGNATURE}
    | {Reason.SIGNATURE_REQUIRED, Reason.ADVERTISER_INACTIVE, Reason.ANOTHERS_MAPPING}
)
# Parameters read beside the fields, so no sign of another platform.
OURS = READ | OF_OTHER_STEPS | {"token"}
BY_PARAMETERS = "its parameters"
_SUB = re.compile(r"^sub(_id)?\d{1,2}$")


@dataclass(frozen=True, slots=True)
class DiagnosedProblem:
    """One error to fix: where it is, what is wrong, what to do."""

    field: str
    message: str
    remedy: str = ""


@dataclass(slots=True)
class Diagnosis:
    """The diagnosis of a request. `corrected` is empty if its address has nothing to fix."""

    sent: SentRequest
    dialect: Dialect | None
    known_by: str
    advertiser: Advertiser | None
    on_trust: bool
    problems: list[DiagnosedProblem] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    run: DryRun | None = None
    # The answer in the sender's own form, if that is not ours.
    spoken_answer: Spoken | None = None
    corrected: str = ""
    corrected_run: DryRun | None = None

    @property
    def spoken(self) -> str:
        return self.dialect.title if self.dialect else "Affidavit's own"

    @property
    def answer_text(self) -> str:
        """The body of the sender's own answer."""
        return self.spoken_answer.content.decode("utf-8", "replace") if self.spoken_answer else ""

    def as_json(self) -> dict[str, Any]:
        """The diagnosis for a script; secrets are masked as in a stored postback."""
        return {
            "dialect": self.dialect.name if self.dialect else "native",
            "known_by": self.known_by,
            "advertiser": self.advertiser.public_id if self.advertiser else None,
            "parameters": [each._asdict() for each in self.parameters],
            "problems": [{"field": f.field, "message": f.message, "remedy": f.remedy} for f in self.problems],
            "corrected": self.corrected or None,
            "decision": _decision_of(self.run),
            "answer": {"http_status": spoken.status, "content_type": spoken.content_type, "body": self.answer_text}
            if (spoken := self.spoken_answer)
            else None,
            "steps": self.run.steps if self.run else [],
            "decision_when_corrected": _decision_of(self.corrected_run),
        }


def _decision_of(run: DryRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    shown = ("outcome", "reason", "message", "problems", "warnings", "status")
    return {"http_status": run.decision.http_status, **{name: run.decision.body[name] for name in shown}}


def diagnose(sent: SentRequest, *, now: datetime, advertiser: Advertiser | None = None) -> Diagnosis:
    """Check a request and decide it without storing anything.

    `advertiser` is used if the request's own token, signature or address would be refused: those errors are reported,
    and the rest is decided as if they were fixed.
    """
    received = sent.received()
    dialect = reference_cache.dialects_named([received.mapping]).get(received.mapping)
    guess, hits = (None, []) if dialect else _guess(received.parameters)
    known_by = f"{BY_PARAMETERS} {', '.join(hits)}" if guess else "its address"
    found = Diagnosis(sent, dialect or guess, known_by, advertiser, on_trust=False)
    found.problems += _problems_of_the_address(sent, dialect, guess)
    if sent.method in ("GET", "POST") and _is_an_endpoint(received):
        _decide(found, received, now)
    if dialect and found.run:
        sent_values = {name.lower(): value for name, value in reversed(received.parameters)}
        found.spoken_answer = dialect.answers(found.run.decision.http_status, found.run.decision.body, sent_values)
    mapping = dialect.mapping if dialect else NATIVE
    found.parameters = parameters_of(received.parameters, mapping, found.advertiser)
    found.corrected = _corrected(sent, received, mapping, guess)
    if found.corrected and found.run and _refused(found.run):
        found.corrected_run = _decide_corrected(sent, found, received, now)
    return found


def _is_an_endpoint(received: Received) -> bool:
    return received.path == PATH or received.mapping != "native"


def _guess(pairs: Pairs) -> tuple[Dialect | None, list[str]]:
    """Guess the platform from its names: it has at least two that are not ours, and the most of all."""
    strangers = {name.strip().lower() for name, _ in pairs} - OURS
    strangers = {name for name in strangers if not _SUB.match(name)}
    scores = []
    own = [dialect for dialect in reference_cache.own_dialects().values() if dialect.is_active] if strangers else []
    for dialect in (*DIALECTS, *own):
        names = {name.lower() for found in dialect.mapping.fields.values() for name in found} | {
            name.lower() for name in dialect.tokens
        }
        scores.append((len(strangers & names), dialect, sorted(strangers & names)))
    scores.sort(key=lambda score: -score[0])
    (most, best, hits), (second, *_) = scores[0], scores[1]
    return (best, hits) if most >= 2 and most > second and 2 * most >= len(strangers) else (None, [])


def _problems_of_the_address(
    sent: SentRequest, dialect: Dialect | None, guess: Dialect | None
) -> list[DiagnosedProblem]:
    problems = []
    ours = urlsplit(settings.PUBLIC_URL)
    if sent.method not in ("GET", "POST"):
        problems.append(DiagnosedProblem("method", f"{sent.method} is not taken.", "Send it with GET or POST."))
    if sent.scheme == "http" and ours.scheme == "https":
        problems.append(
            DiagnosedProblem("address", "http:// shows the token to everyone on the way.", "Send it to https://.")
        )
    if sent.host and sent.host != ours.netloc:
        remedy = f"Postbacks go to {ours.netloc}, or to a tracking domain that leads here."
        problems.append(DiagnosedProblem("address", f"{sent.host} is another host than this installation's.", remedy))
    if dialect and not dialect.is_active:
        remedy = "Switch the mapping on in the panel; until then senders are answered 410."
        problems.append(DiagnosedProblem("address", f"The mapping {dialect.title} is switched off.", remedy))
    if guess:
        remedy = f"Send it to {PREFIX}{guess.name}/postback as it is, or rename the parameters to ours."
        problems.append(
            DiagnosedProblem("address", f"These are {guess.title}'s names; {sent.path} reads our own.", remedy)
        )
    elif sent.path == IMAGE_PATH:
        problems.append(
            DiagnosedProblem("address", "This is the pixel, for pages.", f"A server sends its postbacks to {PATH}.")
        )
    elif sent.path != PATH and find_address(unquote(sent.path)) is None:
        remedy = f"Send it to {PATH}, or to {PREFIX}<platform>/postback in another platform's form."
        problems.append(DiagnosedProblem("address", f"No endpoint accepts postbacks at {sent.path[:100]}.", remedy))
    return problems


def _decide(found: Diagnosis, received: Received, now: datetime) -> None:
    """Decide as sent; if only the sender is refused, report that and decide the rest as the advertiser's."""
    received.ip = None
    run = dry_run(received, now=now)
    reason = Reason(run.decision.body["reason"])
    if reason in OF_THE_SENDER:
        found.problems.append(
            DiagnosedProblem("sender", run.decision.body["message"], in_english(EXPLANATIONS[reason].remedy))
        )
        found.advertiser = run.advertiser or found.advertiser
        if found.advertiser:
            found.on_trust = True
            run = dry_run(received, now=now, advertiser=found.advertiser)
        else:
            found.problems += _problems_of_the_values(received)
    else:
        found.advertiser = run.advertiser or found.advertiser
    found.run = run
    body = run.decision.body
    found.problems += [DiagnosedProblem(each["field"], each["message"], each["remedy"]) for each in body["problems"]]
    found.problems += _warnings(run.steps, is_guess=found.known_by.startswith(BY_PARAMETERS))
    found.problems += _macros(received, {each["field"] for each in body["problems"]})


def _problems_of_the_values(received: Received) -> list[DiagnosedProblem]:
    """What is wrong with the parameters, where the sender is not known and nothing can be decided."""
    case = read_alone(received)
    problems = [DiagnosedProblem(each["field"], each["message"], each["remedy"]) for each in case.shown_problems()]
    return [*problems, *_warnings(case.steps)]


def _warnings(steps: list[dict[str, Any]], *, is_guess: bool = False) -> list[DiagnosedProblem]:
    """The warnings of intake. Those about a name are given at it; another platform's names are right at its address."""
    named = [step for step in steps if step["rule"] == NAMES_RULE]
    others = [step for step in steps if step["rule"] != NAMES_RULE]
    at_names = [DiagnosedProblem(text.split("`")[1], text) for text in warnings_of(named)] if not is_guess else []
    return [*at_names, *(DiagnosedProblem("address", sentence) for sentence in warnings_of(others))]


def _macros(received: Received, named: set[str]) -> list[DiagnosedProblem]:
    """Macros in stored labels: no reason to refuse a request, but probably a mistake."""
    remedy = "In the platform's template this is right; in a request as it was sent, the platform knows no such macro."
    return [
        DiagnosedProblem(name, f"{value[:60]} was not filled in.", remedy)
        for name, value in received.parameters
        if unfilled(value.strip()) and name not in named
    ]


def _refused(run: DryRun) -> bool:
    return run.decision.http_status >= 400


def _corrected(sent: SentRequest, received: Received, mapping: Mapping, guess: Dialect | None) -> str:
    """The corrected address, or an empty text if it is right; parameters of a body are added to it."""
    pairs, repaired = repair(received.parameters, mapping)
    secret = secret_names(guess.mapping if guess else mapping)
    renamed = rightly_named(pairs) if mapping.is_native and not guess else [*pairs]
    path = sent.path
    if guess:
        path = f"{PREFIX}{guess.name}/postback"
    elif not _is_an_endpoint(received):
        path = PATH
    if not _names_its_sender(received, secret):
        renamed = [("token", TOKEN_MARK), *renamed]
    ours = urlsplit(settings.PUBLIC_URL)
    is_right = path == sent.path and renamed == pairs and not repaired
    if is_right and sent.scheme in ("", ours.scheme) and sent.host in ("", ours.netloc):
        return ""
    return f"{settings.PUBLIC_URL}{path}" + (
        f"?{'&'.join(_pair(*pair, secret) for pair in renamed)}" if renamed else ""
    )


def _names_its_sender(received: Received, secret: frozenset[str]) -> bool:
    """Whether the request has a token or a signature, right or wrong."""
    is_named = any(name.strip().lower() in secret and value.strip() for name, value in received.parameters)
    return bool(is_named or received.bearer or received.signed)


def _pair(name: str, value: str, secret: frozenset[str]) -> str:
    """The pair as written in an address; a macro keeps its signs, since the platform looks for them."""
    if name.strip().lower() in secret and value:
        return f"{quote(name)}={TOKEN_MARK}"
    return f"{quote(name)}={value if unfilled(value.strip()) else quote(value, safe='-._~:@/')}"


def _decide_corrected(sent: SentRequest, found: Diagnosis, received: Received, now: datetime) -> DryRun | None:
    """Decide the corrected address, with the token of the request."""
    parts = urlsplit(found.corrected.partition("?")[0])
    again = SentRequest(sent.method, "https", sent.host, parts.path, "", sent.headers, sent.body).received()
    repaired, _ = repair(received.parameters, found.dialect.mapping if found.dialect else NATIVE)
    again.parameters = repaired if found.dialect else rightly_named(repaired)
    again.bearer = again.bearer or received.bearer
    run = dry_run(again, now=now, advertiser=found.advertiser if found.on_trust else None)
    if found.advertiser and Reason(run.decision.body["reason"]) in OF_THE_SENDER:
        return dry_run(again, now=now, advertiser=found.advertiser)
    return run
