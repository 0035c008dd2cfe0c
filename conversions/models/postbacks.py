"""Postbacks as received, and those that are parked."""

from django.db import models
from django.db.models import Q

from affiliates.models import Advertiser
from conversions.reasons.codes import reason_choices
from records import public_ids
from records.translation import gettext_lazy as _


class Postback(models.Model):
    """One request as received, stored before it is decided; the last decision is stored with it."""

    class Endpoint(models.TextChoices):
        NATIVE = "native", _("Postback")
        PIXEL = "pixel", _("Pixel")
        BULK = "bulk", _("Bulk API")
        CSV = "csv", _("CSV import")
        SOURCE = "source", _("Shop or billing webhook")
        REPLAY = "replay", _("Replay")

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        UPDATED = "updated", _("Updated")
        DUPLICATE = "duplicate", _("Duplicate")
        HELD = "held", _("Held")
        REJECTED = "rejected", _("Rejected")
        INVALID = "invalid", _("Invalid")
        UNAUTHORIZED = "unauthorized", _("Unauthorized")
        FORBIDDEN = "forbidden", _("Forbidden")
        UNKNOWN_CLICK = "unknown_click", _("Unknown click")
        CONFLICT = "conflict", _("Conflict")

    public_id = models.CharField(max_length=24, unique=True, default=public_ids.postback_id, editable=False)
    received_at = models.DateTimeField(db_index=True)
    endpoint = models.CharField(max_length=8, choices=Endpoint, default=Endpoint.NATIVE)
    mapping = models.CharField(max_length=60, default="native", help_text=_("Whose parameter names it was read by."))
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=200)
    parameters = models.JSONField(help_text=_("Pairs of name and value in the order sent; secrets are masked."))
    body = models.TextField(default="", help_text=_("Kept as sent only when it could not be read as parameters."))
    headers = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    is_secure = models.BooleanField(default=False)
    # A digest of the token: enough to authenticate again on replay, useless to a thief.
    token_digest = models.CharField(max_length=64, default="")
    # The result of the signature check on receipt: only then the whole signed text was available.
    signature = models.CharField(max_length=5, default="", help_text=_("valid, bad or stale; empty: it had none."))
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, null=True, related_name="postbacks")
    # The event as it was read, a document with a version (`conversions.intake.parsed_event`); empty if the request was
    # refused before. Corrections and conflicts compare it, whatever the mapping says later.
    event = models.JSONField(default=dict, db_default={})
    # The decision in force; every decision is a Trace row.
    decided_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=13, choices=Outcome, default="")
    reason = models.CharField(max_length=40, choices=reason_choices, default="")
    click_id = models.UUIDField(null=True, db_index=True)
    transaction_id = models.CharField(max_length=100, default="", db_index=True)
    # A digest of the content: a request with the same content is a repeat, however late it arrives.
    fingerprint = models.CharField(max_length=64, default="")
    conversion = models.ForeignKey("Conversion", models.PROTECT, null=True, related_name="postbacks")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["received_at"], name="postback_undecided", condition=Q(decided_at=None)),
            # For counting the failures of an address within a minute.
            models.Index(
                fields=["ip", "received_at"], name="postback_unauthorized", condition=Q(outcome="unauthorized")
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class ParkedPostback(models.Model):
    """A parked postback: its customer, sale or link is not known yet. The row is deleted once it is decided."""

    class Waits(models.TextChoices):
        CUSTOMER = "customer", _("The customer's first event")
        SALE = "sale", _("The sale of that transaction")
        LINK = "link", _("The link of its click")

    postback = models.OneToOneField(Postback, models.PROTECT, primary_key=True, related_name="parked")
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="+")
    waits_for = models.CharField(max_length=8, choices=Waits)
    # What is missing, as one text: the customer's ID, goal and transaction, or the link's number.
    awaited = models.CharField(max_length=150)
    occurred_at = models.DateTimeField(help_text=_("Those that wait for the same are decided in this order."))
    parked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    is_repeat = models.BooleanField(default=False, help_text=_("Another that waits already says the same."))

    class Meta:
        ordering = ["occurred_at", "postback"]
        indexes = [
            models.Index(fields=["advertiser", "waits_for", "awaited"], name="parked_by_awaited"),
            models.Index(fields=["next_try_at"], name="parked_due"),
        ]

    def __str__(self) -> str:
        return f"{self.postback} waits for {self.get_waits_for_display().lower()}"
