"""The look of printed documents: fonts that know more than Latin letters, margins, footers, tables."""

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

FONTS = Path(__file__).parent / "fonts"
INK, CALM, RULE, SHADE = (colors.HexColor(code) for code in ("#182433", "#667382", "#dadfe5", "#f6f8fb"))
MARGIN = 18 * mm
# A frame has six points of padding on each side.
WIDTH = A4[0] - 2 * MARGIN - 12
PADDINGS = ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")

BODY = ParagraphStyle("body", fontName="Sans", fontSize=8.5, leading=12, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=7, leading=9.5, textColor=CALM)
CODE = ParagraphStyle("code", SMALL, wordWrap="CJK")
RIGHT = ParagraphStyle("right", BODY, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", BODY, fontName="Sans-Bold", fontSize=18, leading=24)
HEAD = ParagraphStyle("head", BODY, fontName="Sans-Bold", fontSize=10.5, leading=15, spaceBefore=12, spaceAfter=4)
COLUMN = ParagraphStyle("column", SMALL, fontName="Sans-Bold")
COLUMN_RIGHT = ParagraphStyle("column right", COLUMN, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", BODY, fontName="Sans-Bold")
STRONG_RIGHT = ParagraphStyle("strong right", STRONG, alignment=TA_RIGHT)


@lru_cache(maxsize=1)
def load_fonts() -> None:
    """Register the fonts, once in a process: DejaVu Sans has Latin, Greek, Cyrillic, Arabic and Hebrew letters."""
    pdfmetrics.registerFont(TTFont("Sans", FONTS / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(TTFont("Sans-Bold", FONTS / "DejaVuSans-Bold.ttf"))
    pdfmetrics.registerFontFamily("Sans", normal="Sans", bold="Sans-Bold", italic="Sans", boldItalic="Sans-Bold")


def text(value: object, style: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph of plain text: names and words of other people never act as markup. Line breaks stay."""
    return Paragraph(escape(str(value)).replace("\n", "<br/>"), style)


def table(
    columns: Sequence[tuple[str, float]], rows: Sequence[Sequence[object]], *, right: int = 1, total: bool = False
) -> Table:
    """A table over the whole width. `columns` are heads with shares of it; the last `right` are numbers.

    `total` sets the last row apart as the sum of those above.
    """
    first_number = len(columns) - right
    heads = [text(head, COLUMN if i < first_number else COLUMN_RIGHT) for i, (head, _) in enumerate(columns)]
    body = [
        [text(cell, _style(i >= first_number, total and n == len(rows) - 1)) for i, cell in enumerate(row)]
        for n, row in enumerate(rows)
    ]
    whole = sum(share for _, share in columns)
    made = Table([heads, *body], colWidths=[WIDTH * share / whole for _, share in columns], repeatRows=1)
    rules: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        *((side, (0, 0), (-1, -1), 3) for side in PADDINGS),
    ]
    if total:
        rules.append(("LINEABOVE", (0, -1), (-1, -1), 0.8, INK))
    made.setStyle(TableStyle(rules))
    return made


def _style(is_number: bool, is_total: bool) -> ParagraphStyle:
    if is_total:
        return STRONG_RIGHT if is_number else STRONG
    return RIGHT if is_number else BODY


def sums(pairs: Sequence[tuple[str, str]], *, last: ParagraphStyle = STRONG) -> Table:
    """Figures side by side in a frame, the last of them the one that counts."""
    cells = [
        [text(name, SMALL) for name, _ in pairs],
        [text(value, last if i == len(pairs) - 1 else BODY) for i, (_, value) in enumerate(pairs)],
    ]
    made = Table(cells, colWidths=[WIDTH / len(pairs)] * len(pairs))
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BOX", (0, 0), (-1, -1), 0.6, RULE),
                ("BACKGROUND", (0, 0), (-1, -1), SHADE),
                ("TOPPADDING", (0, 0), (-1, 0), 7),
                ("BOTTOMPADDING", (0, 1), (-1, 1), 8),
            ]
        )  # fmt: skip
    )
    return made


def totals(pairs: Sequence[tuple[str, str]]) -> Table:
    """Figures under a table of amounts, on its right side, the last of them the one that counts."""
    cells = [
        [text(name, STRONG if last else BODY), text(value, STRONG_RIGHT if last else RIGHT)]
        for last, (name, value) in ((i == len(pairs) - 1, pair) for i, pair in enumerate(pairs))
    ]
    made = Table(cells, colWidths=[WIDTH * 0.3, WIDTH * 0.2], hAlign="RIGHT")
    made.setStyle(
        TableStyle(
            [
                ("LINEABOVE", (0, -1), (-1, -1), 0.8, INK),
                ("LINEBELOW", (0, -1), (-1, -1), 0.8, INK),
                *(
                    (side, (0, 0), (-1, -1), 3)
                    for side in ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")
                ),
            ]
        )
    )
    return made


def gap(points: float = 8) -> Spacer:
    return Spacer(1, points)


def print_document(story: list[Flowable], *, title: str, author: str, footer: str) -> bytes:
    """The document as PDF: A4, `footer` and the page's number at the foot of each page."""
    load_fonts()
    out = BytesIO()

    def draw_foot(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Sans", 7)
        canvas.setFillColor(CALM)
        canvas.drawString(MARGIN, 11 * mm, footer)
        canvas.drawRightString(A4[0] - MARGIN, 11 * mm, f"Page {document.page}")
        canvas.restoreState()

    template = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=16 * mm, bottomMargin=20 * mm,
        title=title, author=author, invariant=1,
    )  # fmt: skip
    template.build(story, onFirstPage=draw_foot, onLaterPages=draw_foot)
    return out.getvalue()
