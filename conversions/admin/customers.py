"""Customers and who brought them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display

from affiliates.panel import DayRangeFilter, RecordAdmin, RecordTable, code, link_to, list_link, when
from conversions.models import Customer, CustomerLock, Touch
from tracking.click_id import text_of


def lock_end(row: CustomerLock) -> SafeString | str:
    """When the next click takes over."""
    expires = row.offer.customer_lock_expires
    return when(row.locked_at + expires) if expires else "Never"


class LockTable(RecordTable):
    model = CustomerLock
    fields = ("offer", "enrollment", "link", "locked_at", "ends")
    readonly_fields = ("ends",)
    verbose_name_plural = "customer locks"

    @display(description="Next click takes over after")
    def ends(self, row: CustomerLock) -> SafeString | str:
        return lock_end(row)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CustomerLock]":
        rows: QuerySet[CustomerLock] = super().get_queryset(request)
        return rows.select_related("customer", "offer", "enrollment__affiliate", "enrollment__offer", "link")


class TouchTable(RecordTable):
    """Every click that the customer's events named, whoever is credited."""

    model = Touch
    fields = ("at", "enrollment", "link", "click_shown")
    readonly_fields = ("click_shown",)
    verbose_name_plural = "touches"
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Touch]":
        rows: QuerySet[Touch] = super().get_queryset(request)
        return rows.select_related("customer", "enrollment__affiliate", "enrollment__offer", "link")

    @display(description="Click ID")
    def click_shown(self, row: Touch) -> SafeString | str:
        return code(text_of(row.click_id))


@admin.register(Customer)
class CustomerAdmin(RecordAdmin):
    list_display = ("shown_id", "advertiser", "conversions_link", "created_at")
    list_display_links = ("shown_id",)
    list_filter = (("advertiser", AutocompleteSelectFilter), ("created_at", DayRangeFilter))
    list_select_related = ("advertiser",)
    search_fields = ("customer_id__exact",)
    search_help_text = "The advertiser's own ID for the customer, in full"
    ordering = ("-id",)
    sortable_by = ()
    fields = (("shown_id", "advertiser"), ("created_at", "conversions_link"))
    readonly_fields = ("shown_id", "conversions_link")
    actions_detail = ("trace",)
    inlines = (LockTable, TouchTable)

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer_id = Customer.objects.values_list("customer_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(f"{reverse('trace:search')}?{urlencode({'q': customer_id})}")

    @display(description="Customer ID")
    def shown_id(self, row: Customer) -> SafeString | str:
        return code(row.customer_id)

    @display(description="Conversions")
    def conversions_link(self, row: Customer) -> SafeString | str:
        return list_link("admin:conversions_conversion_changelist", "Conversions", customer__id__exact=row.pk)


@admin.register(CustomerLock)
class CustomerLockAdmin(RecordAdmin):
    """Whom later events of a customer are credited to."""

    list_display = ("customer_link", "offer_link", "affiliate_link", "link_code", "locked")
    list_display_links = None
    list_filter = (("offer", AutocompleteSelectFilter), ("enrollment__affiliate", AutocompleteSelectFilter))
    list_select_related = ("customer", "offer", "enrollment__affiliate", "link")
    search_fields = ("customer__customer_id__exact",)
    search_help_text = "Customer ID, in full"
    ordering = ("-id",)
    sortable_by = ()
    fields = (("customer", "offer"), ("enrollment", "link"), ("click_shown", "locked_at"), "ends")
    readonly_fields = ("click_shown", "ends")

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> None:
        return None

    @display(description="Customer")
    def customer_link(self, row: CustomerLock) -> SafeString:
        return format_html('<span class="aff-code">{}</span>', link_to(row.customer))

    @display(description="Offer")
    def offer_link(self, row: CustomerLock) -> SafeString | str:
        return link_to(row.offer)

    @display(description="Affiliate")
    def affiliate_link(self, row: CustomerLock) -> SafeString | str:
        return link_to(row.enrollment.affiliate)

    @display(description="Link")
    def link_code(self, row: CustomerLock) -> SafeString | str:
        return code(row.link.code) if row.link else "By coupon"

    @display(description="Next click takes over after")
    def ends(self, row: CustomerLock) -> SafeString | str:
        return lock_end(row)

    @display(description="Since")
    def locked(self, row: CustomerLock) -> SafeString | str:
        return when(row.locked_at)

    @display(description="Click ID")
    def click_shown(self, row: CustomerLock) -> SafeString | str:
        return code(text_of(row.click_id)) if row.click_id else "–"
