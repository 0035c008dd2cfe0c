"""Fields and serializers that the resources share: amounts as text, moments, and what only operators see."""

from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar

from rest_framework import serializers

from affiliates.money import places
from affiliates.permissions import Reach


def amount_text(amount: Decimal, currency: str) -> str:
    """Every decimal that counts, at least as many as the currency has: 80.00, 0.125, 1500 (JPY)."""
    text = f"{amount.normalize():f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(places(currency), "0")
    return f"{whole}.{decimals}" if decimals else whole


class AmountText(serializers.DecimalField):
    """An amount as text, never a float; the currency stands in a field beside it."""

    def __init__(self, **kwargs: Any) -> None:
        self.currency_of = attrgetter(kwargs.pop("currency_field", "currency"))
        super().__init__(max_digits=24, decimal_places=8, read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> Any:
        amount = super().get_attribute(instance)
        return None if amount is None else amount_text(amount, self.currency_of(instance))

    def to_representation(self, value: str) -> str:  # type: ignore[override]
        return value


class ReachSerializer(serializers.ModelSerializer[Any]):
    """Leaves out, for affiliates, the fields that only operators see. The view puts the reach into the context."""

    operator_only: ClassVar[frozenset[str]] = frozenset()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        reach: Reach = self.context["reach"]
        if not reach.is_operator:
            for name in self.operator_only:
                shown.pop(name, None)
        return shown
