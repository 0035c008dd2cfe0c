"""Advertisers and the secrets that their servers send with postbacks."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from records import public_ids
from records.addresses import validate_host, validate_network
from records.money import CurrencyField
from records.translation import gettext_lazy as _


class Advertiser(models.Model):
    """The brand or system whose backend sends postbacks."""

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.advertiser_id, editable=False)
    name = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=True, help_text=_("Postbacks of an inactive advertiser are refused."))
    currency = CurrencyField(default="EUR", help_text=_("Assumed, and said in the answer, when a postback names none."))
    default_goal = models.CharField(
        max_length=40,
        blank=True,
        help_text=_("The code of the goal that is meant where another platform's postback names no event."),
    )
    sender_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        default=list,
        blank=True,
        help_text=_("Addresses (CIDR) that postbacks may come from; empty allows any."),
    )
    requires_signature = models.BooleanField(
        default=False, help_text=_("Refuse postbacks with a token alone: each must be signed with an HMAC secret.")
    )
    allows_pixel = models.BooleanField(
        default=False, help_text=_("Take events from a pixel on the advertiser's pages, which anyone could call.")
    )
    trusts_pixel = models.BooleanField(
        default=False,
        help_text=_("Let the goal decide about its events at once; otherwise they wait for a postback or an operator."),
    )
    pixel_hosts = ArrayField(
        models.CharField(max_length=253, validators=[validate_host]),
        default=list,
        blank=True,
        help_text=_(
            "Hosts of the pages that the pixel stands on; *.example.com allows every host below it; empty: any."
        ),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AdvertiserSecret(models.Model):
    """The proof that a postback comes from the advertiser; several may be active, for rotation."""

    class Kind(models.TextChoices):
        TOKEN = "token", _("Token")
        HMAC = "hmac", _("HMAC secret")

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
