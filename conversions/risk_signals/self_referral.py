"""The click came from an address from which someone of the affiliate signed in to the portal."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class SelfReferral(Signal):
    code, title, points, group = "self_referral", _("Self-referral"), 100, SignalGroup.CLICK
    found_when = _("The click came from the affiliate itself.")
    to_affiliates = _("The click came from an address from which the affiliate itself signs in.")
    evidence = ()
    counts = (
        """EXISTS (SELECT FROM conversions_memberaddress own JOIN affiliates_affiliatemember member USING (user_id)
            WHERE own.address_digest = ask.digest AND member.affiliate_id = ask.affiliate)::int""",
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        note = "The click came from an address from which the affiliate itself signs in."
        return Evidence(note) if counted.values[0] else None
