"""Gather the whole story around what an ID names, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from affiliates.access.masking import masked_for
from affiliates.models import User
from affiliates.roles.reach import Affiliates
from conversions.holds import HOLDS, Hold, hold_of
from conversions.models import Conversion, Postback, Refund, StatusChange, Trace
from dashboard.trace.events import (
    TONES,
    LedgerEvent,
    PayoutEvent,
    RefundEvent,
    StatementEvent,
    StatusEvent,
    TraceEvent,
    click_event,
    look_event,
    postback_event,
)
from dashboard.trace.lookup import MOST, LookupResult
from dashboard.trace.reach import within_of
from payouts.models import LedgerEntry, Payout, Statement
from payouts.queries import explain, with_paid
from payouts.rights import HIDDEN, VIEW_LEDGER
from records.words import shown_duration
from tracking.click_id.codec import ClickID, text_of
from tracking.models import Click, TrackingLink

# A click or a transaction that is sent repeatedly has many postbacks; the newest are shown.
MOST_POSTBACKS = 100
# Ledger lines, statements, payouts and paid clicks, in the order of `Sees`.
MONEY = (VIEW_LEDGER, "payouts.view_statement", "payouts.view_payout", "payouts.view_billedclicks")


@dataclass(slots=True)
class ConversionSummary:
    """A conversion as it stands now: its status, its money by currency, or why it earns nothing."""

    row: Conversion
    tone: str
    click_text: str
    commissions: list[tuple[str, Decimal]]
    no_commission: str
    hold: Hold | None


@dataclass(slots=True)
class Story:
    """Everything that is known around an ID, in the order in which it happened."""

    found: LookupResult
    conversions: list[ConversionSummary]
    events: list[TraceEvent]
    others: list[Conversion]
    more_postbacks: bool


@dataclass(frozen=True, slots=True)
class Sees:
    """Which money a reader may see."""

    ledger: bool = True
    statements: bool = True
    payouts: bool = True
    paid_clicks: bool = True
    # Whose events: None is all affiliates'. Ledger lines, statements and payouts have their own.
    within: Affiliates = None
    ledger_of: Affiliates = None
    # The reader, if names beyond the reach are left out.
    reader: User | None = None


EVERYTHING = Sees()


def sees(user: User, *, with_money: bool = True) -> Sees:
    """What the operator may see, by the permissions of the panel."""
    reached = [user.affiliates_within(each) for each in MONEY]
    limits = [each for each in reached if each is not None and each != ()]
    ledger, statements, payouts, paid_clicks = (with_money and each != () for each in reached)
    return Sees(
        ledger=ledger,
        statements=statements,
        payouts=payouts,
        paid_clicks=paid_clicks,
        within=within_of(user),
        ledger_of=limits[0] if limits else None,
        reader=user if user.has_limits else None,
    )


def story_of(found: LookupResult, sees: Sees = EVERYTHING) -> Story:
    """The story around what was found, without the money that `sees` leaves out; fourteen queries at most."""
    conversions = _conversions(found, sees)
    postbacks = _postbacks(found, [row.pk for row in conversions], sees)
    more = len(postbacks) > MOST_POSTBACKS
    postbacks = postbacks[:MOST_POSTBACKS]
    entries = _entries(conversions, sees) if sees.ledger else []
    events = [
        *_click_events(found, conversions, postbacks, sees),
        *_postback_events(postbacks, sees),
        *_look_events(conversions, sees),
        *_status_events(conversions),
        *_refund_events(conversions),
        *_money_events(entries, sees),
    ]
    return Story(
        found=found,
        conversions=_summaries(conversions, entries, sees),
        events=_in_order(events),
        others=_others(conversions, sees),
        more_postbacks=more,
    )


def _conversions(found: LookupResult, sees: Sees) -> list[Conversion]:
    wanted = Q(pk__in=found.conversions)
    if found.click:
        wanted |= Q(click_id=found.click)
    rows = Conversion.objects.filter(wanted, _of("affiliate", sees.within)).order_by("received_at", "pk")
    return list(_with_facts(rows)[:MOST])


def _of(path: str, affiliates: Affiliates) -> Q:
    """The condition that the row at the end of the path is one of these affiliates."""
    return Q() if affiliates is None else Q(**{f"{path}__in": affiliates})


def _with_facts(rows: "QuerySet[Conversion]") -> "QuerySet[Conversion]":
    return rows.select_related("affiliate", "goal__offer", "advertiser", "customer", "link", *HOLDS)


def _postbacks(found: LookupResult, conversion_ids: Sequence[int], sees: Sees) -> list[Postback]:
    """One more than are shown, so that the page knows whether there are more."""
    whose = Q() if sees.within is None else Q(conversion=None) | _of("conversion__affiliate", sees.within)
    wanted = Q(pk__in=found.postbacks) | Q(conversion__in=conversion_ids)
    if found.click:
        wanted |= Q(click_id=found.click)
    rows = Postback.objects.filter(wanted, whose).select_related("advertiser", "conversion").order_by("-pk")
    return list(rows[: MOST_POSTBACKS + 1])


def _click_events(
    found: LookupResult, conversions: Iterable[Conversion], postbacks: Iterable[Postback], sees: Sees
) -> list[TraceEvent]:
    named = [found.click, *(row.click_id for row in conversions), *(row.click_id for row in postbacks)]
    clicks = {key: ClickID(key) for key in named if key}
    rows = with_paid(Click.objects.all()) if sees.paid_clicks else Click.objects.all()
    stored = rows.in_bulk(list(clicks))
    numbers = {click.link_number for click in clicks.values()}
    known = TrackingLink.objects.filter(_of("enrollment__affiliate", sees.within))
    links = known.select_related("enrollment__affiliate", "enrollment__offer__advertiser").in_bulk(numbers)
    return [
        click_event(click, stored.get(key), links.get(click.link_number))
        for key, click in clicks.items()
        if sees.within is None or click.link_number in links
    ]


def _postback_events(postbacks: Sequence[Postback], sees: Sees) -> list[TraceEvent]:
    traces: dict[int | None, list[Trace]] = defaultdict(list)
    for trace in Trace.objects.filter(postback__in=postbacks).order_by("pk"):
        traces[trace.postback_id].append(_readable(trace, sees))
    return [postback_event(row, traces[row.pk]) for row in postbacks]


def _readable(trace: Trace, sees: Sees) -> Trace:
    """The trace without names beyond the reader's reach."""
    if sees.reader:
        trace.steps = masked_for(sees.reader, trace.steps)
        trace.problems = masked_for(sees.reader, trace.problems)
    return trace


