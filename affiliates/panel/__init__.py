"""What the pages of the operator panel share: base classes, confirmation pages, exports, fields, counting."""

from affiliates.panel.base import PanelAdmin, PanelInline, PanelTable, RecordAdmin, RecordTable
from affiliates.panel.columns import label, labelled, once
from affiliates.panel.confirm import ConfirmForm, question
from affiliates.panel.exports import BoundedExport, ExportColumns
from affiliates.panel.fields import DaysField, ListField, SecondsField
from affiliates.panel.filters import DayRangeFilter
from affiliates.shown import code, link_to, list_link, moment, money, rows_of, when

__all__ = [
    "BoundedExport",
    "ConfirmForm",
    "DayRangeFilter",
    "DaysField",
    "ExportColumns",
    "ListField",
    "PanelAdmin",
    "PanelInline",
    "PanelTable",
    "RecordAdmin",
    "RecordTable",
    "SecondsField",
    "code",
    "label",
    "labelled",
    "link_to",
    "list_link",
    "moment",
    "money",
    "once",
    "question",
    "rows_of",
    "when",
]
