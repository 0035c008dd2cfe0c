"""Sources that advertisers connected: shops, billing systems and files, each with its proof and its goals."""

from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.models import Advertiser
from records import public_ids
from records.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(gettext("{name} is no time zone such as Europe/Berlin or UTC.").format(name=name[:40]))


class SourceConnection(models.Model):
    """An advertiser's shop, billing system or file of a kind that `conversions/sources/` declares."""

    # Stored requests name the mapping by it.
    public_id = models.CharField(max_length=20, unique=True, default=public_ids.source_id, editable=False)
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="sources")
    source = models.CharField(max_length=40, help_text=_("The kind of source."))
    # The token in the address identifies the advertiser; without a valid signature nothing is counted.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    encrypted_token = models.TextField(editable=False)
    # Signing secrets, one a line, encrypted: several while the platform changes from one to the next.
    encrypted_secrets = models.TextField(blank=True, editable=False)
    goals = models.JSONField(default=dict, blank=True, help_text=_("The source's words for events, with our goals."))
    time_zone = models.CharField(
        max_length=40,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("Of times without an offset, as in files: UTC, Europe/Athens …"),
    )
    is_active = models.BooleanField(default=True, help_text=_("Switched off, the address answers 410."))
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["advertiser", "source", "id"]
        verbose_name = _("source")

    def __str__(self) -> str:
        return f"{self.source} of {self.advertiser}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Count the change: traces name the version."""
        is_change = not self._state.adding
        if is_change:
            self.version = F("version") + 1
        super().save(*args, **kwargs)
        if is_change:
            self.refresh_from_db(fields=["version"])


class SourceReference(models.Model):
    """Another name of a sale: Stripe's refund names a payment, but the sale is known by its invoice."""

    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    transaction_id = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["advertiser", "name"], name="source_reference_once")]

    def __str__(self) -> str:
        return f"{self.name} is {self.transaction_id}"
