"""CSV files for spreadsheets: every CSV output is written here, so no text in it can run as a formula.

Texts are guarded, numbers are not: give amounts as `Decimal`, never as text.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.functional import Promise

_SIGNS = "=+-@\u2212"
# Their full-width and small forms count as well: some programs read them as the plain sign.
_FORMS = "".join(char for char in map(chr, range(0xFE50, 0xFFF0)) if unicodedata.normalize("NFKC", char) in _SIGNS)
# Invisible characters before a sign: spaces of every kind, control and format characters (zero width, direction marks).
_UNSEEN = r"[\s\x00-\x20\x7f-\xa0\xad\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff]"
# A cell begins at the start of the text, and after anything that another program may read as the end of a cell or row.
_FORMULA = re.compile(rf"(\A|[;\t\r\n])(?={_UNSEEN}*[{re.escape(_SIGNS + _FORMS)}])")
_CONTROL = re.compile(r"\A[\t\r\n]")


def cell(value: object) -> object:
    """The value as it may be written to a spreadsheet: a text that could run gets an apostrophe before it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Promise):
        value = str(value)
    if not isinstance(value, str):
        return value
    guarded = _FORMULA.sub(r"\1'", value)
    return f"'{guarded}" if _CONTROL.match(guarded) else guarded


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
