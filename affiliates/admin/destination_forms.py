"""Forms of the operator panel for where visitors go: an offer's destinations, apps, tracking domains."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from affiliates.admin.forms import items_of
from affiliates.destination_kinds import KINDS
from affiliates.models import MobileApp, OfferDestination, TrackingDomain
from affiliates.models.apps import usual_paths
from records.translation import gettext_lazy as _
from web.panel import ListField


def _kinds_explained() -> str:
    """What each kind takes, with an example, to be unfolded."""
    kinds = format_html_join(
        "",
        "<dt><b>{}</b></dt><dd>{} <code>{}</code></dd>",
        ((kind.label, kind.hint, kind.example) for kind in KINDS.values()),
    )
    return format_html("<details><summary>{}</summary><dl>{}</dl></details>", gettext("What each kind takes"), kinds)


class OfferDestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    countries = ListField(
        base_field=items_of(OfferDestination, "countries"),
        label=_("Countries"),
        help_text=_("Two capitals each: DE, BR. None listed: all."),
        capitals=True,
    )
    devices = forms.MultipleChoiceField(
        required=False,
        choices=OfferDestination.Device.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None chosen: all."),
        label=_("Devices"),
    )
    systems = ListField(
        base_field=items_of(OfferDestination, "systems"),
        label=_("Systems"),
        help_text=_("Such as Android, iOS, Windows. None listed: all, or the one that the kind is for."),
    )

    class Meta:
        model = OfferDestination
        fields = ("offer", "name", "kind", "destination_url", "countries", "devices", "systems", "weight")
        help_texts: ClassVar[dict[str, Any]] = {
            "kind": lazy(_kinds_explained, str)(),
            "destination_url": _("As its kind takes it. Macros such as {sub1} are filled in; the click ID is added."),
        }


class MobileAppForm(forms.ModelForm):  # type: ignore[type-arg]
    fingerprints = ListField(
        base_field=items_of(MobileApp, "fingerprints"),
        label=_("Certificate fingerprints"),
        help_text=_(
            "SHA-256, of each certificate that signs the app: 14:6D:E9:83:… In the Play Console it is under "
            "Test and release, App integrity."
        ),
        capitals=True,
    )
    hosts = ListField(
        base_field=items_of(MobileApp, "hosts"),
        label=_("Hosts"),
        help_text=_("The tracking domains that open the app, for example go.shop.example. None listed: all of them."),
    )
    link_paths = ListField(
        base_field=items_of(MobileApp, "link_paths"),
        label=_("Paths"),
        help_text=_(
            "On iOS, the paths that open the app; /c/* is every tracking link. On Android the app's own manifest "
            "says so."
        ),
    )

    class Meta:
        model = MobileApp
        fields = (
            *("advertiser", "name", "is_active", "team_id", "bundle_id", "package_name", "fingerprints"),
            *("hosts", "link_paths"),
        )
        help_texts: ClassVar[dict[str, Any]] = {
            "team_id": _("Ten capitals and digits, from Membership in the Apple developer account: 9JA89QQLNQ."),
            "bundle_id": _("As in Xcode, for example com.example.shop."),
            "package_name": _("As in the Play Store's address, for example com.example.shop."),
        }

    def clean_link_paths(self) -> list[str]:
        return self.cleaned_data["link_paths"] or usual_paths()


class TrackingDomainForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TrackingDomain
        fields = ("host", "is_active", "is_default")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("is_default"):
            other = TrackingDomain.objects.filter(is_default=True).exclude(pk=self.instance.pk).first()
            if other:
                self.add_error(
                    "is_default", gettext("{other} is the default: change that there first.").format(other=other)
                )
            if not given.get("is_active"):
                self.add_error("is_active", gettext("The default domain must be active."))
        return given
