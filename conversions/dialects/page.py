"""The table of dialects as a page of the documentation."""

from collections.abc import Iterable

from conversions.dialects.dialect import Dialect
from conversions.dialects.item_lines import ItemLines
from conversions.dialects.mapping import Mapping
from conversions.dialects.names_page import names_part
from conversions.dialects.table import DIALECTS

_HEAD = """# Other platforms' postbacks

If you send postbacks to another platform today, you can keep them: point the same request here. This page is generated
from `conversions/dialects/table.py` by `python manage.py dialects`.

Each platform is served at its own addresses, unless another platform uses them too, and always below `/d/<name>/`. The
advertiser's token comes in the platform's own parameter for it, in `token`, in `Authorization: Bearer`, as the password
of a basic authentication, or as a part of the path: `/d/voluum/aft_…/postback`. Where a platform sends no token, the
address with the token in it is the secret; it is masked before the request is stored. Our own parameter names are read
too, unless the platform uses them for something else, and so are the other names of a field that is empty,
which the end of this page lists. An event that names no goal counts as the advertiser's default
goal (panel, Advertisers).

The header `X-Affidavit-Outcome` has the outcome, whatever the body looks like. A refused request is never answered as
if it had been accepted: the body says so in the platform's words.

If none of these fits a sender, an operator can define a mapping for it: see [mappings.md](mappings.md).

"""


def dialect_page() -> str:
    """The page's Markdown, a part for each row of the table."""
    return _HEAD + "\n".join(part_of(dialect) for dialect in DIALECTS) + names_part()


def part_of(dialect: Dialect) -> str:
    mapping = dialect.mapping
    rows = "".join(
        f"| `{ours}` | {', '.join(f'`{name}`' for name in names if name != ours) or '–'} |\n"
        for ours, names in mapping.fields.items()
    )
    facts = [
        ("Name", f"`{dialect.name}`"),
        ("Addresses", ", ".join(f"`{path}`" for path in (*dialect.paths, *dialect.forms, f"/d/{dialect.name}/…"))),
        ("Token", ", ".join(f"`{name}`" for name in (*dialect.tokens, "token"))),
        ("Money", "in the smallest unit: 1250 is 12.50" if mapping.minor_units else "in whole units: 12.50"),
        *_words("Status", mapping.statuses),
        *_words("Words for the status, listed in the address", mapping.status_lists),
        *([("The order as lines, where no revenue is sent", _lines(mapping.lines))] if mapping.lines else []),
        *(
            [("Time of receipt", ", ".join(f"`{word}`" for word in sorted(mapping.now_words)))]
            if mapping.now_words
            else []
        ),
        *([("A negative amount", "takes back that much of the sale")] if mapping.negative_is_refund else []),
        *([("A JSON object as text, whose members are read", _quoted(mapping.documents))] if mapping.documents else []),
        *((f"The currency of `{name}`", f"`{code}`") for name, code in mapping.currencies.items()),
        *([("In hundredths, where without a decimal point", _quoted(mapping.cents))] if mapping.cents else []),
        *([("A test", "`{}={}`".format(*mapping.test_when))] if mapping.test_when else []),
        *((f"{ours.capitalize()}, when none is sent", f"`{value}`") for ours, value in mapping.defaults.items()),
        *([("A guess", dialect.guesses)] if dialect.guesses else []),
    ]
    notes = "".join(f"- {name}: {text}\n" for name, text in facts)
    return f"## {dialect.title}\n\n{notes}\n| ours | theirs |\n| --- | --- |\n{rows}\n{_sample(dialect)}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _lines(lines: ItemLines) -> str:
    """How the lines add up, with the names of the first one, which ignore case like all names."""
    line = f"`{lines.amount}1`" + (f" × `{lines.quantity}1`" if lines.quantity else "")
    line += f" − `{lines.discount}1`" if lines.discount else ""
    return f"the sum of {line}" + (f", less `{lines.of_all}`" if lines.of_all else "")


def _words(title: str, words: Mapping | object) -> list[tuple[str, str]]:
    pairs = dict(words).items() if isinstance(words, dict) else ()
    return [(title, ", ".join(f"`{theirs}` is {ours}" for theirs, ours in pairs))] if pairs else []


def _sample(dialect: Dialect) -> str:
    fields = "\n".join(f"{name}={value}" for name, value in dialect.sample_body.items())
    return f"```http\n{dialect.sample}\n{fields}{chr(10) if fields else ''}```\n"
