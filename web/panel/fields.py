"""Form fields with human-readable units."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.contrib.forms.widgets import ArrayWidget
from unfold.widgets import UnfoldAdminTextInputWidget

from records.words import plain


class DaysField(forms.Field):
    """A length of time as a number of days: 30, or 0.5 for twelve hours.

    Read to the second: 0.333333 is eight hours, so a form that is saved without a change changes nothing.
    """

    MOST = 36_500

    def __init__(self, *, required: bool = True, help_text: str = "", label: str | None = None) -> None:
        widget = UnfoldAdminTextInputWidget({"inputmode": "decimal", "suffix": "days"})
        super().__init__(required=required, label=label, help_text=help_text, widget=widget)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, timedelta):
            return value
        days = Decimal(value // timedelta(microseconds=1)) / 86_400_000_000
        return f"{days.quantize(Decimal('0.000001')).normalize():f}"

    def to_python(self, value: Any) -> timedelta | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            days = Decimal(text)
        except InvalidOperation as error:
            raise ValidationError(gettext("Give a number of days, for example 30 or 0.5.")) from error
        length = timedelta(seconds=round(days * 86_400)) if days.is_finite() and 0 < days <= self.MOST else None
        if not length:
            raise ValidationError(gettext("Give more than 0 and at most {most:,} days.").format(most=self.MOST))
        return length

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class SecondsField(forms.Field):
    """A short length of time as a number of seconds: 2, or 0.5."""

    MOST = 86_400

    def __init__(self, *, help_text: str = "", label: str | None = None) -> None:
        widget = UnfoldAdminTextInputWidget({"inputmode": "decimal", "suffix": "seconds"})
        super().__init__(required=False, label=label, help_text=help_text, widget=widget)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, timedelta):
            return value
        return plain(Decimal(value // timedelta(microseconds=1)) / 1_000_000)

    def to_python(self, value: Any) -> timedelta | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            seconds = Decimal(text)
        except InvalidOperation as error:
            raise ValidationError(gettext("Give a number of seconds, for example 2 or 0.5.")) from error
        if not (seconds.is_finite() and 0 <= seconds <= self.MOST):
            raise ValidationError(gettext("Give 0 to {most:,} seconds.").format(most=self.MOST))
        return timedelta(microseconds=int(seconds * 1_000_000))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class ListField(forms.Field):
    """Several short texts, one input each; the model field's validators check each one."""

    def __init__(self, *, base_field: Any, label: str, help_text: str, capitals: bool = False) -> None:
        self.base_field, self.capitals = base_field, capitals
        super().__init__(
            required=False, label=label, help_text=help_text, widget=ArrayWidget(UnfoldAdminTextInputWidget)
        )

    def to_python(self, value: Any) -> list[str]:
        items = [item.strip() for item in value or [] if item.strip()]
        return [item.upper() for item in items] if self.capitals else items

    def run_validators(self, value: list[str]) -> None:
        problems: list[ValidationError] = []
        for item in value:
            try:
                self.base_field.clean(item, None)
            except ValidationError as error:
                problems += [ValidationError(f"{item}: {message}") for message in error.messages]
        if problems:
            raise ValidationError(problems)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))
