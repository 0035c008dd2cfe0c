"""Cut the panel's icon font down to the icons that can appear: `python static/vendor/panel_icons.py`.

Needs fonttools and brotli beside the project's own packages (`pip install fonttools brotli`). The font of django-unfold
has 4,000 icons; the panel shows about a hundred. Every quoted word of templates, scripts, style sheets and Python files
that names an icon is kept, so run this after using a new one. The result takes the place of unfold's file, which has
its name.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import unfold
from fontTools import subset, ttLib

PROJECT = Path(__file__).resolve().parents[2]
UNFOLD = Path(unfold.__file__).parent
NAME = "static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
OURS = ("config", "records", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard", "templates")
WORD = re.compile(r"[\"'>\s]([a-z][a-z0-9_]+)[\"'<\s]")


def main() -> None:
    font = ttLib.TTFont(UNFOLD / NAME)
    known = icons_of(font)
    used = sorted(known.keys() & words())
    options = subset.Options(layout_features=["liga", "rlig"], layout_closure=False, flavor="woff2", notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(glyphs=[known[name] for name in used], text=LETTERS)
    cutter.subset(font)
    target = PROJECT / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(target), options)
    target.with_suffix(".txt").write_text("\n".join(used) + "\n")
    print(f"{len(used)} icons, {target.stat().st_size:,} bytes")


def icons_of(font: ttLib.TTFont) -> dict[str, str]:
    """The glyph of each icon by the word that is written for it."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for each in ligatures:
                    found["".join(letters.get(glyph, "?") for glyph in (first, *each.Component))] = each.LigGlyph
    return found


def words() -> set[str]:
    return {word for path in sources() for word in WORD.findall(path.read_text(errors="replace"))}


def sources() -> Iterator[Path]:
    for folder in (*(PROJECT / name for name in OURS), UNFOLD):
        for suffix in ("html", "py", "js", "css"):
            yield from (path for path in folder.rglob(f"*.{suffix}") if "vendor" not in path.parts)


if __name__ == "__main__":
    main()
