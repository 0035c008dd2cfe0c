"""Files put together so that a cold page needs few requests: complete, in their order, and up to date."""

import posixpath
import re
from pathlib import Path
from typing import Any

import pytest
import unfold
from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.template.loader import get_template

from config.admin_site import OperatorPanel
from web import bundles
from web.bundles import BUNDLES, bring_up_to_date
from web.panel.media import INSTEAD, PanelMedia

SKELETON = "unfold/layouts/skeleton.html"
ASSET = re.compile(r"\s*<(link|script)\b[^>]*\{% static [^>]*>(</script>)?")


@pytest.fixture(autouse=True)
def own_place(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = str(tmp_path / "static")
    return tmp_path / "static-bundles"


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_holds_its_parts_in_their_order(name: str) -> None:
    path = finders.find(name)
    assert isinstance(path, str)
    assert re.findall(r"(?m)^/\* (\S+\.(?:css|js)) \*/$", Path(path).read_text()) == list(BUNDLES[name])


@pytest.mark.parametrize("name", [name for name in BUNDLES if name.endswith(".css")])
def test_the_files_that_a_style_sheet_names_are_found_from_its_new_place(name: str) -> None:
    text = bring_up_to_date(name).read_text()
    named = set(re.findall(r"url\([\"']?(?!data:)([^\"')]+\.woff2)", text))
    assert len(named) >= 3
    assert [file for file in named if not finders.find(_from(name, file))] == []


def _from(name: str, file: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), file))


def test_a_bundle_is_made_again_when_a_part_has_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    part = tmp_path / "part.css"
    part.write_text("a { background: url(x.png) }\n/*# sourceMappingURL=part.css.map */\n")
    monkeypatch.setitem(BUNDLES, "portal/new.css", ("vendor/part.css",))
    monkeypatch.setattr(bundles.finders, "find", lambda name: str(part))
    made = bring_up_to_date("portal/new.css")
    assert made.read_text() == "/* vendor/part.css */\na { background: url(../vendor/x.png) }\n"
    before = made.stat().st_mtime_ns
    assert bring_up_to_date("portal/new.css").stat().st_mtime_ns == before
    part.write_text("b {}")
    assert "b {}" in bring_up_to_date("portal/new.css").read_text()


def test_a_part_that_no_package_has_any_more_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUNDLES, "portal/new.js", ("unfold/js/gone.js",))
    with pytest.raises(FileNotFoundError, match=r"unfold/js/gone\.js, a part of a bundle"):
        bring_up_to_date("portal/new.js")


def test_the_panels_skeleton_is_unfolds_but_for_its_files() -> None:
    """An update of django-unfold that changes it fails here: copy it again, with the two bundles in it."""
    ours = Path(get_template(SKELETON).origin.name)
    assert ours.is_relative_to(settings.BASE_DIR)
    theirs = (Path(unfold.__file__).parent / "templates" / SKELETON).read_text()
    assert _without_files(ours.read_text().partition("\n")[2]) == _without_files(theirs)


def _without_files(template: str) -> list[str]:
    return [line.strip() for line in ASSET.sub("", template).splitlines() if line.strip()]


def test_the_panel_loads_what_unfold_loads() -> None:
    theirs = (Path(unfold.__file__).parent / "templates" / SKELETON).read_text()
    wanted = set(re.findall(r"\{% static [\"']([^\"']+)", theirs))
    # Charts are loaded by the pages that have some; no list of ours is sorted by hand.
    left_out = {"unfold/js/chart/chart.js", "unfold/js/alpine/alpine.sort.js"}
    assert wanted - {part for parts in BUNDLES.values() for part in parts} == left_out


@pytest.mark.django_db
def test_no_page_of_the_panel_loads_a_file_that_a_bundle_holds(rf: Any, olga: Any) -> None:
    request = rf.get("/admin/")
    request.user = olga
    for model, page in _panel()._registry.items():
        page.request = request
        media = page.media
        if page.has_add_permission(request):
            media += page.get_form(request)().media
            for inline in page.get_inline_instances(request):
                media += inline.media + inline.get_formset(request)().media
        assert isinstance(media, PanelMedia), model
        assert not INSTEAD.keys() & {str(file) for file in [*media._js, *sum(media._css.values(), [])]}, model


def test_no_form_of_the_panel_has_fields_that_fill_themselves() -> None:
    """Their scripts are left out (web/panel/media.py), as is the template that starts them."""
    for model, page in _panel()._registry.items():
        assert not page.prepopulated_fields, model
        assert not any(inline.prepopulated_fields for inline in page.inlines), model


def _panel() -> OperatorPanel:
    site = admin.site
    assert isinstance(site, OperatorPanel)
    return site
