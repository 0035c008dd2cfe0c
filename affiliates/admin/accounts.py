"""User accounts, their credentials, and the operators' log of actions in the panel."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm

from affiliates.access.api_keys import make_api_key
from affiliates.access.operators import operator
from affiliates.access.power import may_act_for, may_change_group, may_give
from affiliates.admin.forms import RevokeApiKeys, UserAddForm, UserEditForm
from affiliates.admin.power import MembersByPermission, check_all, with_user_check
from affiliates.models import AffiliateMember, ApiKey, User
from records.translation import gettext_lazy as _
from web.panel import DayRangeFilter, PanelAdmin, PanelTable, RecordAdmin, code, column, label, label_column, question


class MembershipTable(MembersByPermission, PanelTable):
    model = AffiliateMember
    autocomplete_fields = ("affiliate",)
    show_change_link = False
    verbose_name_plural = _("memberships")


@admin.register(User)
class UserAdmin(PanelAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People sign in with their e-mail address. Only a superuser may grant access to others' accounts."""

    form = UserEditForm
    add_form = UserAddForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "role", "is_active", "last_login", "date_joined")
    list_filter = (
        ("is_staff", BooleanRadioFilter),
        ("is_active", BooleanRadioFilter),
        ("date_joined", DayRangeFilter),
    )
    search_fields = ("email", "name", "memberships__affiliate__name")
    search_help_text = _("E-mail address, name or affiliate")
    ordering = ("email",)
    sortable_by = ("email", "last_login", "date_joined")
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipTable,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": (("email", "name"), "time_zone", "password")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "is_staff", "usable_password", "password1", "password2")}),)
    POWER = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        power = () if operator(request).is_superuser else self.POWER
        return (*self.readonly_fields, *power)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The records of a user's actions would be deleted with the account. Make it inactive instead."""
        allowed = super().has_delete_permission(request, obj) and self._may_touch(request, obj)
        return allowed and not (obj and LogEntry.objects.filter(user=obj).exists())

    def _may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        """A person who changes an account's password or address can sign in as its owner."""
        return obj is None or may_act_for(operator(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        check_all(operator(request), queryset)
        super().delete_queryset(request, queryset)

    @display(description=_("Role"))
    def role(self, row: User) -> SafeString:
        if row.is_superuser:
            return label(gettext("Operator, all rights"), "danger")
        return label(gettext("Operator"), "primary") if row.is_staff else label(gettext("Affiliate"), "info")


class PowerOfPerson(PanelAdmin):
    """Rows that let a person sign in or act as a user: changed only by people who may act for that user."""

    def may_act_on(self, request: HttpRequest, row: Any) -> bool:
        return may_act_for(operator(request), row.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.may_act_on(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or self.may_act_on(request, obj))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        check_all(operator(request), [row.user for row in queryset.select_related("user")])
        super().delete_queryset(request, queryset)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return with_user_check(form, operator(request))


@admin.register(ApiKey)
class ApiKeyAdmin(PowerOfPerson):
    list_display = ("name", "shown_hint", "user", "affiliate", "last_used_at", "revoked_at", "created_at")
    list_filter = (("affiliate", AutocompleteSelectFilter), ("created_at", DayRangeFilter))
    list_select_related = ("user", "affiliate")
    search_fields = ("name", "hint", "user__email", "affiliate__name")
    autocomplete_fields = ("user", "affiliate")
    sortable_by = ("name", "last_used_at", "created_at")
    actions = ("revoke",)
    actions_detail = ("revoke",)
    readonly_fields = ("shown_hint", "last_used_at", "revoked_at", "created_at")
    fields = ("name", "shown_hint", ("user", "affiliate"), ("created_at", "last_used_at"), "revoked_at")
    revoke = question(RevokeApiKeys, description=_("Revoke"), icon="key_off")
    shown_hint = column(_("Begins with"), lambda row: code(f"{row.hint}…"))

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else ("name", "user", "affiliate")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "user", "affiliate") if obj else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """The text of a new key is known only now: it is stored for the page that shows it once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made, text = make_api_key(user=obj.user, name=obj.name, affiliate=obj.affiliate)
        obj.__dict__.update(made.__dict__, once=text)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New API key"),
            "opts": self.opts,
            "key": obj,
        }
        return TemplateResponse(request, "admin/affiliates/apikey/made.html", context)


class GroupAdmin(PanelAdmin, DjangoGroupAdmin):
    """Groups of permissions for operators. No one can grant a permission that they lack, or widen their own group."""

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_change_group(operator(request), obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_change_group(operator(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Group]") -> None:
        if not all(may_change_group(operator(request), group) for group in queryset):
            raise PermissionDenied(gettext("One of these groups is your own or has permissions that you lack."))
        super().delete_queryset(request, queryset)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        actor, base = operator(request), super().get_form(request, obj, change=change, **kwargs)

        class Form(base):  # type: ignore[misc, valid-type]
            def clean_permissions(self) -> Any:
                given = self.cleaned_data["permissions"].select_related("content_type")
                if not may_give(actor, given):
                    lacking = ", ".join(str(each) for each in given if not may_give(actor, [each]))
                    raise ValidationError(
                        gettext("You cannot give permissions that you lack yourself: {lacking}.").format(
                            lacking=lacking
                        )
                    )
                return given

        return Form


class EmailAddressAdmin(PowerOfPerson):
    list_display = ("email", "user", "primary", "verified")
    list_filter = (("primary", BooleanRadioFilter), ("verified", BooleanRadioFilter))
    list_select_related = ("user",)
    search_fields = ("email", "user__email", "user__name")
    autocomplete_fields = ("user",)


class AuthenticatorAdmin(RecordAdmin):
    """Second factors. Removing one lets a person who lost it sign in with the password alone."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = (("type", ChoicesCheckboxFilter),)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return operator(request).is_superuser


@admin.register(LogEntry)
class LogEntryAdmin(RecordAdmin):
    """The log of operators' actions in the panel: what, when and on which row."""

    list_display = ("action_time", "user", "action_label", "content_type", "changed", "message")
    list_filter = (("action_time", DayRangeFilter), ("user", AutocompleteSelectFilter))
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__email", "change_message")
    ordering = ("-action_time",)
    sortable_by = ("action_time",)
    fields = ("action_time", "user", "action_label", "content_type", "changed", "message")
    action_label = label_column(_("Did"), "action_flag", {1: "success", 2: "info", 3: "danger"})
    changed = column(_("To"), "object_repr")
    message = column(_("In words"), "get_change_message")


for theirs, ours in ((Group, GroupAdmin), (EmailAddress, EmailAddressAdmin), (Authenticator, AuthenticatorAdmin)):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)
    admin.site.register(theirs, ours)
