"""Lists with columns: a column is declared once and serves the page, the export and the API."""

from web.lists.columns import API, EVERYWHERE, EXPORT, PAGE, Column, Columns, Dress, Kind
from web.lists.kinds import (
    Amounts,
    Choice,
    Code,
    Decimals,
    Flag,
    Length,
    Moment,
    Money,
    Named,
    Number,
    Reference,
    Rows,
    Status,
    Text,
)

__all__ = [
    "API",
    "EVERYWHERE",
    "EXPORT",
    "PAGE",
    "Amounts",
    "Choice",
    "Code",
    "Column",
    "Columns",
    "Decimals",
    "Dress",
    "Flag",
    "Kind",
    "Length",
    "Moment",
    "Money",
    "Named",
    "Number",
    "Reference",
    "Rows",
    "Status",
    "Text",
]
