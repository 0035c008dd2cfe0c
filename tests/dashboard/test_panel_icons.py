"""The panel's icon font was cut down: every icon that a page can show is still in it."""

import re
from pathlib import Path

import pytest
import unfold
from django.conf import settings
from django.contrib.staticfiles import finders

PROJECT, UNFOLD = Path(settings.BASE_DIR), Path(unfold.__file__).parent
FONT = "unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
STYLES = "static/unfold/css/styles.css"
APPS = ("config", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard")
# In templates the text of an element with the font's class, the two words of a switch, and arguments; in Python a key.
IN_TEMPLATES = re.compile(
    r"material-symbols-outlined[^>]*>\s*([a-z0-9_]+)\s*<|\bicon=[\"']([a-z0-9_]+)[\"']"
    r"|x-text=\"\w+ \? '([a-z0-9_]+)' : '[a-z0-9_]+'\"|x-text=\"\w+ \? '[a-z0-9_]+' : '([a-z0-9_]+)'\""
)
IN_STYLES = re.compile(r"content:\"([a-z]+(?:_[a-z]+)*)\"")
IN_PYTHON = re.compile(r"\bicon(?:\"\s*:|=)\s*\"([a-z0-9_]+)\"")


def used() -> set[str]:
    templates = [*(PROJECT / "templates/admin").rglob("*.html"), *(UNFOLD / "templates").rglob("*.html")]
    python = [path for app in APPS for path in (PROJECT / app).rglob("*.py")]
    found = [IN_TEMPLATES.findall(path.read_text()) for path in templates]
    names = {name for groups in found for group in groups for name in group}
    names |= {name for path in python for name in IN_PYTHON.findall(path.read_text())}
    return (names | set(IN_STYLES.findall((UNFOLD / STYLES).read_text()))) - {""}


def test_the_smaller_font_takes_the_place_of_unfolds() -> None:
    path = finders.find(FONT)
    assert path
    assert Path(path).is_relative_to(PROJECT)
    assert Path(path).stat().st_size < (UNFOLD / "static" / FONT).stat().st_size / 5


def test_it_has_every_icon_that_is_used() -> None:
    kept = set((PROJECT / "static" / FONT).with_suffix(".txt").read_text().split())
    assert used() - kept == set()


@pytest.mark.parametrize("icon", ["add", "visibility_off", "stethoscope", "timeline", "space_dashboard"])
def test_uses_of_every_form_are_found(icon: str) -> None:
    assert icon in used()
