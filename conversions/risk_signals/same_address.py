"""Many customers of an offer came from one address. Addresses are stored as keyed digests, for this signal only."""

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models

from conversions.risk_signals.base import Counted, Evidence, Setting, Signal, SignalGroup, Suspect
from records.translation import gettext_lazy as _
from records.words import duration_words


class SameAddress(Signal):
    code, title, points, group = "same_address", _("Same address"), 50, SignalGroup.PACE
    found_when = _("Many customers came from one address.")
    to_affiliates = _("Many customers came from one address.")
    evidence = ("customers", "many")
    customers_per_address = Setting[int](
        models.PositiveSmallIntegerField(
            default=4, validators=[MinValueValidator(2)], help_text=_("So many customers from one address are many.")
        )
    )
    address_period = Setting[timedelta](models.DurationField(default=timedelta(days=7), help_text=_("In this time.")))
    notes = """
        INSERT INTO conversions_addresssighting (offer_id, address_digest, customer_id, seen_at)
        SELECT DISTINCT ON (offer, digest, customer) offer, digest, customer, at
        FROM ask WHERE digest IS NOT NULL AND customer <> ''
        ORDER BY offer, digest, customer
        ON CONFLICT DO NOTHING"""
    counts = (
        """(SELECT count(*) FROM (
            SELECT FROM conversions_addresssighting seen
            WHERE seen.offer_id = ask.offer AND seen.address_digest = ask.digest
                AND seen.seen_at > ask.at - ask.address_period
                AND seen.customer_id <> ask.customer LIMIT ask.customers_per_address) AS others)""",
    )

    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        customers, many = counted.values[0] + 1, self.customers_per_address.of(policy)
        if not suspect.customer or customers < many:
            return None
        within = duration_words(self.address_period.of(policy))
        note = f"{customers} or more customers came from one address within {within}."
        return Evidence(note, (str(customers), str(many)))
