"""Mappings for senders that no preset fits: define them, test them, and give the sender the address."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action, display

from affiliates.models import TrackingDomain
from conversions.admin.mapping_form import LABELS, MappingForm, fixed_field, names_field, started_from
from conversions.dialects.mapping import DEDUCTIONS
from conversions.dialects.own import address, dialect_of
from conversions.dialects.rules import FIXED
from conversions.dialects.table import BY_NAME, DIALECTS
from conversions.models import SenderMapping
from conversions.models.mappings import NATIVE, OWN
from records.translation import gettext_lazy as _
from web.panel import PanelAdmin, ReachableFilter, clipped, code, column, link_to, table_column, two_lines
from web.panel.columns import once

RARE = ("volume", "refund", "refund_id", *DEDUCTIONS)
MOST_HOSTS = 20


def parameter_rows(fields: Any) -> tuple[Any, ...]:
    """A row for each of our fields: the names, and the value if none is sent."""
    return tuple(
        (names_field(ours), fixed_field(ours)) if ours in FIXED else names_field(ours)
        for ours in LABELS
        if ours in fields
    )


def names_read(row: SenderMapping) -> str:
    """The first name of each of our fields."""
    return ", ".join(name for ours in LABELS for name in row.names.get(ours, ())[:1])


def parameters_of(row: SenderMapping) -> Iterator[tuple[object, ...]]:
    for ours in LABELS:
        if ours in row.names or ours in row.defaults:
            yield LABELS[ours], code(" ".join(row.names.get(ours, ()))), row.defaults.get(ours, "")


def words_of(row: SenderMapping) -> list[tuple[object, ...]]:
    return [(gettext("Status"), *pair) for pair in row.statuses.items()] + [
        (gettext("Goal"), *pair) for pair in row.goals.items()
    ]


@admin.register(SenderMapping)
class SenderMappingAdmin(PanelAdmin):
    form = MappingForm
    list_display = ("named", "advertiser_shown", "reads", "answered", "is_active", "version", "changed_at")
    list_display_links = ("named",)
    list_filter = (("is_active", BooleanRadioFilter), ("advertiser", ReachableFilter))
    list_select_related = ("advertiser",)
    search_fields = ("name", "slug")
    search_help_text = _("Name, or the name in the address")
    sortable_by = ("named", "changed_at")
    autocomplete_fields = ("advertiser",)
    actions_list = ("start_from_preset",)
    actions_detail = ("try_it",)
    readonly_fields = (
        *("ready_address", "version", "changed_at", "parameters_shown", "words_shown", "token_names_shown"),
    )
    # Body and status are only used if the answer is the operator's own.
    conditional_fields = dict.fromkeys(
        ("content_type", "taken_body", "duplicate_body", "refused_body", "refused_status"), f"answers_as == '{OWN}'"
    )
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("advertiser", "is_active"))}),
        (_("Parameters"), {"fields": (*parameter_rows(set(LABELS) - set(RARE)), "token_names")}),
        (
            _("Words and units"),
            {"fields": ("words_goal", "words_status", ("minor_units", "adds_lists"), ("time_format", "time_zone"))},
        ),
        (
            _("Answer"),
            {
                "fields": (
                    "answers_as",
                    ("content_type", "refused_status"),
                    "taken_body",
                    "duplicate_body",
                    "refused_body",
                )
            },
        ),
        (_("Seldom sent"), {"fields": parameter_rows(RARE), "classes": ("collapse",)}),
    )
    made_fieldset = (_("For the sender"), {"fields": ("ready_address", ("version", "changed_at"))})

    # With permission to view only, show the stored tables: the form's inputs are no fields of the row.
    seen_fieldsets = (
        fieldsets[0],
        (
            _("Reading"),
            {"fields": ("parameters_shown", "words_shown", "token_names_shown", ("minor_units", "adds_lists"))},
        ),
        (_("Times"), {"fields": (("time_format", "time_zone"),)}),
        fieldsets[3],
    )
    named = two_lines(_("Mapping"), "name", lambda row: code(f"/d/{row.slug}/"), ordering="name")
    advertiser_shown = column(_("Advertiser"), "advertiser", link_to, empty=_("Every advertiser"))
    token_names_shown = column(_("Names of the token"), lambda row: ", ".join([*row.tokens, "token"]))
    reads = column(_("Reads"), names_read, clipped)
    parameters_shown = table_column(
        _("Parameters"), (_("Field"), _("Names"), _("Where none is sent")), parameters_of, empty=_("None.")
    )
    words_shown = table_column(
        _("Words"), (_("Field"), _("Theirs"), _("Ours")), words_of, empty=_("None: words are used as they are.")
    )

    def get_fieldsets(self, request: HttpRequest, obj: SenderMapping | None = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            return [self.made_fieldset, *self.seen_fieldsets]
        return [self.made_fieldset, *self.fieldsets] if obj else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: SenderMapping | None = None) -> tuple[str, ...]:
        """Stored requests refer to their mapping by its name in the address."""
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: SenderMapping | None = None) -> bool:
        """Stored requests are read by the mapping for years; switch off one that is no longer wanted."""
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        return {**started_from(str(initial.pop("preset", ""))), **initial}

    @action(description=_("Start from a preset"), icon="content_copy", permissions=["add"], url_path="presets")
    def start_from_preset(self, request: HttpRequest) -> HttpResponse:
        """The platforms that a new mapping can be based on."""
        add = reverse("admin:conversions_sendermapping_add")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Start from a preset"),
            "opts": self.opts,
            "presets": [(each, f"{add}?{urlencode({'preset': each.name})}") for each in DIALECTS],
        }
        return TemplateResponse(request, "admin/conversions/sendermapping/presets.html", context)

    @action(description=_("Try it"), icon="stethoscope", permissions=["view"], url_path="try")
    def try_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the postback doctor, which reads pasted requests with this mapping."""
        slug = SenderMapping.objects.values_list("slug", flat=True).get(pk=object_id)
        try:
            return HttpResponseRedirect(f"{reverse('doctor')}?{urlencode({'form': slug})}")
        except NoReverseMatch:
            return HttpResponseRedirect(reverse("admin:conversions_sendermapping_change", args=[object_id]))

    @display(description=_("Answers"))
    def answered(self, row: SenderMapping) -> str:
        own = {OWN: gettext("With its own bodies"), NATIVE: gettext("As Affidavit")}
        preset = BY_NAME.get(row.answers_as)
        return own.get(row.answers_as) or (
            gettext("As {preset}").format(preset=preset.title) if preset else row.answers_as
        )

    @display(description=_("Address"))
    @once
    def ready_address(self, row: SenderMapping) -> SafeString:
        """The address on each host that accepts postbacks; values that the sender fills in are in braces."""
        path = address(dialect_of(row).mapping)
        domains = TrackingDomain.objects.filter(is_active=True).order_by("host").values_list("host", flat=True)
        hosts = [settings.PUBLIC_URL, *(f"https://{host}" for host in domains[:MOST_HOSTS])]
        lines = format_html_join("", '<p class="aff-code aff-wrap">{}{}</p>', ((host, path) for host in hosts))
        message = gettext(
            "The sender fills in the values in braces: write its own macros in their place. {token} is a token "
            "of the advertiser; a sender that cannot add one puts it into the path: /d/%s/TOKEN/postback."
        )
        return format_html('{}<p class="aff-muted">{}</p>', lines, message % row.slug)
