"""Columns of lists."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import Model
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import display

from web.cells import NOTHING


def label(text: object, tone: str) -> SafeString:
    """A coloured label; its text has the meaning of the colour."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tone})


def labelled(field: str, tones: dict[str, str], *, description: str = "") -> Callable[..., Any]:
    """A column with a coloured label for a field with choices."""

    @display(description=description or field.replace("_", " "), ordering=field)
    def shown(self: Any, row: Model) -> SafeString | str:
        value = getattr(row, field)
        return label(getattr(row, f"get_{field}_display")(), tones[value]) if value else NOTHING

    return shown  # type: ignore[no-any-return]


def once(method: Callable[..., Any]) -> Callable[..., Any]:
    """Evaluate a read-only field with a query once: a detail page evaluates each several times."""
    kept = f"_{method.__name__}_kept"

    @wraps(method)
    def remembering(self: Any, row: Model) -> Any:
        if kept not in row.__dict__:
            row.__dict__[kept] = method(self, row)
        return row.__dict__[kept]

    return remembering
