"""The click repeats one of the same visitor a few seconds before."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class DuplicateClick(Signal):
    code, title, points, group = "duplicate_click", _("Duplicate click"), 10, SignalGroup.CLICK
    found_when = _("The click repeats one of seconds before.")
    to_affiliates = _("The click repeats one of the same visitor of seconds before.")
    evidence = ()

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        is_found = suspect.click is not None and suspect.click.is_duplicate
        return Evidence("The click repeats one of the same visitor of seconds before.") if is_found else None
