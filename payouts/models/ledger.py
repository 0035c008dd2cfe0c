"""The affiliates' accounts, line by line."""

import re
from typing import ClassVar

from django.db import models
from django.db.models import Q

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts import events
from payouts.models.clicks import BilledClicks
from payouts.models.plans import CommissionRule, PlanVersion
from records.append_only import append_only
from records.money import AmountField, CurrencyField
from records.translation import gettext_lazy as _

NAMED_AT_THE_END = re.compile(r" \(by [^()]*\)$")


class LedgerHead(models.Model):
    """The end of an affiliate's chain. Its row lock gives gap-free numbers; it holds no balance."""

    affiliate = models.OneToOneField(Affiliate, models.PROTECT, primary_key=True, related_name="ledger_head")
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.affiliate} at {self.sequence}"


class LedgerEntry(models.Model):
    """One line of an affiliate's account. A balance is the sum of these and is stored nowhere."""

    class Kind(models.TextChoices):
        COMMISSION = "commission", _("Commission")
        REVERSAL = "reversal", _("Reversal")
        ADJUSTMENT = "adjustment", _("Adjustment")
        PAYMENT = "payment", _("Payment")
        FEE = "fee", _("Fee")
        RETURNED = "returned", _("Returned payment")
        VAT = "vat", _("VAT")

    # What moves money out of the account, and back when it did not arrive; all other kinds earn.
    PAYING: ClassVar = (Kind.PAYMENT, Kind.FEE, Kind.RETURNED)

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="ledger_entries")
    sequence = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    amount = AmountField()
    currency = CurrencyField()
    conversion = models.ForeignKey(Conversion, models.PROTECT, null=True, related_name="ledger_entries")
    clicks = models.ForeignKey(
        BilledClicks, models.PROTECT, null=True, blank=True, db_index=False, related_name="ledger_entries"
    )
    payout = models.ForeignKey("Payout", models.PROTECT, null=True, related_name="ledger_entries")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    rule = models.ForeignKey(CommissionRule, models.PROTECT, null=True, related_name="+")
    arithmetic = models.CharField(max_length=300, help_text=_("How the amount came about, in words."))
    # Not covered by the seal: affiliates check that, and do not learn who of the operator's people it was.
    actor = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", help_text=_("Who booked an adjustment by hand.")
    )
    occurred_at = models.DateTimeField(help_text=_("When the event happened."))
    booked_at = models.DateTimeField(help_text=_("When this line was written."))
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["affiliate", "sequence"]
        verbose_name_plural = _("ledger entries")
        triggers: ClassVar = [*append_only("ledger_entry_append_only"), events.entry_booked]
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "sequence"], name="ledger_gap_free_number"),
            models.UniqueConstraint(fields=["payout"], condition=Q(kind="payment"), name="payout_paid_once"),
            models.UniqueConstraint(fields=["payout"], condition=Q(kind="returned"), name="payout_returned_once"),
            models.UniqueConstraint(fields=["payout"], condition=Q(kind="fee"), name="payout_fee_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_moves_money"),
            models.CheckConstraint(
                condition=~Q(kind__in=["commission", "reversal"])
                | Q(conversion__isnull=False, clicks=None)
                | Q(conversion=None, clicks__isnull=False),
                name="ledger_commission_names_source",
            ),
        ]
        indexes = [
            models.Index(fields=["affiliate", "currency"], include=["amount"], name="ledger_balance"),
            models.Index(fields=["conversion"], name="ledger_by_conversion"),
            models.Index(fields=["clicks"], name="ledger_by_clicks", condition=Q(clicks__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} in {self.currency}"

    @property
    def words(self) -> str:
        """The text as affiliates read it. Adjustments of earlier versions name an operator at their end."""
        if self.kind == self.Kind.ADJUSTMENT and self.actor_id is None:
            return NAMED_AT_THE_END.sub("", self.arithmetic)
        return self.arithmetic
