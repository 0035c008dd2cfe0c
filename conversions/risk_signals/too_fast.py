"""The event happened sooner after its click than people need."""

from django.db import models

from conversions.risk_signals.base import Counted, Evidence, Setting, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class TooFast(Signal):
    code, title, points, group = "too_fast", _("Too fast"), 30, SignalGroup.CLICK
    found_when = _("The event came too soon after the click.")
    to_affiliates = _("The event came sooner after the click than people need.")
    evidence = ("seconds", "least")
    fast_seconds = Setting[int](
        models.PositiveIntegerField(default=10, help_text=_("Sooner after the click is too fast."))
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        if suspect.clicked_at is None:
            return None
        seconds, least = (suspect.occurred_at - suspect.clicked_at).total_seconds(), self.fast_seconds.of(policy)
        if not 0 <= seconds < least:
            return None
        note = f"The event came {seconds:.0f} s after the click; people take {least} s or more."
        return Evidence(note, (f"{seconds:.1f}", str(least)))
