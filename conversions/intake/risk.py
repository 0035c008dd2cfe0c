"""Step 8: what a person should look at before it counts. Held with its reason, never dropped."""

from affiliates.models import Affiliate, Enrollment
from conversions.intake.case import Case
from conversions.models import Conversion
from conversions.reasons import Reason

STEP = "risk"
PENDING = Conversion.Status.PENDING
# A conversion that waits for one of these is answered 202 held.
HOLDS = frozenset({Reason.RISK_REVIEW, Reason.AFFILIATE_CLOSED, Reason.OVER_CAP_HELD})


def weigh(cases: list[Case]) -> None:
    for case in cases:
        if case.is_open and case.conversion is None and case.event.status != Conversion.Status.REJECTED:
            _weigh(case)


def _weigh(case: Case) -> None:
    assert case.enrollment
    affiliate = case.enrollment.affiliate
    if case.click_is_bot:
        case.judge(
            PENDING, Reason.RISK_REVIEW, STEP, "The click was made by a bot.", rule="bot clicks are never billed"
        )
    elif affiliate.status != Affiliate.Status.ACTIVE:
        note = f"{affiliate} is {affiliate.get_status_display().lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="active affiliates only")
    elif case.enrollment.status != Enrollment.Status.APPROVED:
        note = f"{affiliate}'s access to {case.enrollment.offer} is {case.enrollment.get_status_display().lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="approved enrollments only")
    else:
        case.note(STEP, "passed", "No mark against the click or the affiliate.")
