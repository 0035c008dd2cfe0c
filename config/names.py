"""Names of models and fields that are not written out in the code: Django makes them from identifiers.

People read them too, so they are translated. They are marked here and not in the models, where each would be a change
of the model with a migration.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.utils.encoding import force_str
from django.utils.functional import Promise

from records.translation import gettext_lazy
from web.lists.columns import HEADINGS


def own_models() -> Iterator[type[Model]]:
    """The project's own models, not those of the packages that it uses."""
    for app in apps.get_app_configs():
        if Path(app.path).parent == settings.BASE_DIR:
            yield from app.get_models()


def mark_names() -> None:
    """Make the names of models and fields lazy texts. Done once, before the first form is made from a model."""
    for model in own_models():
        if "verbose_name_plural" not in model._meta.original_attrs:
            # Django adds an s to the name, which is no plural in other languages.
            model._meta.verbose_name_plural = str(model._meta.verbose_name_plural)
        for place, attribute in _places(model):
            name = getattr(place, attribute)
            if not isinstance(name, Promise):
                setattr(place, attribute, gettext_lazy(name))


def quicken_labels() -> None:
    """Let `get_..._display` look a label up without translating all others: Django hashes each label on every call."""
    for model in own_models():
        for field in model._meta.concrete_fields:
            if field.choices:
                setattr(model, f"get_{field.name}_display", _label_of(field))


def _label_of(field: Any) -> Callable[[Model], Any]:
    labels = dict(field.flatchoices)

    def label(row: Model) -> Any:
        value = getattr(row, field.attname)
        return force_str(labels.get(value, value), strings_only=True)

    return label


def names() -> set[str]:
    """Every name as it stands in the code, and the headings of lists, for the catalogue."""
    return {str(getattr(place, attribute)) for model in own_models() for place, attribute in _places(model)} | HEADINGS


def _places(model: type[Model]) -> Iterator[tuple[Any, str]]:
    """Where names stand: an object and its attribute."""
    yield from ((model._meta, "verbose_name"), (model._meta, "verbose_name_plural"))
    yield from ((field, "verbose_name") for field in (*model._meta.fields, *model._meta.many_to_many))