def _look_events(conversions: Sequence[Conversion], sees: Sees) -> list[TraceEvent]:
    """Decisions that no postback asked for: a rule that is met, a mark that came later."""
    by_id: dict[int | None, Conversion] = {row.pk: row for row in conversions}
    traces = Trace.objects.filter(conversion__in=conversions, postback=None).select_related("conversion").order_by("pk")
    return [look_event(_readable(trace, sees), by_id[trace.conversion_id]) for trace in traces]


def _status_events(conversions: Sequence[Conversion]) -> list[TraceEvent]:
    by_id = {row.pk: row for row in conversions}
    rows = StatusChange.objects.filter(conversion__in=conversions).order_by("pk")
    changes = rows.select_related("actor", "postback", "conversion")
    return [StatusEvent(change.at, change, by_id[change.conversion_id], TONES[change.to_status]) for change in changes]


def _refund_events(conversions: Sequence[Conversion]) -> list[TraceEvent]:
    by_id = {row.pk: row for row in conversions if row.refunded}
    if not by_id:
        return []
    found = Refund.objects.filter(conversion__in=by_id).order_by("pk")
    rows = found.select_related("actor", "postback", "conversion")
    return [RefundEvent(row.received_at, row, by_id[row.conversion_id]) for row in rows]


def _entries(conversions: Sequence[Conversion], sees: Sees) -> list[LedgerEntry]:
    rows = LedgerEntry.objects.filter(_of("affiliate", sees.ledger_of), conversion__in=conversions).order_by("pk")
    return list(rows.select_related("affiliate", "conversion", "plan_version__plan", "rule__goal"))


