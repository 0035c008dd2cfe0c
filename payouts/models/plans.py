"""What an offer pays: plans, their versions and rules."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.history import append_only
from affiliates.models import Affiliate, Offer, User, country_code
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
        triggers: ClassVar = append_only("plan_version_append_only")
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.UniqueConstraint(fields=["plan", "effective_from"], name="plan_version_one_start"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"


class CommissionRule(models.Model):
    """One line of a plan version: what an approved conversion that it is for earns."""

    class Kind(models.TextChoices):
        FLAT = "flat", "Flat amount (CPA, CPL)"
        PERCENT = "percent", "Percent of revenue"
        PER_LOT = "per_lot", "Amount per lot"
        TIERED = "tiered", "Tiers by count, revenue or lots"
        NET_REVENUE = "net_revenue", "Share of net revenue by month (RevShare)"
        PARENTS = "parents", "Share for parent affiliates"

    class Sub(models.TextChoices):
        SUB1 = "sub1", "sub1"
        SUB2 = "sub2", "sub2"
        SUB3 = "sub3", "sub3"
        SUB4 = "sub4", "sub4"
        SUB5 = "sub5", "sub5"

    class Period(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        QUARTER = "quarter", "Quarter"
        TOTAL = "total", "All time"

    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="rules")
    goal = models.ForeignKey(
        Goal, models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: every goal of the offer."
    )
    kind = models.CharField(max_length=12, choices=Kind)
    amount = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="Flat, or per lot.")
    currency = CurrencyField(blank=True, default="", help_text="Of the amount.")
    percent = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Of the revenue, in the currency of the conversion.",
    )
    country = models.CharField(
        max_length=2, blank=True, default="", validators=[country_code], help_text="Of the click. Empty: all."
    )
    sub_name = models.CharField(max_length=4, choices=Sub, blank=True, default="")
    sub_value = models.CharField(max_length=255, blank=True, default="")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="From this moment on it is no longer valid.")
    is_component = models.BooleanField(default=False, help_text="Earns together with the other components (hybrid).")
    minimum = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="Per conversion.")
    maximum = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="Per conversion.")
    limit_currency = CurrencyField(blank=True, default="", help_text="Of minimum, maximum and budget.")
    cap_amount = AmountField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Budget per affiliate and period."
    )
    cap_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Paid conversions per affiliate and period."
    )
    cap_period = models.CharField(max_length=7, choices=Period, blank=True, default="")
    max_months = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Since the customer's first event."
    )
    max_payments = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Paid events per customer."
    )
    formula = models.JSONField(default=dict, blank=True, help_text="Tiers, levels, or deductions, by kind.")

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("commission_rule_append_only")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "goal", "kind", "country", "sub_name", "sub_value", "valid_from", "valid_until"],
                nulls_distinct=False,
                name="rule_once_per_selection",
            ),
            models.CheckConstraint(
                name="rule_has_its_price",
                condition=Q(kind__in=["flat", "per_lot"], amount__isnull=False, percent=None) & ~Q(currency="")
                | Q(kind__in=["percent", "net_revenue"], percent__isnull=False, amount=None, currency="")
                | Q(kind__in=["tiered", "parents"], percent=None, amount=None, currency=""),
            ),
            models.CheckConstraint(
                name="rule_cap_has_period",
                condition=Q(cap_period="", cap_amount=None, cap_count=None)
                | ~Q(cap_period="") & (Q(cap_amount__isnull=False) | Q(cap_count__isnull=False)),
            ),
            models.CheckConstraint(
                name="rule_limits_have_currency",
                condition=Q(minimum=None, maximum=None, cap_amount=None) | ~Q(limit_currency=""),
            ),
            models.CheckConstraint(
                name="rule_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.goal_name}"

    @property
    def goal_name(self) -> str:
        return self.goal.name if self.goal else "every goal"


class WorkedExample(models.Model):
    """Events with the lines that they are to come to. A version whose examples come out otherwise is refused."""

    class By(models.TextChoices):
        EVENT = "event", "Event"
        MONTH = "month", "Month"

    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="examples")
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    by = models.CharField("lines by", max_length=5, choices=By, default=By.EVENT)
    events = models.JSONField(help_text="`payouts/examples.py` gives the form.")
    expected = models.JSONField(help_text="The lines by event or month, rule and receiver.")

    class Meta:
        ordering = ["version", "position"]
        triggers: ClassVar = append_only("worked_example_append_only")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="worked_example_once_per_position"),
        ]

    def __str__(self) -> str:
        return self.name
