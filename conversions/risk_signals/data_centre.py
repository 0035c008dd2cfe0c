"""The click came from a hosting company's network."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class DataCentre(Signal):
    code, title, points, group = "data_centre", _("Data centre"), 50, SignalGroup.CLICK
    found_when = _("The click came from a hosting company.")
    to_affiliates = _("The click came from a hosting company's network.")
    evidence = ()

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        is_found = suspect.click is not None and suspect.click.is_data_centre
        return Evidence("The click came from a hosting company's network.") if is_found else None
