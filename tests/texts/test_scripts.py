"""Scripts take the texts that people read from the page, so that they are in its language."""

import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
# The tag's scripts run on advertisers' pages and show nothing.
NAMES = sorted(
    str(path.relative_to(STATIC)) for place in ("portal", "admin-extra") for path in STATIC.glob(f"{place}/*.js")
)
COMMENT = re.compile(r"^\s*//.*$|/\*.*?\*/", re.M | re.S)
LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`([^`]*)`")
A_TEXT = re.compile(r"^\s*[A-Z][a-z]|[a-z]{2,} [a-z]{2,}")
# Errors that only a programmer sees, and the names of keys and events.
NOT_READ = {"DOMContentLoaded", "Escape", "Enter", "not copied", "use strict"}


def texts(source: str) -> list[str]:
    literals = ["".join(found) for found in LITERAL.findall(COMMENT.sub("", source))]
    return [text for text in literals if A_TEXT.search(text) and text not in NOT_READ]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_no_text_of_its_own(name: str) -> None:
    assert texts((STATIC / name).read_text()) == []


@pytest.mark.parametrize(
    "source", ['button.textContent = "Copied";', "announce('The list could not be loaded.');", 'x + " of these clicks"']
)
def test_a_text_in_a_script_is_found(source: str) -> None:
    assert texts(source)


def test_scripts_are_looked_at() -> None:
    assert {"portal/portal.js", "portal/charts.js", "admin-extra/panel.js"} <= set(NAMES)
