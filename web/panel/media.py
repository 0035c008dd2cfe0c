"""The scripts and style sheets of the panel's lists and forms: bundles in place of a dozen files of its packages."""

from collections.abc import Iterable
from typing import Any

from django.forms import Media

from web.bundles import BUNDLES

FORMS, DATES, FILTER_DATES = "admin-extra/forms.js", "admin-extra/dates.js", "admin-extra/filter-dates.js"
# What a file is loaded with; None where it is not needed.
INSTEAD: dict[str, str | None] = {
    **dict.fromkeys(BUNDLES[FORMS], FORMS),
    # The same in other forms: Unfold takes the readable select2, with DEBUG Django takes the readable jQuery.
    "admin/js/vendor/jquery/jquery.js": FORMS,
    "admin/js/vendor/select2/select2.full.js": FORMS,
    "admin/js/jquery.init.js": FORMS,
    # Both date bundles begin with it.
    "admin/js/calendar.js": None,
    "admin/js/admin/DateTimeShortcuts.js": DATES,
    "unfold/filters/js/DateTimeShortcuts.js": FILTER_DATES,
    # For fields that fill themselves from others (`prepopulated_fields`), of which the panel has none.
    "admin/js/urlify.js": None,
    "admin/js/prepopulate.js": None,
    "admin/js/vendor/xregexp/xregexp.js": None,
    "admin/js/vendor/xregexp/xregexp.min.js": None,
    # Part of the style sheet of every page.
    "admin/css/vendor/select2/select2.css": None,
    "admin/css/vendor/select2/select2.min.css": None,
    "admin/css/autocomplete.css": None,
}


class PanelMedia(Media):
    """Media that name bundles; what is added to them is bundled, too."""

    @classmethod
    def of(cls, media: Media) -> "PanelMedia":
        return cls() + media

    def __add__(self, other: Media) -> "PanelMedia":
        bundled = PanelMedia()
        vars(bundled).update(vars(super().__add__(other)))
        return bundled

    @property
    def _js(self) -> list[Any]:
        return _bundled(super()._js)  # type: ignore[misc]

    @property
    def _css(self) -> dict[str, list[Any]]:
        return {medium: _bundled(files) for medium, files in super()._css.items()}  # type: ignore[misc]


def _bundled(files: Iterable[Any]) -> list[Any]:
    places = (INSTEAD.get(file, file) for file in files)
    return list(dict.fromkeys(place for place in places if place is not None))
