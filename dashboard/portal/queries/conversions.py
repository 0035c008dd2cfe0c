"""The affiliate's conversions, and for one of them everything that explains it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from affiliates.models import Affiliate
from conversions.holds import Hold, hold_of
from conversions.lifecycle.appeals import appeal_ends
from conversions.models import Appeal, Conversion, StatusChange
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from dashboard.portal.queries.clicks import sub_ids
from dashboard.portal.queries.figures import Money, clicks_by_id, commission_of, with_commission
from dashboard.portal.traces import ExplainedDecision, decisions_of
from dashboard.portal.words import masked
from payouts.ledger.booking import event_of
from payouts.ledger.pricing_groups import with_facts
from payouts.models import LedgerEntry
from payouts.plans.price_books import price_book
from payouts.pricing import APPROVED, Quote, choose_rules, choose_version
from payouts.pricing.kinds import is_share_of_revenue
from payouts.queries import estimates, explain
from records.translation import gettext_lazy as _
from tracking.click_id import codec
from tracking.models import Click


@dataclass(frozen=True, slots=True)
class ConversionRow:
    conversion: Conversion
    sub1: str


def conversions_of(affiliate: Affiliate) -> QuerySet[Conversion]:
    return Conversion.objects.filter(affiliate=affiliate).select_related("goal__offer", "link", "appeal")


def rows(conversions: Iterable[Conversion]) -> list[ConversionRow]:
    """Conversions with their commission and their click's first label: two queries for any number."""
    listed = with_commission(conversions)
    clicks = clicks_by_id(row.click_id for row in listed)
    return [ConversionRow(row, clicks[row.click_id].sub1 if row.click_id in clicks else "") for row in listed]


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """A step of the status history, with the reason explained, and the note where the affiliate may read it."""

    change: StatusChange
    cause: str
    note: str


@dataclass(frozen=True, slots=True)
class ConversionStory:
    """A conversion with its click, its history, its money and the decisions behind it."""

    conversion: Conversion
    click: Click | None
    click_text: str
    history: list[HistoryStep]
    decisions: list[ExplainedDecision]
    entries: list[LedgerEntry]
    earned: Money
    quote: Quote
    revenue: Decimal | None
    why: str
    hold: Hold | None
    appeal: Appeal | None
    # The end of the time for an appeal; None if there can be none.
    appeal_until: datetime | None

    @property
    def waiting_for(self) -> list[str]:
        """What the conversion waits for. A rule's progress reveals revenue: only an affiliate paid a share sees it."""
        if self.hold is None:
            return []
        in_full = self.revenue is not None and not self.hold.is_review
        return [part.text if in_full else part.rule for part in self.hold.waiting_for]

    @property
    def note(self) -> str:
        """The note on the last change of status."""
        return self.history[-1].note if self.history else ""

    @property
    def sub_ids(self) -> list[tuple[str, str]]:
        return sub_ids(self.click) if self.click else []

    @property
    def customer(self) -> str:
        """The advertiser's customer ID with its middle hidden; the person is the advertiser's affair."""
        return masked(self.conversion.customer.customer_id) if self.conversion.customer else ""


def story(conversion: Conversion) -> ConversionStory:
    """Everything that an affiliate may know about its conversion.

    The advertiser's revenue is shown only where the commission is a share of it, and the customer only masked.
    """
    changes = list(StatusChange.objects.filter(conversion=conversion).order_by("pk"))
    appeal = getattr(conversion, "appeal", None)
    entries = LedgerEntry.objects.filter(conversion=conversion, affiliate=conversion.affiliate_id).order_by("sequence")
    quote, is_share = _quoted(conversion)
    return ConversionStory(
        conversion=conversion,
        click=clicks_by_id([conversion.click_id]).get(conversion.click_id) if conversion.click_id else None,
        click_text=codec.text_of(conversion.click_id) if conversion.click_id else "",
        history=[HistoryStep(change, cause_of(change.reason), _note_of(change, is_share)) for change in changes],
        decisions=decisions_of(conversion, sees_revenue=is_share),
        entries=list(entries.select_related("plan_version__plan", "rule")),
        earned=commission_of([conversion]).get(conversion.pk, []),
        quote=quote,
        revenue=conversion.remaining_revenue if is_share else None,
        why=cause_of(conversion.reason),
        hold=hold_of(conversion),
        appeal=appeal,
        appeal_until=None if appeal else _appeal_until(conversion, changes),
    )


def _note_of(change: StatusChange, sees_revenue: bool) -> str:
    """An operator's note for the affiliate, and the fields that a correction changed. Other notes may name revenue."""
    is_for_affiliates = change.source == StatusChange.Source.OPERATOR or change.reason == Reason.CORRECTED
    return change.note if is_for_affiliates or sees_revenue else ""


def _appeal_until(conversion: Conversion, changes: Sequence[StatusChange]) -> datetime | None:
    if conversion.status != Conversion.Status.REJECTED or conversion.is_test:
        return None
    ends = appeal_ends(changes[-1].at if changes else conversion.received_at)
    return ends if ends >= timezone.now() else None


# The general explanation here addresses someone other than the affiliate.
TO_YOU = {
    Reason.OK: _("The event met every rule and counts for you."),
    Reason.AFFILIATE_CLOSED: _("Your account or your access to the offer was not active when the event came."),
}


def cause_of(reason: str) -> str:
    """The explanation of a reason code, in a sentence; empty for a code that is no longer in use."""
    if reason in TO_YOU:
        return TO_YOU[Reason(reason)]
    return EXPLANATIONS[Reason(reason)].cause if reason in Reason.values and Reason(reason) in EXPLANATIONS else ""


def _quoted(conversion: Conversion) -> tuple[Quote, bool]:
    """Its commission now or once approved, and whether that is a share of the revenue."""
    event = event_of(conversion)
    book = price_book(offer_ids={event.offer_id}, affiliate_ids={event.affiliate_id})
    chosen = choose_version(event, book)
    rules = () if isinstance(chosen, str) else choose_rules(with_facts([event], book)[0], chosen[1])
    quotes = explain([event.id]) if event.status == APPROVED else estimates([event])
    return quotes[event.id], any(is_share_of_revenue(rule) for rule in rules)
