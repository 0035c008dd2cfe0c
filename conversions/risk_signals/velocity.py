"""The affiliate has far more conversions in an hour than usual.

Usual is its average over hours with any conversions, over two weeks (`conversions.risk.signals.count_pace`).
"""

from decimal import Decimal

from django.db import models

from conversions.risk_signals.base import MOST, Counted, Evidence, Setting, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class Velocity(Signal):
    code, title, points, group = "velocity", _("Velocity"), 20, SignalGroup.PACE
    found_when = _("Far more conversions an hour than usual.")
    to_affiliates = _("Far more conversions than usual came within an hour.")
    evidence = ("usual", "limit")
    velocity_factor = Setting[Decimal](
        models.DecimalField(
            max_digits=5,
            decimal_places=1,
            default=Decimal(5),
            help_text=_("So many times the usual number is far more."),
        )
    )
    velocity_least = Setting[int](
        models.PositiveIntegerField(default=30, help_text=_("Fewer an hour are never far more."))
    )
    # The number in the last hour, and a hundred times the usual number. The newest of the affiliate are taken first:
    # asked for the hour as well, PostgreSQL may read the hour of all affiliates.
    affiliate_counts = (
        """(SELECT count(*) FROM (
            SELECT row.received_at FROM conversions_conversion row
            WHERE row.affiliate_id = wide.affiliate AND row.received_at <= wide.at
            ORDER BY row.received_at DESC
            LIMIT greatest(wide.velocity_least, least(wide.velocity_factor * coalesce(
                (SELECT hourly FROM conversions_affiliatepace pace WHERE pace.affiliate_id = wide.affiliate), 0
            ), wide.most))::int) AS newest WHERE newest.received_at > wide.at - interval '1 hour')""",
        """(100 * coalesce(
            (SELECT hourly FROM conversions_affiliatepace pace WHERE pace.affiliate_id = wide.affiliate), 0
        ))::bigint""",
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        recent, usual = counted.values[0] + counted.in_batch, counted.values[1] / 100
        least, factor = float(self.velocity_least.of(policy)), float(self.velocity_factor.of(policy))
        limit = max(least, min(factor * usual, MOST))
        if recent <= limit:
            return None
        note = f"More than {limit:.0f} conversions in an hour, where {usual:.1f} are usual."
        return Evidence(note, (f"{usual:.2f}", f"{limit:.0f}"))
