"""What is paid: statements of closed periods, and payouts."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates import public_ids
from affiliates.history import append_only
from affiliates.models import Affiliate, User
from affiliates.money import AmountField, CurrencyField


class Statement(models.Model):
    """A closed period of an affiliate in one currency. Immutable; it covers a run of ledger numbers."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="statements")
    number = models.CharField(max_length=30, unique=True)
    currency = CurrencyField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Half-open: the first moment that is no longer in it.")
    first_sequence = models.PositiveBigIntegerField(help_text="First ledger number covered.")
    last_sequence = models.PositiveBigIntegerField(help_text="Last ledger number covered.")
    opening = AmountField()
    earned = AmountField(help_text="Commission, reversals and adjustments in the period.")
    paid = AmountField(help_text="Payments in the period, as they were booked (negative).")
    closing = AmountField()
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    chain_hash = models.CharField(max_length=64, help_text="The chain at the last number covered.")

    class Meta:
        ordering = ["-ends_at", "number"]
        triggers: ClassVar = [append_only("statement_append_only")]
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "currency", "ends_at"], name="statement_once_per_period"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="statement_period_forward"),
            models.CheckConstraint(
                condition=Q(closing=F("opening") + F("earned") + F("paid")), name="statement_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Payout(models.Model):
    """Money to be sent for a statement; marking it paid is a ledger entry too."""

    class Status(models.TextChoices):
        DUE = "due", "Due"
        PAID = "paid", "Paid"

    public_id = models.CharField(max_length=20, unique=True, default=public_ids.payout_id, editable=False)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="payouts")
    statement = models.OneToOneField(Statement, models.PROTECT, related_name="payout")
    amount = AmountField()
    currency = CurrencyField()
    status = models.CharField(max_length=4, choices=Status, default=Status.DUE)
    reference = models.CharField(max_length=80, blank=True, help_text="The bank's or wallet's own reference.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=Q(status="due", paid_at=None) | Q(status="paid", paid_at__isnull=False),
                name="payout_paid_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
