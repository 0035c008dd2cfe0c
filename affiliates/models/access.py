"""What an affiliate has been given: access to an offer, coupon codes, API keys."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from affiliates import events
from affiliates.models.offers import Offer
from affiliates.models.people import Affiliate, User
from affiliates.roles.scopes import SCOPES, all_scopes
from records.addresses import validate_network
from records.translation import gettext_lazy as _


class Enrollment(models.Model):
    """An affiliate's access to an offer."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Applied")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        BLOCKED = "blocked", _("Blocked")

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="enrollments")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="enrollments")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    note = models.CharField(max_length=250, blank=True, help_text=_("Why; the affiliate sees it."))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        triggers: ClassVar = [events.enrollment_created, events.enrollment_changed]
        constraints = [models.UniqueConstraint(fields=["affiliate", "offer"], name="enrollment_once")]

    def __str__(self) -> str:
        return f"{self.affiliate} on {self.offer}"


class CouponCode(models.Model):
    """A code that a customer types in; it identifies the affiliate without a click."""

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="coupon_codes")
    code = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("code"), name="coupon_code_once")]

    def __str__(self) -> str:
        return self.code


class ApiKey(models.Model):
    """A key for the REST API: an operator's sees all, an affiliate's sees its own."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    affiliate = models.ForeignKey(Affiliate, models.CASCADE, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text=_("The key's first characters."))
    scopes = ArrayField(
        models.CharField(max_length=12, choices=[(each.code, each.title) for each in SCOPES]),
        default=all_scopes,
        verbose_name=_("scopes"),
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: it does not expire."))
    addresses = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        default=list,
        blank=True,
        verbose_name=_("allowed addresses"),
        help_text=_("Addresses or networks (203.0.113.0/24) that may use the key. None listed: any."),
    )
    # The secret before the last rotation, valid until the time beside it.
    old_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001 - unique
    old_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.GenericIPAddressField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        permissions: ClassVar = [("view_others_apikey", "Can view the API keys of others")]
        constraints = [
            models.CheckConstraint(condition=models.Q(scopes__contained_by=all_scopes()), name="api_key_scopes_known"),
            models.CheckConstraint(
                condition=models.Q(old_digest__isnull=True, old_until__isnull=True)
                | models.Q(old_digest__isnull=False, old_until__isnull=False),
                name="api_key_old_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"
