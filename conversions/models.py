"""What came of a click: the events that count, the requests that reported them, and the outcome."""

from datetime import timedelta
from typing import ClassVar

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property

from affiliates import public_ids
from affiliates.history import append_only
from affiliates.models import Advertiser, Affiliate, Enrollment, Offer, User
from affiliates.money import AmountField, CurrencyField
from conversions.reasons import reason_choices
from tracking.models import TrackingLink


class Goal(models.Model):
    """An event type that an offer counts, with its rules."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", "Registration"
        KYC = "kyc", "Identity check"
        FTD = "ftd", "First deposit (FTD)"
        DEPOSIT = "deposit", "Deposit"
        TRADE = "trade", "Trade"
        PURCHASE = "purchase", "Purchase"
        SUBSCRIPTION = "subscription", "Subscription"
        NET_REVENUE = "net_revenue", "Net revenue"
        CUSTOM = "custom", "Custom"

    class Approval(models.TextChoices):
        AT_ONCE = "at_once", "Approved at once"
        AFTER_DELAY = "after_delay", "Approved after a delay"
        BY_HAND = "by_hand", "Approved by an operator"

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="goals")
    code = models.CharField(
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9_]+$", "Lower-case letters, digits and _.")],
        help_text="What the postback sends as event_type.",
    )
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=14, choices=Kind)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order in the funnel.")
    is_active = models.BooleanField(default=True)
    approval = models.CharField(max_length=11, choices=Approval, default=Approval.BY_HAND)
    approval_delay = models.DurationField(null=True, blank=True, help_text="For approval after a delay: 14 00:00:00.")
    attribution_window = models.DurationField(null=True, blank=True, help_text="In place of the offer's window.")
    attribution_window_minimum = models.DurationField(
        null=True, blank=True, help_text="In place of the offer's minimum; 0 lets every event count."
    )
    needs_customer_id = models.BooleanField(default=False)
    needs_revenue = models.BooleanField(default=False)
    once_per_customer = models.BooleanField(
        default=False, help_text="A second event of the same customer is rejected, as for a registration or an FTD."
    )
    minimum_revenue = AmountField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="In the offer's currency; an event below it is rejected.",
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
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.offer})"

    @cached_property
    def qualification_rules(self) -> list["QualificationRule"]:
        """The goal's rules in the order they were made; no query where they were fetched with the goal."""
        return sorted(self.rules.all(), key=lambda rule: rule.pk)

    @cached_property
    def looks_at_customers(self) -> bool:
        """Whether a rule depends on what else the customer did, so that an event may have to wait for it."""
        return any(rule.looks_at_customer for rule in self.qualification_rules)


class Customer(models.Model):
    """A player, trader or buyer, known by the advertiser's own ID for them."""

    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="customers")
    customer_id = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "customer_id"], name="customer_once_per_advertiser")
        ]

    def __str__(self) -> str:
        return self.customer_id


class CustomerLock(models.Model):
    """Who brought a customer to an offer: later events follow this, not a new click."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="locks")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="+")
    link = models.ForeignKey(TrackingLink, models.PROTECT, null=True, related_name="+")
    click_id = models.UUIDField(null=True)
    locked_at = models.DateTimeField(help_text="When the customer's first event happened.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "offer"], name="lock_once_per_customer_and_offer")]

    def __str__(self) -> str:
        return f"{self.customer} of {self.enrollment}"


class Touch(models.Model):
    """A click that an event of the customer named: who else took part, whoever is credited."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="touches")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="+")
    link = models.ForeignKey(TrackingLink, models.PROTECT, related_name="+")
    click_id = models.UUIDField()
    at = models.DateTimeField(help_text="When the click was made.")

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = "touches"
        triggers: ClassVar = [append_only("touch_append_only")]
        constraints = [models.UniqueConstraint(fields=["customer", "click_id"], name="touch_once_per_click")]

    def __str__(self) -> str:
        return f"{self.customer} by {self.enrollment}"


