"""Advertisers, their secrets, and the data that their engineers need to send postbacks."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from affiliates.access.advertiser_secrets import PREFIXES, make_secret, secret_text
from affiliates.access.operators import operator
from affiliates.admin.forms import AdvertiserForm, MakeSecret, RevokeSecret
from affiliates.models import Advertiser, AdvertiserSecret
from records.translation import format_lazy, in_english
from records.translation import gettext_lazy as _
from web.panel import (
    PUBLIC_ID,
    PanelAdmin,
    ReachableFilter,
    RecordAdmin,
    column,
    label,
    label_column,
    link_to,
    question,
    see_also,
    to_list,
    two_lines,
)

Kind = AdvertiserSecret.Kind


@dataclass(frozen=True)
class ShownSecret:
    """A secret as a page shows it: masked until it is revealed."""

    row: AdvertiserSecret
    text: str
    masked: bool


def shown_secrets(advertiser: Advertiser, shown_id: str) -> list[ShownSecret]:
    """All secrets, the active ones first, with the requested one revealed."""
    rows = sorted(advertiser.secrets.all(), key=lambda row: (row.revoked_at is not None, -row.pk))
    return [
        ShownSecret(
            row,
            secret_text(row) if str(row.pk) == shown_id else f"{PREFIXES[Kind(row.kind)]}_{'•' * 12}",
            str(row.pk) != shown_id,
        )
        for row in rows
    ]


@admin.register(Advertiser)
class AdvertiserAdmin(PanelAdmin):
    form = AdvertiserForm
    list_display = ("named", "is_active", "currency", "active_tokens", "offer_count", "networks", "created_at")
    list_filter = (("is_active", BooleanRadioFilter),)
    search_fields = ("name", "public_id")
    ordering = ("name",)
    sortable_by = ("named", "created_at")
    readonly_fields: tuple[str, ...] = ("shown_id", "created_at", "related_lists")
    fieldsets: Any = (
        (None, {"fields": (("name", "shown_id"), ("is_active", "created_at"), "related_lists")}),
        (_("Postbacks"), {"fields": ("currency", "default_goal", "requires_signature", "sender_networks")}),
        (_("Pixel"), {"fields": (("allows_pixel", "trusts_pixel"), "pixel_hosts")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "is_active", "currency", "sender_networks")}),)
    actions_detail = ("secrets",)
    shown_id = PUBLIC_ID
    named = two_lines(_("Advertiser"), "name", PUBLIC_ID, ordering="name")
    active_tokens = column(_("Tokens in use"), lambda row: row.token_count or label(gettext("None"), "danger"))
    offer_count = column(
        _("Offers"),
        to_list("admin:affiliates_offer_changelist", lambda row: row.offers_count, advertiser__id__exact="pk"),
    )
    networks = column(_("May send from"), "sender_networks", ", ".join, empty=_("any address"))
    related_lists = see_also(
        to_list("admin:affiliates_offer_changelist", _("Offers"), advertiser__id__exact="pk"),
        to_list("admin:conversions_postback_changelist", _("Postbacks"), advertiser__id__exact="pk"),
        to_list("admin:conversions_conversion_changelist", _("Conversions"), advertiser__id__exact="pk"),
        to_list("admin:conversions_sendermapping_changelist", _("Mappings"), advertiser__id__exact="pk"),
        to_list("admin:conversions_sourceconnection_changelist", _("Sources"), advertiser__id__exact="pk"),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Advertiser]":
        rows: QuerySet[Advertiser] = super().get_queryset(request)
        live = Q(secrets__kind=Kind.TOKEN, secrets__revoked_at=None)
        return rows.annotate(
            token_count=Count("secrets", filter=live, distinct=True), offers_count=Count("offers", distinct=True)
        )

    @action(
        description=_("Secrets & integration"),
        url_path="secrets",
        permissions=["decide"],
        icon="key",
        variant=ActionVariant.PRIMARY,
    )
    def secrets(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Secrets of an advertiser, masked; `?show=` reveals one, which is logged."""
        if not request.user.has_perm("affiliates.view_advertisersecret"):
            raise PermissionDenied(gettext("Reading secrets needs the permission to view advertiser secrets."))
        advertiser = get_object_or_404(Advertiser, pk=object_id)
        if request.method == "POST":
            if not request.user.has_perm("affiliates.add_advertisersecret"):
                raise PermissionDenied(gettext("Making secrets needs the permission to add advertiser secrets."))
            return self._make(request, advertiser)
        shown = shown_secrets(advertiser, request.GET.get("show", ""))
        self._note_reading(request, shown)
        token = next((s.text for s in shown if s.row.kind == Kind.TOKEN and not s.masked), "")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Secrets & integration: {advertiser}").format(advertiser=advertiser),
            "opts": self.opts,
            "original": advertiser,
            "advertiser": advertiser,
            "secrets": shown,
            "postback_url": f"{settings.PUBLIC_URL}/postback",
            "examples": self.examples(advertiser, token or "YOUR_TOKEN"),
            "own_addresses": self.own_addresses(advertiser, token or "YOUR_TOKEN"),
            "connected_sources": self.connected_sources(advertiser),
            "has_token": any(s.row.kind == Kind.TOKEN and s.row.revoked_at is None for s in shown),
            "token_shown": bool(token),
        }
        return TemplateResponse(request, "admin/affiliates/advertiser/secrets.html", context)

    def examples(self, advertiser: Advertiser, token: str) -> list[Any]:
        """Ready-made postbacks; the app that knows goals fills this in."""
        return []

    def own_addresses(self, advertiser: Advertiser, token: str) -> list[Any]:
        """Addresses in the form of the advertiser's own sender; the app that knows mappings fills this in."""
        return []

    def connected_sources(self, advertiser: Advertiser) -> list[Any]:
        """Shops, billing systems and files that are connected; the app that knows them fills this in."""
        return []

    def _make(self, request: HttpRequest, advertiser: Advertiser) -> HttpResponse:
        form = MakeSecret(request.POST)
        here = reverse("admin:affiliates_advertiser_secrets", args=[advertiser.pk])
        if not form.is_valid():
            messages.error(request, gettext("Choose token or HMAC secret, and a label of at most 60 characters."))
            return HttpResponseRedirect(here)
        kind, label = Kind(form.cleaned_data["kind"]), form.cleaned_data["label"]
        row = make_secret(advertiser=advertiser, kind=kind, label=label)[0]
        message = format_lazy(_("Made a new {kind}."), kind=AdvertiserSecret.Kind(row.kind).label)
        LogEntry.objects.log_actions(operator(request).pk, [advertiser], CHANGE, change_message=in_english(message))
        messages.success(
            request, gettext("{message} Earlier ones stay valid until you revoke them.").format(message=message)
        )
        return HttpResponseRedirect(f"{here}?show={row.pk}")

    def _note_reading(self, request: HttpRequest, shown: list[ShownSecret]) -> None:
        for secret in shown:
            if not secret.masked:
                message = gettext("Read back {kind} #{pk}.").format(
                    kind=secret.row.get_kind_display(), pk=secret.row.pk
                )
                LogEntry.objects.log_actions(
                    operator(request).pk, [secret.row.advertiser], CHANGE, change_message=in_english(message)
                )


@admin.register(AdvertiserSecret)
class AdvertiserSecretAdmin(RecordAdmin):
    """Secrets in a list, never their text: the advertiser's own page reveals it."""

    list_display = ("id_label", "kind_label", "advertiser_link", "label", "created_at", "revoked_at")
    list_display_links = ("id_label",)
    list_filter = (("kind", ChoicesCheckboxFilter), ("advertiser", ReachableFilter))
    list_select_related = ("advertiser",)
    search_fields = ("label", "advertiser__name")
    ordering = ("-id",)
    sortable_by = ("created_at", "revoked_at")
    fields = ("advertiser", "kind_label", "label", "created_at", "revoked_at")
    actions = ("revoke",)
    actions_detail = ("revoke",)
    revoke = question(RevokeSecret, description=_("Revoke"), icon="key_off")
    kind_label = label_column(_("Kind"), "kind", {"token": "info", "hmac": "primary"})
    id_label = column(_("Secret"), lambda row: f"#{row.pk}", ordering="id")
    advertiser_link = column(_("Advertiser"), "advertiser", link_to)
