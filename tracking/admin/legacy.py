"""The operator panel's page for legacy click IDs."""

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from unfold.decorators import action

from affiliates.access.operators import operator
from records.translation import gettext_lazy as _
from tracking.admin.clicks import click_column
from tracking.legacy.upload import UploadForm, take
from tracking.models import LegacyClickID
from web.cells import NOTHING
from web.panel import DayRangeFilter, ReachableFilter, RecordAdmin, code, column, link_to, when, whole_story


@admin.register(LegacyClickID)
class LegacyClickIDAdmin(RecordAdmin):
    """Legacy click IDs, imported here from a file or by `manage.py import_clicks`."""

    list_display = ("foreign", "source", "affiliate_link", "link_code", "clicked", "imported_at")
    list_display_links = ("foreign",)
    list_filter = (
        ("link__enrollment__affiliate", ReachableFilter),
        ("link__enrollment__offer", ReachableFilter),
        ("clicked_at", DayRangeFilter),
    )
    list_select_related = ("link__enrollment__affiliate", "link__enrollment__offer")
    search_fields = ("foreign_id__exact",)
    search_help_text = _("The click ID as the other platform wrote it, in full")
    ordering = ("-id",)
    sortable_by = ()
    actions_list = ("upload",)
    actions_detail = ("trace",)
    SHOWN_FAULTS = 200
    fields = (
        *(("foreign", "source"), ("affiliate_link", "link"), ("clicked", "imported_at")),
        *("shown_id", ("aff_click_id", "labels")),
    )
    foreign = column(_("Click ID there"), "foreign_id", code)
    shown_id = click_column(heading=_("Click ID here"))
    trace = whole_story("search", shown_id)
    affiliate_link = column(
        _("Affiliate and offer"),
        lambda row: format_html("{} · {}", link_to(row.link.enrollment.affiliate), row.link.enrollment.offer),
    )
    link_code = column(_("Link"), "link.code", code)
    clicked = column(_("Clicked"), "clicked_at", when)
    labels = column(
        _("Labels"), lambda row: ", ".join(f"{name}={value}" for name, value in row.sub_ids.items()) or NOTHING
    )

    def has_upload_permission(self, request: HttpRequest) -> bool:
        """Click IDs are never typed in; the permission to add them allows the import of a file."""
        user = operator(request)
        return (
            user.has_perm("tracking.add_legacyclickid") and user.affiliates_within("tracking.add_legacyclickid") is None
        )

    @action(description=_("Import from a file"), icon="upload_file", permissions=["upload"], url_path="upload")
    def upload(self, request: HttpRequest) -> HttpResponse:
        """Check a file, then import it: each step is a POST of its own."""
        if key := request.POST.get("kept"):
            return self._import_uploaded(request, key)
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        looked = form.look(owner=operator(request), now=timezone.now()) if form.is_bound and form.is_valid() else None
        upload, found = looked or (None, None)
        errors = found.errors if found else []
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import click IDs of another platform"),
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "upload": upload,
            "found": found,
            "shown": errors[: self.SHOWN_FAULTS],
            "more": max(len(errors) - self.SHOWN_FAULTS, 0),
            "here": request.path,
            "back": reverse("admin:tracking_legacyclickid_changelist"),
        }
        return TemplateResponse(request, "admin/tracking/legacyclickid/upload.html", context)

    def _import_uploaded(self, request: HttpRequest, key: str) -> HttpResponse:
        upload = take(key, owner=operator(request))
        if upload is None:
            messages.error(request, gettext("The file is no longer stored, or was imported already: choose it again."))
            return HttpResponseRedirect(request.path)
        done = upload.judge(now=timezone.now(), is_dry_run=False)
        message = gettext(
            "Imported {added:,} click IDs from {upload}; {known:,} existed already, {number_of_errors:,} rows "
            "with errors were skipped."
        ).format(added=done.added, upload=upload.name, known=done.known, number_of_errors=len(done.errors))
        entry = {"user_id": operator(request).pk, "object_repr": upload.name[:200], "change_message": message}
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(LegacyClickID), action_flag=ADDITION, **entry
        )
        (messages.warning if done.errors else messages.success)(request, message)
        return HttpResponseRedirect(reverse("admin:tracking_legacyclickid_changelist"))
