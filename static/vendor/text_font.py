"""Cut Central Europe's letters and the signs of currencies out of Inter: `python static/vendor/text_font.py`.

Needs fonttools and brotli beside the project's own packages (`pip install fonttools brotli`). A page with one name from
Prague or Warsaw then loads 20 KB, not the 84 KB of `inter-latin-ext.woff2`, which remains for what is rarer.
"""

from pathlib import Path

from fontTools import subset, ttLib

FOLDER = Path(__file__).resolve().parent / "inter-5.3.0"
# The same stands as `unicode-range` in portal.css and in unfold/fonts/inter/styles.css.
LETTERS = (range(0x100, 0x180), range(0x218, 0x21C), range(0x20A0, 0x20C1))
FEATURES = ["ccmp", "kern", "locl", "mark", "mkmk", "tnum"]


def main() -> None:
    font = ttLib.TTFont(FOLDER / "inter-latin-ext.woff2", lazy=False)
    variations = font["gvar"].variations
    for glyph in font.getGlyphOrder():
        if glyph not in variations:
            variations[glyph] = []  # Spaces look the same in each weight, and the cutter asks for them.
    options = subset.Options(layout_features=FEATURES, flavor="woff2", notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[code for code in font.getBestCmap() if any(code in part for part in LETTERS)])
    cutter.subset(font)
    target = FOLDER / "inter-central-europe.woff2"
    subset.save_font(font, str(target), options)
    print(f"{target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
