"""Characters that no one sees: copied along from web pages and sheets, they make two values of one."""

import codecs
import unicodedata

# Letters and signs by their category, but drawn as nothing: fillers, and selectors of a character's style.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}
_INVISIBLE = frozenset({"Cc", "Cf"})
# The name of an error handler: bytes that are no UTF-8 are read as Windows-1252, as old mailers and shops send them.
OLD_ENCODING = "affidavit-old-encoding"


def visible(text: str) -> str:
    """The text without invisible characters, every space a plain one, none at its ends, accents in one form.

    For names, IDs and codes; in texts for people a joiner may be a part of an emoji.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    shown = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or not (character in _BLANKS or unicodedata.category(character) in _INVISIBLE)
    )
    # At the end it stands for the NUL with which some languages end a text.
    return unicodedata.normalize("NFC", shown).strip().rstrip("\N{REPLACEMENT CHARACTER}")


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = error.object[error.start : error.end]
    try:
        return found.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}" * len(found), error.end


codecs.register_error(OLD_ENCODING, _as_windows_1252)
