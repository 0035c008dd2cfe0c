"""Offers, where they send visitors, and the domains of tracking links."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.destination_kinds import CHOICES, KINDS, WEB
from affiliates.models.advertisers import Advertiser
from records import public_ids
from records.addresses import validate_destination, validate_host
from records.countries import country_code
from records.money import CurrencyField
from records.translation import gettext_lazy as _


class Offer(models.Model):
    """A product that affiliates promote: where visitors go, and the rules that apply to them."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        ENDED = "ended", _("Ended")

    class Vertical(models.TextChoices):
        IGAMING = "igaming", _("iGaming")
        FOREX = "forex", _("Forex")
        PROP = "prop", _("Prop trading")
        SHOP = "shop", _("Shop")
        LEADS = "leads", _("Lead generation")

    class PassThrough(models.TextChoices):
        NONE = "none", _("None")
        LISTED = "listed", _("Only those listed")
        ALL = "all", _("All")

    class CustomerLock(models.TextChoices):
        FIRST = "first", _("First affiliate keeps the customer")
        LAST = "last", _("Last click takes the customer over")
        NONE = "none", _("No lock: every event needs its click")

    class AttributionModel(models.TextChoices):
        LAST_CLICK = "last_click", _("Last click: the one that the event names")
        FIRST_CLICK = "first_click", _("First click within the window")

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.offer_id, editable=False)
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="offers")
    name = models.CharField(max_length=120)
    vertical = models.CharField(max_length=10, choices=Vertical)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    description = models.TextField(blank=True)
    terms = models.TextField(blank=True, help_text=_("What traffic is welcome and what is not; affiliates read it."))
    currency = CurrencyField(default="EUR")
    destination_url = models.CharField(
        max_length=2000,
        validators=[validate_destination],
        help_text=_("Where visitors go. Macros such as {click_id} and {sub1} are filled in; click_id is always added."),
    )
    fallback_url = models.CharField(
        max_length=2000,
        blank=True,
        validators=[validate_destination],
        help_text=_("Where visitors go while the offer is paused; empty answers 410 Gone."),
    )
    deep_link_hosts = ArrayField(
        models.CharField(max_length=253, validators=[validate_host]),
        default=list,
        blank=True,
        help_text=_("Hosts that an affiliate's url= may lead to; *.example.com allows every host below it."),
    )
    pass_through = models.CharField(
        max_length=6,
        choices=PassThrough,
        default=PassThrough.NONE,
        help_text=_("Whether other parameters of the link reach the destination."),
    )
    pass_through_names = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text=_("The parameters that are passed through when only listed ones are, for example utm_source."),
    )
    countries = ArrayField(
        models.CharField(max_length=2, validators=[country_code]),
        default=list,
        blank=True,
        help_text=_("Visitors from elsewhere go to the fallback; empty allows all countries."),
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Links are closed before this moment."))
    ends_at = models.DateTimeField(null=True, blank=True, help_text=_("Links are closed from this moment on."))
    daily_click_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Clicks a day (UTC); then links lead to the fallback until the next day.")
    )
    daily_conversion_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Conversions a day (UTC) that are not rejected; then links are closed too.")
    )
    capped_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Set when a cap is reached; the links open again by themselves."),
    )
    attribution_window = models.DurationField(
        default=timedelta(days=30),
        help_text=_("How long after the click an event still counts, for example 30 00:00:00."),
    )
    attribution_window_minimum = models.DurationField(
        null=True,
        blank=True,
        help_text=_("An event sooner after the click is rejected, for example 00:00:02; empty: none is too soon."),
    )
    attribution_model = models.CharField(
        max_length=11,
        choices=AttributionModel,
        default=AttributionModel.LAST_CLICK,
        help_text=_("Which click is credited where several affiliates touched a customer and no lock decides."),
    )
    customer_lock = models.CharField(max_length=5, choices=CustomerLock, default=CustomerLock.FIRST)
    customer_lock_expires = models.DurationField(
        null=True,
        blank=True,
        help_text=_("After this long the customer's next click takes over; empty: the lock holds for good."),
    )
    requires_approval = models.BooleanField(default=True, help_text=_("Affiliates apply; an operator approves each."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "name"], name="offer_name_once_per_advertiser"),
            models.CheckConstraint(condition=Q(attribution_window__gt=timedelta(0)), name="offer_window_positive"),
            models.CheckConstraint(
                condition=Q(attribution_window_minimum=None)
                | Q(
                    attribution_window_minimum__gte=timedelta(0), attribution_window_minimum__lt=F("attribution_window")
                ),
                name="offer_window_minimum_below_window",
            ),
            models.CheckConstraint(
                condition=Q(customer_lock_expires=None) | Q(customer_lock_expires__gt=timedelta(0)),
                name="offer_lock_expiry_positive",
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="offer_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OfferDestination(models.Model):
    """Another destination for some of an offer's visitors: by country, device or system, chosen by weight."""

    class Device(models.TextChoices):
        DESKTOP = "desktop", _("Desktop")
        PHONE = "phone", _("Phone")
        TABLET = "tablet", _("Tablet")

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="destinations")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=CHOICES, default=WEB, db_default=WEB)
    destination_url = models.CharField(max_length=2000)
    countries = ArrayField(
        models.CharField(max_length=2, validators=[country_code]), default=list, blank=True, help_text=_("Empty: all.")
    )
    devices = ArrayField(
        models.CharField(max_length=7, choices=Device), default=list, blank=True, help_text=_("Empty: all.")
    )
    systems = ArrayField(
        models.CharField(max_length=20),
        default=list,
        blank=True,
        help_text=_("Such as Android, iOS, Windows; empty: all."),
    )
    weight = models.PositiveSmallIntegerField(
        default=100, help_text=_("Share among the destinations that fit a visitor; 0 switches it off.")
    )

    class Meta:
        ordering = ["offer", "id"]
        constraints = [
            models.UniqueConstraint(fields=["offer", "name"], name="destination_name_once_per_offer"),
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="destination_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Read the address as its kind says: an ID becomes the address of the store. Raise `ValidationError`."""
        if self.kind not in KINDS or not self.destination_url:
            return  # Reported by the field itself.
        kind = KINDS[self.kind]
        try:
            self.destination_url = kind.read(self.destination_url.strip())
        except ValidationError as error:
            raise ValidationError({"destination_url": error.messages}) from error
        others = [system for system in self.systems if system.lower() != kind.system.lower()]
        if kind.system and others:
            message = gettext("{kind} is for {system} alone: leave the systems empty.")
            raise ValidationError({"systems": message.format(kind=kind.label, system=kind.system)})


class TrackingDomain(models.Model):
    """A host of the operator's own that serves tracking links, postbacks and pixels, and nothing else."""

    host = models.CharField(max_length=253, unique=True, validators=[validate_host], help_text=_("go.example.com"))
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text=_("Affiliates are shown their links on this host."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["host"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_tracking_domain"
            ),
            models.CheckConstraint(condition=Q(is_active=True) | Q(is_default=False), name="default_domain_is_active"),
        ]

    def __str__(self) -> str:
        return self.host
