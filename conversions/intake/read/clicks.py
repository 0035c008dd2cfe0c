"""The click ID of a request: genuine as it is, or within other text that a template left around it."""

from conversions.intake.case import REPAIRED, Case
from conversions.reasons.codes import Reason
from tracking.click_id import codec
from tracking.click_id.pasted import click_ids_in

STEP = "parse"
LONGEST = 200


def read_click(case: Case, text: str) -> None:
    """Set the click of the event. Any other text stays: it may be an ID of the previous platform."""
    event = case.event
    event.click_text, event.click = text, codec.parse(text)
    if event.click or len(text) < codec.LENGTH:
        return
    within = click_ids_in(text)
    if len(within) == 1:
        event.click_text, event.click = within[0], codec.parse(within[0])
        note = "click_id held more than the ID: what stood around its 40 characters was left out. Send the ID alone."
        case.note(STEP, REPAIRED, note, rule="click ID")
    elif within:
        message = (
            f"click_id holds two click IDs or more ({' and '.join(within[:2])}): send the one that was clicked last."
        )
        case.report(Reason.REPEATED_PARAMETER, "click_id", message, text)
    elif len(text) > LONGEST:
        message = f"click_id has {len(text)} characters; at most {LONGEST} are allowed."
        case.report(Reason.VALUE_TOO_LONG, "click_id", message, text)
    if not event.click and (within or len(text) > LONGEST):
        event.click_text = ""
