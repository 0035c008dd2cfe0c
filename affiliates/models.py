"""People, affiliates, advertisers, offers, and affiliates' access to offers."""

from datetime import timedelta
from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from records import public_ids
from records.addresses import validate_destination, validate_host, validate_network
from records.advisory_locks import Lock
from records.append_only import append_only
from records.money import CurrencyField

country_code = RegexValidator(r"^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR.")


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address; there is no user name."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A person who signs in: an operator when `is_staff`, else a member of an affiliate."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(unique=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="Pages show times in this zone.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.email


# Parents are stored with the moment from which they apply; a circle, also one made by two changes at once, is refused.
_KEEP_PARENTS = f"""
IF NEW.parent_id IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock({Lock.PARENTS}, 0);
    IF EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT NEW.parent_id
            UNION SELECT row.parent_id FROM affiliates_affiliate row JOIN above ON row.id = above.id
            WHERE row.parent_id IS NOT NULL
        ) SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'affiliate_parents_in_a_circle: % stands above its own parent', NEW.name
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END IF;
IF TG_OP = 'UPDATE' THEN
    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, clock_timestamp());
ELSIF NEW.parent_id IS NOT NULL THEN
    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, NULL);
END IF;
RETURN NULL;
"""  # noqa: S608 - only the number of a lock is put in


class Affiliate(models.Model):
    """A company or person that sends visitors and earns commission."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for approval"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        CLOSED = "closed", "Closed"

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.affiliate_id, editable=False)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    status_note = models.CharField(max_length=250, blank=True, help_text="Why; the affiliate sees it.")
    country = models.CharField(max_length=2, validators=[country_code])
    currency = CurrencyField(default="EUR", help_text="The currency the affiliate is paid in.")
    website = models.URLField(blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="affiliate_joins_parent",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__parent__isnull=False),
                func=_KEEP_PARENTS,
            ),
            pgtrigger.Trigger(
                name="affiliate_changes_parent",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__parent__df=pgtrigger.F("new__parent")),
                func=_KEEP_PARENTS,
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("id")), name="affiliate_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above, seen = self.parent, set[int]()
        while above is not None and above.pk not in seen:
            if above.pk == self.pk:
                raise ValidationError({"parent": f"{self.parent} stands below {self}: parents cannot form a circle."})
            seen.add(above.pk)
            above = above.parent


class Parentage(models.Model):
    """The parent of an affiliate from a moment on; the database writes it. Events use the parent at their time."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="parentage")
    parent = models.ForeignKey(Affiliate, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(null=True, help_text="Empty: from the beginning.")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "parents over time"
        triggers: ClassVar = append_only("parentage_append_only")

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.parent or 'no parent'}"


class AffiliateMember(models.Model):
    """A user who may see and act for an affiliate."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MEMBER = "member", "Member"

    affiliate = models.ForeignKey(Affiliate, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["affiliate", "user"], name="member_once_per_affiliate")]

    def __str__(self) -> str:
        return f"{self.user} of {self.affiliate}"


class Advertiser(models.Model):
    """The brand or system whose backend sends postbacks."""

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.advertiser_id, editable=False)
    name = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=True, help_text="Postbacks of an inactive advertiser are refused.")
    currency = CurrencyField(default="EUR", help_text="Assumed, and said in the answer, when a postback names none.")
    default_goal = models.CharField(
        max_length=40,
        blank=True,
        help_text="The code of the goal that is meant where another platform's postback names no event.",
    )
    sender_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        default=list,
        blank=True,
        help_text="Addresses (CIDR) that postbacks may come from; empty allows any.",
    )
    requires_signature = models.BooleanField(
        default=False, help_text="Refuse postbacks with a token alone: each must be signed with an HMAC secret."
    )
    allows_pixel = models.BooleanField(
        default=False, help_text="Take events from a pixel on the advertiser's pages, which anybody could call."
    )
    trusts_pixel = models.BooleanField(
        default=False,
        help_text="Let the goal decide about its events at once; otherwise they wait for a postback or an operator.",
    )
    pixel_hosts = ArrayField(
        models.CharField(max_length=253, validators=[validate_host]),
        default=list,
        blank=True,
        help_text="Hosts of the pages that the pixel stands on; *.example.com allows every host below it; empty: any.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AdvertiserSecret(models.Model):
    """The proof that a postback comes from the advertiser; several may be active, for rotation."""

    class Kind(models.TextChoices):
        TOKEN = "token", "Token"
        HMAC = "hmac", "HMAC secret"

    advertiser = models.ForeignKey(Advertiser, models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.TOKEN)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    encrypted = models.TextField(editable=False)
    label = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["advertiser", "kind"], name="secret_by_advertiser")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.advertiser}"


class Offer(models.Model):
    """A product that affiliates promote: where visitors go, and the rules that apply to them."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ENDED = "ended", "Ended"

    class Vertical(models.TextChoices):
        IGAMING = "igaming", "iGaming"
        FOREX = "forex", "Forex"
        PROP = "prop", "Prop trading"
        SHOP = "shop", "Shop"
        LEADS = "leads", "Lead generation"

    class PassThrough(models.TextChoices):
        NONE = "none", "None"
        LISTED = "listed", "Only those listed"
        ALL = "all", "All"

    class CustomerLock(models.TextChoices):
        FIRST = "first", "First affiliate keeps the customer"
        LAST = "last", "Last click takes the customer over"
        NONE = "none", "No lock: every event needs its click"

    class AttributionModel(models.TextChoices):
        LAST_CLICK = "last_click", "Last click: the one that the event names"
        FIRST_CLICK = "first_click", "First click within the window"

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.offer_id, editable=False)
    advertiser = models.ForeignKey(Advertiser, models.PROTECT, related_name="offers")
    name = models.CharField(max_length=120)
    vertical = models.CharField(max_length=10, choices=Vertical)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    description = models.TextField(blank=True)
    terms = models.TextField(blank=True, help_text="What traffic is welcome and what is not; affiliates read it.")
    currency = CurrencyField(default="EUR")
    destination_url = models.CharField(
        max_length=2000,
        validators=[validate_destination],
        help_text="Where visitors go. Macros such as {click_id} and {sub1} are filled in; click_id is always added.",
    )
    fallback_url = models.CharField(
        max_length=2000,
        blank=True,
        validators=[validate_destination],
        help_text="Where visitors go while the offer is paused; empty answers 410 Gone.",
    )
    deep_link_hosts = ArrayField(
        models.CharField(max_length=253, validators=[validate_host]),
        default=list,
        blank=True,
        help_text="Hosts that an affiliate's url= may lead to; *.example.com allows every host below it.",
    )
    pass_through = models.CharField(
        max_length=6,
        choices=PassThrough,
        default=PassThrough.NONE,
        help_text="Whether other parameters of the link reach the destination.",
    )
    pass_through_names = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="The parameters that are passed through when only listed ones are, for example utm_source.",
    )
    countries = ArrayField(
        models.CharField(max_length=2, validators=[country_code]),
        default=list,
        blank=True,
        help_text="Visitors from elsewhere go to the fallback; empty allows all countries.",
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Links are closed before this moment.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Links are closed from this moment on.")
    daily_click_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text="Clicks a day (UTC); then links lead to the fallback until the next day."
    )
    daily_conversion_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text="Conversions a day (UTC) that are not rejected; then links are closed too."
    )
    capped_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Set when a cap is reached; the links open again by themselves.",
    )
    attribution_window = models.DurationField(
        default=timedelta(days=30), help_text="How long after the click an event still counts, for example 30 00:00:00."
    )
    attribution_window_minimum = models.DurationField(
        null=True,
        blank=True,
        help_text="An event sooner after the click is rejected, for example 00:00:02; empty: none is too soon.",
    )
    attribution_model = models.CharField(
        max_length=11,
        choices=AttributionModel,
        default=AttributionModel.LAST_CLICK,
        help_text="Which click is credited where several affiliates touched a customer and no lock decides.",
    )
    customer_lock = models.CharField(max_length=5, choices=CustomerLock, default=CustomerLock.FIRST)
    customer_lock_expires = models.DurationField(
        null=True,
        blank=True,
        help_text="After this long the customer's next click takes over; empty: the lock holds for good.",
    )
    requires_approval = models.BooleanField(default=True, help_text="Affiliates apply; an operator approves each.")
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
        DESKTOP = "desktop", "Desktop"
        PHONE = "phone", "Phone"
        TABLET = "tablet", "Tablet"

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="destinations")
    name = models.CharField(max_length=60)
    destination_url = models.CharField(max_length=2000, validators=[validate_destination])
    countries = ArrayField(
        models.CharField(max_length=2, validators=[country_code]), default=list, blank=True, help_text="Empty: all."
    )
    devices = ArrayField(
        models.CharField(max_length=7, choices=Device), default=list, blank=True, help_text="Empty: all."
    )
    systems = ArrayField(
        models.CharField(max_length=20),
        default=list,
        blank=True,
        help_text="Such as Android, iOS, Windows; empty: all.",
    )
    weight = models.PositiveSmallIntegerField(
        default=100, help_text="Share among the destinations that fit a visitor; 0 switches it off."
    )

    class Meta:
        ordering = ["offer", "id"]
        constraints = [models.UniqueConstraint(fields=["offer", "name"], name="destination_name_once_per_offer")]

    def __str__(self) -> str:
        return self.name


class TrackingDomain(models.Model):
    """A host of the operator's own that serves tracking links, postbacks and pixels, and nothing else."""

    host = models.CharField(max_length=253, unique=True, validators=[validate_host], help_text="go.example.com")
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text="Affiliates are shown their links on this host.")
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


class Enrollment(models.Model):
    """An affiliate's access to an offer."""

    class Status(models.TextChoices):
        PENDING = "pending", "Applied"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        BLOCKED = "blocked", "Blocked"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="enrollments")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="enrollments")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    note = models.CharField(max_length=250, blank=True, help_text="Why; the affiliate sees it.")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["affiliate", "offer"], name="enrollment_once")]

    def __str__(self) -> str:
        return f"{self.affiliate} on {self.offer}"


class CouponCode(models.Model):
    """A code that a customer types in; it identifies the affiliate without a click."""

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="coupon_codes")
    code = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("code"), name="coupon_code_once")]

    def __str__(self) -> str:
        return self.code


class ApiKey(models.Model):
    """A key for the REST API: an operator's sees all, an affiliate's sees its own."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    affiliate = models.ForeignKey(Affiliate, models.CASCADE, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text="The key's first characters.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"
