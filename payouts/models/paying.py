"""Statements of closed periods, and payouts."""

from typing import ClassVar

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts import events
from records import public_ids
from records.append_only import append_only, refuse_truncate
from records.money import AmountField, CurrencyField
from records.secrets import EncryptedTextBytes
from records.translation import gettext_lazy as _


class Statement(models.Model):
    """A closed period of an affiliate in one currency. Immutable; it covers a run of ledger numbers."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="statements")
    number = models.CharField(max_length=30, unique=True)
    currency = CurrencyField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text=_("Half-open: the first moment that is no longer in it."))
    first_sequence = models.PositiveBigIntegerField(help_text=_("First ledger number covered."))
    last_sequence = models.PositiveBigIntegerField(help_text=_("Last ledger number covered."))
    opening = AmountField()
    earned = AmountField(help_text=_("Commission, reversals, adjustments and VAT in the period."))
    paid = AmountField(help_text=_("Payments in the period, as they were booked (negative)."))
    closing = AmountField()
    held = AmountField(default=0, help_text=_("Part of the closing balance that is not paid yet: its hold still runs."))
    held_until = models.DateTimeField(null=True, help_text=_("When the last of these holds ends."))
    threshold = AmountField(default=0, help_text=_("The least amount that was paid out; below it all is carried over."))
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    chain_hash = models.CharField(max_length=64, help_text=_("The chain at the last number covered."))

    class Meta:
        ordering = ["-ends_at", "number"]
        triggers: ClassVar = [*append_only("statement_append_only"), events.statement_issued]
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "currency", "ends_at"], name="statement_once_per_period"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="statement_period_forward"),
            models.CheckConstraint(
                condition=Q(closing=F("opening") + F("earned") + F("paid")), name="statement_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PayoutTerms(models.Model):
    """When and from which amount on an affiliate is paid. The row without an affiliate holds for all others."""

    affiliate = models.OneToOneField(
        Affiliate,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="payout_terms",
        help_text=_("Empty: all other affiliates."),
    )
    minimum = AmountField(
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Less than this is carried over to the next statement."),
    )
    fee = AmountField(
        default=0, validators=[MinValueValidator(0)], help_text=_("Kept back from each payout, as a line of its own.")
    )
    currency = CurrencyField(default="EUR", help_text=_("Of the minimum and the fee; other currencies go by the rate."))
    hold_days = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(365)],
        help_text=_("Commission is paid so many days after the event at the earliest, for refunds and chargebacks."),
    )

    class Meta:
        verbose_name_plural = _("payout terms")
        constraints = [models.UniqueConstraint(fields=["affiliate"], nulls_distinct=False, name="payout_terms_once")]

    def __str__(self) -> str:
        return f"Payout terms of {self.affiliate or 'all other affiliates'}"


class PayoutMethod(models.Model):
    """Where an affiliate wants its money. Details are encrypted; a change is a new row, the old one stays."""

    class Kind(models.TextChoices):
        SEPA = "sepa", _("SEPA transfer")
        WIRE = "wire", _("Wire transfer (SWIFT)")
        PAYPAL = "paypal", _("PayPal")
        WISE = "wise", _("Wise")
        CRYPTO = "crypto", _("Crypto currency")

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="payout_methods")
    kind = models.CharField(max_length=6, choices=Kind)
    encrypted = models.TextField(editable=False)
    hint = models.CharField(
        max_length=60, editable=False, help_text=_("Enough to recognise it by, too little to use it.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    replaced_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate"], condition=Q(replaced_at=None), name="one_payout_method_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.hint}"


class PayoutBatch(models.Model):
    """Payouts that are sent together: made by one operator, approved by another, given to the bank as one file."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        SENT = "sent", _("Sent")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.CharField(max_length=20, unique=True, default=public_ids.batch_id, editable=False)
    kind = models.CharField(max_length=6, choices=PayoutMethod.Kind)
    currency = CurrencyField()
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    sent_at = models.DateTimeField(null=True, blank=True, help_text=_("When its file was released."))
    note = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("payout batches")
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("created_by")), name="batch_needs_four_eyes"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "sent"]) | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="batch_sent_only_approved",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


_STAYS = """
IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'Payouts are never deleted' USING ERRCODE = 'integrity_constraint_violation';
END IF;
IF (NEW.id, NEW.public_id, NEW.affiliate_id, NEW.statement_id, NEW.amount, NEW.currency, NEW.vat, NEW.fee,
    NEW.sent_amount, NEW.sent_currency, NEW.rate, NEW.rate_day, NEW.rate_source, NEW.created_at)
   IS DISTINCT FROM
   (OLD.id, OLD.public_id, OLD.affiliate_id, OLD.statement_id, OLD.amount, OLD.currency, OLD.vat, OLD.fee,
    OLD.sent_amount, OLD.sent_currency, OLD.rate, OLD.rate_day, OLD.rate_source, OLD.created_at) THEN
    RAISE EXCEPTION 'What a statement made due never changes' USING ERRCODE = 'integrity_constraint_violation';
END IF;
IF OLD.status <> 'due' AND (
    NEW.status = 'due'
    OR (NEW.batch_id, NEW.method_id, NEW.reference, NEW.paid_at, NEW.paid_by_id)
    IS DISTINCT FROM (OLD.batch_id, OLD.method_id, OLD.reference, OLD.paid_at, OLD.paid_by_id)
) THEN
    RAISE EXCEPTION 'A payout that was paid may come back, nothing else'
    USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NEW;
"""


