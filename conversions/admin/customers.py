"""Customers and the affiliates that brought them."""

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

from conversions.models import Customer, CustomerLock, Touch
from tracking.admin.clicks import click_key
from tracking.click_id.codec import text_of
from tracking.click_id.pasted import narrowed
from web.panel import DayRangeFilter, RecordAdmin, RecordTable, code, link_to, list_link, when


def lock_end(row: CustomerLock) -> SafeString | str:
    """When the next click replaces the lock."""
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
    """Every click that the customer's events named, credited or not."""

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
    fields = (("shown_id", "advertiser"), ("created_at", "conversions_link"), "touches_link")
    readonly_fields = ("shown_id", "conversions_link", "touches_link")
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

    @display(description="Touches")
    def touches_link(self, row: Customer) -> SafeString | str:
        return list_link("admin:conversions_touch_changelist", "Clicks that its events named", customer=row.pk)


@admin.register(CustomerLock)
class CustomerLockAdmin(RecordAdmin):
    """The affiliates that a customer's later events are credited to."""

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


class CustomerFilter(admin.SimpleListFilter):
    """Touches of one customer: set by the link on the customer's page, so it has no choices."""

    title, parameter_name = "customer", "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pk = request.GET.get(self.parameter_name, "")
        found = Customer.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        return [(pk, f"{found} of {found.advertiser}")] if found else []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Touch]") -> "QuerySet[Touch]":
        chosen = [value for value, _ in self.lookup_choices]
        return queryset.filter(customer_id=int(chosen[0])) if self.value() in chosen else queryset


@admin.register(Touch)
class TouchAdmin(RecordAdmin):
    """The clicks that a customer's events named, credited or not; the customer lock decides which is credited."""

    list_display = ("clicked", "customer_link", "advertiser_link", "affiliate_link", "offer_link", "link_code")
    list_display_links = ("clicked",)
    list_filter = (
        CustomerFilter,
        ("enrollment__affiliate", AutocompleteSelectFilter),
        ("offer", AutocompleteSelectFilter),
        ("at", DayRangeFilter),
    )
    list_select_related = ("customer__advertiser", "offer", "enrollment__affiliate", "enrollment__offer", "link")
    search_fields = ("customer__customer_id__exact",)
    search_help_text = "Customer ID in full, or a click ID"
    ordering = ("-id",)
    sortable_by = ()
    actions_detail = ("trace",)
    fields = (
        ("customer_link", "advertiser_link"),
        ("affiliate_link", "offer_link"),
        ("clicked", "link_code"),
        "click_shown",
    )
    readonly_fields = (
        "click_shown",
        "clicked",
        "customer_link",
        "advertiser_link",
        "affiliate_link",
        "offer_link",
        "link_code",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Touch]", search_term: str
    ) -> tuple["QuerySet[Touch]", bool]:
        """Searches by customer or click: a touch has no other identifier."""
        term = narrowed(search_term)
        if key := click_key(term):
            return queryset.filter(click_id=key), False
        return queryset.filter(customer__customer_id=term) if term else queryset, False

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = Touch.objects.values_list("click_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(f"{reverse('trace:search')}?{urlencode({'q': text_of(key)})}")

    @display(description="Clicked")
    def clicked(self, row: Touch) -> SafeString | str:
        return when(row.at)

    @display(description="Customer")
    def customer_link(self, row: Touch) -> SafeString:
        return format_html('<span class="aff-code">{}</span>', link_to(row.customer))

    @display(description="Advertiser")
    def advertiser_link(self, row: Touch) -> SafeString | str:
        return link_to(row.customer.advertiser)

    @display(description="Affiliate")
    def affiliate_link(self, row: Touch) -> SafeString | str:
        return link_to(row.enrollment.affiliate)

    @display(description="Offer")
    def offer_link(self, row: Touch) -> SafeString | str:
        return link_to(row.offer)

    @display(description="Link")
    def link_code(self, row: Touch) -> SafeString | str:
        return code(row.link.code)

    @display(description="Click ID")
    def click_shown(self, row: Touch) -> SafeString | str:
        return code(text_of(row.click_id))
