"""The status of each new conversion, and a warning of amounts finer than their currency."""

from conversions.intake.case import REPAIRED, Case, new_events
from conversions.intake.judge import pixels
from conversions.intake.read.amounts import note_decimals
from conversions.models import Conversion, Goal
from conversions.reasons.codes import Reason
from records.translation import in_english
from records.words import duration_words

STEP = "decide"
Status = Conversion.Status
SENT = {
    Status.APPROVED: Reason.OK,
    Status.PENDING: Reason.SENT_PENDING,
    Status.REJECTED: Reason.SENT_REJECTED,
}


def warn_of_decimals(cases: list[Case]) -> None:
    """Warn of amounts with more decimals than their currency has."""
    for case in cases:
        if case.is_open:
            note_decimals(case, currency=currency_of(case))
            _warn_of_currency(case)


def _warn_of_currency(case: Case) -> None:
    """Report the currency that amounts without one are taken in."""
    event = case.event
    # Many platforms' forms have no currency: there the offer's is what the sender expects.
    is_new = case.mapping.is_native and case.attribution and not case.conversion
    if is_new and not event.currency and (event.revenue or event.payout):
        note = f"currency is missing: the amounts are taken as {currency_of(case)}, the offer's. Send the currency."
        case.note(STEP, REPAIRED, note, rule="the offer's currency")


def currency_of(case: Case) -> str:
    """The currency of the amounts: as sent, else of the conversion that they are about, else the offer's."""
    known = case.conversion.currency if case.conversion else ""
    default = case.attribution.goal.offer.currency if case.attribution else ""
    return case.event.currency or known or default


def set_statuses(cases: list[Case]) -> None:
    """The status that the rules set; else the sender's; else the goal's default."""
    for case, found in new_events(cases):
        if case.verdict:
            case.note(
                STEP, case.verdict, f"{case.verdict.capitalize()}: {in_english(case.verdict_reason.label).lower()}."
            )
        else:
            _set_status(case, found.goal)


def _set_status(case: Case, goal: Goal) -> None:
    if pixels.awaits_server(case):
        note = "Reported by a pixel only: it waits for the server's postback, or for an operator."
        case.judge(Status.PENDING, Reason.AWAITS_APPROVAL, STEP, note, rule="pixel")
    elif case.event.status:
        status = Status(case.event.status)
        case.judge(status, SENT[status], STEP, f"The request says {status}.", rule="the sender's status", sent=status)
    elif goal.approval == Goal.Approval.AT_ONCE:
        case.judge(Status.APPROVED, Reason.OK, STEP, f"{goal.name} is approved at once.", rule="the goal's default")
    elif goal.approval == Goal.Approval.AFTER_DELAY and goal.approval_delay:
        note = f"{goal.name} is approved after {duration_words(goal.approval_delay)}."
        case.judge(Status.PENDING, Reason.AWAITS_DELAY, STEP, note, rule="the goal's default")
    else:
        note = f"{goal.name} is approved by an operator."
        case.judge(Status.PENDING, Reason.AWAITS_APPROVAL, STEP, note, rule="the goal's default")
