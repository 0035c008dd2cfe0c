"""Commission on pages of the panel: shown to those who may view the ledger."""

from typing import Any

from django.http import HttpRequest

from affiliates.access.operators import operator
from payouts.rights import sees_commission


class CommissionByPermission:
    """A page whose columns show commission. They get only the row, so the row has what its reader may see."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if row is not None:
            row.reader_sees_commission = sees_commission(operator(request))
        return row

    def has_ledger_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """For actions that show commission."""
        return sees_commission(operator(request))


def shows_commission(row: Any) -> bool:
    """Whether the reader of the row's page may see commission; no, where the row came another way."""
    return getattr(row, "reader_sees_commission", False)
