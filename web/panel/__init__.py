"""Shared code of the operator panel: base classes, confirmation pages, exports, fields, counting."""

from web.cells import clipped, code, link_to, list_link, long_code, moment, money, rows_of, stacked, when
from web.panel.base import PanelAdmin, PanelInline, PanelTable, RecordAdmin, RecordTable
from web.panel.choices import ChoosingForm, Keys, Left, Worth, left_words
from web.panel.columns import (
    PUBLIC_ID,
    PanelColumn,
    column,
    label,
    label_column,
    money_column,
    once,
    see_also,
    shown,
    table_column,
    to_list,
    two_lines,
    yes_no,
)
from web.panel.confirm import ConfirmForm, question
from web.panel.exports import BoundedExport, export_of
from web.panel.fields import DaysField, ListField, SecondsField
from web.panel.filters import DayRangeFilter, ReachableFilter, one_of
from web.panel.stories import whole_story

__all__ = [
    "PUBLIC_ID",
    "BoundedExport",
    "ChoosingForm",
    "PanelColumn",
    "ConfirmForm",
    "DayRangeFilter",
    "DaysField",
    "Keys",
    "Left",
    "ListField",
    "PanelAdmin",
    "PanelInline",
    "PanelTable",
    "ReachableFilter",
    "RecordAdmin",
    "RecordTable",
    "SecondsField",
    "Worth",
    "clipped",
    "code",
    "column",
    "export_of",
    "label",
    "label_column",
    "left_words",
    "link_to",
    "list_link",
    "long_code",
    "moment",
    "money",
    "money_column",
    "once",
    "one_of",
    "question",
    "rows_of",
    "see_also",
    "shown",
    "stacked",
    "table_column",
    "to_list",
    "two_lines",
    "when",
    "whole_story",
    "yes_no",
]
