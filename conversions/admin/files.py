"""Actions by file: import events, approve and reject conversions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from affiliates.models import Advertiser, User
from conversions.decisions.bulk import CHANGED, REFUSED, UNCHANGED, BulkAnswer, decide_many, read_wishes
from conversions.dialects.table import DIALECTS
from conversions.endpoints.csv_import import import_conversions
from conversions.models import SenderMapping
from records.csv_files import LARGEST, FileRefused
from web.panel import ConfirmForm

SHOWN = 20
# The most refused rows that the answer to a file of decisions lists.
NAMED = 500


class FileQuestion(ConfirmForm):
    """An action by the rows of a CSV file."""

    file = forms.FileField(label="CSV file", widget=UnfoldAdminFileFieldWidget)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise ValidationError(f"The file has more than {LARGEST // 1024 // 1024} MB; split it.")
        return file

    def content(self) -> bytes:
        return bytes(self.cleaned_data["file"].read())


class DecideByFile(FileQuestion):
    title, submit = "Approve and reject by a file", "Do what the file says"
    explanation = (
        "A CSV with the columns status (approved or rejected), and id (cv_…) or transaction_id; with advertiser, goal, "
        "reason and note where they are needed. When a row cannot be done, nothing is, unless you leave such rows out. "
        "What a review, a rule or a cap holds, and what belongs to an affiliate without access, is left out and named, "
        "unless you include it below or in a column include_held (yes)."
    )
    leave_out = forms.BooleanField(
        required=False, label="Leave out rows that cannot be done", widget=UnfoldBooleanSwitchWidget
    )
    include_held = forms.BooleanField(
        required=False, label="Approve also what is held", widget=UnfoldBooleanSwitchWidget
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
            raise ValidationError([f"{len(problems)} rows cannot be done; nothing was changed.", *problems[:SHOWN]])
        answers = decide_many(wishes, actor=actor, now=now)
        done = Counter(answer.result for answer in answers)
        words = f"{done[CHANGED]} changed, {done[UNCHANGED]} were so already, {done[REFUSED]} left out."
        left = [each for each, _ in _named(lines, answers)]
        more = f"and {len(left) - NAMED:,} more." if len(left) > NAMED else ""
        return " ".join([words, *left[:NAMED], more]).strip()


def _named(lines: Sequence[int], answers: Sequence[BulkAnswer]) -> list[tuple[str, BulkAnswer]]:
    """The refused rows, each with its line and the reason."""
    named = zip(lines, answers, strict=True)
    return [(f"Line {line}: {answer.message}", answer) for line, answer in named if answer.result == REFUSED]


def column_names() -> list[tuple[str, str]]:
    """The choices for column names: ours, a platform's, or those of an operator's mapping."""
    presets = [(dialect.name, dialect.title) for dialect in DIALECTS]
    return [("native", "Affidavit"), *presets, *SenderMapping.objects.values_list("slug", "name")]


class ImportEvents(FileQuestion):
    title, submit = "Import events from a file", "Import"
    explanation = (
        "Each row is taken in, judged and explained like a postback, and stands in this list afterwards. The same file "
        "again counts nothing twice. Columns: click_id, txid, event_type, revenue, currency, status, timestamp, "
        "customer_id and the others of the native postback, or those of another platform."
    )
    advertiser = forms.ModelChoiceField(
        Advertiser.objects.order_by("name"), label="Events of", widget=UnfoldAdminSelectWidget
    )
    platform = forms.ChoiceField(
        choices=column_names,
        label="Columns are named as in",
        widget=UnfoldAdminSelectWidget,
    )
    only_look = forms.BooleanField(
        required=False, label="Only say what would come of it", widget=UnfoldBooleanSwitchWidget
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
        problems = [f"Line {answer.line}: {answer.message}" for answer in done.refused[:SHOWN]]
        if given["only_look"]:
            raise ValidationError([f"Nothing was kept. It would be {done.words()}", *problems])
        return " ".join([done.words(), *problems])
