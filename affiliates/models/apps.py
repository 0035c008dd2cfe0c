"""Apps of advertisers, which systems open for addresses of our tracking domains."""

import re

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.destination_kinds import PACKAGE
from affiliates.models.advertisers import Advertiser
from records.addresses import validate_host
from records.translation import gettext_lazy as _

_TEAM = re.compile(r"[A-Z0-9]{10}")
_BUNDLE = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")
_PATH = re.compile(r"/[A-Za-z0-9/_.*?~%-]{0,200}")


def _validate(pattern: re.Pattern[str], text: str, message: str) -> None:
    if not pattern.fullmatch(text):
        raise ValidationError(message)


def validate_team(text: str) -> None:
    _validate(_TEAM, text, gettext("A team ID has ten capitals and digits, for example 9JA89QQLNQ."))


def validate_bundle(text: str) -> None:
    _validate(_BUNDLE, text, gettext("A bundle ID looks like com.example.shop."))


def validate_package(text: str) -> None:
    _validate(PACKAGE, text, gettext("A package looks like com.example.shop."))


def validate_fingerprint(text: str) -> None:
    message = gettext("A SHA-256 fingerprint has 32 pairs of capitals and digits with colons between: 14:6D:E9:…")
    _validate(_FINGERPRINT, text, message)


def validate_path(text: str) -> None:
    _validate(_PATH, text, gettext("Give a path that begins with a slash, for example /c/*."))


def usual_paths() -> list[str]:
    return ["/c/*"]


class MobileApp(models.Model):
    """An advertiser's app. The association files of our domains name it, so tracking links may open it directly."""

    advertiser = models.ForeignKey(Advertiser, models.CASCADE, related_name="apps")
    name = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    team_id = models.CharField(
        max_length=10, blank=True, validators=[validate_team], help_text=_("Of the Apple developer account.")
    )
    bundle_id = models.CharField(max_length=155, blank=True, validators=[validate_bundle])
    package_name = models.CharField(max_length=150, blank=True, validators=[validate_package])
    fingerprints = ArrayField(
        models.CharField(max_length=95, validators=[validate_fingerprint]),
        default=list,
        blank=True,
        help_text=_("SHA-256, of the certificates that sign the Android app."),
    )
    hosts = ArrayField(
        models.CharField(max_length=253, validators=[validate_host]),
        default=list,
        blank=True,
        help_text=_("The tracking domains that open the app; empty: all of them."),
    )
    link_paths = ArrayField(
        models.CharField(max_length=201, validators=[validate_path]),
        default=usual_paths,
        help_text=_("The paths that open the app on iOS, for example /c/*."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("app")
        constraints = [
            models.UniqueConstraint(fields=["advertiser", "name"], name="app_name_once_per_advertiser"),
            models.CheckConstraint(
                condition=Q(team_id="", bundle_id="") | (~Q(team_id="") & ~Q(bundle_id="")), name="app_of_ios_is_whole"
            ),
            models.CheckConstraint(
                condition=Q(package_name="", fingerprints=[]) | (~Q(package_name="") & ~Q(fingerprints=[])),
                name="app_of_android_is_whole",
            ),
            models.CheckConstraint(condition=~Q(team_id="", package_name=""), name="app_is_of_a_system"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Name the half that is missing; the constraints only say that something is."""
        if bool(self.team_id) != bool(self.bundle_id):
            missing = "bundle_id" if self.team_id else "team_id"
            raise ValidationError({missing: gettext("iOS needs the team ID and the bundle ID.")})
        if bool(self.package_name) != bool(self.fingerprints):
            missing = "fingerprints" if self.package_name else "package_name"
            raise ValidationError({missing: gettext("Android needs the package and at least one fingerprint.")})
        if not self.team_id and not self.package_name:
            raise ValidationError(gettext("Give the app's IDs for iOS, for Android, or for both."))
