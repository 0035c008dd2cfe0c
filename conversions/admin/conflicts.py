"""The queue of conflicts: the stored amounts beside the postback's, and an operator's decision."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from unfold.decorators import display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.admin import columns
from conversions.conflicts import ConflictRefused, Difference, accept, differences, dismiss
from conversions.models import ConflictReview
from records.money import format_money
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import (
    ConfirmForm,
    ReachableFilter,
    RecordAdmin,
    code,
    column,
    label,
    link_to,
    one_of,
    question,
    shown,
    table_column,
    two_lines,
    when,
    whole_story,
)
from web.panel.confirm import note_field

UNITLESS = ("volume", "currency")


class DecideConflicts(ConfirmForm):
    """An operator's decision on conflicts, with the reason."""

    done: ClassVar[str]
    note = note_field(required=True, help_text=_("Why, in a few words; shown in the trace of both."))

    @classmethod
    def fits(cls, row: ConflictReview) -> bool:
        return row.resolved_at is None

    def describe(self, row: ConflictReview) -> str:
        return f"{row.conversion.affiliate} · {in_words(sides(row)) or 'the amounts are the same'}"

    def perform(self, *, actor: User, now: datetime) -> str:
        refused: list[str] = []
        # The amounts that the page showed: the first acceptance may change the effect of the second.
        for row, seen in zip(self.rows, differences(self.rows), strict=True):
            try:
                self.decide(row, seen, note=self.cleaned_data["note"], actor=actor, now=now)
            except ConflictRefused as error:
                refused.append(str(error))
        if len(refused) == len(self.rows):
            raise ValidationError(format_lazy(_("Nothing was changed. {names}"), names=" ".join(refused)))
        return " ".join([f"{len(self.rows) - len(refused)} {self.done}.", *refused])

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        raise NotImplementedError


class AcceptConflicts(DecideConflicts):
    title, submit, done = _("Accept the new amount"), _("Accept"), _("accepted")
    explanation = _(
        "The conversion takes the postback's amounts and keeps its status. Within seconds the difference in "
        "commission is booked; after a statement it is a line of the next one."
    )

    @classmethod
    def fits(cls, row: ConflictReview) -> bool:
        return row.resolved_at is None and any(differences([row]))

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        accept(review_id=row.pk, seen=seen, **given)


class DismissConflicts(DecideConflicts):
    title, submit, done = _("Dismiss"), _("Dismiss"), _("dismissed")
    explanation = _("The first amount is kept. If the same contradiction is sent again, it is not listed again.")

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        dismiss(review_id=row.pk, **given)


# The queue: it opens with the open conflicts.
ConflictStateFilter = one_of(
    "state",
    {
        "open": (_("Open"), Q(resolved_at=None)),
        "accepted": (_("Accepted"), Q(resolution="accepted")),
        "dismissed": (_("Dismissed"), Q(resolution="dismissed")),
        "all": (_("All"), Q()),
    },
    default="open",
)


