"""The goals of an offer, and the rules that an event must meet."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property

from affiliates.models import Offer
from records.money import AmountField
from records.translation import gettext_lazy as _

if TYPE_CHECKING:
    from conversions.models.qualification import QualificationRule


class Goal(models.Model):
    """An event type that an offer counts, with its rules."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("Registration")
        KYC = "kyc", _("Identity check")
        FTD = "ftd", _("First deposit (FTD)")
        DEPOSIT = "deposit", _("Deposit")
        TRADE = "trade", _("Trade")
        PURCHASE = "purchase", _("Purchase")
        SUBSCRIPTION = "subscription", _("Subscription")
        NET_REVENUE = "net_revenue", _("Net revenue")
        CUSTOM = "custom", _("Custom")

    class Approval(models.TextChoices):
        AT_ONCE = "at_once", _("Approved at once")
        AFTER_DELAY = "after_delay", _("Approved after a delay")
        BY_HAND = "by_hand", _("Approved by an operator")

    class DedupeBy(models.TextChoices):
        TRANSACTION = "transaction", _("Each transaction, else each click")
        CLICK = "click", _("Each click")
        CUSTOMER = "customer", _("Each customer, once ever")

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="goals")
    code = models.CharField(
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9_]+$", _("Lower-case letters, digits and _."))],
        help_text=_("What the postback sends as event_type."),
    )
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=14, choices=Kind)
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Order in the funnel."))
    is_active = models.BooleanField(default=True)
    approval = models.CharField(max_length=11, choices=Approval, default=Approval.BY_HAND)
    approval_delay = models.DurationField(
        null=True, blank=True, help_text=_("For approval after a delay: 14 00:00:00.")
    )
    attribution_window = models.DurationField(null=True, blank=True, help_text=_("In place of the offer's window."))
    attribution_window_minimum = models.DurationField(
        null=True, blank=True, help_text=_("In place of the offer's minimum; 0 lets every event count.")
    )
    needs_customer_id = models.BooleanField(default=False)
    needs_revenue = models.BooleanField(default=False)
    once_per_customer = models.BooleanField(
        default=False, help_text=_("A second event of the same customer is rejected, as for a registration or an FTD.")
    )
    dedupe_by = models.CharField(
        _("counts once for"),
        max_length=11,
        choices=DedupeBy,
        default=DedupeBy.TRANSACTION,
        help_text=_(
            "What makes two postbacks the same event: the second is answered as a duplicate, whatever it says."
        ),
    )
    dedupe_window = models.DurationField(
        _("counts again after"),
        null=True,
        blank=True,
        help_text=_("Without a transaction ID: the same click counts again after this time; empty: never."),
    )
    minimum_revenue = AmountField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("In the offer's currency; an event below it is rejected."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["offer", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["offer", "code"], name="goal_code_once_per_offer"),
            models.CheckConstraint(
                condition=~Q(approval="after_delay") | Q(approval_delay__gt=timedelta(0)), name="goal_delay_given"
            ),
            models.CheckConstraint(
                condition=Q(attribution_window=None) | Q(attribution_window__gt=timedelta(0)),
                name="goal_window_positive",
            ),
            models.CheckConstraint(
                condition=Q(attribution_window_minimum=None) | Q(attribution_window_minimum__gte=timedelta(0)),
                name="goal_window_minimum_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(dedupe_by="customer") | Q(needs_customer_id=True), name="goal_once_for_customer_knows_it"
            ),
            models.CheckConstraint(
                condition=Q(dedupe_window=None) | Q(dedupe_window__gt=timedelta(0), dedupe_by="transaction"),
                name="goal_counts_again_later",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.offer})"

    @cached_property
    def qualification_rules(self) -> list["QualificationRule"]:
        """The goal's rules in the order they were made; no query if they were fetched with the goal."""
        return sorted(self.rules.all(), key=lambda rule: rule.pk)

    @cached_property
    def looks_at_customers(self) -> bool:
        """Whether a rule depends on the customer's other events, so that a conversion may be on hold for them."""
        return any(rule.looks_at_customer for rule in self.qualification_rules)
