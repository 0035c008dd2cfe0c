"""A language in which each text that was looked up stands in brackets: what stands outside was never marked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import trans_real

OPENS, CLOSES = "⟦", "⟧"
ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-label", "data-confirm"}
AMOUNT = re.compile(r"[-+]?[\d,.]+ [A-Z]{3,5}\b")
# What separates the parts of a text that each may be data.
APART = re.compile(r" [·:→|] |, |: | \(|\)|[“”]")
# IDs that are written otherwise than the database has them, addresses, `name=value`, codes of currencies, our version.
CODE_LIKE = re.compile(
    r"^[0-9a-v]{40}$|^\w{4,}…|\w\*{4}|^\d[\d:]* UTC$|\w_•|[=/@{]|^[A-Z]{3,5}$|^sub[1-5]$|^v\d+$|^Affidavit \d[\d.]+$"
)
# Words of rules and arithmetic are those of the ledger and of traces: they are stored, and stay English.
STORED = re.compile(
    r"% of (net )?revenue|^(flat|fee of|paid|payment|takes back|the conversion is|for|from|within|once per)\b"
    r"|^clicks? of |\bearns? \.|\bclicks a day|\d clicks? of |^of$|^\d+ × |has no rule for this goal"
    r"|^(Expected|customer) ?|^Link .* on \d",
    re.IGNORECASE,
)
NOT_READ = {"script", "style", "code", "pre", "kbd", "textarea", "head"}


class Bracketing:
    """A catalogue that has every text, in brackets."""

    def gettext(self, message: str) -> str:
        # With a context before it, which is no part of the text.
        return f"{OPENS}{message.rpartition(chr(4))[2]}{CLOSES}"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    def language(self) -> str:
        return settings.LANGUAGE_CODE

    to_language = language


@contextmanager
def bracketed() -> Iterator[None]:
    """Everything within is shown in brackets: they stand in for the source language, which pages are in."""
    code = settings.LANGUAGE_CODE
    translation.activate(code)
    before = trans_real._translations[code]
    trans_real._translations[code] = Bracketing()
    try:
        with translation.override(code):
            yield
    finally:
        trans_real._translations[code] = before
        translation.activate(code)


class Page(HTMLParser):
    """The texts of a page outside brackets, which may reach over several elements."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.closed_by = ""
        self.outside: list[str] = []
        # Of the option that is read: time zones and codes stand as they are.
        self.value = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if not self.depth and not self.closed_by:
            values = [given[name] for name in ATTRIBUTES & given.keys()]
            if tag == "input" and given.get("type") in ("submit", "button"):
                values.append(given.get("value", ""))
            self.outside += ["".join(outside(value)) for value in values]
        if tag == "option":
            self.value = given.get("value", "")
        if not self.closed_by and (tag in NOT_READ or "material-symbols" in given.get("class", "")):
            self.closed_by = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.closed_by:
            self.closed_by = ""

    def handle_data(self, data: str) -> None:
        if self.closed_by or data.strip() == self.value.replace("_", " "):
            return
        text = ""
        for char in data:
            if not self.depth and char not in (OPENS, CLOSES):
                text += char
            elif text:
                self.outside.append(text)
                text = ""
            self.depth += (char == OPENS) - (char == CLOSES)
        self.outside.append(text)


def outside(text: str) -> list[str]:
    """The parts of a text that stand in no brackets."""
    while (inner := re.sub(f"{OPENS}[^{OPENS}{CLOSES}]*{CLOSES}", "\n", text)) != text:
        text = inner
    return text.splitlines()


def untranslated(html: str, known: str) -> set[str]:
    """Texts of the page that were not looked up and are no data."""
    page = Page()
    page.feed(html)
    parts = {_plain(part).strip(" ·:→|") for text in page.outside for part in APART.split(_plain(text))}
    found = {part for part in parts if re.search(r"[A-Za-z]{3}", part) and not CODE_LIKE.search(part)}
    return {part for part in found if part.lower() not in known and not STORED.search(part)}


def data() -> str:
    """Every value that the database holds, and the names of its rows: as one text."""
    found: list[str] = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            found += _values(model, field.column)
        found += [str(row) for row in model._default_manager.all()[:200]]
    return "\n".join(_plain(text) for text in found).lower()


def _plain(text: str) -> str:
    return " ".join(AMOUNT.sub("", text).split())


def _values(model: Any, column: str) -> list[str]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {quote(column)}::text FROM {quote(model._meta.db_table)} LIMIT 5000")
        return [row[0] for row in cursor.fetchall() if row[0]]
