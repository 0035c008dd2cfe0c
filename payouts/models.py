"""What is owed and paid: plans, the ledger, statements and payouts."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates import public_ids
from affiliates.history import append_only
from affiliates.models import Affiliate, Offer, User
from affiliates.money import AmountField, CurrencyField
from conversions.models import Conversion, Goal


class CommissionPlan(models.Model):
    """What an offer pays. Without an affiliate it is the offer's default; with one it overrides it."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="commission_plans")
    affiliate = models.ForeignKey(
        Affiliate, models.PROTECT, null=True, blank=True, related_name="commission_plans", help_text="Empty: everybody."
    )
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "affiliate"], nulls_distinct=False, name="plan_once_per_offer_affiliate"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """A plan's rules from a moment on. A new deal is a new version; old events keep the old one."""

    plan = models.ForeignKey(CommissionPlan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_from = models.DateTimeField(help_text="Events that happened from this moment on are priced by it.")
    note = models.CharField(max_length=250, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["plan", "-number"]
        triggers: ClassVar = [append_only("plan_version_append_only")]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.UniqueConstraint(fields=["plan", "effective_from"], name="plan_version_one_start"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"


class CommissionRule(models.Model):
    """One line of a plan version: what an approved conversion of a goal earns."""

    class Kind(models.TextChoices):
        FLAT = "flat", "Flat amount (CPA, CPL)"
        PERCENT = "percent", "Percent of revenue"

    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="rules")
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=7, choices=Kind)
    amount = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="For a flat amount.")
    currency = CurrencyField(blank=True, default="", help_text="Of the flat amount.")
    percent = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Of the revenue, in the currency of the conversion.",
    )

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [append_only("commission_rule_append_only")]
        constraints = [
            models.UniqueConstraint(fields=["version", "goal"], name="rule_once_per_goal"),
            models.CheckConstraint(
                name="rule_has_its_price",
                condition=Q(kind="flat", amount__isnull=False, percent=None) & ~Q(currency="")
                | Q(kind="percent", percent__isnull=False, amount=None, currency=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.goal.name}"


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
        COMMISSION = "commission", "Commission"
        REVERSAL = "reversal", "Reversal"
        ADJUSTMENT = "adjustment", "Adjustment"
        PAYMENT = "payment", "Payment"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="ledger_entries")
    sequence = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    amount = AmountField()
    currency = CurrencyField()
    conversion = models.ForeignKey(Conversion, models.PROTECT, null=True, related_name="ledger_entries")
    payout = models.ForeignKey("Payout", models.PROTECT, null=True, related_name="ledger_entries")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    rule = models.ForeignKey(CommissionRule, models.PROTECT, null=True, related_name="+")
    arithmetic = models.CharField(max_length=300, help_text="How the amount came about, in words.")
    occurred_at = models.DateTimeField(help_text="When the event happened.")
    booked_at = models.DateTimeField(help_text="When this line was written.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["affiliate", "sequence"]
        verbose_name_plural = "ledger entries"
        triggers: ClassVar = [append_only("ledger_entry_append_only")]
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "sequence"], name="ledger_gap_free_number"),
            models.UniqueConstraint(fields=["payout"], condition=Q(kind="payment"), name="payout_paid_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_moves_money"),
            models.CheckConstraint(
                condition=~Q(kind__in=["commission", "reversal"]) | Q(conversion__isnull=False),
                name="ledger_commission_names_conversion",
            ),
        ]
        indexes = [
            models.Index(fields=["affiliate", "currency"], include=["amount"], name="ledger_balance"),
            models.Index(fields=["conversion"], name="ledger_by_conversion"),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.amount} {self.currency}"


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
