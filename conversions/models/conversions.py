"""Conversions, their status changes, and the trace of every decision."""

from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from affiliates.models import Advertiser, Affiliate, User
from conversions import events
from conversions.models.customers import Customer
from conversions.models.goals import Goal
from conversions.models.postbacks import Postback
from conversions.reasons.codes import reason_choices
from records import public_ids
from records.append_only import append_only
from records.money import AmountField, CurrencyField
from records.translation import gettext_lazy as _
from tracking.models import TrackingLink

# The last change is taken from an array: with a LIMIT, a plan may walk the whole table backwards and find none. Checked
# at the end of the transaction: by then every status change must have its who, when and why.
_WITH_REASON = """
IF (SELECT (array_agg(to_status ORDER BY id DESC))[1] FROM conversions_statuschange WHERE conversion_id = NEW.id)
        IS DISTINCT FROM (SELECT status FROM conversions_conversion WHERE id = NEW.id) THEN
    RAISE EXCEPTION 'The status of conversion % changed without a status change that says so', NEW.public_id
        USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NULL;
"""
# Each change begins with the status of the one before; the conversion's row is locked while it is written.
_FOLLOWS = """
IF NEW.from_status <> (SELECT (array_agg(to_status ORDER BY id DESC))[1] FROM conversions_statuschange
        WHERE conversion_id = NEW.conversion_id) THEN
    RAISE EXCEPTION 'A status change from % does not follow the last one', coalesce(nullif(NEW.from_status, ''), 'new')
        USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NEW;
"""


class Conversion(models.Model):
    """An event that counts for an affiliate. Its row is its own outbox: a change clears `booked_at`."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    class Evidence(models.TextChoices):
        ROW = "row", _("The stored click")
        SIGNATURE = "signature", _("By signature, no stored click")
        LEGACY = "legacy", _("An imported click ID of another platform")
        LOCK = "lock", _("The customer's lock")
        TOUCH = "touch", _("An earlier click of the customer")
        COUPON = "coupon", _("A coupon code")

    public_id = models.CharField(max_length=24, unique=True, default=public_ids.conversion_id, editable=False)
    # Foreign keys that a constraint or an index below begins with have no index of their own: each costs every write.
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="conversions", db_index=False)
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="conversions", db_index=False)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="conversions", db_index=False)
    link = models.ForeignKey(TrackingLink, models.PROTECT, null=True, related_name="conversions")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="conversions", db_index=False)
    click_id = models.UUIDField(null=True, db_index=True)
    evidence = models.CharField(max_length=9, choices=Evidence)
    # A pixel's report stands only until the advertiser's server reports the same event.
    reported_by = models.CharField(max_length=8, choices=Postback.Endpoint, default=Postback.Endpoint.NATIVE)
    transaction_id = models.CharField(max_length=100, default="", db_index=True)
    # The key of the event; its unique constraint decides duplicates.
    dedupe_key = models.CharField(max_length=200)
    is_test = models.BooleanField(default=False, help_text=_("Judged and shown, never counted or paid."))
    revenue = AmountField(null=True, help_text=_("The operator's income, as sent."))
    # The sum of its Refund rows; a trigger maintains it.
    refunded = AmountField(default=0, db_default=0, editable=False, help_text=_("What the customer got back of it."))
    volume = AmountField(null=True, help_text=_("Lots traded, as sent."))
    deductions = models.JSONField(default=dict, db_default={}, help_text=_("What the sender takes off, by name."))
    extras = models.JSONField(
        default=dict, db_default={}, blank=True, help_text=_("Parameters that no rule reads, by name, as sent.")
    )
    payout = AmountField(null=True, help_text=_("The sender's word for the commission; plans may use or ignore it."))
    currency = CurrencyField()
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=40, choices=reason_choices)
    occurred_at = models.DateTimeField(help_text=_("The sender's word: windows, tiers and plan versions go by it."))
    received_at = models.DateTimeField(help_text=_("Our clock: booking goes by it."))
    approve_at = models.DateTimeField(null=True, help_text=_("When a pending conversion is approved by itself."))
    booked_at = models.DateTimeField(null=True, help_text=_("When the ledger last caught up; empty means due."))

    class Meta:
        ordering = ["-id"]
        triggers: ClassVar = [
            events.conversion_created,
            pgtrigger.Trigger(
                name="conversion_status_has_reason",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Q(old__status__df=pgtrigger.F("new__status")),
                timing=pgtrigger.Deferred,
                func=_WITH_REASON,
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "dedupe_key"], name="conversion_once"),
            models.CheckConstraint(condition=Q(approve_at=None) | Q(status="pending"), name="only_pending_waits"),
            models.CheckConstraint(
                condition=Q(refunded=0) | Q(refunded__gt=0, refunded__lte=F("revenue")), name="refunded_within_revenue"
            ),
        ]
        indexes = [
            models.Index(fields=["affiliate", "-received_at"], name="conversion_by_affiliate"),
            models.Index(fields=["customer", "goal"], name="conversion_by_customer"),
            models.Index(fields=["goal", "received_at"], name="conversion_by_goal"),
            models.Index(fields=["received_at"], name="conversion_by_time"),
            # Conversions that need a person: the operator's queue and its badge.
            models.Index(
                fields=["received_at"], name="conversion_waiting", condition=Q(status="pending", approve_at=None)
            ),
            models.Index(fields=["id"], name="conversion_unbooked", condition=Q(booked_at=None)),
            models.Index(fields=["approve_at"], name="conversion_to_approve", condition=Q(approve_at__isnull=False)),
            # Searched by one name and value; most conversions have none and cost nothing.
            GinIndex(
                fields=["extras"], name="conversion_by_extra", opclasses=["jsonb_path_ops"], condition=~Q(extras={})
            ),
            models.Index(fields=["id"], name="conversion_by_signature", condition=Q(evidence="signature")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def remaining_revenue(self) -> Decimal | None:
        """The revenue minus refunds: the basis of commissions, rules and reports."""
        return None if self.revenue is None else self.revenue - self.refunded


class StatusChange(models.Model):
    """A status change of a conversion, with who, when and why. The first one has no status before it."""

    class Source(models.TextChoices):
        POSTBACK = "postback", _("Postback")
        OPERATOR = "operator", _("Operator")
        AUTOMATIC = "automatic", _("Automatic approval")

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
        triggers: ClassVar = [
            *append_only("status_change_append_only"),
            events.status_changed,
            pgtrigger.Trigger(
                name="status_change_follows", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_FOLLOWS
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="status_change_allowed",
                condition=Q(from_status="")
                | Q(from_status="pending", to_status__in=["approved", "rejected"])
                | Q(from_status="approved", to_status="rejected")
                | Q(from_status="rejected", to_status="approved")
                # A correction is decided again, and may then be on hold.
                | Q(from_status="rejected", to_status="pending", reason="corrected"),
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
    problems = models.JSONField(default=list, help_text=_("Faults found in the request, each with its remedy."))
    steps = models.JSONField(help_text=_("Objects of step, result, rule, input and note, in order."))

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("trace_append_only")

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"
