"""Store the event that was read beside the request: corrections, conflicts and pages use it, whatever changes later."""

from conversions.intake.case import Case
from conversions.intake.facts import changes_of, event_of
from conversions.intake.parsed_event import as_document

STEP = "parse"


def store_events(cases: list[Case]) -> None:
    """Set the document, which is written with the decision. The trace says where a request is read otherwise now."""
    for case in cases:
        if not case.is_open:
            continue
        if case.postback.event and (changes := changes_of(event_of(case.postback), case.event)):
            note = f"The request is read otherwise than before: {changes}."
            case.note(STEP, "read anew", note, rule=case.mapping.rule)
        case.postback.event = as_document(case.event)
