"""Shared code of the operator panel: base classes, confirmation pages, exports, fields, counting."""

from web.cells import code, link_to, list_link, long_code, moment, money, rows_of, when
from web.panel.base import PanelAdmin, PanelInline, PanelTable, RecordAdmin, RecordTable
from web.panel.choices import ChoosingForm, Keys, Left, Worth, left_words
from web.panel.columns import label, labelled, once
from web.panel.confirm import ConfirmForm, question
from web.panel.exports import BoundedExport, ExportColumns
from web.panel.fields import DaysField, ListField, SecondsField
from web.panel.filters import DayRangeFilter

__all__ = [
    "BoundedExport",
    "ChoosingForm",
    "ConfirmForm",
    "DayRangeFilter",
    "DaysField",
    "ExportColumns",
    "Keys",
    "Left",
    "ListField",
    "PanelAdmin",
    "PanelInline",
    "PanelTable",
    "RecordAdmin",
    "RecordTable",
    "SecondsField",
    "Worth",
    "code",
    "label",
    "labelled",
    "left_words",
    "link_to",
    "list_link",
    "long_code",
    "moment",
    "money",
    "once",
    "question",
    "rows_of",
    "when",
]
