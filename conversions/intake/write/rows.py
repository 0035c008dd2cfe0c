"""Write the rows that the other steps have given, in one statement."""

from conversions.intake.case import Judged


def write_rows(judged: Judged) -> None:
    """Write the rows of all steps. What `wake_parked` gave last returns the parked requests that are due now."""
    judged.woken += [pk for (pk,) in judged.rows.write()]
