"""Files that pages always load together, put together into one: a cold page then needs few requests.

A bundle is made out of the files of the packages that are installed, so it follows their updates. `collectstatic`
collects it like any other file, and in development it is made again when one of its parts has changed.
"""

import os
import posixpath
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage

# In the order in which they run and in which rules of the same weight win.
BUNDLES: dict[str, tuple[str, ...]] = {
    # What every page of the portal loads.
    "portal/kit.css": ("vendor/tabler-1.6.1/tabler.used.css", "portal/portal.css"),
    "portal/kit.js": ("django_htmx/htmx-2.min.js", "vendor/tabler-1.6.1/tabler.min.js"),
    "portal/chart-kit.js": ("vendor/chartjs-4.6.1/chart.umd.min.js", "portal/charts.js"),
    # What every page of the panel loads (templates/unfold/layouts/skeleton.html). Alpine starts last: the others add
    # themselves to it.
    "admin-extra/kit.css": (
        "unfold/fonts/inter/styles.css",
        "unfold/fonts/material-symbols/styles.css",
        "admin-extra/panel.css",
        "unfold/css/styles.css",
        "unfold/css/simplebar/simplebar.css",
        "admin/css/vendor/select2/select2.min.css",
        "admin/css/autocomplete.css",
    ),
    "admin-extra/kit.js": (
        "unfold/js/htmx/htmx.js",
        "admin-extra/panel.js",
        "unfold/js/app.js",
        "unfold/js/simplebar/simplebar.js",
        "unfold/js/alpine/alpine.anchor.js",
        "unfold/js/alpine/alpine.persist.js",
        "unfold/js/alpine/alpine.resize.js",
        "unfold/js/alpine/alpine.js",
    ),
    # What the panel's lists and forms load (web/panel/media.py).
    "admin-extra/forms.js": (
        "admin/js/vendor/jquery/jquery.min.js",
        "admin/js/vendor/select2/select2.full.min.js",
        "admin/js/vendor/select2/i18n/en.js",
        "admin-extra/jquery.js",
        "admin/js/core.js",
        "admin/js/admin/RelatedObjectLookups.js",
        "admin/js/actions.js",
        "admin/js/inlines.js",
        "admin/js/autocomplete.js",
        "unfold/js/select2.init.js",
    ),
    "admin-extra/dates.js": ("admin/js/calendar.js", "admin/js/admin/DateTimeShortcuts.js"),
    "admin-extra/filter-dates.js": ("admin/js/calendar.js", "unfold/filters/js/DateTimeShortcuts.js"),
}
SOURCE_MAP = re.compile(r"(?m)^\s*(/\*#|//#) sourceMappingURL=.*$")
FILE_NAMED = re.compile(r"""(?<=url\()(["']?)(?!data:|[a-z]+:|[/#"'])([^"')]+)""")


class BundleFinder(finders.BaseFinder):
    """Finds the bundles, as the other finders find the files of the packages."""

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [str(bring_up_to_date(path))] if path in BUNDLES else []
        return found[0] if found and not find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        for name in BUNDLES:
            bring_up_to_date(name)
            yield name, storage()


def storage() -> FileSystemStorage:
    """Where bundles are made: beside the collected files, which no one but the installation writes."""
    root = Path(settings.STATIC_ROOT)
    return FileSystemStorage(location=root.with_name(f"{root.name}-bundles"))


def bring_up_to_date(name: str) -> Path:
    """The bundle's file, written again where its parts make another one. Several processes may do so at once."""
    target, text = Path(storage().path(name)), _text_of(name)
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(fresh).chmod(0o644)
        Path(fresh).replace(target)
    return target


def _text_of(name: str) -> str:
    """The parts one after another, each named; the comments that name source maps are left out, as the maps are."""
    joint = ";\n" if name.endswith(".js") else ""
    return joint.join(f"/* {part} */\n{_text_of_part(part, name).rstrip()}\n" for part in BUNDLES[name])


def _text_of_part(part: str, bundle: str) -> str:
    path = finders.find(part)
    if not isinstance(path, str):
        raise FileNotFoundError(f"{part}, a part of a bundle (web/bundles.py), is in no package: name the new file.")
    text = SOURCE_MAP.sub("", Path(path).read_text())
    if not bundle.endswith(".css"):
        return text
    # Names of files are relative to the style sheet that they stand in.
    way = posixpath.relpath(posixpath.dirname(part), posixpath.dirname(bundle))
    return FILE_NAMED.sub(lambda named: f"{named[1]}{posixpath.normpath(f'{way}/{named[2]}')}", text)
