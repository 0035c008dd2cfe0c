"""Ticks for roles, on the pages of people, memberships and roles."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from affiliates.models import AffiliateMember, CustomRole, User
from affiliates.roles.actions import ACTIONS
from affiliates.roles.table import ADMINISTRATOR, MEMBER_ROLES, ROLES, Role
from records.translation import gettext_lazy as _

Choices = list[tuple[str, SafeString]]


def role_choices(roles: Iterable[Role]) -> Choices:
    """Each role with what it is for."""
    return [(role.code, format_html("<strong>{}</strong> {}", role.title, role.words)) for role in roles]


def operator_choices() -> Choices:
    return role_choices([ADMINISTRATOR, *ROLES])


def stored_choices() -> Choices:
    return role_choices(ROLES)


def member_choices() -> Choices:
    return [(role.code, format_html("{}", role.title)) for role in MEMBER_ROLES]


def action_choices() -> list[tuple[str, str]]:
    return [(action.code, action.words) for action in ACTIONS]


class Ticks(UnfoldAdminCheckboxSelectMultipleWidget):
    """One tick below another: each has a line of words."""

    def __init__(self, attrs: Any = None, choices: Any = ()) -> None:
        super().__init__({"class": "aff-ticks", **(attrs or {})}, choices)


class TicksField(forms.MultipleChoiceField):
    """Codes that are ticked, kept in the order of the table."""

    widget = Ticks

    def clean(self, value: Any) -> list[str]:
        ticked = set(super().clean(value))
        choices: Any = self.choices
        return [str(code) for code, _words in choices if code in ticked]


class CustomRolesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return format_html("<strong>{}</strong> {}", obj.name, obj.description)


class RolesOfPerson(forms.ModelForm):  # type: ignore[type-arg]
    """The roles of an operator. A person with none is no operator; the administrator is Django's superuser."""

    roles = TicksField(
        required=False,
        choices=operator_choices,
        label=_("Roles"),
        help_text=_("Several add up. Without any the person is no operator. What each may do stands under Roles."),
    )
    custom_roles = CustomRolesField(
        CustomRole.objects.all(), required=False, widget=Ticks, label=_("Roles of this program")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "roles" in self.fields and self.instance.is_superuser:
            self.initial["roles"] = [ADMINISTRATOR.code, *self.instance.roles]
        if "custom_roles" in self.fields and not CustomRole.objects.exists():
            del self.fields["custom_roles"]

    def clean(self) -> Any:
        given = super().clean() or self.cleaned_data
        if "roles" not in self.fields or "roles" not in given:
            return given
        is_administrator = ADMINISTRATOR.code in given["roles"]
        if self.instance.pk and self.instance.is_superuser and not is_administrator and self._is_last():
            self.add_error(
                "roles", gettext("This is the only administrator. Make another person one first, then change this.")
            )
            return given
        self.instance.is_superuser = is_administrator
        self.instance.is_staff = bool(given["roles"] or given.get("custom_roles"))
        given["roles"] = [code for code in given["roles"] if code != ADMINISTRATOR.code]
        return given

    def _is_last(self) -> bool:
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=self.instance.pk)
        return not others.exists()


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    roles = TicksField(choices=member_choices, label=_("Roles"))

    class Meta:
        model = AffiliateMember
        fields = ("affiliate", "user", "roles")


class CustomRoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role of the program's own: a combination of roles and single actions, never of permissions."""

    roles = TicksField(
        required=False, choices=stored_choices, label=_("Includes"), help_text=_("All that these roles may do.")
    )
    actions = TicksField(required=False, choices=action_choices, label=_("And may also"))

    class Meta:
        model = CustomRole
        fields = ("name", "description", "roles", "actions", "only_assigned")

    def clean(self) -> Any:
        given = super().clean() or self.cleaned_data
        if not self.errors and not (given.get("roles") or given.get("actions")):
            raise ValidationError(gettext("Tick at least one role or action: an empty role allows nothing."))
        return given
