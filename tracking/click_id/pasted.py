"""Find IDs inside pasted text: a redirect URL, a curl command, a line of CSV or JSON, a sentence of a mail."""

import re
from html import unescape
from urllib.parse import unquote

from records.public_ids import ALPHABET
from tracking.click_id.codec import LENGTH, parse, text_of

# Longer text is cut: a whole log is not pasted to find one ID.
LONGEST = 8_000
MOST_TOKENS = 40
_RUN = re.compile(r"[0-9A-Za-z]+")
_PUBLIC_ID = re.compile(rf"(?<![0-9A-Za-z_])(?:pb|cv|po|bc|pt|af|ad|of)_[{ALPHABET}]{{8,18}}(?![0-9A-Za-z_])", re.I)
_TOKEN = re.compile(r"[^\s\"'`=&?;,<>(){}\[\]|\\]+")
_SOFT_BREAK = re.compile(r"=\r?\n")
# The most layers of percent-encoding that are removed.
_LAYERS = 2


def decoded(text: str) -> str:
    """The text without the encodings of mails, HTML and addresses; at most `LONGEST` characters of it."""
    text = _SOFT_BREAK.sub("", text[:LONGEST]).replace("=3D", "=")
    text = unescape(text)
    for _ in range(_LAYERS):
        text = unquote(text)
    return text


def click_ids_in(text: str) -> list[str]:
    """The genuine click IDs in a text, in their order, each once and in lower case."""
    runs = [run for run in _RUN.findall(decoded(text)) if len(run) == LENGTH]
    genuine = [click for run in dict.fromkeys(runs) if (click := parse(run))]
    return list(dict.fromkeys(text_of(click.uuid) for click in genuine))


def public_ids_in(text: str) -> list[str]:
    """Texts in the form of our public IDs (`cv_...`, `pb_...`), in their order, each once and in lower case."""
    return list(dict.fromkeys(found.lower() for found in _PUBLIC_ID.findall(decoded(text))))


def tokens_in(text: str) -> list[str]:
    """The values in a text that may be an ID: at most `MOST_TOKENS`."""
    found = dict.fromkeys(token.strip(".:!") for token in _TOKEN.findall(decoded(text)))
    return [token for token in found if 2 < len(token) <= 128][:MOST_TOKENS]


def narrowed(text: str) -> str:
    """The text that a list should search for: the ID in the pasted text, or the text itself if it has none of ours."""
    text = text.strip()
    return next(iter([*click_ids_in(text), *public_ids_in(text)]), text)
