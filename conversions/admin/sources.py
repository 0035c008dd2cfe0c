"""Sources that advertisers connected: shops, billing systems and files, with how to set each up."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from conversions.admin.source_form import form_class, goal_fields
from conversions.models import SourceConnection
from conversions.sources.base import Source, WebhookSource
from conversions.sources.connections import address_of, new_connection, secrets_of
from conversions.sources.table import sources
from records.translation import gettext_lazy as _
from web.panel import PanelAdmin, ReachableFilter, code, column, link_to, list_link, table_column, two_lines
from web.panel.columns import once


def title_of(row: SourceConnection) -> str:
    source = sources().get(row.source)
    return source.title if source else row.source


def is_file(row: SourceConnection) -> bool:
    source = sources().get(row.source)
    return source is not None and source.is_file


def goals_of(row: SourceConnection) -> Iterator[tuple[object, ...]]:
    """The source's words, what each is, and the goal."""
    source = sources().get(row.source)
    for word, what in source.words.items() if source else ():
        yield code(word), what, row.goals.get(word) or gettext("Not counted")


def set_up(row: SourceConnection) -> SafeString:
    """The steps of setting it up, the events to choose, and what is read."""
    source = sources().get(row.source)
    if source is None:
        return format_html("{}", gettext("This version of the software does not know the source."))
    steps = format_html_join("", "<li>{}</li>", ((step,) for step in source.steps))
    return format_html('<ol class="aff-steps">{}</ol>{}', steps, events_of(source))


def events_of(source: Source) -> SafeString | str:
    if not isinstance(source, WebhookSource):
        return ""
    names = format_html_join(", ", '<code class="aff-wrap">{}</code>', ((each,) for each in source.events))
    return format_html("<p>{} {}</p>", gettext("Events to choose:"), names)


@admin.register(SourceConnection)
class SourceConnectionAdmin(PanelAdmin):
    list_display = ("named", "advertiser_shown", "counted", "is_active", "changed_at")
    list_display_links = ("named",)
    list_filter = (("is_active", BooleanRadioFilter), ("advertiser", ReachableFilter))
    list_select_related = ("advertiser",)
    search_fields = ("public_id", "source", "advertiser__name")
    search_help_text = _("Source, advertiser or ID")
    sortable_by = ("changed_at",)
    autocomplete_fields = ("advertiser",)
    readonly_fields = ("address", "set_up_shown", "secrets_stored", "goals_shown", "its_postbacks", "changed_at")
    named = two_lines(_("Source"), title_of, lambda row: code(row.public_id))
    advertiser_shown = column(_("Advertiser"), "advertiser", link_to)
    secrets_stored = column(_("Secrets stored"), lambda row: str(len(secrets_of(row))) if row.pk else "0")
    counted = column(_("Goals"), lambda row: ", ".join(row.goals.values()), empty=_("none"))
    goals_shown = table_column(_("Goals"), (_("Event"), _("What it is"), _("Goal")), goals_of, empty=_("None."))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **{"form": form_class(), **kwargs})

    def get_fieldsets(self, request: HttpRequest, obj: SourceConnection | None = None) -> Any:
        if obj is None:
            known = sources().values()
            parts = ("advertiser", "source", *(name for each in known for name in goal_fields(each)))
            return [(None, {"fields": (*parts, "signing_secrets", "time_zone")})]
        source = sources().get(obj.source)
        at_platform = ("set_up_shown",) if source and source.is_file else ("address", "set_up_shown")
        shown = (_("At the platform"), {"fields": at_platform})
        if source is None or not self.has_change_permission(request, obj):
            facts = ("secrets_stored", "time_zone", "is_active", "its_postbacks", "changed_at")
            return [shown, (_("Goals"), {"fields": ("goals_shown",)}), (None, {"fields": facts})]
        proof = ("time_zone",) if source.is_file else (("signing_secrets", "secrets_stored"), "time_zone")
        return [
            shown,
            (_("Goals"), {"fields": tuple(goal_fields(source))}),
            (_("Proof and times"), {"fields": proof}),
            (None, {"fields": ("is_active", "its_postbacks", "changed_at")}),
        ]

    @property
    def conditional_fields(self) -> dict[str, str]:
        """On the page of a new one, the goals of the chosen source."""
        return {name: f"source == '{each.code}'" for each in sources().values() for name in goal_fields(each)}

    def get_readonly_fields(self, request: HttpRequest, obj: SourceConnection | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "advertiser", "source") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: SourceConnection, form: Any, change: bool) -> None:
        if not change:
            made = new_connection(advertiser=obj.advertiser, source=obj.source)
            obj.digest, obj.encrypted_token = made.digest, made.encrypted_token
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: SourceConnection | None = None) -> bool:
        """Stored requests are read by it for years; switch off one that is no longer wanted."""
        return False

    @display(description=_("Address"))
    @once
    def address(self, row: SourceConnection) -> SafeString:
        note = gettext("Paste it as it is. Its last part is this source's own token, which is worth nothing elsewhere.")
        return format_html('<p class="aff-code aff-wrap">{}</p><p class="aff-muted">{}</p>', address_of(row), note)

    @display(description=_("How to set it up"))
    @once
    def set_up_shown(self, row: SourceConnection) -> SafeString:
        return set_up(row)

    @display(description=_("Requests"))
    @once
    def its_postbacks(self, row: SourceConnection) -> str:
        filters = {"advertiser__id__exact": row.advertiser_id, "endpoint": "source"}
        return list_link("admin:conversions_postback_changelist", gettext("Its postbacks"), **filters)
