"""Customers and the affiliates that brought them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from affiliates.access.operators import operator
from conversions.models import Customer, CustomerLock, Touch
from records.translation import gettext_lazy as _
from tracking.admin.clicks import click_column, click_key
from tracking.click_id.pasted import narrowed
from web.panel import (
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    RecordTable,
    code,
    column,
    link_to,
    to_list,
    when,
    whole_story,
)


def lock_end(row: CustomerLock) -> SafeString | str:
    """When the next click replaces the lock."""
    expires = row.offer.customer_lock_expires
    return when(row.locked_at + expires) if expires else gettext("Never")


ENDS = column(_("Next click takes over after"), lock_end)
CUSTOMER = column(_("Customer"), "customer", lambda customer: code(link_to(customer)))


class LockTable(RecordTable):
    model = CustomerLock
    fields = ("offer", "enrollment", "link", "locked_at", "ends")
    related = ("customer", "offer", "enrollment__affiliate", "enrollment__offer", "link")
    verbose_name_plural = _("customer locks")
    ends = ENDS


class TouchTable(RecordTable):
    """Every click that the customer's events named, credited or not."""

    model = Touch
    fields = ("at", "enrollment", "link", "click_shown")
    related = ("customer", "enrollment__affiliate", "enrollment__offer", "link")
    verbose_name_plural = _("touches")
    show_change_link = False
    click_shown = click_column()


@admin.register(Customer)
class CustomerAdmin(RecordAdmin):
    list_display = ("shown_id", "advertiser", "conversions_link", "created_at")
    list_display_links = ("shown_id",)
    list_filter = (("advertiser", ReachableFilter), ("created_at", DayRangeFilter))
    list_select_related = ("advertiser",)
    search_fields = ("customer_id__exact",)
    search_help_text = _("The advertiser's own ID for the customer, in full")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("shown_id", "advertiser"), ("created_at", "conversions_link"), "touches_link")
    actions_detail = ("trace",)
    trace = whole_story("search", "customer_id")
    inlines = (LockTable, TouchTable)
    shown_id = column(_("Customer ID"), "customer_id", code)
    conversions_link = column(
        _("Conversions"), to_list("admin:conversions_conversion_changelist", _("Conversions"), customer__id__exact="pk")
    )
    touches_link = column(
        _("Touches"), to_list("admin:conversions_touch_changelist", _("Clicks that its events named"), customer="pk")
    )


@admin.register(CustomerLock)
class CustomerLockAdmin(RecordAdmin):
    """The affiliates that a customer's later events are credited to."""

    list_display = ("customer_link", "offer_link", "affiliate_link", "link_code", "locked")
    list_display_links = None
    list_filter = (("offer", ReachableFilter), ("enrollment__affiliate", ReachableFilter))
    list_select_related = ("customer", "offer", "enrollment__affiliate", "link")
    search_fields = ("customer__customer_id__exact",)
    search_help_text = _("Customer ID, in full")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("customer", "offer"), ("enrollment", "link"), ("click_shown", "locked_at"), "ends")
    customer_link = CUSTOMER
    offer_link = column(_("Offer"), "offer", link_to)
    affiliate_link = column(_("Affiliate"), "enrollment.affiliate", link_to)
    link_code = column(_("Link"), "link.code", code, empty=_("By coupon"))
    ends = ENDS
    locked = column(_("Since"), "locked_at", when)
    click_shown = click_column()

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> None:
        return None


class CustomerFilter(admin.SimpleListFilter):
    """Touches of one customer: set by the link on the customer's page, so it has no choices."""

    title, parameter_name = _("customer"), "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pk = request.GET.get(self.parameter_name, "")
        known = operator(request).rows_within(Customer.objects.all())
        found = known.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        return (
            [(pk, gettext("{found} of {advertiser}").format(found=found, advertiser=found.advertiser))] if found else []
        )

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
        ("enrollment__affiliate", ReachableFilter),
        ("offer", ReachableFilter),
        ("at", DayRangeFilter),
    )
    list_select_related = ("customer__advertiser", "offer", "enrollment__affiliate", "enrollment__offer", "link")
    search_fields = ("customer__customer_id__exact",)
    search_help_text = _("Customer ID in full, or a click ID")
    ordering = ("-id",)
    sortable_by = ()
    actions_detail = ("trace",)
    fields = (
        ("customer_link", "advertiser_link"),
        ("affiliate_link", "offer_link"),
        ("clicked", "link_code"),
        "click_shown",
    )
    clicked = column(_("Clicked"), "at", when)
    customer_link = CUSTOMER
    advertiser_link = column(_("Advertiser"), "customer.advertiser", link_to)
    affiliate_link = column(_("Affiliate"), "enrollment.affiliate", link_to)
    offer_link = column(_("Offer"), "offer", link_to)
    link_code = column(_("Link"), "link.code", code)
    click_shown = click_column()
    trace = whole_story("search", click_shown)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Touch]", search_term: str
    ) -> tuple["QuerySet[Touch]", bool]:
        """Searches by customer or click: a touch has no other identifier."""
        term = narrowed(search_term)
        if key := click_key(term):
            return queryset.filter(click_id=key), False
        return queryset.filter(customer__customer_id=term) if term else queryset, False
