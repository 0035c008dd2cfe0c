"""The funnel's parameters: an offer, days of clicks, and filters by affiliate or country."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.translation import gettext

from affiliates.models import Affiliate, Offer
from dashboard.funnel.figures import Funnel, funnel
from dashboard.periods import DayPeriod, last_days
from records.translation import gettext_lazy as _

DAYS = 30
# Longer than any attribution window, and short enough that no request reads everything.
MOST_DAYS = 370


class DayField(forms.DateField):
    """A day on which there may have been a click: their IDs count time from 1970."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = (MinValueValidator(date(1971, 1, 1)), MaxValueValidator(date(9000, 1, 1)))
        super().__init__(widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"), validators=bounds, **kwargs)


class FunnelForm(forms.Form):
    """A field with an error does not narrow; the page shows the error. Days are the reader's."""

    offer = forms.ModelChoiceField(
        Offer.objects.none(), to_field_name="public_id", empty_label=None, required=False, label=_("Offer")
    )
    affiliate = forms.ModelChoiceField(
        Affiliate.objects.all(), to_field_name="public_id", required=False, label=_("Affiliate")
    )
    country = forms.RegexField(r"^[A-Za-z]{2}$", required=False, label=_("Country of the click"), max_length=2)
    since = DayField(required=False, label=_("Clicks from"))
    until = DayField(required=False, label=_("to"))

    def __init__(
        self,
        data: Any,
        *,
        offers: "QuerySet[Offer]",
        zone: ZoneInfo,
        now: datetime,
        own: Affiliate | None = None,
        within: "QuerySet[Affiliate] | None" = None,
    ) -> None:
        super().__init__(data, auto_id="funnel_%s")
        self.offers, self.zone, self.now, self.own, self.within = offers, zone, now, own, within
        self.fields["offer"].queryset = offers  # type: ignore[attr-defined]
        self.fields["country"].error_messages["invalid"] = gettext("Give two letters, as DE or BR.")
        if own:
            del self.fields["affiliate"]
        elif within is not None:
            # One of those that the reader looks after.
            self.fields["affiliate"].queryset = within  # type: ignore[attr-defined]
            self.fields["affiliate"].empty_label = None  # type: ignore[attr-defined]
        else:
            # A typed ID: there may be thousands of affiliates.
            self.fields["affiliate"].widget = forms.TextInput({"placeholder": "af_…", "size": 14})
        self.is_valid()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        period = self._period(given)
        if period.days < 1:
            raise ValidationError({"until": gettext("The last day is before the first.")})
        if period.days > MOST_DAYS:
            raise ValidationError({"since": gettext("Ask for at most {most_days} days.").format(most_days=MOST_DAYS)})
        return given

    def _period(self, given: dict[str, Any]) -> DayPeriod:
        recent = last_days(DAYS, now=self.now, zone=self.zone)
        until = given.get("until") or recent.last_on
        return DayPeriod(given.get("since") or until - timedelta(days=DAYS - 1), until, self.zone)

    @property
    def period(self) -> DayPeriod:
        given = {} if {"since", "until"} & self.errors.keys() else self.cleaned_data
        return self._period(given)

    @property
    def chosen_offer(self) -> Offer | None:
        return self.cleaned_data.get("offer") or self.offers.first()

    def result(self) -> Funnel | None:
        """The funnel asked for; None where there is no offer, or no affiliate within reach."""
        offer, period, affiliate = self.chosen_offer, self.period, self.own or self.cleaned_data.get("affiliate")
        if self.within is not None and affiliate is None:
            affiliate = self.within.first()
        if offer is None or (self.within is not None and affiliate is None):
            return None
        return funnel(
            offer=offer,
            since=period.starts_at,
            until=period.ends_at,
            affiliate=affiliate,
            country=(self.cleaned_data.get("country") or "").upper(),
        )
