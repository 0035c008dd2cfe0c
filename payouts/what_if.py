"""What a set of rules would have paid for a span of time, beside what the ledger holds; and pricing it again.

`compare` writes nothing. It goes affiliate by affiliate, so memory is bounded by the largest account.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from affiliates.models import Offer
from conversions.models import Conversion, Goal
from payouts.ledger import Due, book_changes, booked_amounts, price_together, read_events
from payouts.linter import faults_of_rules
from payouts.models import CommissionPlan, CommissionRule
from payouts.plans import PlanRefused, price_book, terms_of_rule
from payouts.pricing import PlanTerms, PriceBook, PricingRule, VersionTerms

BATCH = 1000
Progress = Callable[[str, int, int], None]
Sums = dict[tuple[int, str], Decimal]


class Change(NamedTuple):
    """What an affiliate has in a currency for the span, and what it would have."""

    affiliate_id: int
    currency: str
    before: Decimal
    after: Decimal


def _of_offer(offer: Offer, starts_at: datetime, ends_at: datetime) -> QuerySet[Conversion]:
    return Conversion.objects.filter(
        goal__offer=offer,
        status=Conversion.Status.APPROVED,
        is_test=False,
        occurred_at__gte=starts_at,
        occurred_at__lt=ends_at,
    )


def compare(
    *,
    offer: Offer,
    starts_at: datetime,
    ends_at: datetime,
    rules: Sequence[CommissionRule] | None,
    progress: Progress,
) -> Iterator[Change]:
    """What is booked for the events of the span, and what they earn by the rules, by affiliate and currency.

    Without rules by the plans in force. Rules stand in for the offer's default plan; own plans stay. Parents have
    changes of their own, one for each child. Raise `PlanRefused` when the rules could not be published.
    """
    if rules is not None:
        faults = faults_of_rules(CommissionPlan(offer=offer, name="The proposal"), rules)
        if faults:
            raise PlanRefused(faults)
    proposed = [terms_of_rule(rule) for rule in rules or ()]
    rows = _of_offer(offer, starts_at, ends_at)
    affiliates = list(rows.order_by("affiliate_id").values_list("affiliate_id", flat=True).distinct())
    for number, affiliate_id in enumerate(affiliates, 1):
        due = read_events(rows.filter(affiliate=affiliate_id).order_by("pk"))
        book = price_book(offer_ids=[offer.pk], affiliate_ids=[affiliate_id])
        yield from _changes(due, _with_proposal(book, offer, proposed, starts_at) if proposed else book)
        progress("affiliates", number, len(affiliates))


def _with_proposal(
    book: PriceBook, offer: Offer, rules: Sequence[PricingRule], starts_at: datetime
) -> dict[tuple[int, int | None], PlanTerms]:
    plan = book.get((offer.pk, None)) or PlanTerms(0, "The proposal", ())
    older = tuple(version for version in plan.versions if version.effective_from < starts_at)
    number = older[0].number + 1 if older else 1
    proposal = VersionTerms(0, number, starts_at, tuple(rules))
    return {**book, (offer.pk, None): PlanTerms(plan.id, plan.name, (proposal, *older))}


def _changes(due: list[Due], book: PriceBook) -> Iterator[Change]:
    quotes = price_together(due, book=book)[1]
    ids = [row.event.conversion_id for row in due]
    before: Sums = defaultdict(Decimal)
    after: Sums = defaultdict(Decimal)
    for slots in booked_amounts(ids).values():
        for slot, amount in slots.items():
            before[slot.affiliate_id, slot.currency] += amount
    for pk in ids:
        for line in quotes[pk].lines:
            after[line.affiliate_id, line.currency] += line.amount
    for affiliate_id, currency in sorted(before.keys() | after.keys()):
        key = affiliate_id, currency
        yield Change(affiliate_id, currency, before[key], after[key])


def price_again(*, offer: Offer, starts_at: datetime, ends_at: datetime, progress: Progress) -> int:
    """Book what is due, then send the span's booked events back in batches, and book; return how many there were.

    What is right already gets no line, so running it twice changes nothing.
    """
    rows = _of_offer(offer, starts_at, ends_at).filter(booked_at__isnull=False).order_by("pk")
    total, last, done = rows.count(), 0, 0
    _book_all()
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        with transaction.atomic():
            locked = Conversion.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
            Conversion.objects.filter(pk__in=[row.pk for row in locked.only("pk")]).update(booked_at=None)
        _book_all()
        done += len(ids)
        progress("conversions", done, max(total, done))
    return done


def _book_all() -> None:
    while book_changes(limit=BATCH) == BATCH:
        pass


def rules_from(document: Any, offer: Offer) -> list[CommissionRule]:
    """Rules as a version file lists them: `{"rules": [{"goal": "ftd", "kind": "flat", "amount": "120", ...}]}`.

    `goal` is a goal's code; without it the rule is for every goal. Other names are those of a rule's fields.
    Raise `PlanRefused` naming the rule that cannot be read.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
        raise PlanRefused(['The file holds no list of rules: {"rules": [{"goal": "ftd", "kind": "flat", ...}]}.'])
    goals = {goal.code: goal for goal in Goal.objects.filter(offer=offer)}
    return [_rule(number, given, goals) for number, given in enumerate(document["rules"], 1)]


def _rule(number: int, given: Any, goals: Mapping[str, Goal]) -> CommissionRule:
    named = {field.name: field for field in CommissionRule._meta.concrete_fields if field.name not in ("id", "version")}
    if not isinstance(given, Mapping) or (unknown := given.keys() - named.keys()):
        words = f"does not know {', '.join(sorted(unknown))}" if isinstance(given, Mapping) else "is not an object"
        raise PlanRefused([f"Rule {number} {words}; it has {', '.join(named)}."])
    rest = {name: value for name, value in given.items() if name != "goal"}
    if given.get("goal") and given["goal"] not in goals:
        raise PlanRefused([f"Rule {number}: the offer has no goal {given['goal']}; it has {', '.join(goals)}."])
    try:
        values = {name: named[name].to_python(value) for name, value in rest.items()}
    except ValidationError as error:
        raise PlanRefused([f"Rule {number}: {' '.join(error.messages)}"]) from error
    return CommissionRule(goal=goals.get(given.get("goal", "")), **values)
