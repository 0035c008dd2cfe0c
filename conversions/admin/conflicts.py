"""The queue of conflicts: the stored amounts beside the postback's, and an operator's decision."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.models import User
from conversions.conflicts import ConflictRefused, Difference, accept, differences, dismiss
from conversions.models import ConflictReview
from records.money import format_money
from web.panel import ConfirmForm, RecordAdmin, code, label, link_to, question, rows_of, when
from web.panel.confirm import note_field

UNITLESS = ("volume", "currency")


class DecideConflicts(ConfirmForm):
    """An operator's decision on conflicts, with the reason."""

    done: ClassVar[str]
    note = note_field(required=True, help_text="Why, in a few words: it stands in the trace of both.")

    @classmethod
    def fits(cls, row: ConflictReview) -> bool:
        return row.resolved_at is None

    def describe(self, row: ConflictReview) -> str:
        return f"{row.conversion.affiliate} · {in_words(sides(row)) or 'the money is the same'}"

    def perform(self, *, actor: User, now: datetime) -> str:
        refused: list[str] = []
        # The amounts that the page showed: the first acceptance may change the effect of the second.
        for row, seen in zip(self.rows, differences(self.rows), strict=True):
            try:
                self.decide(row, seen, note=self.cleaned_data["note"], actor=actor, now=now)
            except ConflictRefused as error:
                refused.append(str(error))
        if len(refused) == len(self.rows):
            raise ValidationError(f"Nothing was changed. {' '.join(refused)}")
        return " ".join([f"{len(self.rows) - len(refused)} {self.done}.", *refused])

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        raise NotImplementedError


class AcceptConflicts(DecideConflicts):
    title, submit, done = "Accept the new amount", "Accept", "accepted"
    explanation = (
        "The conversion takes the postback's amounts; its status stays. Commission follows within seconds as the "
        "difference to what is booked, also after a statement: then it is a line of the next one."
    )

    @classmethod
    def fits(cls, row: ConflictReview) -> bool:
        return row.resolved_at is None and any(differences([row]))

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        accept(review_id=row.pk, seen=seen, **given)


class DismissConflicts(DecideConflicts):
    title, submit, done = "Dismiss", "Dismiss", "dismissed"
    explanation = "The first amount stands. The same contradiction, sent again, does not come back."

    def decide(self, row: ConflictReview, seen: list[Difference], **given: Any) -> None:
        dismiss(review_id=row.pk, **given)