class Postback(models.Model):
    """One request as it was received, stored before it is judged; the last decision stands beside it."""

    class Door(models.TextChoices):
        NATIVE = "native", "Postback"
        PIXEL = "pixel", "Pixel"
        BULK = "bulk", "Bulk API"
        CSV = "csv", "CSV import"
        REPLAY = "replay", "Replay"

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        UPDATED = "updated", "Updated"
        DUPLICATE = "duplicate", "Duplicate"
        HELD = "held", "Held"
        REJECTED = "rejected", "Rejected"
        INVALID = "invalid", "Invalid"
        UNAUTHORIZED = "unauthorized", "Unauthorized"
        FORBIDDEN = "forbidden", "Forbidden"
        UNKNOWN_CLICK = "unknown_click", "Unknown click"
        CONFLICT = "conflict", "Conflict"

    public_id = models.CharField(max_length=24, unique=True, default=public_ids.postback_id, editable=False)
    received_at = models.DateTimeField(db_index=True)
    door = models.CharField(max_length=8, choices=Door, default=Door.NATIVE)
    mapping = models.CharField(max_length=60, default="native", help_text="Whose parameter names it was read by.")
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=200)
    parameters = models.JSONField(help_text="Pairs of name and value in the order sent; secrets are masked.")
    body = models.TextField(default="", help_text="Kept as sent only when it could not be read as parameters.")
    headers = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    is_secure = models.BooleanField(default=False)
    # A digest of the token that was sent: enough to authenticate again on replay, useless to a thief.
    token_digest = models.CharField(max_length=64, default="")
    # What came of a signature when it was received: only then the whole text that it covers was at hand.
    signature = models.CharField(max_length=5, default="", help_text="valid, bad or stale; empty: it had none.")
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, null=True, related_name="postbacks")
    # The decision in force; every decision made is a Trace row.
    decided_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=13, choices=Outcome, default="")
    reason = models.CharField(max_length=40, choices=reason_choices, default="")
    click_id = models.UUIDField(null=True, db_index=True)
    transaction_id = models.CharField(max_length=100, default="", db_index=True)
    # A digest of what the event says: a request that says the same again is a repeat, however late it comes.
    fingerprint = models.CharField(max_length=64, default="")
    conversion = models.ForeignKey("Conversion", models.PROTECT, null=True, related_name="postbacks")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["received_at"], name="postback_undecided", condition=Q(decided_at=None))]

    def __str__(self) -> str:
        return self.public_id


class ParkedPostback(models.Model):
    """A postback that waits for what it names: a customer, a sale, or a link. The row goes once it is decided."""

    class Waits(models.TextChoices):
        CUSTOMER = "customer", "The customer's first event"
        SALE = "sale", "The sale of that transaction"
        LINK = "link", "The link of its click"

    postback = models.OneToOneField(Postback, models.PROTECT, primary_key=True, related_name="parked")
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="+")
    waits_for = models.CharField(max_length=8, choices=Waits)
    # What is awaited, in one text: the customer's ID, goal and transaction, or the link's number.
    awaited = models.CharField(max_length=150)
    occurred_at = models.DateTimeField(help_text="Those that wait for the same are decided in this order.")
    parked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    is_repeat = models.BooleanField(default=False, help_text="Another that waits already says the same.")

    class Meta:
        ordering = ["occurred_at", "postback"]
        indexes = [
            models.Index(fields=["advertiser", "waits_for", "awaited"], name="parked_by_awaited"),
            models.Index(fields=["next_try_at"], name="parked_due"),
        ]

    def __str__(self) -> str:
        return f"{self.postback} waits for {self.get_waits_for_display().lower()}"


