"""Models of what a conversion must meet beyond its request: the rules of goals, the risk settings of offers.

`QualificationWait` and `RiskReview` say what a pending conversion waits for; both stay as history once it is over.
"""

from datetime import timedelta
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from affiliates.models import Offer, User, country_code
from affiliates.money import AmountField


class QualificationRule(models.Model):
    """One thing that a goal asks of an event before it counts; all rules of a goal must be met.

    The two rules that most goals have stand on the goal itself: `minimum_revenue` and `once_per_customer`.
    Which of the fields a kind uses is checked here and by the database.
    """

    class Kind(models.TextChoices):
        ACCUMULATED = "accumulated", "Amounts add up to a minimum"
        WAGERING = "wagering", "Volume reaches a minimum (wagering, turnover, lots)"
        KYC = "kyc", "The customer's identity is checked"
        REQUIRES = "requires", "Another goal comes first"
        COUNTRY = "country", "Only from certain countries"
        TIME = "time", "Time to convert"
        CAP = "cap", "Cap per period"

    class Scope(models.TextChoices):
        AFFILIATE = "affiliate", "Each affiliate"
        GOAL = "goal", "All affiliates together, this goal"
        OFFER = "offer", "All affiliates together, all goals of the offer"

    class Period(models.TextChoices):
        DAY = "day", "Day (UTC)"
        WEEK = "week", "Week (UTC, from Monday)"
        MONTH = "month", "Month (UTC)"
        TOTAL = "total", "For ever"

    class OverCap(models.TextChoices):
        REJECT = "reject", "Rejected"
        HOLD = "hold", "Held for an operator"

    goal = models.ForeignKey("conversions.Goal", models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=11, choices=Kind)
    amount = AmountField(
        null=True, blank=True, help_text="The minimum: for amounts in the offer's currency, for volume in its own unit."
    )
    factor = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="For volume: so many times the event's own amount, in place of a fixed minimum.",
    )
    other_goal = models.ForeignKey(
        "conversions.Goal",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose events are added up, that comes first, or from which the time is counted (else the click).",
    )
    countries = ArrayField(models.CharField(max_length=2, validators=[country_code]), default=list, blank=True)
    at_least = models.DurationField(null=True, blank=True, help_text="Sooner is rejected.")
    at_most = models.DurationField(null=True, blank=True, help_text="Later is rejected.")
    number = models.PositiveIntegerField(null=True, blank=True, help_text="How many count in the period.")
    scope = models.CharField(max_length=9, choices=Scope, default="", blank=True)
    period = models.CharField(max_length=5, choices=Period, default="", blank=True)
    over_cap = models.CharField(max_length=6, choices=OverCap, default=OverCap.REJECT)
    within = models.DurationField(
        null=True, blank=True, help_text="How long after the event it may still be met; empty: for ever."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["goal", "id"]
        constraints = [
            models.CheckConstraint(
                name="rule_is_complete",
                condition=Q(kind="accumulated", amount__isnull=False, amount__gt=0)
                | (Q(kind="wagering", amount__gt=0, amount__isnull=False, factor=None) & Q(other_goal__isnull=False))
                | (Q(kind="wagering", amount=None, factor__gt=0, factor__isnull=False) & Q(other_goal__isnull=False))
                | Q(kind__in=["kyc", "requires"], other_goal__isnull=False)
                | Q(kind="country", countries__len__gt=0)
                | Q(kind="time", at_least__isnull=False)
                | Q(kind="time", at_most__isnull=False)
                | (Q(kind="cap", number__isnull=False) & ~Q(scope="") & ~Q(period="")),
            ),
            models.CheckConstraint(condition=Q(within=None) | Q(within__gt=timedelta(0)), name="rule_within_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.goal})"

    @property
    def looks_at_customer(self) -> bool:
        """Whether it is judged by what else the customer did."""
        by_goal = self.kind == self.Kind.TIME and self.other_goal_id is not None
        return by_goal or self.kind in ("accumulated", "wagering", "kyc", "requires")

    def clean(self) -> None:
        """Say in words what the constraint would refuse."""
        missing = {
            self.Kind.ACCUMULATED: ("amount", not self.amount or self.amount <= 0, "Give the minimum, more than 0."),
            self.Kind.WAGERING: ("amount", bool(self.amount) == bool(self.factor), "Give a minimum or a factor."),
            self.Kind.KYC: ("other_goal", not self.other_goal_id, "Say which goal reports the identity check."),
            self.Kind.REQUIRES: ("other_goal", not self.other_goal_id, "Say which goal must come first."),
            self.Kind.COUNTRY: ("countries", not self.countries, "Name at least one country."),
            self.Kind.TIME: (
                "at_most",
                self.at_least is None and self.at_most is None,
                "Give a minimum or a maximum time, or both.",
            ),
            self.Kind.CAP: (
                "number",
                self.number is None or not self.scope or not self.period,
                "Say how many, for whom, and in which period.",
            ),
        }
        field, is_missing, message = (
            missing.get(self.Kind(self.kind), ("", False, "")) if self.kind else ("", False, "")
        )
        if is_missing:
            raise ValidationError({field: message})
        if self.kind == self.Kind.WAGERING and not self.other_goal_id:
            raise ValidationError({"other_goal": "Say which goal's events report the volume."})
        if self.other_goal_id and self.goal_id and self.other_goal and self.other_goal.offer_id != self.goal.offer_id:
            raise ValidationError({"other_goal": f"{self.other_goal} belongs to another offer."})
        if self.kind == self.Kind.REQUIRES and self.other_goal_id == self.goal_id and self.goal_id:
            raise ValidationError({"other_goal": "A goal cannot require itself."})


class QualificationWait(models.Model):
    """A pending conversion that waits for rules of its goal; `ended_at` is set when it waits no longer."""

    conversion = models.OneToOneField(
        "conversions.Conversion", models.PROTECT, primary_key=True, related_name="qualification_wait"
    )
    customer = models.ForeignKey("conversions.Customer", models.PROTECT, null=True, related_name="+", db_index=False)
    waiting_for = models.JSONField(help_text="Objects of rule, text and until.")
    said = models.CharField(
        max_length=8, default="", help_text="The sender's status, which holds once the rules are met."
    )
    deadline = models.DateTimeField(null=True, help_text="When waiting is over and the event is rejected.")
    opened_at = models.DateTimeField()
    looked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["customer"], name="wait_by_customer", condition=Q(ended_at=None)),
            models.Index(fields=["looked_at"], name="wait_to_look_at", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return "; ".join(part["text"] for part in self.waiting_for)


class RiskPolicy(models.Model):
    """How an offer weighs marks of risk: points for each, and from how many points on a person looks first.

    The defaults are published in docs/risk.md; they hold for offers without a row of their own.
    """

    class AtEnd(models.TextChoices):
        APPROVE = "approve", "It goes on as if nothing had been found"
        STAY = "stay", "It stays held, and the owner is alarmed"

    offer = models.OneToOneField(Offer, models.CASCADE, related_name="risk_policy")
    threshold = models.PositiveSmallIntegerField(
        default=100, validators=[MinValueValidator(1)], help_text="From so many points on a conversion is held."
    )
    owner = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"is_staff": True},
        help_text="Who decides what is held; empty: any operator.",
    )
    hold_for = models.DurationField(
        default=timedelta(days=14), help_text="A held conversion has this long to be decided."
    )
    at_end = models.CharField(max_length=7, choices=AtEnd, default=AtEnd.STAY)
    bot_click = models.PositiveSmallIntegerField(default=100, help_text="A bot made the click.")
    data_centre = models.PositiveSmallIntegerField(default=50, help_text="The click came from a hosting company.")
    duplicate_click = models.PositiveSmallIntegerField(default=10, help_text="The click repeats one of seconds before.")
    same_address = models.PositiveSmallIntegerField(default=50, help_text="Many customers came from one address.")
    too_fast = models.PositiveSmallIntegerField(default=30, help_text="The event came too soon after the click.")
    self_referral = models.PositiveSmallIntegerField(default=100, help_text="The click came from the affiliate itself.")
    velocity = models.PositiveSmallIntegerField(default=20, help_text="Far more conversions an hour than usual.")
    country_mismatch = models.PositiveSmallIntegerField(
        default=40, help_text="Click and event, or click and offer, name different countries."
    )
    crowded_click = models.PositiveSmallIntegerField(default=30, help_text="One click brought many customers.")
    customers_per_address = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(2)], help_text="So many customers from one address are many."
    )
    address_period = models.DurationField(default=timedelta(days=7), help_text="In this time.")
    fast_seconds = models.PositiveIntegerField(default=10, help_text="Sooner after the click is too fast.")
    velocity_factor = models.DecimalField(
        max_digits=5, decimal_places=1, default=Decimal(5), help_text="So many times the usual number is far more."
    )
    velocity_least = models.PositiveIntegerField(default=30, help_text="Fewer an hour are never far more.")
    customers_per_click = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(2)], help_text="So many customers of one click are many."
    )

    class Meta:
        verbose_name_plural = "risk policies"
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gt=0), name="risk_threshold_positive"),
            models.CheckConstraint(condition=Q(hold_for__gt=timedelta(0)), name="risk_hold_positive"),
        ]

    def __str__(self) -> str:
        return f"Risk policy of {self.offer}"


