"""Mappings that operators define for senders that no preset fits: parameters and answers."""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Advertiser
from records.translation import gettext_lazy as _

# Content types that no browser runs: an answer may repeat what was sent.
CONTENT_TYPES = ("text/plain", "application/json", "text/xml", "application/xml")
NATIVE, OWN = "native", "own"


class SenderMapping(models.Model):
    """A row of the table of dialects stored in the database; `conversions/dialects/own.py` reads it as one."""

    class RefusedStatus(models.IntegerChoices):
        BY_REASON = 0, _("The status that says what was wrong: 401, 403, 404, 409, 422 …")
        BAD_REQUEST = 400, _("400 for every refusal")
        OK = 200, _("200: the body alone says that it was refused")

    slug = models.CharField(
        _("name in the address"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", _("Lower-case letters, digits and -, a letter or digit first."))
        ],
        help_text=_("Postbacks go to /d/NAME/postback. It cannot be changed later: stored requests name it."),
    )
    name = models.CharField(max_length=80, help_text=_("What operators call the sender."))
    advertiser = models.ForeignKey(
        Advertiser,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="mappings",
        help_text=_("Only this advertiser's postbacks are taken at the address; empty: every advertiser's."),
    )
    is_active = models.BooleanField(
        default=True,
        help_text=_("Switched off, the address answers 410; stored requests are still read by the mapping."),
    )
    names = models.JSONField(
        default=dict, help_text=_("By our field, the sender's names for it in the order of trying.")
    )
    defaults = models.JSONField(default=dict, blank=True, help_text=_("By our field, what counts where none was sent."))
    goals = models.JSONField(default=dict, blank=True, help_text=_("The sender's words for goals, with ours."))
    statuses = models.JSONField(default=dict, blank=True, help_text=_("The sender's words for the status, with ours."))
    tokens = models.JSONField(default=list, blank=True, help_text=_("Names of the token beside `token`."))
    minor_units = models.BooleanField(
        _("smallest unit"), default=False, help_text=_("Amounts come in the currency's smallest unit: 1250 is 12.50.")
    )
    adds_lists = models.BooleanField(
        _("lists of amounts"), default=False, help_text=_("Amounts may come as a list parted by |, which is added up.")
    )
    time_format = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=40, default="UTC")
    answers_as = models.CharField(max_length=40, default=NATIVE)
    content_type = models.CharField(
        max_length=40, default=CONTENT_TYPES[0], choices=[(kind, kind) for kind in CONTENT_TYPES]
    )
    taken_body = models.TextField(_("answer to what was taken"), blank=True, default="OK")
    duplicate_body = models.TextField(_("answer to a duplicate"), blank=True, default="OK")
    refused_body = models.TextField(_("answer to a refusal"), blank=True, default="ERROR {message}")
    refused_status = models.PositiveSmallIntegerField(
        _("HTTP status of a refusal"), choices=RefusedStatus, default=RefusedStatus.BY_REASON
    )
    version = models.PositiveIntegerField(default=1, editable=False, help_text=_("Counts the changes; traces name it."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("mapping")
        constraints = [
            models.CheckConstraint(
                condition=Q(content_type__in=CONTENT_TYPES), name="mapping_content_type_runs_nowhere"
            ),
            models.CheckConstraint(condition=Q(slug__regex=r"^[a-z0-9][a-z0-9-]*$"), name="mapping_slug_in_address"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a new version on each change, also when two are made at once."""
        is_change = not self._state.adding
        if is_change:
            self.version = F("version") + 1
            if (fields := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*fields, "version", "changed_at"}
        super().save(*args, **kwargs)
        if is_change:
            self.refresh_from_db(fields=["version"])