class Payout(models.Model):
    """Money to be sent for a statement; marking it paid is a ledger entry too."""

    class Status(models.TextChoices):
        DUE = "due", _("Due")
        PAID = "paid", _("Paid")
        RETURNED = "returned", _("Returned")

    public_id = models.CharField(max_length=20, unique=True, default=public_ids.payout_id, editable=False)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="payouts")
    statement = models.OneToOneField(Statement, models.PROTECT, related_name="payout")
    amount = AmountField()
    currency = CurrencyField()
    vat = AmountField(default=0, help_text=_("Part of the amount: VAT of the statement's invoice and credit notes."))
    fee = AmountField(default=0, help_text=_("Kept back from the amount."))
    # What is sent: the amount less the fee, in the currency that the affiliate is paid in, at a rate that stays.
    sent_amount = AmountField()
    sent_currency = CurrencyField()
    rate = models.DecimalField(
        max_digits=24, decimal_places=12, null=True, blank=True, help_text=_("Units sent for one unit of the amount.")
    )
    rate_day = models.DateField(null=True, blank=True, help_text=_("The day whose rate it is."))
    rate_source = models.CharField(max_length=20, blank=True)
    batch = models.ForeignKey(PayoutBatch, models.PROTECT, null=True, blank=True, related_name="payouts")
    method = models.ForeignKey(PayoutMethod, models.PROTECT, null=True, blank=True, related_name="payouts")
    failure = models.CharField(max_length=250, blank=True, help_text=_("Why the last attempt failed or came back."))
    in_flight = models.CharField(
        _("on its way"),
        max_length=40,
        blank=True,
        help_text=_("The bank's or wallet's last status, which is not final."),
    )
    in_flight_at = models.DateTimeField(_("on its way since"), null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DUE)
    reference = models.CharField(max_length=80, blank=True, help_text=_("The bank's or wallet's own reference."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="payout_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_STAYS,
            ),
            refuse_truncate("payout_stays_whole"),
            events.payout_created,
            events.payout_changed,
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=Q(status="due", paid_at=None) | Q(status__in=["paid", "returned"], paid_at__isnull=False),
                name="payout_paid_has_time",
            ),
            models.CheckConstraint(condition=Q(sent_amount__gt=0), name="payout_sends_something"),
            models.CheckConstraint(condition=Q(fee__gte=0) & Q(fee__lt=F("amount")), name="payout_fee_below_amount"),
            models.CheckConstraint(
                condition=Q(sent_currency=F("currency"), rate=None, sent_amount=F("amount") - F("fee"))
                | (~Q(sent_currency=F("currency")) & Q(rate__gt=0, rate_day__isnull=False)),
                name="payout_names_its_rate",
            ),
            models.CheckConstraint(condition=Q(batch=None) | Q(method__isnull=False), name="payout_in_batch_has_way"),
            # What is on its way stays in its batch: it cannot be sent a second time.
            models.CheckConstraint(
                condition=Q(in_flight="", in_flight_at=None)
                | (~Q(in_flight="") & Q(status="due", batch__isnull=False, in_flight_at__isnull=False)),
                name="payout_in_flight_stays_in_batch",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class PayoutFile(models.Model):
    """The file of a batch as it was released: the same bytes for ever. The database refuses to change it."""

    batch = models.OneToOneField(PayoutBatch, models.PROTECT, related_name="file")
    name = models.CharField(max_length=40)
    content_type = models.CharField(max_length=40)
    # It holds names and account numbers.
    content = EncryptedTextBytes()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        triggers: ClassVar = append_only("payout_file_append_only")

    def __str__(self) -> str:
        return self.name


class SentLine(models.Model):
    """A payout's line in a batch's file: one attempt to pay it, with the reference that answers to it carry."""

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="lines")
    payout = models.ForeignKey(Payout, models.PROTECT, related_name="sent_lines")
    reference = models.CharField(max_length=30, unique=True, help_text=_("As it is in the file; one for each attempt."))
    amount = AmountField()
    currency = CurrencyField()

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [*append_only("sent_line_append_only"), events.payout_sent]
        constraints = [
            models.UniqueConstraint(fields=["batch", "payout"], name="sent_line_once_in_a_batch"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="sent_line_positive"),
        ]

    def __str__(self) -> str:
        return self.reference


class AnswerRow(models.Model):
    """A row of a bank's answer that was applied to a payout in a batch: the same row again changes nothing."""

    payout = models.ForeignKey(Payout, models.PROTECT, related_name="answers")
    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    meaning = models.CharField(max_length=9)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("answer_row_append_only")
        constraints = [models.UniqueConstraint(fields=["payout", "batch", "sha256"], name="answer_row_once")]

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.meaning}"
