"""Base classes of the panel's pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ShowFacets, helpers
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import models
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.views import ChangeList

from records.translation import gettext_lazy as _
from records.translation import in_english
from web.panel.choices import ChoosingForm, seen_in
from web.panel.confirm import ConfirmForm
from web.panel.counting import BoundedPaginator
from web.panel.media import PanelMedia

# Labels for field names that read badly as they are.
LABELS = {
    "public_id": _("ID"),
    "ip": _("IP address"),
    "is_secure": _("Encrypted"),
    "transaction_id": _("Transaction ID"),
    "dedupe_key": _("Counted once by"),
    "aff_click_id": _("aff_click_id"),
    "destination_url": _("Destination URL"),
    "fallback_url": _("Fallback URL"),
    "id": _("UUID"),
    "marked_at": _("Marked"),
    "is_active": _("Active"),
    "is_staff": _("Operator"),
    "is_superuser": _("All rights"),
    "approve_at": _("Approved by itself"),
    "booked_at": _("Booked"),
    "received_at": _("Received"),
    "occurred_at": _("Happened"),
    "created_at": _("Made"),
    "decided_at": _("Decided"),
    "paid_at": _("Paid"),
    "revoked_at": _("Revoked"),
    "last_used_at": _("Last used"),
    "closed_at": _("Closed"),
    "starts_at": _("From"),
    "ends_at": _("Until before"),
    "effective_from": _("In force from"),
    "at": _("Time"),
    "team_id": _("Team ID"),
    "bundle_id": _("Bundle ID"),
    "package_name": _("Package"),
    "consent_basis": _("Read from"),
}


class PanelList(ChangeList):
    """A list that counts once: without filters the result is the total."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class WithinReach:
    """Rows that the person may see, for lists, pages of one row, exports, filters, searches and fields of forms.

    They are fetched with their `related` rows.
    """

    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows: QuerySet[Any] = reachable(request, super().get_queryset(request))  # type: ignore[misc]
        return rows.select_related(*self.related) if self.related else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return self._choosing(request, super().formfield_for_foreignkey(db_field, request, **kwargs))  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return self._choosing(request, super().formfield_for_manytomany(db_field, request, **kwargs))  # type: ignore[misc]

    @staticmethod
    def _choosing(request: HttpRequest, field: Any) -> Any:
        """The field, with the rows within reach to choose from: of others not even the name is shown."""
        if field is not None:
            field.queryset = reachable(request, field.queryset)
        return field


def reachable(request: HttpRequest, rows: "QuerySet[Any]", *permissions: str) -> "QuerySet[Any]":
    """The rows that the person of the request may view, or has these permissions for."""
    user: Any = request.user
    found: QuerySet[Any] = user.rows_within(rows, *permissions)
    return found


