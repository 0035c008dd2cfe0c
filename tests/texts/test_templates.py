"""No template has a text that is not marked for translation."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# A broken server's page must not need anything that may be broken.
PLAIN = {"500.html"}
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


# The classes of a page are no text: translated, they would lose its styles.
CLASSES = re.compile(r"\{% block body_class %\}.*?\{% endblock body_class %\}", re.S)
MARKED = re.compile(
    r"\{% (?:blocktranslate|comment)\b.*?\{% end(?:blocktranslate|comment) %\}|\{% translate .*?%\}|\{#.*?#\}", re.S
)
TOKEN = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
ARGUMENT = re.compile(r"\"([^\"]*)\"|'([^']*)'")
MARKED_ARGUMENT = re.compile(r"_\((\"[^\"]*\"|'[^']*')\)")
A_TEXT = re.compile(r"[A-Z][a-z]|[a-z]{2,} [a-z]+")
ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "label", "data-label", "data-confirm"}
# Names and codes that are the same in every language, the names of browsers' systems and keys, and an example's value.
SAME = {"Affidavit", "UTC", "CSV", "PDF", "JSON", "HTTP", "TOTP", "URL", "ID"}
ARGUMENTS = {"Macintosh", "Ctrl + K"}
NOT_READ = {"script", "style", "code", "pre", "kbd", "textarea"}


class Texts(HTMLParser):
    """The texts of a page, without code and the names of icons."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.closed_by = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [value for name, value in attrs if name in ATTRIBUTES and value]
        if not self.closed_by and (tag in NOT_READ or "material-symbols" in (given.get("class") or "")):
            self.closed_by = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.closed_by:
            self.closed_by = ""

    def handle_data(self, data: str) -> None:
        if not self.closed_by:
            self.found.append(data)


def unmarked(source: str) -> list[str]:
    """Texts of a template that would be shown in English in every language."""
    source = MARKED.sub("", CLASSES.sub("", source))
    tokens = [MARKED_ARGUMENT.sub("", token) for token in TOKEN.findall(source)]
    arguments = [first or second for token in tokens for first, second in ARGUMENT.findall(token)]
    page = Texts()
    page.feed(TOKEN.sub("", source))
    texts = [" ".join(text.split()) for text in page.found if set(re.findall(r"[A-Za-z]{2,}", text)) - SAME]
    # Where an argument is a date's form it has no two small words.
    return texts + [text for text in arguments if A_TEXT.search(text) and text not in ARGUMENTS and "/" not in text]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PLAIN])
def test_every_text_of_a_template_is_marked(name):
    assert unmarked((TEMPLATES / name).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "<h1>Nothing is here</h1>",
        '<a title="Open it" href="/">{{ name }}</a>',
        '<td data-label="Pays">{{ amount }}</td>',
        '{{ row.country|default:"Not known" }}',
        '{% include "portal/parts/_empty.html" with title="No links yet" %}',
        "{% if ready %}Ready{% else %}{% translate 'Not ready' %}{% endif %}",
        '<p>{% translate "One sentence." %} Another one.</p>',
    ],
)
def test_a_text_that_is_not_marked_is_found(source):
    assert unmarked(source)


@pytest.mark.parametrize(
    "source",
    [
        '<h1>{% translate "Nothing is here" %}</h1>',
        "{% blocktranslate trimmed with name=row.name %}\n  Of <b>{{ name }}</b>\n{% endblocktranslate %}",
        '{{ row.country|default:_("Not known") }} · {{ row.day|date:"Y-m-d H:i" }}',
        '<span class="material-symbols-outlined">ads_click</span> <code>click_id</code>',
    ],
)
def test_marked_texts_and_code_are_taken(source):
    assert unmarked(source) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_class_of_a_page_is_translated(name):
    assert not [found for found in CLASSES.findall((TEMPLATES / name).read_text()) if "translate" in found]
