"""The advertiser's customers, and the affiliates that brought or touched them."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from affiliates.models import Advertiser, Enrollment, Offer
from records.append_only import append_only
from records.translation import gettext_lazy as _
from tracking.models import TrackingLink


class Customer(models.Model):
    """A player, trader or buyer, known by the advertiser's own ID for them."""

    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="customers", db_index=False)
    customer_id = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "customer_id"], name="customer_once_per_advertiser")
        ]

    def __str__(self) -> str:
        return self.customer_id


class CustomerLock(models.Model):
    """The affiliate that brought a customer to an offer: later events follow this, not a new click."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="locks", db_index=False)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="+")
    link = models.ForeignKey(TrackingLink, models.PROTECT, null=True, related_name="+")
    click_id = models.UUIDField(null=True)
    locked_at = models.DateTimeField(help_text=_("When the customer's first event happened."))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "offer"], name="lock_once_per_customer_and_offer")]

    def __str__(self) -> str:
        return f"{self.customer} of {self.enrollment}"


class Touch(models.Model):
    """A touch: a click that an event of the customer named, whichever click is credited."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="touches", db_index=False)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="+")
    link = models.ForeignKey(TrackingLink, models.PROTECT, related_name="+")
    click_id = models.UUIDField()
    at = models.DateTimeField(help_text=_("When the click was made."))

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = _("touches")
        triggers: ClassVar = append_only("touch_append_only")
        constraints = [models.UniqueConstraint(fields=["customer", "click_id"], name="touch_once_per_click")]

    def __str__(self) -> str:
        return f"{self.customer} by {self.enrollment}"
