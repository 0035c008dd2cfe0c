"""The risk policies of offers, their reviews, and the data that risk signals count."""

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from affiliates.models import Offer, User
from conversions.risk_signals.table import SIGNALS, columns_of
from records.translation import gettext_lazy as _


class RiskPolicy(models.Model):
    """How an offer weighs risk signals: the points of each, and the threshold for a review.

    Each signal (`conversions/risk_signals/`) adds a column for its points and one for each of its limits. The defaults
    are published in docs/risk.md; they apply to offers without a row of their own.
    """

    class AtEnd(models.TextChoices):
        APPROVE = "approve", _("It goes on as if nothing had been found")
        STAY = "stay", _("It stays held, and the owner is alarmed")

    offer = models.OneToOneField(Offer, models.CASCADE, related_name="risk_policy")
    threshold = models.PositiveSmallIntegerField(
        default=100, validators=[MinValueValidator(1)], help_text=_("From so many points on a conversion is held.")
    )
    owner = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"is_staff": True},
        help_text=_("Who decides what is held; empty: any operator."),
    )
    hold_for = models.DurationField(
        default=timedelta(days=14), help_text=_("A held conversion has this long to be decided.")
    )
    at_end = models.CharField(max_length=7, choices=AtEnd, default=AtEnd.STAY)

    class Meta:
        verbose_name_plural = _("risk policies")
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gt=0), name="risk_threshold_positive"),
            models.CheckConstraint(condition=Q(hold_for__gt=timedelta(0)), name="risk_hold_positive"),
        ]

    def __str__(self) -> str:
        return f"Risk policy of {self.offer}"


for _signal in SIGNALS.values():
    for _name, _field in columns_of(_signal).items():
        RiskPolicy.add_to_class(_name, _field)


class RiskReview(models.Model):
    """A conversion whose risk signals reach the threshold: on hold with a reason, an owner and an end date."""

    class Resolution(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        ENDED = "ended", _("The time ran out")

    conversion = models.OneToOneField(
        "conversions.Conversion", models.PROTECT, primary_key=True, related_name="risk_review"
    )
    score = models.PositiveIntegerField()
    threshold = models.PositiveIntegerField()
    parts = models.JSONField(help_text=_("Objects of mark, points, note and input."))
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="risk_reviews")
    sent_status = models.CharField(
        max_length=8, default="", help_text=_("The sender's status, which holds after the review.")
    )
    at_end = models.CharField(max_length=7, choices=RiskPolicy.AtEnd)
    opened_at = models.DateTimeField()
    held_until = models.DateTimeField()
    is_late = models.BooleanField(default=False, help_text=_("The conversion was approved before the mark was known."))
    alarmed_at = models.DateTimeField(null=True, help_text=_("When the end date passed without a decision."))
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=8, choices=Resolution, default="")
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["held_until"], name="review_open", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.score} of {self.threshold} points: {self.conversion}"

    @property
    def why(self) -> str:
        """The risk signals in words, without their evidence."""
        return " ".join(part["note"] for part in self.parts)


class AddressSighting(models.Model):
    """An address of an offer's customer, stored as a keyed digest: for risk signals only."""

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
    """An address from which a member of an affiliate signed in, as a keyed digest: for self-referral only."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    address_digest = models.BinaryField(max_length=16)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "address_digest"], name="member_address_once")]
        indexes = [models.Index(fields=["address_digest"], name="member_by_address")]

    def __str__(self) -> str:
        return str(self.user)


class AffiliatePace(models.Model):
    """An affiliate's average number of conversions an hour, in the hours of the last two weeks that had any."""

    affiliate = models.OneToOneField("affiliates.Affiliate", models.CASCADE, primary_key=True, related_name="+")
    hourly = models.DecimalField(max_digits=12, decimal_places=2)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.hourly} an hour"
