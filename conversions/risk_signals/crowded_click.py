"""One click brought many customers for the same goal."""

from django.core.validators import MinValueValidator
from django.db import models

from conversions.risk_signals.base import Counted, Evidence, Setting, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _


class CrowdedClick(Signal):
    code, title, points, group = "crowded_click", _("Many customers of a click"), 30, SignalGroup.PACE
    found_when = _("One click brought many customers.")
    to_affiliates = _("One click brought several customers.")
    evidence = ("customers", "many")
    customers_per_click = Setting[int](
        models.PositiveSmallIntegerField(
            default=3, validators=[MinValueValidator(2)], help_text=_("So many customers of one click are many.")
        )
    )
    # `goal_id + 0`: count by the click alone. Before PostgreSQL has statistics it may consider the goal selective, and
    # read all conversions of the goal.
    counts = (
        """(SELECT count(DISTINCT customer_id) FROM (
            SELECT row.customer_id FROM conversions_conversion row
            WHERE row.click_id = ask.click AND row.goal_id + 0 = ask.goal
                AND row.customer_id IS DISTINCT FROM ask.customer_pk
            LIMIT 100) AS others)""",
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        customers, many = counted.values[0] + 1, self.customers_per_click.of(policy)
        if not suspect.customer or customers < many:
            return None
        return Evidence(f"One click brought {customers} customers.", (str(customers), str(many)))
