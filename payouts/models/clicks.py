"""Clicks that are paid for: the valid ones of each link and day."""

from django.db import models
from django.db.models import Q

from affiliates.models import Affiliate, Offer
from records import public_ids
from records.translation import gettext_lazy as _
from tracking.models import TrackingLink


class BilledClicks(models.Model):
    """The valid clicks of one link and day (UTC), as they were counted for a price per click (CPC).

    A click is valid if it is neither a bot's nor a duplicate of the same visitor. Like a conversion, the row is its own
    outbox: a recount or a new version of the plan clears `booked_at`, and booking appends the amount owed minus the
    amount booked. `parts` splits the clicks as far as rules do: `[{"clicks": 120, "country": "DE"}]`.
    """

    public_id = models.CharField(max_length=24, unique=True, default=public_ids.billed_clicks_id, editable=False)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    link = models.ForeignKey(TrackingLink, models.PROTECT, related_name="billed_clicks")
    day = models.DateField()
    clicks = models.PositiveIntegerField()
    parts = models.JSONField()
    seen = models.IntegerField(
        null=True, help_text=_("What the day's sum was when they were counted; none: count again.")
    )
    counted_at = models.DateTimeField()
    booked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("billed clicks")
        ordering = ["-day", "link"]
        constraints = [models.UniqueConstraint(fields=["link", "day"], name="billed_clicks_once_per_link_and_day")]
        indexes = [
            models.Index(fields=["id"], name="billed_clicks_due", condition=Q(booked_at=None)),
            models.Index(fields=["offer", "affiliate", "day"], name="billed_clicks_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.clicks} clicks of {self.link} on {self.day}"
