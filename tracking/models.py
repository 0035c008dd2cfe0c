"""Tracking links and the clicks on them."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Enrollment
from records import public_ids
from records.addresses import validate_destination
from records.translation import gettext_lazy as _

SUB_IDS = tuple(f"sub{n}" for n in range(1, 11))


class TrackingLink(models.Model):
    """An affiliate's link to an offer: `/c/<code>`. Its number goes into every click ID."""

    # A click ID has 32 bits for it.
    id = models.BigAutoField(primary_key=True)
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="links")
    code = models.CharField(
        max_length=40,
        unique=True,
        default=public_ids.link_code,
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9_-]{2,39}$", _("Three to 40 lower-case letters, digits, - or _."))
        ],
    )
    name = models.CharField(max_length=80, blank=True, help_text=_("The affiliate's own name for the link."))
    destination_url = models.CharField(
        max_length=2000,
        blank=True,
        validators=[validate_destination],
        help_text=_("In place of the offer's destination; its host must be one that the offer allows."),
    )
    is_active = models.BooleanField(default=True)
    is_test = models.BooleanField(
        default=False, help_text=_("What comes of its clicks is judged and shown, but never counted nor paid.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(id__gt=0, id__lt=2**32), name="link_number_fits_click_id"),
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Click(models.Model):
    """One visit through a link. Partitioned by range on the time-ordered ID (see `retention/partitions.py`).

    Higher apps refer to a click by its ID without a constraint: rows expire, but the facts derived from them do not.
    `id` is the click ID's 16 bytes; the signed text is made by `click_id/`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    link = models.ForeignKey(
        TrackingLink, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="clicks"
    )
    clicked_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=500, default="")
    referrer = models.CharField(max_length=500, default="")
    visitor = models.UUIDField(null=True, help_text=_("The visitor cookie on the tracking host."))
    aff_click_id = models.CharField(max_length=512, default="")
    source = models.CharField(max_length=255, default="")
    sub1 = models.CharField(max_length=255, default="")
    sub2 = models.CharField(max_length=255, default="")
    sub3 = models.CharField(max_length=255, default="")
    sub4 = models.CharField(max_length=255, default="")
    sub5 = models.CharField(max_length=255, default="")
    sub6 = models.CharField(max_length=255, default="")
    sub7 = models.CharField(max_length=255, default="")
    sub8 = models.CharField(max_length=255, default="")
    sub9 = models.CharField(max_length=255, default="")
    sub10 = models.CharField(max_length=255, default="")
    # Marks, set off the hot path; null means "not marked yet".
    marked_at = models.DateTimeField(null=True)
    country = models.CharField(max_length=2, default="")
    device = models.CharField(max_length=10, default="")
    is_bot = models.BooleanField(default=False)
    is_duplicate = models.BooleanField(default=False)
    os = models.CharField(_("operating system"), max_length=40, default="")
    browser = models.CharField(max_length=40, default="")
    asn = models.BigIntegerField(_("autonomous system"), null=True, help_text=_("The network of the address."))
    is_data_centre = models.BooleanField(default=False, help_text=_("The address is a hosting company's."))
    # The database's defaults are for rows of a process or a spool from before these columns.
    consent = models.CharField(
        max_length=12, default="", db_default="", help_text=_("What the visitor agreed to; empty: nothing was said.")
    )
    consent_basis = models.CharField(
        max_length=255, default="", db_default="", help_text=_("The signals that the consent was read from.")
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["link", "id"], name="click_by_link"),
            models.Index(fields=["id"], name="click_unmarked", condition=Q(marked_at=None)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class LegacyClickID(models.Model):
    """A legacy click ID: of the platform used before; postbacks may name it as if it were one of ours.

    `click_id` is the key that the click has here: made from link and time, it replaces the foreign ID wherever a click
    is referred to. There is no `Click` row behind it.
    """

    source = models.CharField(max_length=60, help_text=_("The platform or advertiser that the IDs come from."))
    foreign_id = models.CharField(max_length=255, help_text=_("The click ID as that platform wrote it."))
    link = models.ForeignKey(TrackingLink, models.PROTECT, related_name="legacy_clicks")
    clicked_at = models.DateTimeField()
    click_id = models.UUIDField(unique=True, editable=False)
    aff_click_id = models.CharField(max_length=512, default="", blank=True)
    sub_ids = models.JSONField(default=dict, blank=True, help_text=_("The affiliate's labels: sub1 to sub10."))
    imported_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("legacy click ID")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["foreign_id", "source"], name="legacy_click_id_once_per_source"),
            models.CheckConstraint(condition=~Q(foreign_id=""), name="legacy_click_id_given"),
        ]

    def __str__(self) -> str:
        return f"{self.foreign_id} ({self.source})"


# In a rollup, the row of all links together.
ALL_LINKS = 0


class ClickSum(models.Model):
    """Marked clicks added up. A bot's repeats are bots, so clicks that are neither bots nor duplicates are the rest.

    `marks.py` writes rows as clicks get their marks; `counts/rollups.py` rebuilds them from the clicks.
    """

    link_number = models.BigIntegerField(help_text=_("The tracking link; 0 stands for all links together."))
    clicks = models.IntegerField()
    bots = models.IntegerField()
    duplicates = models.IntegerField()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(bots__gte=0, duplicates__gte=0, clicks__gte=F("bots") + F("duplicates")),
                name="%(class)s_adds_up",
            )
        ]


class ClickHour(ClickSum):
    """Clicks of one hour (UTC): for days in any time zone."""

    pk = models.CompositePrimaryKey("link_number", "hour")
    hour = models.DateTimeField(help_text=_("When the hour begins."))

    class Meta(ClickSum.Meta):
        indexes = [models.Index(fields=["hour"], name="click_hour")]

    def __str__(self) -> str:
        return f"{self.link_number} {self.hour}: {self.clicks}"


class ClickDay(ClickSum):
    """Clicks of one day (UTC): for sums over long periods."""

    pk = models.CompositePrimaryKey("link_number", "day")
    day = models.DateField()

    class Meta(ClickSum.Meta):
        indexes = [models.Index(fields=["day"], name="click_day")]

    def __str__(self) -> str:
        return f"{self.link_number} {self.day}: {self.clicks}"


class ClickAudience(ClickSum):
    """Clicks of one day (UTC) by country and class of device."""

    pk = models.CompositePrimaryKey("link_number", "day", "country", "device")
    day = models.DateField()
    country = models.CharField(max_length=2)
    device = models.CharField(max_length=10)

    class Meta(ClickSum.Meta):
        indexes = [models.Index(fields=["day"], name="click_audience_day")]

    def __str__(self) -> str:
        return f"{self.link_number} {self.day} {self.country} {self.device}: {self.clicks}"
