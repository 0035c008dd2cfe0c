"""User accounts, their credentials, and the operators' log of actions in the panel."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm

from affiliates.access.operators import operator
from affiliates.access.power import may_act_for
from affiliates.admin.forms import UserAddForm, UserEditForm
from affiliates.admin.power import MembersByPermission, check_all, with_user_check
from affiliates.admin.role_forms import RolesOfPerson
from affiliates.admin.roles import AssignedTable
from affiliates.models import AffiliateMember, CustomRole, User
from affiliates.roles.grants import builtin
from affiliates.roles.table import ADMINISTRATOR, ROLES
from records.translation import gettext_lazy as _
from web.panel import (
    DayRangeFilter,
    PanelAdmin,
    PanelTable,
    ReachableFilter,
    RecordAdmin,
    column,
    label,
    label_column,
    one_of,
)


class MembershipTable(MembersByPermission, PanelTable):
    model = AffiliateMember
    fields = ("affiliate", "roles")
    autocomplete_fields = ("affiliate",)
    show_change_link = False
    verbose_name_plural = _("memberships")


RoleFilter = one_of(
    "role",
    {
        "administrator": (ADMINISTRATOR.title, Q(is_superuser=True)),
        **{role.code: (role.title, Q(is_staff=True, roles__contains=[role.code])) for role in ROLES},
        "custom": (_("A role of this program"), Q(is_staff=True, custom_roles__isnull=False)),
        "member": (_("Member of an affiliate"), Q(is_staff=False)),
    },
)


@admin.register(User)
class UserAdmin(PanelAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People sign in with their e-mail address. Only an administrator gives roles."""

    form = UserEditForm
    add_form = UserAddForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "role", "is_active", "last_login", "date_joined")
    list_filter = (
        RoleFilter,
        ("is_active", BooleanRadioFilter),
        ("date_joined", DayRangeFilter),
    )
    search_fields = ("email", "name", "memberships__affiliate__name")
    search_help_text = _("E-mail address, name or affiliate")
    ordering = ("email",)
    sortable_by = ("email", "last_login", "date_joined")
    readonly_fields = ("last_login", "date_joined", "role", "may")
    filter_horizontal = ()
    inlines = (MembershipTable, AssignedTable)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": (("email", "name"), "time_zone", "password")}),
        (_("Access"), {"fields": ("is_active", "roles", "custom_roles", "may")}),
        (_("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "roles", "custom_roles", "usable_password", "password1", "password2")}),
    )
    POWER = ("roles", "custom_roles")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("custom_roles")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Roles as ticks for administrators; others read them."""
        if operator(request).is_superuser:
            hidden: tuple[str, ...] = () if CustomRole.objects.exists() else ("custom_roles",)
        else:
            hidden = self.POWER
        shown = []
        for title, options in super().get_fieldsets(request, obj):
            fields = [each for each in options["fields"] if each not in hidden]
            if hidden == self.POWER and "may" in fields:
                fields.insert(fields.index("may"), "role")
            shown.append((title, {**options, "fields": tuple(fields)}))
        return shown

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of those who give no roles has no field for them: what they send for one is not read."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if operator(request).is_superuser:
            return form
        return type("FormWithoutRoles", (form,), dict.fromkeys(self.POWER))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The form's own ticks for roles."""
        own = RolesOfPerson.declared_fields.get(db_field.name)
        return own or super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The records of a user's actions would be deleted with the account. Make it inactive instead."""
        allowed = super().has_delete_permission(request, obj) and self._may_touch(request, obj)
        return allowed and not (obj and LogEntry.objects.filter(user=obj).exists())

    def _may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        """A person who changes an account's password or address can sign in as its owner."""
        return not isinstance(obj, User) or may_act_for(operator(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        check_all(operator(request), queryset)
        super().delete_queryset(request, queryset)

    @display(description=_("Role"))
    def role(self, row: User) -> SafeString:
        if row.is_superuser:
            return label(ADMINISTRATOR.title, "danger")
        if not row.is_staff:
            return label(gettext("Affiliate"), "info")
        titles = [*(role.title for role in builtin(row.roles)), *(each.name for each in row.custom_roles.all())]
        return label(", ".join(str(each) for each in titles) or gettext("Operator without a role"), "primary")

    @display(description=_("May"))
    def may(self, row: User) -> SafeString | str:
        """What the roles allow, in words."""
        if not row.pk or not row.is_staff:
            return gettext("See the affiliates below, by the roles given there.") if row.pk else "–"
        # An action that one role allows for all affiliates is for all, whatever another says.
        lines: dict[str, bool] = {}
        for role in row.held_roles():
            for action in role.actions:
                lines[str(action.words)] = lines.get(str(action.words), True) and role.only_assigned
        if not lines:
            return gettext("Nothing yet: no role is given.")
        shown = (
            (words, format_html(" ({})", gettext("assigned affiliates")) if limited else "")
            for words, limited in lines.items()
        )
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}{}</li>", shown))


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
    list_filter = (("action_time", DayRangeFilter), ("user", ReachableFilter))
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__email", "change_message")
    ordering = ("-action_time",)
    sortable_by = ("action_time",)
    fields = ("action_time", "user", "action_label", "content_type", "changed", "message")
    action_label = label_column(_("Did"), "action_flag", {1: "success", 2: "info", 3: "danger"})
    changed = column(_("To"), "object_repr")
    message = column(_("In words"), "get_change_message")


# Rights come from roles, so there are no groups of permissions.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)
for theirs, ours in ((EmailAddress, EmailAddressAdmin), (Authenticator, AuthenticatorAdmin)):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)
    admin.site.register(theirs, ours)
