"""Fields of the REST API that read the value of a column."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from web.rest.fields import AmountText


class BalanceSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(read_only=True)
    amount = AmountText()


class ReadValue:
    """A read-only field whose value comes from `read`."""

    def __init__(self, *, read: Callable[[Any], Any], **described: Any) -> None:
        self.read = read
        super().__init__(read_only=True, **described)  # type: ignore[call-arg]

    def get_attribute(self, instance: Any) -> Any:
        return self.read(instance)


class ReadText(ReadValue, serializers.CharField):
    """A text that is not a field of the model."""


class ReadMoment(ReadValue, serializers.DateTimeField):
    """A moment that is not a field of the model."""


class ReadNumber(ReadValue, serializers.IntegerField):
    """A whole number that is not a field of the model."""


class ReadLength(ReadValue, serializers.DurationField):
    """A length of time that is not a field of the model."""


class ReadFlag(ReadValue, serializers.BooleanField):
    """A yes or no that is not a field of the model."""


class ReadBalances(ReadValue, serializers.ListSerializer[Any]):
    """Amounts by currency."""
