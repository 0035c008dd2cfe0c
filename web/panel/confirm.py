"""Actions that are more than an edit: a page shows what will be done, and a POST does it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from records.translation import gettext_lazy as _


class ConfirmForm(forms.Form):
    """A confirmation; its fields are the inputs of the action."""

    title: ClassVar[str] = ""
    submit: ClassVar[str] = _("Confirm")
    tone: ClassVar[str] = "primary"
    explanation: ClassVar[str] = ""
    # The permission that it needs for each row; empty: to change rows of the model.
    permission: ClassVar[str] = ""
    # The most rows of one confirmation; more need several.
    most: ClassVar[int] = 500
    # The text for the audit log, if it is shorter than the operator's.
    log_words: str = ""

    def __init__(self, rows: Sequence[Any], data: Any = None, **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(data, **kwargs)

    def narrow(self, user: Any) -> None:
        """Offer only rows within the person's reach in the fields that choose a row."""
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = user.rows_within(field.queryset)

    @classmethod
    def fits(cls, row: Any) -> bool:
        """Whether the action makes sense for the row's status."""
        return True

    def heading(self) -> str:
        if len(self.rows) == 1:
            return f"{self.title}: {self.rows[0]}"
        return (
            gettext("{title}: {number_of_rows} selected").format(title=self.title, number_of_rows=len(self.rows))
            if self.rows
            else self.title
        )

    def describe(self, row: Any) -> str:
        """The description of a row beside its name."""
        return ""

    def described(self) -> list[tuple[str, str]]:
        return [(str(row), self.describe(row)) for row in self.rows]

    def perform(self, *, actor: Any, now: datetime) -> str:
        """Do it for the signed-in user and return the sentence that reports it; raise `ValidationError` to refuse."""
        raise NotImplementedError


def note_field(*, required: bool, help_text: str, label: str = _("Note")) -> forms.CharField:
    return forms.CharField(
        required=required,
        max_length=250,
        label=label,
        help_text=help_text,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


def question(
    form_class: type[ConfirmForm],
    *,
    description: str,
    icon: str = "",
    variant: ActionVariant = ActionVariant.DEFAULT,
    permission: str = "decide",
) -> Callable[..., HttpResponse]:
    """An action for a list, and for a row's own page, that shows the form before it does anything.

    `permission` names the admin's `has_..._permission`: another than `decide` if other rows are changed.
    """

    @action(description=description, permissions=[permission], icon=icon or None, variant=variant)
    def ask(
        self: Any, request: HttpRequest, queryset: "QuerySet[Model] | None" = None, object_id: str | None = None
    ) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk=object_id) if queryset is None else queryset
        if object_id is not None and not rows.exists():
            raise Http404(gettext("There is no such row (any more)."))
        return self.ask(request, rows, form_class)  # type: ignore[no-any-return]

    ask.asks = form_class
    return ask  # type: ignore[no-any-return]
