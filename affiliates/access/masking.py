"""Stored texts that may name affiliates, such as the notes of a decision: without the names beyond a reader's reach."""

import re
from typing import Any, TypeVar

from affiliates.models import Affiliate, User
from affiliates.roles.reach import affiliates_in_view, viewing

T = TypeVar("T")
# Stored words are English; so is this.
ANOTHER = "another affiliate"


def masked_for(user: User, value: T) -> T:
    """The text, or the texts in lists and mappings, with `another affiliate` in place of each name beyond reach."""
    names = _beyond(user)
    return _masked(value, names) if names else value


def _beyond(user: User) -> re.Pattern[str] | None:
    """The names of the affiliates that the person may not see, looked up once for the object."""
    if not user.has_limits:
        return None
    if not hasattr(user, "_names_beyond"):
        within = affiliates_in_view(user, viewing(Affiliate))
        rows = Affiliate.objects.exclude(pk__in=within) if within is not None else Affiliate.objects.none()
        texts = sorted((text for pair in rows.values_list("name", "public_id") for text in pair), key=len, reverse=True)
        pattern = "|".join(re.escape(each) for each in texts)
        user._names_beyond = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") if texts else None  # type: ignore[attr-defined]
    found: re.Pattern[str] | None = user._names_beyond  # type: ignore[attr-defined]
    return found


def _masked(value: Any, names: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return names.sub(ANOTHER, value)
    if isinstance(value, dict):
        return {name: _masked(each, names) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each, names) for each in value]
    return value
