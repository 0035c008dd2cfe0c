"""Requests to close a period, and their progress."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from affiliates.models import Affiliate, User
from records.translation import gettext_lazy as _


class PeriodClose(models.Model):
    """A request to close a period. The statements are the result; this row shows the progress."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    ends_at = models.DateTimeField(help_text=_("Half-open: the first moment that is no longer in the period."))
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now)
    # Null: a command.
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0, help_text=_("Affiliates that are closed."))
    failed = models.PositiveIntegerField(default=0, help_text=_("Affiliates that could not be closed."))
    total = models.PositiveIntegerField(default=0, help_text=_("Affiliates that have something to close."))
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ends_at"], condition=Q(state__in=["waiting", "running"]), name="one_open_close_of_a_period"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed"], finished_at__isnull=False),
                name="period_close_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Close of the period before {self.ends_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be worked on."""
        return self.state in (self.State.WAITING, self.State.RUNNING)


class CloseFailure(models.Model):
    """An affiliate whose account a close could not close; the others were."""

    close = models.ForeignKey(PeriodClose, models.CASCADE, related_name="failures")
    affiliate = models.ForeignKey(Affiliate, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    why = models.CharField(max_length=500)
    remedy = models.CharField(_("What to do"), max_length=500)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["close", "affiliate"], name="close_failure_once")]

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.why}"
