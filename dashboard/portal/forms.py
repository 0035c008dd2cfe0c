"""Forms of the portal: a link, the address builder, the person's own settings, an API key."""

from typing import Any, cast
from urllib.parse import quote, urlencode
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from affiliates.models import Enrollment, User
from records.public_ids import link_code
from records.translation import gettext_lazy as _
from tracking.capture.landing_page import check_landing_page
from tracking.models import SUB_IDS, TrackingLink

# An affiliate's own tracker fills its macros in before the visitor comes: their brackets stay as they are.
MACRO_BRACKETS = "{}[]$"
TAKEN = _("This code is taken. Choose another one.")


class EnrollmentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.offer)


class LinkForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new link, or another name and destination for one; its offer and its code never change."""

    enrollment = EnrollmentChoice(Enrollment.objects.none(), label=_("Offer"), empty_label=_("Choose an offer"))
    code = forms.CharField(
        label=_("Short code"),
        required=False,
        max_length=40,
        help_text=_("Optional: the end of the link's address, which stays as it is. Empty gives a random one."),
        error_messages={"unique": TAKEN},
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = TrackingLink
        fields = ("enrollment", "name", "destination_url", "code")
        labels = {"name": _("Name"), "destination_url": _("Landing page")}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "name": _("For yourself, for example where the link is placed."),
            "destination_url": _("Optional. Empty leads to the offer's own landing page."),
        }
        widgets = {  # noqa: RUF012
            "name": forms.TextInput(attrs={"placeholder": _("Newsletter, spring")}),
            "destination_url": forms.URLInput(attrs={"placeholder": "https://", "inputmode": "url"}),
        }

    def __init__(self, *args: Any, enrollments: QuerySet[Enrollment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["enrollment"], self.fields["code"]
        else:
            self.fields["enrollment"].queryset = enrollments  # type: ignore[attr-defined]

    def save_unless_taken(self) -> TrackingLink | None:
        """Save and return the link; add an error and return None if its code was taken a moment earlier."""
        try:
            with transaction.atomic():
                return cast(TrackingLink, self.save())
        except IntegrityError:
            self.add_error("code", TAKEN)
            return None

    def clean_code(self) -> str:
        """Lower-cased; the model judges the rest."""
        return str(self.cleaned_data["code"]).lower() or link_code()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        enrollment = self.instance.enrollment if self.instance.pk else values.get("enrollment")
        url = values.get("destination_url")
        if url and enrollment and "destination_url" not in self.errors:
            try:
                check_landing_page(url, enrollment.offer)
            except ValidationError as error:
                self.add_error("destination_url", error)
        return values


class BuilderForm(forms.Form):
    """Labels for a link's address. Nothing is stored: the address holds all of them."""

    SHOWN = SUB_IDS[:5]

    def __init__(self, data: Any, *, link: TrackingLink, base: str) -> None:
        super().__init__(data, auto_id="build_%s")
        self.link, self.base = link, base
        for name in self.SHOWN:
            self.fields[name] = forms.CharField(label=name, required=False, max_length=255)
        self.fields["aff_click_id"] = forms.CharField(
            label=gettext("Click ID of your tracker"),
            required=False,
            max_length=512,
            widget=forms.TextInput(attrs={"placeholder": "{clickid}"}),
        )
        self.fields["source"] = forms.CharField(label=gettext("Source"), required=False, max_length=255)
        self.fields["url"] = forms.CharField(
            label=gettext("Landing page"), required=False, widget=forms.URLInput(attrs={"placeholder": "https://"})
        )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if url:
            check_landing_page(url, self.link.enrollment.offer)
        return url

    @property
    def address(self) -> str:
        """The full address with the labels that are valid so far."""
        base = self.base + self.link.code
        self.is_valid()
        given = [(name, self.cleaned_data[name]) for name in self.fields if self.cleaned_data.get(name)]
        return f"{base}?{urlencode(given, quote_via=quote, safe=MACRO_BRACKETS)}" if given else base


def zone_choices() -> list[tuple[str, str]]:
    """Zones by their place, without the historical aliases."""
    areas = (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    names = sorted(name for name in available_timezones() if name.split("/")[0] in areas)
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A user's own profile."""

    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Every time in the portal is shown in this zone."))

    class Meta:
        model = User
        fields = ("name", "time_zone")
        labels = {"name": _("Your name")}  # noqa: RUF012
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = zone_choices()
        if self.instance.time_zone not in dict(choices):
            choices.insert(1, (self.instance.time_zone, self.instance.time_zone))
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]
