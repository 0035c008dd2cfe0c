"""What a goal asks of an event before it counts, and what a pending conversion still waits for."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from affiliates.models import country_code
from records.money import AmountField


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
