"""Appeals: an affiliate's statement against a rejection, and the operator's answer."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from affiliates.models import User
from conversions import events
from conversions.models.conversions import Conversion
from records.translation import gettext_lazy as _


class Appeal(models.Model):
    """An appeal against a rejected conversion; each conversion has at most one. Open until `resolved_at` is set."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        UPHELD = "upheld", _("Upheld")
        DISMISSED = "dismissed", _("Dismissed")

    conversion = models.OneToOneField(Conversion, models.PROTECT, primary_key=True, related_name="appeal")
    words = models.CharField(max_length=1000)
    evidence_url = models.URLField(_("evidence"), max_length=500, blank=True)
    appealed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", help_text=_("Who answers."))
    due_at = models.DateTimeField(help_text=_("Until when the affiliate was promised an answer."))
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    note = models.CharField(max_length=250, default="", blank=True, help_text=_("The affiliate reads it."))
    resolved_at = models.DateTimeField(null=True)
    # Empty if the conversion was decided otherwise meanwhile.
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["opened_at"]
        triggers: ClassVar = [events.appeal_opened, events.appeal_resolved]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="appeal_decided_whole",
                condition=Q(state="open", resolved_at=None, resolved_by=None, note="")
                | (Q(state__in=["upheld", "dismissed"], resolved_at__isnull=False) & ~Q(note="")),
            ),
            models.CheckConstraint(condition=~Q(words=""), name="appeal_says_why"),
        ]
        indexes = [models.Index(fields=["due_at"], name="appeal_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"Appeal against {self.conversion}"