class RiskReview(models.Model):
    """A conversion whose marks add up to the threshold: held with a reason, an owner and an end date."""

    class Resolution(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        ENDED = "ended", "The time ran out"

    conversion = models.OneToOneField(
        "conversions.Conversion", models.PROTECT, primary_key=True, related_name="risk_review"
    )
    score = models.PositiveIntegerField()
    threshold = models.PositiveIntegerField()
    parts = models.JSONField(help_text="Objects of mark, points, note and input.")
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="risk_reviews")
    said = models.CharField(max_length=8, default="", help_text="The sender's status, which holds after the review.")
    at_end = models.CharField(max_length=7, choices=RiskPolicy.AtEnd)
    opened_at = models.DateTimeField()
    held_until = models.DateTimeField()
    is_late = models.BooleanField(default=False, help_text="The conversion was approved before the mark was known.")
    alarmed_at = models.DateTimeField(null=True, help_text="When the end date passed without a decision.")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=8, choices=Resolution, default="")
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["held_until"], name="review_open", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.score} of {self.threshold} points: {self.conversion}"

    @property
    def why(self) -> str:
        """The marks in words, without what they were found by."""
        return " ".join(part["note"] for part in self.parts)


class AddressSighting(models.Model):
    """That a customer of an offer came from an address, kept as a keyed digest: for marks of risk only."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+", db_index=False)
    address_digest = models.BinaryField(max_length=16)
    customer_id = models.CharField(max_length=100)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "address_digest", "customer_id"], name="sighting_once")]
        indexes = [models.Index(fields=["seen_at"], name="sighting_by_time")]

    def __str__(self) -> str:
        return f"{self.customer_id} of {self.offer}"


class MemberAddress(models.Model):
    """That somebody of an affiliate signed in from an address, kept as a keyed digest: for self-referral only."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    address_digest = models.BinaryField(max_length=16)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "address_digest"], name="member_address_once")]
        indexes = [models.Index(fields=["address_digest"], name="member_by_address")]

    def __str__(self) -> str:
        return str(self.user)


class AffiliatePace(models.Model):
    """How many conversions an hour an affiliate usually has, in its busiest hours of the last two weeks."""

    affiliate = models.OneToOneField("affiliates.Affiliate", models.CASCADE, primary_key=True, related_name="+")
    hourly = models.DecimalField(max_digits=12, decimal_places=2)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.hourly} an hour"
