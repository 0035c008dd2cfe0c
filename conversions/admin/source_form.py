"""The form of a source's connection: what it proves itself with, and which goal each of its events is."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from conversions.models import Goal, SourceConnection
from conversions.sources.base import Source
from conversions.sources.connections import secrets_of, set_secrets
from conversions.sources.table import sources
from records.translation import gettext_lazy as _

LONGEST_SECRET, MOST_SECRETS = 300, 5


def goal_field(source: Source, word: str) -> str:
    return f"goal_{source.code}_{word}"


def goal_fields(source: Source) -> list[str]:
    return [goal_field(source, word) for word in source.words]


def source_choices() -> list[tuple[str, str]]:
    return [("", "---------"), *((each.code, each.title) for each in sources().values())]


def goal_choices() -> list[tuple[str, str]]:
    codes = Goal.objects.filter(is_active=True).order_by("code").values_list("code", flat=True).distinct()
    return [("", gettext("Not counted")), *((code, code) for code in codes)]


def _goal_field(source: Source, word: str) -> forms.Field:
    return forms.ChoiceField(
        choices=goal_choices,
        required=False,
        label=word,
        help_text=source.words[word],
        widget=UnfoldAdminSelectWidget,
    )


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    source = forms.ChoiceField(choices=source_choices, label=_("Source"), widget=UnfoldAdminSelectWidget)
    signing_secrets = forms.CharField(
        required=False,
        max_length=MOST_SECRETS * (LONGEST_SECRET + 2),
        label=_("Signing secret"),
        help_text=_(
            "As the platform shows it; several, one a line, while one replaces another. It is stored encrypted and not "
            "shown again. Empty keeps the one that is stored."
        ),
        widget=UnfoldAdminTextareaWidget({"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    class Meta:
        model = SourceConnection
        fields = ("advertiser", "time_zone", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.pk:
            self.fields.pop("source", None)
        if row.pk and row.source in sources():
            source = sources()[row.source]
            chosen = {goal_field(source, word): row.goals.get(word, "") for word in source.words}
            self.initial = {**chosen, **self.initial}

    def clean_signing_secrets(self) -> list[str]:
        """The secrets, one a line."""
        found = [line.strip() for line in self.cleaned_data["signing_secrets"].splitlines() if line.strip()]
        if len(found) > MOST_SECRETS or any(len(each) > LONGEST_SECRET for each in found):
            message = gettext("At most {most} secrets of {longest} characters.")
            raise ValidationError(message.format(most=MOST_SECRETS, longest=LONGEST_SECRET))
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        row = self.instance
        source = sources().get(row.source or given.get("source", ""))
        if source is None:
            return given
        row.source = source.code
        row.goals = {word: code for word in source.words if (code := given.get(goal_field(source, word), ""))}
        self._check_goals(source, given)
        if found := given.get("signing_secrets"):
            set_secrets(row, found)
        if not source.is_file and "signing_secrets" not in self.errors and not secrets_of(row):
            self.add_error("signing_secrets", gettext("Paste the secret that the platform signs with."))
        return given

    def _check_goals(self, source: Source, given: dict[str, Any]) -> None:
        """Each goal must be one of the advertiser's: events of another would all be refused."""
        advertiser = given.get("advertiser") or (self.instance.advertiser if self.instance.pk else None)
        if advertiser is None:
            return
        known = set(Goal.objects.filter(offer__advertiser=advertiser).values_list("code", flat=True))
        for word, code in self.instance.goals.items():
            if code not in known:
                message = gettext("No offer of {advertiser} counts {code}. There are {known}.")
                there = ", ".join(sorted(known)) or gettext("none")
                self.add_error(goal_field(source, word), message.format(advertiser=advertiser, code=code, known=there))
        if not self.instance.goals:
            self.add_error(None, gettext("Choose a goal for one of its events at least."))


def form_class() -> type[SourceForm]:
    """The form with a field for each word of each source; made anew, so that it follows the table."""
    made = {
        goal_field(source, word): _goal_field(source, word) for source in sources().values() for word in source.words
    }
    return type("SourceForm", (SourceForm,), made)