class Conversion(models.Model):
    """An event that counts for an affiliate. Its row is its own outbox: a change clears `booked_at`."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    class Evidence(models.TextChoices):
        ROW = "row", "The stored click"
        SIGNATURE = "signature", "By signature, no stored click"
        LEGACY = "legacy", "An imported click ID of another platform"
        LOCK = "lock", "The customer's lock"
        TOUCH = "touch", "An earlier click of the customer"
        COUPON = "coupon", "A coupon code"

    public_id = models.CharField(max_length=24, unique=True, default=public_ids.conversion_id, editable=False)
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="conversions")
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="conversions")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="conversions")
    link = models.ForeignKey(TrackingLink, models.PROTECT, null=True, related_name="conversions")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="conversions")
    click_id = models.UUIDField(null=True, db_index=True)
    evidence = models.CharField(max_length=9, choices=Evidence)
    # A pixel's word holds only until the advertiser's server tells the same event.
    told_by = models.CharField(max_length=8, choices=Postback.Door, default=Postback.Door.NATIVE)
    transaction_id = models.CharField(max_length=100, default="", db_index=True)
    # What makes the event one event; the unique constraint on it decides duplicates.
    dedupe_key = models.CharField(max_length=200)
    is_test = models.BooleanField(default=False, help_text="Judged and shown, never counted nor paid.")
    revenue = AmountField(null=True, help_text="The operator's income, as sent.")
    volume = AmountField(null=True, help_text="Lots traded, as sent.")
    deductions = models.JSONField(default=dict, db_default={}, help_text="What the sender takes off, by name.")
    payout = AmountField(null=True, help_text="The sender's word for the commission; plans may use or ignore it.")
    currency = CurrencyField()
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=40, choices=reason_choices)
    occurred_at = models.DateTimeField(help_text="The sender's word: windows, tiers and plan versions go by it.")
    received_at = models.DateTimeField(help_text="Our clock: booking goes by it.")
    approve_at = models.DateTimeField(null=True, help_text="When a pending conversion is approved by itself.")
    booked_at = models.DateTimeField(null=True, help_text="When the ledger last caught up; empty means due.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "dedupe_key"], name="conversion_once"),
            models.CheckConstraint(condition=Q(approve_at=None) | Q(status="pending"), name="only_pending_waits"),
        ]
        indexes = [
            models.Index(fields=["affiliate", "-received_at"], name="conversion_by_affiliate"),
            models.Index(fields=["customer", "goal"], name="conversion_by_customer"),
            models.Index(fields=["goal", "received_at"], name="conversion_by_goal"),
            models.Index(fields=["received_at"], name="conversion_by_time"),
            # What waits for a person: the operator's queue and its badge.
            models.Index(
                fields=["received_at"], name="conversion_waiting", condition=Q(status="pending", approve_at=None)
            ),
            models.Index(fields=["id"], name="conversion_unbooked", condition=Q(booked_at=None)),
            models.Index(fields=["approve_at"], name="conversion_to_approve", condition=Q(approve_at__isnull=False)),
            models.Index(fields=["id"], name="conversion_by_signature", condition=Q(evidence="signature")),
        ]

    def __str__(self) -> str:
        return self.public_id


class StatusChange(models.Model):
    """One step in a conversion's life, with who, when and why. The first comes from nothing."""

    class Source(models.TextChoices):
        POSTBACK = "postback", "Postback"
        OPERATOR = "operator", "Operator"
        AUTOMATIC = "automatic", "Automatic approval"

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="status_changes")
    from_status = models.CharField(max_length=8, choices=Conversion.Status, default="")
    to_status = models.CharField(max_length=8, choices=Conversion.Status)
    reason = models.CharField(max_length=40, choices=reason_choices)
    note = models.CharField(max_length=250, default="")
    source = models.CharField(max_length=9, choices=Source)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    postback = models.ForeignKey(Postback, models.PROTECT, null=True, related_name="status_changes")
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [append_only("status_change_append_only")]
        constraints = [
            models.CheckConstraint(
                name="status_change_allowed",
                condition=Q(from_status="")
                | Q(from_status="pending", to_status__in=["approved", "rejected"])
                | Q(from_status="approved", to_status="rejected")
                | Q(from_status="rejected", to_status="approved"),
            ),
            models.CheckConstraint(condition=~Q(from_status=F("to_status")), name="status_change_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class Trace(models.Model):
    """One decision and every step that led to it: rule and version, input, outcome."""

    postback = models.ForeignKey(Postback, models.PROTECT, null=True, related_name="traces")
    conversion = models.ForeignKey(Conversion, models.PROTECT, null=True, related_name="traces")
    decided_at = models.DateTimeField()
    outcome = models.CharField(max_length=13, choices=Postback.Outcome)
    reason = models.CharField(max_length=40, choices=reason_choices)
    http_status = models.PositiveSmallIntegerField()
    problems = models.JSONField(default=list, help_text="Faults found in the request, each with its remedy.")
    steps = models.JSONField(help_text="Objects of step, result, rule, input and note, in order.")

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [append_only("trace_append_only")]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"


# Kept in a module of their own; Django looks for models here.
from conversions.rules import (  # noqa: E402
    AddressSighting,
    AffiliatePace,
    MemberAddress,
    QualificationRule,
    QualificationWait,
    RiskPolicy,
    RiskReview,
)

__all__ = [
    "AddressSighting",
    "AffiliatePace",
    "Conversion",
    "Customer",
    "CustomerLock",
    "Goal",
    "MemberAddress",
    "Postback",
    "QualificationRule",
    "QualificationWait",
    "RiskPolicy",
    "RiskReview",
    "StatusChange",
    "Trace",
]
