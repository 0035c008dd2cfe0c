"""Checks of the panel's forms and lists before they grant access to an account."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext

from affiliates.access.operators import operator
from affiliates.access.power import AFFILIATE, may_act_for, refusal
from affiliates.admin.role_forms import MemberForm
from affiliates.models import User


def check_all(actor: User, users: Iterable[User]) -> None:
    """Raise `PermissionDenied` for the first of the accounts that the actor may not act for."""
    for user in users:
        if not may_act_for(actor, user):
            raise PermissionDenied(refusal(user))


def with_user_check(form: Any, actor: User) -> Any:
    """The form, with a check that refuses a `user` that the actor may not act for."""
    if "user" not in form.base_fields:
        return form

    class Form(form):
        def clean_user(self) -> User:
            user: User = self.cleaned_data["user"]
            if not may_act_for(actor, user):
                raise ValidationError(refusal(user))
            return user

    return Form


class MemberFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Only an administrator makes an operator a member of an affiliate: a membership opens the affiliate's account."""

    actor: User

    def clean(self) -> None:
        super().clean()
        changed = [form for form in self.forms if form.has_changed()]
        if changed and not self.actor.has_perm(AFFILIATE):
            raise ValidationError(
                gettext(
                    "Members have access to the affiliate's money: changing them needs a role that may change "
                    "affiliates. Ask an administrator."
                )
            )
        for form in changed:
            user = form.cleaned_data.get("user") if hasattr(form, "cleaned_data") else None
            if user and user.is_staff and not self.actor.is_superuser:
                form.add_error("user", gettext("Only an administrator can make an operator's account a member."))


class MembersByPermission:
    """Memberships on the pages of users and affiliates, by the permissions for memberships themselves."""

    formset = MemberFormSet
    form = MemberForm

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The form's own ticks for roles."""
        own = MemberForm.declared_fields.get(db_field.name)
        return own or super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)  # type: ignore[misc]
        return type("MemberFormSetFor", (formset,), {"actor": operator(request)})