class ConflictStateFilter(DropdownFilter):
    """The queue shows open conflicts by default."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("accepted", "Accepted"), ("dismissed", "Dismissed"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[ConflictReview]") -> "QuerySet[ConflictReview]":
        chosen = {"accepted": Q(resolution="accepted"), "dismissed": Q(resolution="dismissed"), "all": Q()}
        return queryset.filter(chosen.get(self.value() or "open", Q(resolved_at=None)))


@admin.register(ConflictReview)
class ConflictReviewAdmin(RecordAdmin):
    """Postbacks with other amounts for a known transaction; the oldest comes first."""

    list_display = ("named", "who", "stored", "sent", "difference", "opened", "state")
    list_display_links = ("named",)
    list_filter = (
        ConflictStateFilter,
        ("conversion__goal__offer", AutocompleteSelectFilter),
        ("conversion__affiliate", AutocompleteSelectFilter),
        ("conversion__advertiser", AutocompleteSelectFilter),
    )
    list_select_related = (
        *("conversion__goal__offer", "conversion__affiliate", "conversion__customer"),
        *("postback__advertiser", "postback__correction", "resolved_by"),
    )
    search_fields = ("conversion__public_id__exact", "conversion__transaction_id__exact", "postback__public_id__exact")
    search_help_text = "Conversion ID (cv_…), transaction ID or postback ID (pb_…)"
    ordering = ("opened_at", "pk")
    sortable_by = ()
    actions = ("accept", "dismiss")
    actions_detail = ("trace", "accept", "dismiss")
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
    readonly_fields = (
        *(
            "conversion_link",
            "transaction",
            "affiliate",
            "offer",
            "status",
            "opened",
            "postback_link",
            "facts",
            "state",
        ),
    )
    accept = question(AcceptConflicts, description="Accept the new amount", icon="check", variant=ActionVariant.PRIMARY)
    dismiss = question(DismissConflicts, description="Dismiss", icon="close")

    def has_decide_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A decision changes a conversion's money."""
        return super().has_decide_permission(request, obj) and request.user.has_perm("conversions.change_conversion")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ConflictReview]":
        rows: QuerySet[ConflictReview] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read the requests of the whole page together."""
        page = super().get_changelist_instance(request)
        for row, found in zip(page.result_list, differences(page.result_list), strict=True):
            row.__dict__["_found"] = found
        return page

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        public_id = ConflictReview.objects.values_list("conversion__public_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("trace:conversion", args=[public_id]))

    @display(description="Conversion and postback", header=True)
    def named(self, row: ConflictReview) -> list[object]:
        return [code(row.conversion.transaction_id or row.conversion.public_id), code(row.postback.public_id)]

    @display(description="Conversion")
    def conversion_link(self, row: ConflictReview) -> SafeString | str:
        return link_to(row.conversion)

    @display(description="Postback")
    def postback_link(self, row: ConflictReview) -> SafeString | str:
        return link_to(row.postback)

    @display(description="Affiliate and offer", header=True)
    def who(self, row: ConflictReview) -> list[object]:
        return [link_to(row.conversion.affiliate), row.conversion.goal.offer.name]

    @display(description="Affiliate")
    def affiliate(self, row: ConflictReview) -> SafeString | str:
        return link_to(row.conversion.affiliate)

    @display(description="Offer")
    def offer(self, row: ConflictReview) -> SafeString | str:
        return link_to(row.conversion.goal.offer)

    @display(description="Status")
    def status(self, row: ConflictReview) -> str:
        return f"{row.conversion.get_status_display()}: {row.conversion.get_reason_display().lower()}"

    @display(description="Transaction")
    def transaction(self, row: ConflictReview) -> SafeString | str:
        return code(row.conversion.transaction_id)

    @display(description="Stored")
    def stored(self, row: ConflictReview) -> SafeString:
        return _lines(f"{name} {stored}" for name, stored, _, _ in sides(row))

    @display(description="Postback says")
    def sent(self, row: ConflictReview) -> SafeString:
        return _lines(f"{name} {sent}" for name, _, sent, _ in sides(row))

    @display(description="Difference")
    def difference(self, row: ConflictReview) -> SafeString | str:
        return _lines(by for _, _, _, by in sides(row)) or "Not the money"

    @display(description="Since")
    def opened(self, row: ConflictReview) -> SafeString | str:
        return when(row.opened_at)

    @display(description="Both, side by side")
    def facts(self, row: ConflictReview) -> SafeString:
        empty = "The money is the same: the request names another click, or a refund that was sent otherwise before."
        return rows_of(("Fact", "Conversion", "Postback", "Difference"), sides(row), empty=empty)

    @display(description="State")
    def state(self, row: ConflictReview) -> SafeString:
        if row.resolved_at is None:
            return label("Open", "warning")
        return label(row.get_resolution_display(), "success" if row.resolution == "accepted" else "default")


def sides(row: ConflictReview) -> list[tuple[str, str, str, str]]:
    """The name, the stored amount, the postback's amount, and the difference; read once for each row of a page."""
    if "_sides" not in row.__dict__:
        [found] = [row.__dict__["_found"]] if "_found" in row.__dict__ else differences([row])
        changed = next((each for each in found if each.name == "currency"), None)
        was, now = (changed.stored, changed.sent) if changed else (row.conversion.currency, row.conversion.currency)
        row.__dict__["_sides"] = [
            (each.name, shown(each.name, each.stored, was), shown(each.name, each.sent, now), by(each, was, now))
            for each in found
        ]
    return row.__dict__["_sides"]  # type: ignore[no-any-return]


def shown(name: str, value: str, currency: str) -> str:
    return format_money(Decimal(value), currency) if value and name not in UNITLESS else value or "not given"


def by(each: Difference, was: str, now: str) -> str:
    """`+20.00 EUR`; if the currency changes, amounts cannot be compared."""
    if each.name == "currency" or (was != now and each.name not in UNITLESS):
        return "another currency"
    amount = Decimal(each.sent or 0) - Decimal(each.stored or 0)
    sign = "+" if amount > 0 else "−"
    return f"{sign}{shown(each.name, f'{abs(amount).normalize():f}', now)}"


def in_words(found: Sequence[tuple[str, str, str, str]]) -> str:
    return "; ".join(f"{name} {stored} → {sent}" for name, stored, sent, _ in found)


def _lines(texts: Iterable[str]) -> SafeString:
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts))  # nosec B308 # a constant
