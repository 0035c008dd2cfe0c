"""Serializers whose fields are the columns of a list."""

from typing import Any, ClassVar

from rest_framework import serializers

from web.lists.columns import API, Columns


# Gives the columns that appear in the API, then the fields that the class itself declares: nested objects. (A docstring
# would become the description of every list in the schema.)
class ColumnSerializer(serializers.ModelSerializer[Any]):
    columns: ClassVar[Columns]

    def get_field_names(self, declared_fields: Any, info: Any) -> list[str]:
        names = [column.name for column in self.columns.within(API)]
        return [*names, *(name for name in declared_fields if name not in names)]

    def get_extra_kwargs(self) -> dict[str, Any]:
        """The model's own fields are read only, but for those that clients may write; a kind's are complete."""
        return {
            column.name: {**({} if column.is_writable else {"read_only": True}), **column.words}
            for column in self.columns.within(API)
            if column.kind.api(column) is None
        }

    def build_field(self, field_name: str, info: Any, model_class: Any, nested_depth: int) -> Any:
        column = next(each for each in self.columns if each.name == field_name)
        return column.kind.api(column) or super().build_field(field_name, info, model_class, nested_depth)

    def get_uniqueness_extra_kwargs(self, field_names: Any, declared_fields: Any, extra_kwargs: Any) -> Any:
        """No list is written by fields that are unique together."""
        return extra_kwargs, {}
