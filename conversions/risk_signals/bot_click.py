"""A bot made the click."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class BotClick(Signal):
    code, title, points, group = "bot_click", _("Bot"), 100, SignalGroup.CLICK
    found_when = _("A bot made the click.")
    to_affiliates = _("The click was made by a bot.")
    evidence = ()

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        is_found = suspect.click is not None and suspect.click.is_bot
        return Evidence("The click was made by a bot.") if is_found else None
