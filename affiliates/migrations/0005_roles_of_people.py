"""Give everyone the roles that match what they may do now. No one gains a right.

The table of actions holds no models. A database that is new has no people, so later changes of the table do no harm.
"""

from typing import Any

from django.db import migrations

from affiliates.roles.actions import ACTIONS


def _names(permissions: Any) -> set[str]:
    return {f"{app}.{code}" for app, code in permissions.values_list("content_type__app_label", "codename")}


def _role_of(model: Any, name: str, permissions: set[str]) -> Any:
    """A role with the actions that the permissions cover in full; None where they cover none."""
    actions = [each.code for each in ACTIONS if each.permissions <= permissions]
    if not actions:
        return None
    free, number = name[:60], 2
    while model.objects.filter(name__iexact=free).exists():
        free, number = f"{name[:56]} {number}", number + 1
    return model.objects.create(name=free, actions=actions, description="Made of permissions that were given before.")


def give_roles(apps: Any, schema_editor: Any) -> None:
    user_model, role_model = apps.get_model("affiliates", "User"), apps.get_model("affiliates", "CustomRole")
    for group in apps.get_model("auth", "Group").objects.all():
        role = _role_of(role_model, group.name, _names(group.permissions))
        if role:
            role.users.set(user_model.objects.filter(groups=group, is_staff=True))
    for user in user_model.objects.filter(is_staff=True, user_permissions__isnull=False).distinct():
        role = _role_of(role_model, f"Rights of {user.email}", _names(user.user_permissions))
        if role:
            role.users.add(user)


def give_member_roles(apps: Any, schema_editor: Any) -> None:
    """A member could read everything and make links."""
    members = apps.get_model("affiliates", "AffiliateMember").objects
    members.filter(role="owner").update(roles=["owner"])
    members.exclude(role="owner").update(roles=["marketing", "read_only"])


class Migration(migrations.Migration):
    dependencies = [("affiliates", "0004_roles"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(give_roles, migrations.RunPython.noop),
        migrations.RunPython(give_member_roles, migrations.RunPython.noop),
    ]
