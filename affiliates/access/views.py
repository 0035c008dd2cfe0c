"""The base of every resource: rows within reach, pages by cursor, strict filters."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.viewsets import GenericViewSet

from affiliates.access.reach import OperatorsOnly, Reach, Use, WithinReach, reach_of
from affiliates.models import User
from affiliates.roles.scopes import READ, Scope
from web.lists import API, Columns
from web.rest.filters import check_parameters


class ResourceViewSet(GenericViewSet[Any]):
    """Rows that the requesting key or person may see. `affiliate_path` leads from a row to its affiliate.

    `operator_filters` names the filters that affiliates do not have.
    """

    permission_classes: Any = [WithinReach]
    # The scope of a key to read the rows; `changes` has what else can be done, by the name of the action.
    scope: ClassVar[Scope] = READ
    changes: ClassVar[dict[str, Use]] = {}
    affiliate_path: ClassVar[str] = "affiliate"
    lookup_value_regex = "[A-Za-z0-9_-]{1,60}"

    @property
    def reach(self) -> Reach:
        if getattr(self, "swagger_fake_view", False):  # The API description shows the operator's fields.
            return Reach(User(is_staff=True), is_operator=True)
        return reach_of(self.request)

    def get_queryset(self) -> "QuerySet[Any]":
        rows = self.reach.within(super().get_queryset(), self.affiliate_path)
        columns: Columns | None = getattr(self.serializer_class, "columns", None)
        joined = columns.relations(rows.model, API) if columns else ()
        return rows.select_related(*joined) if joined else rows

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Filters are for lists; a single row is named by its address alone."""
        if self.detail:
            check_parameters(self.request, known=set())
            return queryset
        return super().filter_queryset(queryset)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "reach": self.reach}


class ReadViewSet(ListModelMixin, RetrieveModelMixin, ResourceViewSet):
    """A list and single rows."""


class OperatorViewSet(ReadViewSet):
    """A list and single rows for operators only."""

    permission_classes: Any = [WithinReach, OperatorsOnly]
