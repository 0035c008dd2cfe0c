"""Names, labels and sentences of the code are marked for translation, and none is translated before it is shown."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.utils.functional import Promise

from affiliates.models import Affiliate
from config.embedded.environment import checking_environment
from config.names import own_models
from tests.texts.pseudo import bracketed

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("records", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard", "config")
# Answers to machines, the command line, logs and checks of the settings are English.
MACHINES = {"api", "management", "migrations", "embedded", "demo", "endpoints", "intake", "dialects", "doctor", "rest"}
MACHINE_FILES = {"affiliates/access/reach.py", "tracking/api.py"}
FILES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not MACHINES & set(path.relative_to(ROOT).parts) and str(path.relative_to(ROOT)) not in MACHINE_FILES
)
MODULES = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in FILES]
# Modules that take their texts from others, or start something when they are imported.
NOT_IMPORTED = {"config.asgi", "config.celery", "tracking.visitors.geography_data.build"}


def is_marked(text: object) -> bool:
    """A text without a letter is the same in every language; a name of the code has no space and no capital."""
    return isinstance(text, Promise) or not any(char.isalpha() for char in str(text or ""))


def subclasses(base: type) -> Iterator[type]:
    """Every class of the project below this one."""
    for module in MODULES:
        if module not in NOT_IMPORTED:
            import_module(module)
    waiting = [base]
    while waiting:
        waiting += (below := waiting.pop().__subclasses__())
        yield from (each for each in below if each.__module__.split(".")[0] in PACKAGES)


def test_names_of_models_and_their_fields_are_marked():
    plain = []
    for model in own_models():
        named = [("verbose_name", model._meta.verbose_name), ("verbose_name_plural", model._meta.verbose_name_plural)]
        for field in model._meta.fields:
            named += [(f"{field.name} name", field.verbose_name), (f"{field.name} help_text", field.help_text)]
            named += [(f"{field.name} choices", label) for value, label in field.flatchoices if label != value]
        plain += [f"{model.__name__}.{name}: {text}" for name, text in named if not is_marked(text)]
    assert plain == []


def test_names_of_apps_are_marked():
    own = [app for app in apps.get_app_configs() if Path(app.path).parent == ROOT]
    shown = [app for app in own if any(model._meta.app_label == app.label for model in admin.site._registry)]
    assert [app.label for app in shown if not is_marked(app.verbose_name)] == []


def test_a_label_is_shown_in_the_readers_language():
    row = Affiliate(status=Affiliate.Status.PENDING)
    assert row.get_status_display() == "Waiting for approval"
    with bracketed():
        assert row.get_status_display() == "⟦Waiting for approval⟧"
    assert Affiliate(status="unknown").get_status_display() == "unknown"


def test_labels_of_choices_are_marked():
    plain = [
        f"{each.__qualname__}.{member.name}: {member.label}"
        for each in {*subclasses(models.TextChoices), *subclasses(models.IntegerChoices)}
        for member in each
        if not is_marked(member.label)
    ]
    assert plain == []


def test_labels_of_forms_are_marked():
    plain = []
    for form in {*subclasses(forms.BaseForm)}:
        for name, field in form.base_fields.items():
            label = "" if isinstance(field.widget, forms.HiddenInput) else field.label
            if label is None or not is_marked(label) or not is_marked(field.help_text):
                plain.append(f"{form.__qualname__}.{name}: {label} {field.help_text}")
    assert plain == []


def test_headings_of_the_panel_are_marked():
    plain = []
    for model, page in admin.site._registry.items():
        if page.__module__.split(".")[0] not in PACKAGES:
            continue
        found: list[Any] = [page.search_help_text, *(title for title, _fields in page.fieldsets or ())]
        for name in (*page.list_display, *page.readonly_fields, *(page.actions or ())):
            method = getattr(page, name, None) if isinstance(name, str) else name
            found.append(getattr(method, "short_description", ""))
        plain += [f"{model.__name__}: {text}" for text in found if not is_marked(text)]
    assert plain == []


# What these are given is read by people.
SHOWN = {"ValidationError", "PermissionDenied", "HttpResponseForbidden", "Http404"}
MESSAGES = {"success", "error", "warning", "info"}


def sentences(source: str) -> Iterator[ast.expr]:
    """The sentences that are given to `messages` and to errors that a page shows."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "messages":
            yield from node.args[1:2] if called.attr in MESSAGES else ()
        elif (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in SHOWN:
            yield from node.args[:1]
        elif isinstance(called, ast.Attribute) and called.attr == "add_error":
            yield from node.args[1:2]


def unmarked(source: str) -> list[str]:
    """Sentences as they stand, and those that are put together before they could be looked up in a catalogue."""
    found = []
    for sentence in sentences(source):
        parts = sentence.values if isinstance(sentence, ast.Dict) else [sentence]
        for part in parts:
            plain = isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
            put_together = isinstance(part, ast.JoinedStr) and any(
                isinstance(each, ast.Constant) and any(map(str.isalpha, str(each.value))) for each in part.values
            )
            called = ast.unparse(part.func) if isinstance(part, ast.Call) else ""
            too_early = called in ("_", "gettext") and isinstance(part.args[0], ast.JoinedStr)
            if plain or put_together or too_early:
                found.append(ast.unparse(part))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_for_people_are_marked(path):
    assert unmarked(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'messages.success(request, "Saved.")',
        'raise ValidationError(f"{value} is no currency.")',
        'raise ValidationError({"country": "Give two letters."})',
        'form.add_error("note", "Say why.")',
        'raise PermissionDenied(gettext(f"{row} is not yours."))',
    ],
)
def test_a_sentence_that_is_not_marked_is_found(source):
    assert unmarked(source)


@pytest.mark.parametrize(
    "source",
    [
        'messages.success(request, gettext("Saved."))',
        'raise ValidationError(f"{words}: {error}")',
        "add_error(None, why)",
    ],
)
def test_marked_sentences_are_taken(source):
    assert unmarked(source) == []


IMPORTING = """
import sys, traceback
from django.utils.translation import trans_real

root, modules = sys.argv[1], sys.argv[2:]
# Kinds are checked at start: whether a text is there, and what it says in English.
checks = {"_lacks", "_checked", "_fault"}
real, early = trans_real.gettext, set()

def noted(message):
    for frame in reversed(traceback.extract_stack()[:-1]):
        if "site-packages/django/utils/" in frame.filename:
            continue
        if not frame.filename.startswith(root) or "site-packages" in frame.filename or frame.name in checks:
            break
        if frame.name == "<module>":
            early.add(f"{frame.filename}:{frame.lineno} {frame.line}")
    return real(message)

trans_real.gettext = noted
import django
django.setup()
for module in [*modules, "config.urls"]:
    __import__(module)
print("\\n".join(sorted(early)))
"""


def test_no_text_is_translated_while_modules_are_imported():
    """A text that is looked up at start would stay English for every reader."""
    modules = [module for module in MODULES if module not in NOT_IMPORTED]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(ROOT), *modules],
        env=checking_environment()
        | {"DATABASE_URL": "postgres://none@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr[-2000:]) == (0, "", "")