@admin.register(ConflictReview)
class ConflictReviewAdmin(RecordAdmin):
    """Postbacks with other amounts for a known transaction; the oldest comes first."""

    list_display = ("named", "who", "stored", "sent", "difference", "opened", "state")
    list_display_links = ("named",)
    list_filter = (
        ConflictStateFilter,
        ("conversion__goal__offer", ReachableFilter),
        ("conversion__affiliate", ReachableFilter),
        ("conversion__advertiser", ReachableFilter),
    )
    related = (
        *("conversion__goal__offer", "conversion__affiliate", "conversion__customer"),
        *("postback__advertiser", "postback__correction", "resolved_by"),
    )
    search_fields = ("conversion__public_id__exact", "conversion__transaction_id__exact", "postback__public_id__exact")
    search_help_text = _("Conversion ID (cv_…), transaction ID or postback ID (pb_…)")
    ordering = ("opened_at", "pk")
    sortable_by = ()
    actions = ("accept", "dismiss")
    actions_detail = ("trace", "accept", "dismiss")
    trace = whole_story("conversion", "conversion.public_id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("conversion_link", "transaction"),
                    ("affiliate", "offer"),
                    ("status", "opened"),
                    "postback_link",
                    "facts",
                    ("state", "resolved_by"),
                    ("note", "resolved_at"),
                )
            },
        ),
    )
    accept = question(
        AcceptConflicts, description=_("Accept the new amount"), icon="check", variant=ActionVariant.PRIMARY
    )
    dismiss = question(DismissConflicts, description=_("Dismiss"), icon="close")
    named = two_lines(
        _("Conversion and postback"),
        lambda row: code(row.conversion.transaction_id or row.conversion.public_id),
        shown("postback.public_id", code),
    )
    conversion_link, who = columns.CONVERSION, columns.WHO
    affiliate, offer = columns.AFFILIATE, columns.OFFER
    postback_link = column(_("Postback"), "postback", link_to)
    status = column(_("Status"), "conversion", columns.status_words)
    transaction = column(_("Transaction"), "conversion.transaction_id", code)
    stored = column(_("Stored"), lambda row: _lines(f"{name} {stored}" for name, stored, _, _ in sides(row)))
    sent = column(_("Postback says"), lambda row: _lines(f"{name} {sent}" for name, _, sent, _ in sides(row)))
    difference = column(
        _("Difference"), lambda row: _lines(by for _, _, _, by in sides(row)) or gettext("Not the money")
    )
    opened = column(_("Since"), "opened_at", when)
    facts = table_column(
        _("Both, side by side"),
        (_("Fact"), _("Conversion"), _("Postback"), _("Difference")),
        lambda row: sides(row),
        empty=_("The amounts are the same: the request names another click, or repeats a refund with different data."),
    )

    def has_decide_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A decision changes a conversion's money."""
        return super().has_decide_permission(request, obj) and request.user.has_perm("conversions.change_conversion")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read the requests of the whole page together."""
        page = super().get_changelist_instance(request)
        for row, found in zip(page.result_list, differences(page.result_list), strict=True):
            row.__dict__["_found"] = found
        return page

    @display(description=_("State"))
    def state(self, row: ConflictReview) -> SafeString:
        if row.resolved_at is None:
            return label(gettext("Open"), "warning")
        return label(row.get_resolution_display(), "success" if row.resolution == "accepted" else "default")


def sides(row: ConflictReview) -> list[tuple[str, str, str, str]]:
    """The name, the stored amount, the postback's amount, and the difference; read once for each row of a page."""
    if "_sides" not in row.__dict__:
        [found] = [row.__dict__["_found"]] if "_found" in row.__dict__ else differences([row])
        changed = next((each for each in found if each.name == "currency"), None)
        was, now = (changed.stored, changed.sent) if changed else (row.conversion.currency, row.conversion.currency)
        row.__dict__["_sides"] = [
            (
                each.name,
                amount_words(each.name, each.stored, was),
                amount_words(each.name, each.sent, now),
                by(each, was, now),
            )
            for each in found
        ]
    return row.__dict__["_sides"]  # type: ignore[no-any-return]


def amount_words(name: str, value: str, currency: str) -> str:
    return format_money(Decimal(value), currency) if value and name not in UNITLESS else value or gettext("not given")


def by(each: Difference, was: str, now: str) -> str:
    """`+20.00 EUR`; if the currency changes, amounts cannot be compared."""
    if each.name == "currency" or (was != now and each.name not in UNITLESS):
        return gettext("another currency")
    amount = Decimal(each.sent or 0) - Decimal(each.stored or 0)
    sign = "+" if amount > 0 else "−"
    return f"{sign}{amount_words(each.name, f'{abs(amount).normalize():f}', now)}"


def in_words(found: Sequence[tuple[str, str, str, str]]) -> str:
    return "; ".join(f"{name} {stored} → {sent}" for name, stored, sent, _ in found)


def _lines(texts: Iterable[str]) -> SafeString:
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts))  # nosec B308 # a constant
