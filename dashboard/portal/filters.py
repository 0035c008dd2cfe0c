"""The filters above each list: a form read from the address, applied to the affiliate's own rows."""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.models import Affiliate, Enrollment, Offer
from conversions.models import Conversion, Goal
from dashboard.periods import DayPeriod, last_days
from dashboard.portal.access import Portal
from payouts.models import Invoice, LedgerEntry, Payout, Statement
from records.translation import gettext_lazy as _
from tracking.click_id import codec
from tracking.click_id.pasted import narrowed
from tracking.models import Click, TrackingLink

Row = TypeVar("Row", bound=Model)


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class Filters(forms.Form):
    """A filter form over one affiliate's rows. A field with an error does not filter; the page shows the error."""

    def __init__(self, portal: Portal, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.affiliate: Affiliate = portal.affiliate
        self.zone = portal.zone
        self.prepare()
        dates = [name for name in ("since", "until") if name in self.fields]
        self.order_fields(["q", *(name for name in self.fields if name not in dates), *dates])
        self.is_valid()

    def prepare(self) -> None:
        """Fill the choices that depend on the affiliate."""

    def apply(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that the filters leave."""
        raise NotImplementedError

    @property
    def chosen(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen or self.errors)


class DatedFilters(Filters):
    since = forms.DateField(label=_("From"), required=False, widget=DateInput)
    until = forms.DateField(label=_("To"), required=False, widget=DateInput)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", gettext("The last day is before the first."))
        return values

    def period(self, *, default_days: int) -> DayPeriod:
        """The days asked for; an open end is today, an open start the default number of days."""
        recent = last_days(default_days, now=timezone.now(), zone=self.zone)
        until = self.cleaned_data.get("until") or recent.last_on
        since = self.cleaned_data.get("since") or min(recent.first_on, until)
        return DayPeriod(since, until, self.zone)

    def within(self, rows: QuerySet[Row], field: str) -> QuerySet[Row]:
        """Rows whose moment is within the selected days, in the reader's zone."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since:
            rows = rows.filter(**{f"{field}__gte": DayPeriod(since, since, self.zone).starts_at})
        if until:
            rows = rows.filter(**{f"{field}__lt": DayPeriod(until, until, self.zone).ends_at})
        return rows


class SearchInput(forms.TextInput):
    input_type = "search"


def offers_of(affiliate: Affiliate) -> QuerySet[Offer]:
    own = Enrollment.objects.filter(affiliate=affiliate).values("offer")
    return Offer.objects.filter(pk__in=own).order_by("name")


class OfferFilterForm(Filters):
    ENROLLED = (("", _("All offers")), ("open", _("Not applied yet")), *Enrollment.Status.choices)

    q = forms.CharField(
        label=_("Search"), required=False, widget=SearchInput(attrs={"placeholder": _("Name or advertiser")})
    )
    vertical = forms.ChoiceField(
        choices=[("", _("Any vertical")), *Offer.Vertical.choices], required=False, label=_("Vertical")
    )
    enrolled = forms.ChoiceField(label=_("Access"), choices=ENROLLED, required=False)

    def apply(self, rows: QuerySet[Offer]) -> QuerySet[Offer]:
        chosen = self.chosen
        if "q" in chosen:
            rows = rows.filter(Q(name__icontains=chosen["q"]) | Q(advertiser__name__icontains=chosen["q"]))
        if "vertical" in chosen:
            rows = rows.filter(vertical=chosen["vertical"])
        if "enrolled" in chosen:
            # `offers_of` adds the column to the query.
            rows = rows.filter(**{"enrolled": "" if chosen["enrolled"] == "open" else chosen["enrolled"]})
        return rows


class LinkFilterForm(Filters):
    STATES = (("", _("Active and off")), ("active", _("Active")), ("off", _("Off")))

    q = forms.CharField(label=_("Search"), required=False, widget=SearchInput(attrs={"placeholder": _("Name or code")}))
    offer = forms.ModelChoiceField(
        Offer.objects.none(), to_field_name="public_id", empty_label=_("Any offer"), required=False, label=_("Offer")
    )
    state = forms.ChoiceField(choices=STATES, required=False, label=_("State"))

    def prepare(self) -> None:
        self.fields["offer"].queryset = offers_of(self.affiliate)  # type: ignore[attr-defined]

    def apply(self, rows: QuerySet[TrackingLink]) -> QuerySet[TrackingLink]:
        chosen = self.chosen
        if "q" in chosen:
            rows = rows.filter(Q(name__icontains=chosen["q"]) | Q(code__icontains=chosen["q"]))
        if "offer" in chosen:
            rows = rows.filter(enrollment__offer=chosen["offer"])
        if "state" in chosen:
            rows = rows.filter(is_active=chosen["state"] == "active")
        return rows


class ConversionFilterForm(DatedFilters):
    q = forms.CharField(
        label=_("Search"), required=False, widget=SearchInput(attrs={"placeholder": _("Click ID or transaction ID")})
    )
    status = forms.ChoiceField(
        choices=[("", _("Any status")), *Conversion.Status.choices], required=False, label=_("Status")
    )
    offer = forms.ModelChoiceField(
        Offer.objects.none(), to_field_name="public_id", empty_label=_("Any offer"), required=False, label=_("Offer")
    )
    goal = forms.ChoiceField(choices=[("", _("Any goal")), *Goal.Kind.choices], required=False, label=_("Goal"))
    link = forms.CharField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        self.fields["offer"].queryset = offers_of(self.affiliate)  # type: ignore[attr-defined]

    def clean_q(self) -> str:
        """A text as long as a click ID must be a genuine one: a typing mistake should not look like "no result"."""
        text = narrowed(str(self.cleaned_data["q"]))
        if len(text) == codec.LENGTH and text.isalnum() and codec.parse(text) is None:
            raise forms.ValidationError(
                gettext("This click ID is not genuine. Copy it again: one character may be missing or changed.")
            )
        return text

    def apply(self, rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
        chosen = self.chosen
        if "q" in chosen:
            rows = rows.filter(_matches(chosen["q"]))
        if "status" in chosen:
            rows = rows.filter(status=chosen["status"])
        if "offer" in chosen:
            rows = rows.filter(goal__offer=chosen["offer"])
        if "goal" in chosen:
            rows = rows.filter(goal__kind=chosen["goal"])
        if "link" in chosen:
            rows = rows.filter(link__code=chosen["link"])
        return self.within(rows, "occurred_at")


def _matches(text: str) -> Q:
    genuine = codec.parse(text)
    if genuine is not None:
        return Q(click_id=genuine.uuid)
    return Q(transaction_id__icontains=text) | Q(public_id=text)


class ClickFilterForm(DatedFilters):
    DAYS = 30

    link = forms.ModelChoiceField(
        TrackingLink.objects.none(), to_field_name="code", empty_label=_("Any link"), required=False, label=_("Link")
    )
    sub1 = forms.CharField(
        label=_("sub1"), required=False, widget=SearchInput(attrs={"placeholder": _("sub1 is exactly")})
    )
    q = forms.CharField(label=_("Click ID"), required=False, widget=SearchInput(attrs={"placeholder": _("Click ID")}))

    def prepare(self) -> None:
        own = TrackingLink.objects.filter(enrollment__affiliate=self.affiliate)
        self.fields["link"].queryset = own.order_by("name", "code")  # type: ignore[attr-defined]

    def clean_q(self) -> codec.ClickID | None:
        text = narrowed(str(self.cleaned_data["q"]))
        genuine = codec.parse(text)
        if text and genuine is None:
            raise forms.ValidationError(
                gettext("This is not a genuine click ID. It has 40 letters and digits: copy it again.")
            )
        return genuine

    def apply(self, rows: QuerySet[Click]) -> QuerySet[Click]:
        chosen = self.chosen
        if "q" in chosen:
            return rows.filter(pk=chosen["q"].uuid)
        lowest, beyond = self.period(default_days=self.DAYS).click_bounds
        rows = rows.filter(pk__gte=lowest, pk__lt=beyond)
        if "link" in chosen:
            rows = rows.filter(link=chosen["link"])
        if "sub1" in chosen:
            rows = rows.filter(sub1=chosen["sub1"])
        return rows


class MoneyFilters(DatedFilters):
    """By days of `moment`, by currency, and by the codes of the fields named in `codes`."""

    model: ClassVar[type[Model]]
    moment: ClassVar[str]
    codes: ClassVar[tuple[str, ...]] = ()

    currency = forms.ChoiceField(required=False, label=_("Currency"))

    def prepare(self) -> None:
        own = self.model._default_manager.filter(affiliate=self.affiliate)
        used = own.order_by("currency").values_list("currency", flat=True).distinct()
        self.fields["currency"].choices = [("", gettext("Any currency")), *((code, code) for code in used)]  # type: ignore[attr-defined]

    def apply(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        chosen = self.chosen
        for name in (*self.codes, "currency"):
            if name in chosen:
                rows = rows.filter(**{name: chosen[name]})
        return self.within(rows, self.moment)


class LedgerFilterForm(MoneyFilters):
    model, moment, codes = LedgerEntry, "booked_at", ("kind",)
    kind = forms.ChoiceField(choices=[("", _("Any kind")), *LedgerEntry.Kind.choices], required=False, label=_("Kind"))
    field_order = ("kind", "currency")


class StatementLineFilters(DatedFilters):
    """A statement has one currency."""

    kind = LedgerFilterForm.base_fields["kind"]

    def apply(self, rows: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        kind = self.chosen.get("kind")
        return self.within(rows.filter(kind=kind) if kind else rows, "booked_at")


class StatementFilters(MoneyFilters):
    model, moment = Statement, "ends_at"


class PayoutFilters(MoneyFilters):
    model, moment, codes = Payout, "created_at", ("status",)
    status = forms.ChoiceField(
        choices=[("", _("Any status")), *Payout.Status.choices], required=False, label=_("Status")
    )


class InvoiceFilters(MoneyFilters):
    model, moment, codes = Invoice, "issued_at", ("kind",)
    kind = forms.ChoiceField(choices=[("", _("Any kind")), *Invoice.Kind.choices], required=False, label=_("Kind"))
