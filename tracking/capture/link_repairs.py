"""A link's address with something stray in it: a visitor who followed it must not be lost for that."""

from typing import NamedTuple
from urllib.parse import quote, unquote

from web.characters import visible

# What stands around an address in a sentence, in Markdown, in a table; a slash that a mail tool adds.
_STRAY = " /.,;:!?)]}>([{<\"'*`|\\\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026"


class RepairedLink(NamedTuple):
    """The code in small letters, its form (`json` or empty), and the query."""

    code: str
    form: str
    query: bytes


def repaired(text: str, query: bytes) -> RepairedLink | None:
    """Read what follows `/c/`. None if nothing stray is in it.

    A sign that begins parameters ends the code: people write & where the first ? belongs, and some tools encode the ?.
    """
    plain = visible(unquote(text) if "%" in text else text)
    at = min((place for sign in "?&" if (place := plain.find(sign)) >= 0), default=len(plain))
    code, _, form = plain[:at].strip(_STRAY).lower().partition(".")
    if plain[:at].lower() == text.lower() and at == len(plain) and plain.strip(_STRAY) == plain:
        return None
    rest = plain[at + 1 :].strip("?& ")
    parts = [quote(rest, safe="=&;").encode()] if rest else []
    return RepairedLink(code, form.strip(_STRAY), b"&".join([*parts, *([query] if query else [])]))
