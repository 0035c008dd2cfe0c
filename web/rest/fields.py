"""Shared fields and serializers: amounts as text, and fields for operators only.

Input is parsed strictly: text is text, yes and no are `true` and `false`. A number in place of an ID may have lost
digits before it reached us.
"""

import re
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers
from rest_framework.fields import empty

from records.money import places


def amount_text(amount: Decimal, currency: str) -> str:
    """All significant decimals, at least as many as the currency has: 80.00, 0.125, 1500 (JPY)."""
    text = f"{amount.normalize():f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(places(currency), "0")
    return f"{whole}.{decimals}" if decimals else whole


class AmountText(serializers.DecimalField):
    """An amount as text, never a float; its currency is in a field beside it."""

    def __init__(self, **kwargs: Any) -> None:
        self.currency_of = attrgetter(kwargs.pop("currency_field", "currency"))
        super().__init__(max_digits=24, decimal_places=8, read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> Any:
        amount = super().get_attribute(instance)
        return None if amount is None else amount_text(amount, self.currency_of(instance))

    def to_representation(self, value: str) -> str:  # type: ignore[override]
        return value


# Regular expressions that Python and JSON Schema read alike. A line of text has no control characters, and at least one
# visible character.
_SIGN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
_BLANK = r"[\x20\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_SEEN = r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
# The characters skipped before the first visible one are never visible, so no text is read twice.
LINE = rf"^{_BLANK}*{_SEEN}{_SIGN}*$"
AMOUNT = r"^(?![0.]+$)[0-9]{1,16}(\.[0-9]{1,8})?$"


def is_line(text: str) -> bool:
    return re.fullmatch(LINE, text) is not None


class Text(serializers.CharField):
    """One line of text as sent to us."""

    default_error_messages: ClassVar = {"line": "Send one line of text, without control characters."}

    def run_validation(self, data: Any = empty) -> Any:
        """Refuse spaces alone, also where an empty text may be sent: they are most likely a mistake of the program."""
        if isinstance(data, str) and data and not data.strip():
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        # As documented, the limit applies to the text as sent, before surrounding spaces are removed.
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        if data.strip() and not is_line(data):
            self.fail("line")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """`true` or `false` as sent to us, and nothing similar."""

    default_error_messages: ClassVar = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class AmountSent(serializers.DecimalField):
    """An amount above zero as sent to us: text, so that it keeps its digits on the way."""

    default_error_messages: ClassVar = {
        "text": 'Send an amount above zero as text, such as "12.50": at most 16 digits and 8 decimals.'
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=24, decimal_places=8, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not re.fullmatch(AMOUNT, data):
            self.fail("text")
        return super().to_internal_value(data)


class StrictSerializer(serializers.ModelSerializer[Any]):
    """A model's fields, parsed strictly if they are writable."""

    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.BooleanField: Flag,
    }
