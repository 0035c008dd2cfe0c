"""The click came from an address from which someone of the affiliate signed in to the portal."""

from conversions.risk_signals.base import Counted, Evidence, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class SelfReferral(Signal):
    code, title, points, group = "self_referral", _("Self-referral"), 100, SignalGroup.CLICK
    found_when = _("The click came from the affiliate itself.")
    to_affiliates = _("The click came from an address from which the affiliate itself signs in.")
    evidence = ()
    # The limits keep PostgreSQL from joining the tables as a whole.
    counts = (
        """(SELECT count(*) FROM (
            SELECT FROM conversions_memberaddress own
            CROSS JOIN LATERAL (
                SELECT FROM affiliates_affiliatemember member
                WHERE member.user_id = own.user_id AND member.affiliate_id = ask.affiliate LIMIT 1
            ) AS theirs
            WHERE own.address_digest = ask.digest LIMIT 1) AS found)""",
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        note = "The click came from an address from which the affiliate itself signs in."
        return Evidence(note) if counted.values[0] else None
