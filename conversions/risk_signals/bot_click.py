"""A bot made the click."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect


class BotClick(Signal):
    code, title, points, group = "bot_click", "Bot", 100, SignalGroup.CLICK
    found_when = "A bot made the click."
    to_affiliates = "The click was made by a bot."
    evidence = ()

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        is_found = suspect.click is not None and suspect.click.is_bot
        return Evidence("The click was made by a bot.") if is_found else None
