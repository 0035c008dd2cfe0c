"""The other names of our fields, as a part of the page about platforms."""

from collections.abc import Iterable

from conversions.dialects.mapping import NAMES
from conversions.dialects.other_names import ALSO_LABELS, READ_AS, TWO_FIELDS

_HEAD = """
## Other names of our fields

Read where the field is empty, in any spelling, with a warning ([field.md](field.md) has the rules):

"""


def names_part() -> str:
    """The part's Markdown: names that are read, refused, and kept as labels."""
    read = ((NAMES[field][0], names.split()) for field, names in READ_AS.items())
    labels = ((NAMES[field][0], names) for field, names in ALSO_LABELS.items())
    two = ((name, [NAMES[field][0] for field in fields]) for name, fields in TWO_FIELDS.items())
    return (
        _HEAD
        + _table("field", "other names", read)
        + "\nRefused while one of its fields is empty:\n\n"
        + _table("name", "may be", two)
        + "\nKept as a label, with a warning where the field is empty:\n\n"
        + _table("field", "names that may also be something else", labels)
    )


def _table(first: str, second: str, rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    lines = (f"| `{key}` | {', '.join(f'`{name}`' for name in dict.fromkeys(names))} |\n" for key, names in rows)
    return f"| {first} | {second} |\n| --- | --- |\n{''.join(lines)}"