class PanelAdmin(WithinReach, ModelAdmin):
    """A model that operators may edit; other actions ask for confirmation first (`ask`)."""

    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    list_fullwidth = True
    list_disable_select_all = False
    show_full_result_count = False
    show_facets: Any = ShowFacets.NEVER
    warn_unsaved_form = True
    paginator: Any = BoundedPaginator
    empty_value_display = "–"
    # The most rows of one confirmation; a form may have a smaller limit of its own.
    ASK_BOUND = 5_000

    @property
    def media(self) -> PanelMedia:
        return PanelMedia.of(super().media)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **{"labels": LABELS, **kwargs})

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Without the scripts of forms: the page has nothing for them, nor the texts that they need."""
        context = {**(extra_context or {}), "media": PanelMedia()}
        response: HttpResponse = super().delete_view(request, object_id, context)
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PanelList]:
        return PanelList

    def get_urls(self) -> list[Any]:
        found: list[Any] = super().get_urls()
        for pattern in found:
            if "object_id" in pattern.pattern.converters:
                pattern.callback = self._or_not_found(pattern.callback)
        return found

    def _or_not_found(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """The view of a row. Where there is no such row, or it is beyond the person's reach, the answer is 404."""

        decides = "decide" in getattr(view, "allowed_permissions", ())

        @wraps(view)
        def found(request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if user.is_authenticated and user.has_limits:
                if self.get_object(request, unquote(object_id)) is None:
                    raise Http404(gettext("There is no such row (any more)."))
                if decides and not self.has_decide_permission(request, object_id):
                    raise PermissionDenied(gettext("This row is beyond your permissions."))
            try:
                return view(request, *args, object_id=object_id, **kwargs)
            except (ObjectDoesNotExist, ValueError, ValidationError) as error:
                if self.get_object(request, object_id) is None:
                    raise Http404(gettext("There is no such row (any more).")) from error
                raise

        return found

    def has_decide_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether actions that change these rows are allowed, even if the form is read-only."""
        return self._acts_on(request, self._named("change"), obj)

    def has_decide_all_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """For actions that choose their rows themselves, as by a file: they need the permission for all affiliates."""
        user: Any = request.user
        return self.has_decide_permission(request) and user.affiliates_within(self._named("change")) is None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._acts_on(request, self._named("change"), obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._acts_on(request, self._named("delete"), obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only rows for which the person has the permission are deleted; what hangs on them may name others."""
        user: Any = request.user
        if user.has_limits and not all(self._acts_on(request, self._named("delete"), row) for row in objs):
            raise PermissionDenied(gettext("One of these rows is beyond your permissions."))
        return super().get_deleted_objects(objs, request)

    def _named(self, verb: str) -> str:
        return f"{self.opts.app_label}.{verb}_{self.opts.model_name}"

    def _acts_on(self, request: HttpRequest, permission: str, obj: object) -> bool:
        """Whether the person has the permission, and for this row (or the row of this key) if one is given."""
        user: Any = request.user
        if obj is None or not user.has_limits:
            return bool(user.has_perm(permission))
        pk = obj.pk if isinstance(obj, Model) else unquote(str(obj))
        rows = self.model._base_manager.filter(pk=pk)
        return bool(user.has_perm(permission)) and reachable(request, rows, permission).exists()

    def get_actions_detail(self, request: HttpRequest, object_id: object) -> list[Any]:
        """Offer only the actions that fit the row's status."""
        offered = super().get_actions_detail(request, object_id)
        asking = [action for action in offered if getattr(action.method, "asks", None)]
        row = self.get_object(request, str(object_id)) if asking else None
        return [a for a in offered if a not in asking or (row is not None and a.method.asks.fits(row))]

    def may_act_on(self, request: HttpRequest, row: Any) -> bool:
        """Whether the operator may act on this row, beyond the permission for all of them."""
        return True

    def ask(self, request: HttpRequest, rows: "QuerySet[Model]", form_class: type[ConfirmForm]) -> HttpResponse:
        """Show what will be done to the rows, and do it once the operator has confirmed."""
        confirmed = request.method == "POST" and "confirmed" in request.POST
        if confirmed and issubclass(form_class, ChoosingForm) and "seen" in request.POST:
            # The rows that the page showed, even if they have left the list meanwhile.
            rows = self.get_queryset(request).filter(pk__in=seen_in(request.POST))
        most = min(self.ASK_BOUND, form_class.most)
        chosen = list(rows[: most + 1])
        if len(chosen) > most:
            messages.error(
                request,
                gettext(
                    "At most {most:,} at once. More are chosen, so nothing was done: narrow the list by a filter or a "
                    "period, then choose again."
                ).format(most=most),
            )
            return HttpResponseRedirect(request.get_full_path())
        if refused := self._beyond(request, chosen, form_class):
            raise PermissionDenied(
                gettext("{refused} is beyond your permissions. Choose other rows, or ask an administrator.").format(
                    refused=refused
                )
            )
        form = form_class(chosen, request.POST, files=request.FILES) if confirmed else form_class(chosen)
        form.narrow(request.user)
        if confirmed and form.is_valid():
            done = self._do(request, form)
            if done is not None:
                return done
        return self._question(request, form)

    def _beyond(self, request: HttpRequest, chosen: list[Any], form_class: type[ConfirmForm]) -> Model | None:
        """The first of the rows that the person may see, but not do this with."""
        user: Any = request.user
        allowed = {row.pk for row in chosen}
        if user.has_limits and chosen:
            rows = self.model._base_manager.filter(pk__in=allowed)
            permission = form_class.permission or self._named("change")
            allowed = set(reachable(request, rows, permission).values_list("pk", flat=True))
        beyond = (row for row in chosen if row.pk not in allowed or not self.may_act_on(request, row))
        refused: Model | None = next(beyond, None)
        return refused

    def _do(self, request: HttpRequest, form: ConfirmForm) -> HttpResponse | None:
        actor: Any = request.user
        try:
            # What is stored is English, whatever the operator's language; a lazy message is translated when shown.
            with override(settings.LANGUAGE_CODE):
                message = form.perform(actor=actor, now=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
            return None
        if form.rows:
            words = in_english(form.log_words or message)
            LogEntry.objects.log_actions(actor.pk, form.rows, CHANGE, change_message=words)
        messages.success(request, message)
        return HttpResponseRedirect(self._after(request, form))

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        """Go back to the filtered list, or to the row of the action."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        listing = reverse(f"{name}_changelist")
        if request.path == listing:
            return request.get_full_path()
        return reverse(f"{name}_change", args=[form.rows[0].pk]) if form.rows else listing

    def _question(self, request: HttpRequest, form: ConfirmForm) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": form.heading(),
            "opts": self.opts,
            "original": form.rows[0] if len(form.rows) == 1 else None,
            "form": form,
            "media": self.media + form.media,
            "hidden": self._carried(request, form),
            "back": self._after(request, form),
        }
        return TemplateResponse(request, "admin/confirm.html", context)

    def _carried(self, request: HttpRequest, form: ConfirmForm) -> list[tuple[str, str]]:
        """The values that the list needs again when the confirmation is posted."""
        if "action" not in request.POST:
            return []
        rows = form.rows
        if isinstance(form, ChoosingForm):
            rows = rows[:1]  # The others are in `seen`.
        return [("action", request.POST["action"]), *((helpers.ACTION_CHECKBOX_NAME, str(row.pk)) for row in rows)]


class RecordAdmin(PanelAdmin):
    """Facts that are never edited by hand: read, searched, and changed only by actions with a confirmation.

    Every field of a page is read-only, so a column is shown there without standing in `readonly_fields`.
    """

    actions_selection_counter = True
    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class PanelInline(WithinReach, StackedInline):
    """Related rows below a form, one under another."""

    extra = 0
    tab = True


class PanelTable(WithinReach, TabularInline):
    """Related rows below a form, as a table."""

    extra = 0
    tab = True
    show_change_link = True


class RecordTable(PanelTable):
    """Related facts that are never edited by hand."""

    can_delete = False
    tab = False
    hide_title = True

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        """The columns among the fields: the form has no inputs for them."""
        return tuple(name for name in self.fields or () if callable(getattr(self, name, None)))

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
