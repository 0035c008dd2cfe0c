"""Serializers whose fields depend on the requesting user."""

from typing import Any, ClassVar

from rest_framework import serializers

from affiliates.access.reach import Reach


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
