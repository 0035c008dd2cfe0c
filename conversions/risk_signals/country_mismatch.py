"""Click and event, or click and offer, name different countries."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class CountryMismatch(Signal):
    code, title, points, group = "country_mismatch", _("Country"), 40, SignalGroup.CLICK
    found_when = _("Click and event, or click and offer, name different countries.")
    to_affiliates = _("The click's country does not fit the event or the offer.")
    evidence = ("click", "sent", "offer")

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        country = suspect.click.country if suspect.click else ""
        note = _mismatch(suspect, country) if country else ""
        return Evidence(note, (country, suspect.country, ", ".join(suspect.offer.countries))) if note else None


def _mismatch(suspect: Suspect, country: str) -> str:
    if suspect.country and suspect.country != country:
        return f"The click came from {country}, the event from {suspect.country}."
    if suspect.offer.countries and country not in suspect.offer.countries:
        return f"The click came from {country}, where the offer does not run."
    return ""
