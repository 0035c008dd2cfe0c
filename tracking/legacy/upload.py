"""Import legacy click IDs in the panel: check a file, show the errors row by row, then import.

Between check and import the file is in the cache, for an hour and for the operator who uploaded it: any process can
take the second step.
"""

import io
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from affiliates.models import User
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from tracking.legacy.clicks import COLUMNS, LIMITS, ImportedClicks, UnusableFile, import_clicks

LARGEST = 10 * 1024 * 1024
KEPT_FOR = 3600
KEY = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as an operator uploaded it; `key` finds it again."""

    key: str
    name: str
    source: str
    content: bytes

    def judge(self, *, now: datetime, is_dry_run: bool) -> ImportedClicks:
        """The result of the import or of its dry run; raise `UnusableFile`."""
        text = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8-sig", newline="")
        return import_clicks(text, source=self.source, now=now, is_dry_run=is_dry_run)


class UploadForm(forms.Form):
    """A file of click IDs, and the platform they come from."""

    file = forms.FileField(label=_("CSV file"), widget=UnfoldAdminFileFieldWidget)
    source = forms.CharField(
        required=False,
        max_length=LIMITS["source"],
        label=_("Source"),
        help_text=_("The platform or advertiser that the IDs come from; empty where the file has a column source."),
        widget=UnfoldAdminTextInputWidget(),
    )
    explanation = format_lazy(
        _(
            "CSV in UTF-8 with a line of column names: {names}, sub1 to sub10. click_id, link (the code "
            "of a tracking link here) and clicked_at are needed; clicked_at is ISO 8601 or seconds since 1970. "
            "The file is checked first: you see every error with its line before anything is imported."
        ),
        names=", ".join(COLUMNS[:5]),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            message = gettext("The file has more than {largest} MB: split it, or use manage.py import_clicks.").format(
                largest=LARGEST // 1024 // 1024
            )
            raise ValidationError(message)
        return file

    def look(self, *, owner: User, now: datetime) -> tuple[Upload, ImportedClicks] | None:
        """The file with the result of its dry run; None, and an error of the form, if it cannot be read."""
        given = self.cleaned_data
        upload = Upload(secrets.token_urlsafe(16), given["file"].name, given["source"], given["file"].read())
        try:
            found = upload.judge(now=now, is_dry_run=True)
        except UnusableFile as error:
            self.add_error("file", str(error))
            return None
        keep(upload, owner=owner)
        return upload, found


def _place(owner: User, key: str) -> str:
    return f"legacy-upload:{owner.pk}:{key}"


def keep(upload: Upload, *, owner: User) -> None:
    """Store the file until it is imported, an hour at most."""
    cache.set(_place(owner, upload.key), (upload.name, upload.source, zlib.compress(upload.content)), KEPT_FOR)


def take(key: str, *, owner: User) -> Upload | None:
    """The file that this operator uploaded, which can be taken once only. None if it is gone."""
    place = _place(owner, key)
    kept = cache.get(place) if KEY.fullmatch(key) else None
    # If the button is pressed twice at once, one request finds the file: a second import would be harmless, its report
    # confusing.
    if kept is None or not cache.delete(place):
        return None
    name, source, content = kept
    return Upload(key, name, source, zlib.decompress(content))
