"""Actions by file: import events, approve and reject conversions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from affiliates.models import Advertiser, User
from conversions.decisions.bulk import CHANGED, REFUSED, UNCHANGED, BulkAnswer, decide_many, read_wishes
from conversions.dialects.table import DIALECTS
from conversions.endpoints.csv_import import import_conversions
from conversions.models import SenderMapping, SourceConnection
from conversions.sources.table import file_source
from records.csv_files import LARGEST, FileRefused
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ConfirmForm

SHOWN = 20
# The most refused rows that the answer to a file of decisions lists.
NAMED = 500


class FileQuestion(ConfirmForm):
    """An action by the rows of a CSV file."""

    file = forms.FileField(label=_("CSV file"), widget=UnfoldAdminFileFieldWidget)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise ValidationError(
                gettext("The file has more than {largest} MB; split it.").format(largest=LARGEST // 1024 // 1024)
            )
        return file

    def content(self) -> bytes:
        return bytes(self.cleaned_data["file"].read())


class DecideByFile(FileQuestion):
    title, submit = _("Approve and reject by a file"), _("Apply the file")
    explanation = _(
        "A CSV with the columns status (approved or rejected), and id (cv_…) or transaction_id; with advertiser, goal, "
        "reason and note where they are needed. If a row fails, nothing is changed, unless you leave such rows "
        "out. Conversions held by a review, a rule or a cap, and those of an affiliate without access, are "
        "left out and listed, unless you include them below or with yes in a column include_held."
    )
    leave_out = forms.BooleanField(
        required=False, label=_("Leave out rows that fail"), widget=UnfoldBooleanSwitchWidget
    )
    include_held = forms.BooleanField(
        required=False, label=_("Also approve conversions on hold"), widget=UnfoldBooleanSwitchWidget
    )

    def perform(self, *, actor: User, now: datetime) -> str:
        try:
            lines, wishes = read_wishes(self.content())
            if self.cleaned_data["include_held"]:
                wishes = [replace(wish, include_held=True) for wish in wishes]
            answers = decide_many(wishes, actor=actor, now=now, dry=True)
        except FileRefused as error:
            raise ValidationError(str(error)) from error
        problems = [words for words, answer in _named(lines, answers) if not answer.held]
        if problems and not self.cleaned_data["leave_out"]:
            raise ValidationError(
                [
                    format_lazy(
                        _("{number_of_problems} rows failed; nothing was changed."),
                        number_of_problems=len(problems),
                    ),
                    *problems[:SHOWN],
                ]
            )
        answers = decide_many(wishes, actor=actor, now=now)
        done = Counter(answer.result for answer in answers)
        words = format_lazy(
            _("{done} changed, {done_2} unchanged, {done_3} left out."),
            done=done[CHANGED],
            done_2=done[UNCHANGED],
            done_3=done[REFUSED],
        )
        left = [each for each, _ in _named(lines, answers)]
        more = (
            format_lazy(_("and {number_of_left:,} more."), number_of_left=len(left) - NAMED)
            if len(left) > NAMED
            else ""
        )
        return " ".join(map(str, [words, *left[:NAMED], more])).strip()


def _named(lines: Sequence[int], answers: Sequence[BulkAnswer]) -> list[tuple[str, BulkAnswer]]:
    """The refused rows, each with its line and the reason."""
    named = zip(lines, answers, strict=True)
    return [
        (gettext("Line {line}: {answer_message}").format(line=line, answer_message=answer.message), answer)
        for line, answer in named
        if answer.result == REFUSED
    ]


def column_names() -> list[tuple[str, str]]:
    """The choices for column names: ours, a platform's, or those of an operator's mapping."""
    presets = [(dialect.name, dialect.title) for dialect in DIALECTS]
    own = SenderMapping.objects.values_list("slug", "name")
    return [("native", "Affidavit"), *presets, *own, *exported_files()]


def exported_files() -> list[tuple[str, str]]:
    """The connected sources whose files are imported."""
    rows = SourceConnection.objects.filter(is_active=True).select_related("advertiser")
    files = [(row, found) for row in rows if (found := file_source(row.source))]
    return [(row.public_id, f"{found.title}, {row.advertiser}") for row, found in files]


class ImportEvents(FileQuestion):
    title, submit = _("Import events from a file"), _("Import")
    explanation = _(
        "Each row is stored, decided and explained like a postback, and appears in this list afterwards. "
        "Importing the same file again counts nothing twice. Columns: click_id, txid, event_type, revenue, "
        "currency, status, timestamp, "
        "customer_id and the others of the native postback, or those of another platform."
    )
    advertiser = forms.ModelChoiceField(
        Advertiser.objects.order_by("name"), label=_("Events of"), widget=UnfoldAdminSelectWidget
    )
    platform = forms.ChoiceField(
        choices=column_names,
        label=_("Columns are named as in"),
        widget=UnfoldAdminSelectWidget,
    )
    only_look = forms.BooleanField(
        required=False, label=_("Only show what would happen"), widget=UnfoldBooleanSwitchWidget
    )
    field_order = ("advertiser", "platform", "file", "only_look")

    def perform(self, *, actor: User, now: datetime) -> str:
        given = self.cleaned_data
        try:
            done = import_conversions(
                self.content(),
                advertiser=given["advertiser"],
                name=given["file"].name,
                by=str(actor),
                now=now,
                mapping=given["platform"],
                dry=given["only_look"],
            )
        except FileRefused as error:
            raise ValidationError(str(error)) from error
        problems = [
            format_lazy(_("Line {line}: {answer_message}"), line=answer.line, answer_message=answer.message)
            for answer in done.refused[:SHOWN]
        ]
        if given["only_look"]:
            raise ValidationError(
                [format_lazy(_("Nothing was stored. The result would be: {words}"), words=done.words()), *problems]
            )
        return " ".join(map(str, [done.words(), *problems]))
