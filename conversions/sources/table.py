"""All sources: one for each file of this package that declares `SOURCE`."""

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

import conversions.sources as package
from conversions.sources.base import FileSource, Source, WebhookSource
from records.kinds import by_code, complete

PARTS = {
    "title": "its name on pages.",
    "words": "its words for events, which an operator maps to goals.",
    "steps": "how an operator sets it up.",
    "reads": "what each of our fields is read from.",
    "tests": "what counts as a test.",
}
OF_WEBHOOKS = {
    "events": "the events to choose at the platform.",
    "signed": "how it proves itself.",
    "topic": "the name of a webhook's event.",
    "check": "whether the signature is right.",
    "read": "the events of a webhook.",
}
OF_FILES = {"header": "the columns by which the header row is known.", "rows": "the events of a row."}


@lru_cache(maxsize=1)
def sources() -> dict[str, Source]:
    """The sources by code, in the order of their titles. A file that lacks a part prevents the start."""
    found = (_source_of(f"{package.__name__}.{module.name}") for module in iter_modules(package.__path__))
    return by_code(sorted((each for each in found if each), key=lambda each: each.title.lower()))


def _source_of(module: str) -> Source | None:
    kind: type[Source] | None = getattr(import_module(module), "SOURCE", None)
    return complete(kind, {**PARTS, **(OF_FILES if kind.is_file else OF_WEBHOOKS)}) if kind else None


def webhook_source(code: str) -> WebhookSource | None:
    found = sources().get(code)
    return found if isinstance(found, WebhookSource) else None


def file_source(code: str) -> FileSource | None:
    found = sources().get(code)
    return found if isinstance(found, FileSource) else None
