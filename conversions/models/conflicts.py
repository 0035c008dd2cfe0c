"""Conflicts: postbacks that contradict a counted conversion, for an operator to accept or dismiss."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from affiliates.models import User
from conversions.models.conversions import Conversion
from conversions.models.postbacks import Postback
from records.translation import gettext_lazy as _


class ConflictReview(models.Model):
    """A conflict that was answered 409, once however often it is sent; `resolved_at` is set when it is decided."""

    class Resolution(models.TextChoices):
        ACCEPTED = "accepted", _("New amount accepted")
        DISMISSED = "dismissed", _("Dismissed")

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="conflicts")
    # The first postback with this content; repeats have the same fingerprint.
    postback = models.OneToOneField(Postback, models.PROTECT, related_name="conflict")
    fingerprint = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=9, choices=Resolution, default="")
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=250, default="")

    class Meta:
        ordering = ["id"]
        verbose_name = _("conflict")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversion", "fingerprint"], name="conflict_once"),
            models.CheckConstraint(
                name="conflict_decided_whole",
                condition=Q(resolved_at=None, resolution="", resolved_by=None)
                | (Q(resolved_at__gte=F("opened_at"), resolved_by__isnull=False) & ~Q(resolution="") & ~Q(note="")),
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], name="conflict_open", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.postback} against {self.conversion}"
