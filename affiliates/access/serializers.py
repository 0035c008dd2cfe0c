"""Serializers whose fields depend on the requesting user."""

from typing import Any, ClassVar

from rest_framework import serializers

from affiliates.access.reach import Reach
from web.lists.serializers import ColumnSerializer


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


class ReachColumns(ColumnSerializer, ReachSerializer):
    """The columns of a list; those for operators are left out for affiliates, and the fields named here."""

    more_for_operators: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        columns = (column.name for column in cls.columns if column.is_for_operators)
        cls.operator_only = cls.more_for_operators.union(columns)
