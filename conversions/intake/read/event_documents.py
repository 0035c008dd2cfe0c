"""The parsed event as a document. Corrections and conflicts compare it, so later changes of a mapping do not matter."""

from typing import Any

from conversions.intake.case import Case
from conversions.intake.facts import changes_of
from conversions.intake.parsed_event import ParsedEvent, as_document, from_document
from conversions.intake.read.receive import without_tokens

STEP = "parse"


def set_event_documents(cases: list[Case]) -> None:
    """Make the document that is stored with the decision. If a request is now read differently, the trace says how."""
    for case in cases:
        if not case.is_open:
            continue
        before = from_document(case.postback.event)
        if before and (changes := changes_of(before, case.event)):
            note = f"The request is read differently now: {changes}."
            case.note(STEP, "read again", note, rule=case.mapping.rule)
        case.document = _masked(case.event)


def _masked(event: ParsedEvent) -> dict[str, Any]:
    """The event as JSON; a token that was sent in a wrong field is masked, as it is in the stored request."""
    document = as_document(event)
    return {name: without_tokens(value) if isinstance(value, str) else value for name, value in document.items()}
