"""Refunds to customers for counted sales: partial, repeated or complete.

The price of what is left: see `conversions.lifecycle.refunds`.
"""

from typing import ClassVar

import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from affiliates.models import User
from conversions import events
from conversions.models.conversions import Conversion
from conversions.models.postbacks import Postback
from records.append_only import append_only
from records.money import AmountField, exact_money
from records.translation import gettext_lazy as _

# The database maintains the sum on the conversion, so that it always matches the rows.
_ADD_UP = """
UPDATE conversions_conversion SET refunded = refunded + NEW.amount, booked_at = NULL WHERE id = NEW.conversion_id;
RETURN NULL;
"""


class Refund(models.Model):
    """A part of a conversion's revenue that was refunded to the customer, in the conversion's currency."""

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="refunds")
    amount = AmountField(validators=[MinValueValidator(0)])
    # The sender's own ID of it; two refunds of one sale with the same amount need one each.
    refund_id = models.CharField(_("Refund ID"), max_length=100, blank=True)
    note = models.CharField(max_length=250, blank=True)
    occurred_at = models.DateTimeField(help_text=_("When the customer got it back, by the sender's word."))
    received_at = models.DateTimeField(default=timezone.now, help_text=_("Our clock."))
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    postback = models.ForeignKey(Postback, models.PROTECT, null=True, related_name="refunds")

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [
            *append_only("refund_append_only"),
            events.conversion_refunded,
            pgtrigger.Trigger(name="refund_adds_up", when=pgtrigger.After, operation=pgtrigger.Insert, func=_ADD_UP),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_above_zero"),
            models.UniqueConstraint(
                fields=["conversion", "refund_id"], condition=~models.Q(refund_id=""), name="refund_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{exact_money(self.amount, self.conversion.currency)} {self.conversion.currency} of {self.conversion}"
