"""What a conversion was corrected from and to: the facts before and after, with who, when and why."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from affiliates.models import User
from conversions.models.conversions import Conversion
from conversions.models.postbacks import Postback
from records.append_only import append_only


class Correction(models.Model):
    """A postback's facts that took the place of a conversion's: amounts, currency, time, country, customer or click.

    `before` and `after` hold all facts that were told, by name, as text; what was never told is left out.
    """

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="corrections")
    # A postback corrects once; both it and the one before stay as they came.
    postback = models.OneToOneField(Postback, models.PROTECT, related_name="correction")
    before = models.JSONField()
    after = models.JSONField()
    # Where a person accepted the postback's amounts; empty where the rules decided.
    note = models.CharField(max_length=250, default="")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now, help_text="Our clock.")

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("correction_append_only")

    def __str__(self) -> str:
        return f"{self.conversion}: {self.words}"

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What changed: the name of the fact, what it was, what it is; empty for what was not told."""
        names = [name for name in {**self.before, **self.after} if self.before.get(name) != self.after.get(name)]
        return [(name, self.before.get(name, ""), self.after.get(name, "")) for name in names]

    @property
    def words(self) -> str:
        """`revenue 5 → 50; currency USD → EUR`"""
        return "; ".join(f"{name} {old or 'not given'} → {new or 'not given'}" for name, old, new in self.changes)
