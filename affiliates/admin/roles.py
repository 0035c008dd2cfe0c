"""The roles page: what each role may do in words, and the program's own roles; who looks after which affiliate."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from affiliates.admin.role_forms import CustomRoleForm
from affiliates.assigning import assign, unassign
from affiliates.models import AffiliateMember, Assignment, CustomRole, User
from affiliates.roles.table import ADMINISTRATOR, MEMBER_ROLES, ROLES, Role
from records.translation import gettext_lazy as _
from records.words import counted
from web.panel import ConfirmForm, PanelAdmin, PanelTable, column


@dataclass(frozen=True, slots=True)
class ShownRole:
    """A role as the page shows it."""

    role: Role
    holders: int

    @property
    def may(self) -> list[str]:
        return [str(each.words) for each in self.role.actions if each.only_reads] + [
            str(each.words) for each in self.role.actions if not each.only_reads
        ]


def operator_roles() -> list[ShownRole]:
    held: dict[str, int] = dict.fromkeys((role.code for role in ROLES), 0)
    administrators = 0
    people = User.objects.filter(is_staff=True, is_active=True)
    for codes, is_administrator in people.values_list("roles", "is_superuser"):
        administrators += is_administrator
        for code in codes:
            held[code] += 1
    return [ShownRole(ADMINISTRATOR, administrators), *(ShownRole(role, held[role.code]) for role in ROLES)]


def member_roles() -> list[ShownRole]:
    held: dict[str, int] = dict.fromkeys((role.code for role in MEMBER_ROLES), 0)
    for codes, number in AffiliateMember.objects.values_list("roles").annotate(number=Count("pk")).order_by():
        for code in codes:
            held[code] += number
    return [ShownRole(role, held[role.code]) for role in MEMBER_ROLES]


@admin.register(CustomRole)
class CustomRoleAdmin(PanelAdmin):
    """Roles of the program's own, below those of the table. Only administrators make them."""

    form = CustomRoleForm
    change_list_template = "admin/affiliates/customrole/change_list.html"
    list_display = ("name", "description", "may", "reach", "people")
    search_fields = ("name", "description")
    sortable_by = ("name",)
    fields = ("name", "description", "roles", "actions", "only_assigned")
    may = column(_("May"), lambda row: "; ".join(_parts(row)))
    reach = column(
        _("For"), lambda row: gettext("assigned affiliates") if row.only_assigned else gettext("as each role says")
    )
    people = column(_("People"), "people_count")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CustomRole]":
        rows: QuerySet[CustomRole] = super().get_queryset(request)
        return rows.annotate(people_count=Count("users")).order_by("name")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"operator_roles": operator_roles(), "member_roles": member_roles()}
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **shown})
        return answer

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The form's own ticks: Unfold has a widget for lists of texts."""
        if db_field.name in CustomRoleForm.declared_fields:
            return CustomRoleForm.declared_fields[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def _parts(row: CustomRole) -> list[str]:
    names = {role.code: str(role.title) for role in ROLES}
    return [names[code] for code in row.roles if code in names] + [
        str(action.words) for action in row.as_roles()[-1].actions if action.code in row.actions
    ]


class AssignmentTable(PanelTable):
    """Who looks after the affiliate; on a person's page: which affiliates the person looks after."""

    model = Assignment
    fields: Any = ("manager", "created_at")
    readonly_fields = ("created_at",)
    autocomplete_fields: Any = ("manager",)
    show_change_link = False
    verbose_name_plural = _("managers")


class AssignedTable(AssignmentTable):
    fields = ("affiliate", "created_at")
    autocomplete_fields = ("affiliate",)
    verbose_name = _("assigned affiliate")
    verbose_name_plural = _("assigned affiliates")


class AssignManager(ConfirmForm):
    """Give the chosen affiliates a manager, or take one away."""

    title, submit, permission = _("Assign a manager"), _("Save"), "affiliates.add_assignment"
    explanation = _(
        "A person whose role is for assigned affiliates only, such as an affiliate manager, sees these affiliates and "
        "no others."
    )
    manager = forms.ModelChoiceField(
        User.objects.filter(is_staff=True, is_active=True).order_by("name", "email"),
        label=_("Manager"),
        widget=UnfoldAdminSelectWidget,
    )
    how = forms.ChoiceField(
        choices=[
            ("add", _("Assign, beside those who look after them already")),
            ("replace", _("Assign instead of those who look after them already")),
            ("remove", _("Assign no more")),
        ],
        label=_("How"),
        widget=UnfoldAdminSelectWidget,
    )

    def describe(self, row: Any) -> str:
        names = [str(each.manager) for each in row.assignments.select_related("manager")]
        return ", ".join(names) or gettext("no manager")

    def perform(self, *, actor: User, now: datetime) -> str:
        manager, how = self.cleaned_data["manager"], self.cleaned_data["how"]
        ids = [row.pk for row in self.rows]
        if not ids:
            raise ValidationError(gettext("Choose affiliates first."))
        if how == "remove":
            number = unassign(affiliate_ids=ids, manager=manager)
            return gettext("{manager} looks after {counted} no more.").format(
                manager=manager, counted=counted(number, "affiliate")
            )
        number = assign(affiliate_ids=ids, manager=manager, instead=how == "replace")
        already = len(ids) - number
        text = gettext("{counted} assigned to {manager}").format(counted=counted(number, "affiliate"), manager=manager)
        more = ngettext("{number} was already", "{number} were already", already).format(number=already)
        return f"{text}; {more}." if already else f"{text}."