def _money_events(entries: Sequence[LedgerEntry], sees: Sees) -> list[TraceEvent]:
    """The ledger lines, the statements that cover them, and the payouts of those."""
    statements = _statements(entries) if sees.statements else []
    covering = {entry.pk: _covering(entry, statements) for entry in entries}
    lines: list[TraceEvent] = [
        LedgerEvent(entry.booked_at, entry, TONES[entry.kind], covering[entry.pk]) for entry in entries
    ]
    covered: dict[int, list[int]] = defaultdict(list)
    for entry in entries:
        if statement := covering[entry.pk]:
            covered[statement.pk].append(entry.sequence)
    used = [row for row in statements if row.pk in covered]
    closed: list[TraceEvent] = [StatementEvent(row.closed_at, row, covered[row.pk]) for row in used]
    return [*lines, *closed, *(_payout_events(used) if sees.payouts else [])]


def _statements(entries: Sequence[LedgerEntry]) -> list[Statement]:
    """Statements of these accounts that may cover one of the lines."""
    if not entries:
        return []
    accounts: dict[tuple[int, str], list[int]] = defaultdict(list)
    for entry in entries:
        accounts[entry.affiliate_id, entry.currency].append(entry.sequence)
    wanted = Q()
    for (affiliate, currency), numbers in accounts.items():
        wanted |= Q(
            affiliate=affiliate, currency=currency, first_sequence__lte=max(numbers), last_sequence__gte=min(numbers)
        )
    return list(Statement.objects.filter(wanted).select_related("affiliate", "payout").order_by("pk"))


def _covering(entry: LedgerEntry, statements: Iterable[Statement]) -> Statement | None:
    for row in statements:
        account = (row.affiliate_id, row.currency) == (entry.affiliate_id, entry.currency)
        if account and row.first_sequence <= entry.sequence <= row.last_sequence:
            return row
    return None


def _payout_events(statements: Sequence[Statement]) -> list[TraceEvent]:
    rows = Payout.objects.filter(statement__in=statements).order_by("pk")
    payouts = rows.select_related("paid_by", "statement", "affiliate")
    return [PayoutEvent(row.paid_at or row.created_at, row, TONES[row.status]) for row in payouts]


def _summaries(
    conversions: Sequence[Conversion], entries: Iterable[LedgerEntry], sees: Sees
) -> list[ConversionSummary]:
    sums: dict[int | None, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for entry in entries:
        sums[entry.conversion_id][entry.currency] += entry.amount
    without = [row.pk for row in conversions if row.pk not in sums] if sees.ledger else []
    quotes: dict[int, Any] = explain(without) if without else {}
    return [
        ConversionSummary(
            row=row,
            tone=TONES[row.status],
            click_text=text_of(row.click_id) if row.click_id else "",
            commissions=sorted(sums[row.pk].items()) if row.pk in sums else [],
            no_commission=_why_nothing(row, quotes.get(row.pk)) if sees.ledger else HIDDEN,
            hold=hold_of(row),
        )
        for row in conversions
    ]


def _why_nothing(row: Conversion, quote: Any) -> str:
    """Why a conversion has no line in the ledger."""
    if row.is_test:
        return gettext("It is a test: it is evaluated and shown, but earns nothing.")
    if quote is None:
        return ""
    if quote.lines:
        return gettext("It earns commission and is due for booking.")
    return str(quote.reason)


def _others(conversions: Sequence[Conversion], sees: Sees) -> list[Conversion]:
    """Other events of the same customers."""
    customers = {row.customer_id for row in conversions if row.customer_id}
    if not customers:
        return []
    shown = [row.pk for row in conversions]
    rows = Conversion.objects.filter(_of("affiliate", sees.within), customer__in=customers).exclude(pk__in=shown)
    rows = rows.order_by("-pk")
    return list(_with_facts(rows)[:MOST])


def _in_order(events: list[TraceEvent]) -> list[TraceEvent]:
    events.sort(key=lambda event: (event.at, event.rank))
    for event in events[1:]:
        event.after = shown_duration(event.at - events[0].at) if event.at > events[0].at else ""
    return events
