"""Catalogues of the texts that people read (docs/translating.md): `make messages TO=de`.

It reads the texts of the code, of the templates and of the models' names, brings `locale/de/LC_MESSAGES/django.po` up
to date and compiles it. Babel does what GNU gettext's programs would, so nothing needs to be installed.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from config.embedded import environment
from config.embedded.lint import NO_SERVERS
from config.embedded.places import ROOT
from config.names import names

LOCALE = ROOT / "locale"
PACKAGES = ("affiliates", "config", "conversions", "dashboard", "payouts", "records", "templates", "tracking", "web")
METHODS = [("**.py", "python"), ("**.html", "config.embedded.messages:texts_of_template")]
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2)}


def texts_of_template(file: Any, keywords: Iterable[str], tags: Any, options: Any) -> Iterator[Any]:
    """Babel's extractor for templates: Django makes them into calls of gettext, which are read as Python."""
    code = templatize(file.read().decode(), origin=getattr(file, "name", None))
    # What is no call is blanked out; its indentation means nothing.
    lines = "\n".join(line.strip() for line in code.splitlines())
    yield from extract_python(io.BytesIO(lines.encode()), dict.fromkeys(keywords), tags, options)


def catalogue() -> Catalog:
    """Every text of the project, in English."""
    found = Catalog(project="Affidavit", charset="utf-8")
    for package in PACKAGES:
        for path, line, text, comments, context in extract_from_dir(
            ROOT / package, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            found.add(text, None, [(f"{package}/{path}", line)], auto_comments=comments, context=context)
    for name in sorted(names()):
        found.add(name, auto_comments=["The name of a model or of one of its fields."])
    return found


def update(language: str, folder: Path = LOCALE) -> tuple[int, int]:
    """Bring the language's catalogue up to date and compile it. Return how many texts it has, and how many lack."""
    path = folder / language / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Catalog(locale=language, project="Affidavit", charset="utf-8", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            made = read_po(file, locale=language)
    made.update(catalogue(), no_fuzzy_matching=True)
    with path.open("wb") as file:
        write_po(file, made, width=120, omit_header=False, ignore_obsolete=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, made)
    texts = [message for message in made if message.id]
    return len(texts), sum(not message.string or not all(_parts(message.string)) for message in texts)


def _parts(text: str | Iterable[str]) -> list[str]:
    return [text] if isinstance(text, str) else [*text]


def main() -> int:
    languages = sys.argv[1:]
    if not languages:
        print("Name the languages: make messages TO=de", file=sys.stderr)
        return 2
    os.environ.update(environment.checking_environment() | NO_SERVERS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for language in languages:
        texts, missing = update(language)
        print(f"locale/{language}: {texts} texts, {missing} not translated yet")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
