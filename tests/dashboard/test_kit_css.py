"""The kit's style sheet was cut down: every class that a page can have still has its rules."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"
WRITTEN = re.compile(r"\bclass(?:es)?=(?:\"([^\"]*)\"|'([^']*)')")


@pytest.fixture(scope="module")
def kit_css() -> ModuleType:
    """The script as a module, without compiled files beside it: those would be collected as static ones."""
    module, path = ModuleType("kit_css"), VENDOR / "kit_css.py"
    module.__file__ = str(path)
    exec(compile(path.read_text(), path, "exec"), module.__dict__)  # noqa: S102 - a script of ours
    return module


def test_every_class_that_a_template_names_has_the_kits_rules(kit_css: ModuleType) -> None:
    """Where it fails, a class is used that had been cut out: run `python static/vendor/kit_css.py`."""
    known, kept = kit_css.classes(kit_css.SOURCE.read_text()), kit_css.classes(kit_css.TARGET.read_text())
    named: set[str] = set()
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        for groups in WRITTEN.findall(
            re.sub(r"\{[{%].*?[}%]\}", lambda tag: " ".join(quoted(tag[0])), path.read_text())
        ):
            named.update(" ".join(groups).split())
    assert {"card", "btn-primary", "alert-danger", "navbar-toggler"} <= named
    assert (named & known) - kept == set()


def quoted(tag: str) -> list[str]:
    return re.findall(r"'([^']*)'", tag)


def test_the_cut_style_sheet_is_what_the_script_makes_of_the_published_one(kit_css: ModuleType) -> None:
    """A class that only a script or a Python file names is found here. Run `python static/vendor/kit_css.py`."""
    assert kit_css.TARGET.read_text() == kit_css.cut(kit_css.SOURCE.read_text())
    assert kit_css.TARGET.stat().st_size < kit_css.SOURCE.stat().st_size / 4


@pytest.mark.parametrize("level", ["info", "success", "warning", "danger"])
def test_messages_of_every_level_keep_their_colour(kit_css: ModuleType, level: str) -> None:
    assert f"alert-{level}" in kit_css.classes(kit_css.TARGET.read_text())


def test_a_rule_stays_whole_while_one_of_its_selectors_is_used(
    kit_css: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    css = (
        '@charset "UTF-8";/*! kit */:root{--used:1;--unused:"a;b"}.card,.gone{color:var(--used)}.gone .card{x:y}'
        ".card:not(.gone){x:y}@media print{.gone{x:y}.card:is(.a,.b){content:'}'}}@keyframes spin{to{x:y}}"
        "@keyframes glow{to{x:y}}.card{animation:glow 1s}a[href='.gone']{x:y}"
    )
    monkeypatch.setattr(kit_css, "words", lambda: {"card"})
    assert kit_css.cut(css).partition("\n")[2] == (
        ":root{--used:1;}.card{color:var(--used)}.card:not(.gone){x:y}@media print{.card:is(.a,.b){content:'}'}}"
        "@keyframes glow{to{x:y}}.card{animation:glow 1s}a[href='.gone']{x:y}\n"
    )
