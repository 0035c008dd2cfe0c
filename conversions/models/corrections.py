"""Corrections of a conversion: the facts before and after, with who, when and why."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from affiliates.models import User
from conversions import events
from conversions.models.conversions import Conversion
from conversions.models.postbacks import Postback
from conversions.values import fact_in_words
from records.append_only import append_only
from records.translation import gettext_lazy as _


class Correction(models.Model):
    """The facts of a postback that replaced a conversion's: amounts, currency, time, country, customer or click.

    `before` and `after` hold all facts that were sent, by name, as text; facts that were never sent are left out.
    """

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="corrections")
    # A postback corrects once; it and the one before stay as received.
    postback = models.OneToOneField(Postback, models.PROTECT, related_name="correction")
    before = models.JSONField()
    after = models.JSONField()
    # Set if a person accepted the postback's amounts; empty if the rules decided.
    note = models.CharField(max_length=250, default="")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now, help_text=_("Our clock."))

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [*append_only("correction_append_only"), events.conversion_updated]

    def __str__(self) -> str:
        return f"{self.conversion}: {self.words}"

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """The changes: the name of the fact, its old and its new value; empty for a fact that was not sent."""
        names = [name for name in {**self.before, **self.after} if self.before.get(name) != self.after.get(name)]
        return [(name, self.before.get(name, ""), self.after.get(name, "")) for name in names]

    @property
    def words(self) -> str:
        """`revenue 5.00 → 50.00; currency USD → EUR`"""
        was, now = self.before.get("currency", ""), self.after.get("currency", "")
        return "; ".join(
            f"{name} {fact_in_words(name, old, was)} → {fact_in_words(name, new, now)}"
            for name, old, new in self.changes
        )
