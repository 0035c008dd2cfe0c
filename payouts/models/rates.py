"""Exchange rates by day."""

from decimal import Decimal
from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from affiliates.models import User
from records.append_only import append_only
from records.money import CurrencyField
from records.translation import gettext_lazy as _


class ExchangeRate(models.Model):
    """Units of a currency for one euro on a day. Append-only: a correction is a newer row of the same day."""

    class Source(models.TextChoices):
        ECB = "ecb", _("European Central Bank")
        MANUAL = "manual", _("By hand")
        FILE = "file", _("Imported")

    currency = CurrencyField()
    day = models.DateField()
    per_euro = models.DecimalField(
        _("Units for one euro"), max_digits=24, decimal_places=12, validators=[MinValueValidator(Decimal("1e-12"))]
    )
    source = models.CharField(max_length=6, choices=Source)
    note = models.CharField(max_length=250, blank=True, help_text=_("Where it is from, or why it was corrected."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-day", "currency", "-id"]
        triggers: ClassVar = append_only("exchange_rate_append_only")
        constraints = [
            models.CheckConstraint(condition=models.Q(per_euro__gt=0), name="exchange_rate_positive"),
            models.CheckConstraint(condition=~models.Q(currency="EUR"), name="exchange_rate_not_of_the_euro"),
        ]
        indexes = [models.Index(fields=["currency", "-day", "-id"], name="exchange_rate_of_day")]

    def __str__(self) -> str:
        return f"1 EUR = {self.per_euro.normalize():f} {self.currency} on {self.day}"
