"""The data behind invoices: the issuing company, affiliates' billing details and agreements, VAT rates."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from payouts.admin.invoice_forms import EndAgreement
from payouts.invoicing.billing import tidy_address
from payouts.invoicing.countries import country_code
from payouts.invoicing.vat_numbers import vat_number
from payouts.invoicing.vat_rates import BUNDLED
from payouts.models import BillingDetails, Issuer, SelfBillingAgreement, VatRate
from payouts.pricing import plain
from records.translation import gettext_lazy as _
from web.panel import (
    DayRangeFilter,
    PanelAdmin,
    ReachableFilter,
    RecordAdmin,
    column,
    label,
    link_to,
    question,
    when,
    yes_no,
)


class IssuerForm(forms.ModelForm):  # type: ignore[type-arg]
    """The issuing company. The form is pre-filled from the settings."""

    class Meta:
        model = Issuer
        fields = (
            *("name", "address", "country", "vat_number", "registration", "invoice_prefix", "credit_note_prefix"),
            *("self_billing_words", "agreement_words", "issues_automatically"),
        )

    def clean_address(self) -> str:
        return tidy_address(self.cleaned_data["address"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            country = country_code(given.get("country") or "")
        except ValueError as error:
            self.add_error("country", ValidationError(str(error)))
            return given
        if given.get("vat_number"):
            try:
                given["vat_number"] = vat_number(given["vat_number"], country)
            except ValueError as error:
                self.add_error("vat_number", ValidationError(str(error)))
        return given


@admin.register(Issuer)
class IssuerAdmin(PanelAdmin):
    """The company that writes the invoices. There is one; without it none are written."""

    form = IssuerForm
    list_display = ("name", "country", "vat_number", "automatic")
    fieldsets = (
        (None, {"fields": ("name", "address", ("country", "vat_number"), "registration")}),
        (_("Numbers"), {"fields": (("invoice_prefix", "credit_note_prefix"),)}),
        (_("Words"), {"fields": ("self_billing_words", "agreement_words")}),
        (_("Writing"), {"fields": ("issues_automatically",)}),
    )
    automatic = column(
        _("Written by"), lambda row: gettext("every close") if row.issues_automatically else gettext("hand")
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and not Issuer.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "name": settings.OPERATOR_NAME,
            "address": "\n".join(settings.OPERATOR_ADDRESS),
            "country": settings.OPERATOR_COUNTRY,
            "vat_number": settings.OPERATOR_VAT_NUMBER,
        }


@admin.register(BillingDetails)
class BillingDetailsAdmin(RecordAdmin):
    """Affiliates' billing details, current and replaced. Operators enter them on the affiliate's own page."""

    list_display = ("legal_name", "affiliate_link", "party", "country", "vat_number", "small", "entered", "state")
    list_filter = (("party", ChoicesCheckboxFilter), ("affiliate", ReachableFilter), "is_small_business")
    list_select_related = ("affiliate",)
    search_fields = ("legal_name", "vat_number", "affiliate__name", "affiliate__public_id")
    search_help_text = _("Name, VAT number or affiliate")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("affiliate", "party"),
        ("legal_name", "country"),
        "address",
        ("vat_number", "registration"),
        "is_small_business",
        ("created_at", "created_by"),
        "replaced_at",
    )
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    small = yes_no(_("Small business"), "is_small_business")
    entered = column(_("Entered"), "created_at", when)
    state = column(
        _("State"),
        lambda row: label(gettext("Replaced"), "warning") if row.replaced_at else label(gettext("In force"), "success"),
    )


@admin.register(SelfBillingAgreement)
class SelfBillingAgreementAdmin(RecordAdmin):
    """Affiliates' agreements to self-billing, with date and wording."""

    list_display = ("affiliate_link", "agreed", "agreed_by", "note", "state")
    list_display_links = ("agreed",)
    list_filter = (("affiliate", ReachableFilter), ("agreed_at", DayRangeFilter))
    list_select_related = ("affiliate", "agreed_by")
    search_fields = ("affiliate__name", "affiliate__public_id")
    ordering = ("-id",)
    sortable_by = ()
    fields = ("affiliate", ("agreed_at", "agreed_by"), "note", "words", ("ended_at", "ended_by"))
    actions_detail = ("end",)
    end = question(EndAgreement, description=_("End"), icon="link_off")
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    agreed = column(_("Agreed"), "agreed_at", when)
    state = column(
        _("State"),
        lambda row: label(gettext("Ended"), "warning") if row.ended_at else label(gettext("In force"), "success"),
    )


class VatRateForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = VatRate
        fields = ("country", "percent", "valid_from", "note")

    def clean_country(self) -> str:
        try:
            return country_code(self.cleaned_data["country"])
        except ValueError as error:
            raise ValidationError(str(error)) from error


@admin.register(VatRate)
class VatRateAdmin(PanelAdmin):
    """Rates that override the bundled table, each from a given day."""

    form = VatRateForm
    list_display = ("country", "shown", "valid_from", "note")
    search_fields = ("country",)
    search_help_text = _("Country, such as DE")
    ordering = ("country", "-valid_from")
    sortable_by = ()
    fields = (("country", "percent"), "valid_from", "note")
    list_after_template = "admin/payouts/vatrate/bundled.html"
    shown = column(_("Rate"), lambda row: f"{plain(row.percent)} %")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        found: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "bundled": bundled()})
        return found


def bundled() -> list[tuple[str, str, str]]:
    """The bundled table: country, the current rate, and earlier rates."""
    return [
        (
            country,
            f"{plain(rates[-1].percent)} %",
            ", ".join(
                gettext("{plain} % from {since}").format(plain=plain(rate.percent), since=rate.since) for rate in rates
            ),
        )
        for country, rates in sorted(BUNDLED.items())
    ]
