"""The one rule of reach: which rows a person may see or change with a permission.

Every list, page, search, export, file and answer of the API goes through `within` or asks `affiliates_within`.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from affiliates.roles.grants import grants_of
from affiliates.roles.paths import OF_ALL, PATHS

Row = TypeVar("Row", bound=Model)

# The affiliates of a reach: None is all of them.
Affiliates = tuple[int, ...] | None


def affiliates_within(user: Any, *permissions: str) -> Affiliates:
    """The affiliates for which the person has all of these permissions; None is all, also of those to come.

    Without one of the permissions there are none.
    """
    if user.is_superuser and user.is_active:
        return None
    grants = grants_of(user)
    if not all(user.has_perm(each) for each in permissions):
        return ()
    return assigned_to(user) if any(grants.is_limited(each) for each in permissions) else None


def affiliates_in_view(user: Any, permissions: Iterable[str]) -> Affiliates:
    """The affiliates for which the person has at least one of these permissions.

    A page may be for people who have none of them, but another: then the narrowest reach of the person counts.
    """
    held = [each for each in permissions if user.has_perm(each)]
    if not held:
        return assigned_to(user) if user.has_limits else None
    reaching = [affiliates_within(user, each) for each in held]
    return None if None in reaching else reaching[0]


def assigned_to(user: Any) -> tuple[int, ...]:
    """The affiliates assigned to the person, looked up once for the object."""
    if not hasattr(user, "_assigned"):
        user._assigned = tuple(user.assignments.order_by().values_list("affiliate_id", flat=True))
    found: tuple[int, ...] = user._assigned
    return found


def narrowed(rows: "QuerySet[Row]", affiliates: Affiliates) -> "QuerySet[Row]":
    """The rows that belong to these affiliates, by the path of their model."""
    path = PATHS.get(rows.model._meta.label_lower, OF_ALL)
    if affiliates is None or path.is_shared:
        return rows
    if not path.to_affiliate:
        return rows.none()
    condition = path.condition(affiliates)
    if not path.is_many:
        return rows.filter(condition)
    return rows.filter(pk__in=rows.model._base_manager.filter(condition).values("pk"))


def viewing(model: type[Model]) -> tuple[str, str]:
    """The permissions of which one is enough to view the model's rows."""
    app, name = model._meta.app_label, model._meta.model_name
    return f"{app}.view_{name}", f"{app}.change_{name}"


def within(user: Any, rows: "QuerySet[Row]", *permissions: str) -> "QuerySet[Row]":
    """The rows for which the person has the permissions; without any named, those that the person may view."""
    if not permissions:
        return narrowed(rows, affiliates_in_view(user, viewing(rows.model)))
    return narrowed(rows, affiliates_within(user, *permissions))


def reaches(user: Any, row: Model, *permissions: str) -> bool:
    """Whether the row is among those of `within`."""
    return within(user, type(row)._base_manager.filter(pk=row.pk), *permissions).exists()
