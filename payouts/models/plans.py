"""What an offer pays: plans, their versions and rules."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from affiliates.history import append_only
from affiliates.models import Affiliate, Offer, User
from affiliates.money import AmountField, CurrencyField
from conversions.models import Goal


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
