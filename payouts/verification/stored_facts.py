"""The stored rows as the independent pricing reads them (`payouts.verification.independent`).

Conversions are read from their own rows: what was refunded is the sum of the refunds, not the column that a trigger
keeps.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from django.db.models import Q, Sum

from affiliates.models import Parentage as ParentageRow
from conversions.models import Conversion, CustomerLock, Refund
from payouts.models import BilledClicks, CommissionPlan, CommissionRule, LedgerEntry, PlanVersion
from payouts.verification.independent.facts import Event, Parentage, ParentSince, Plan, Plans, Rule, Version
from payouts.verification.independent.kinds import version_of
from payouts.verification.independent.money import ZERO
from tracking.models import Click

CHUNK = 2000
Row = TypeVar("Row")
SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")
AMOUNTS = ("amount", "percent", "minimum", "maximum", "cap_amount")
OTHERS = (
    "id", "kind", "goal_id", "country", "sub_name", "sub_value", "valid_from", "valid_until", "currency",
    "is_component", "limit_currency", "cap_count", "cap_period", "max_months", "max_payments", "formula",
)  # fmt: skip

# Affiliate, plan version, rule, currency: what one booked amount is for.
Slot = tuple[int, int | None, int | None, str]


class Subject(NamedTuple):
    """A conversion, or a link's day of clicks: what it is priced by, and whether the ledger has followed it.

    `events` are its parts: one, or the clicks by country and sub IDs; none where it earns nothing, for `reason`. `note`
    says what was missing to price it by.
    """

    id: int
    public_id: str
    affiliate_id: int
    offer_id: int
    is_booked: bool
    events: tuple[Event, ...]
    reason: str = ""
    note: str = ""

    @property
    def account(self) -> tuple[int, int]:
        return self.affiliate_id, self.offer_id


def stored_plans() -> Plans:
    """All plans with their versions and rules: three queries."""
    rules: dict[int, list[Rule]] = defaultdict(list)
    for row in CommissionRule.objects.order_by("pk").values("version_id", *AMOUNTS, *OTHERS).iterator():
        rules[row["version_id"]].append(_rule(row))
    versions: dict[int, list[Version]] = defaultdict(list)
    for pk, plan_id, starts_at in PlanVersion.objects.order_by("pk").values_list("pk", "plan_id", "effective_from"):
        versions[plan_id].append(version_of(pk, starts_at, rules[pk]))
    plans = CommissionPlan.objects.values_list("pk", "offer_id", "affiliate_id")
    return {(offer, affiliate): Plan(pk, tuple(versions[pk])) for pk, offer, affiliate in plans}


def _rule(row: Mapping[str, Any]) -> Rule:
    amounts: dict[str, Any] = {name: None if row[name] is None else Fraction(row[name]) for name in AMOUNTS}
    return Rule(**amounts, **{name: row[name] for name in OTHERS})


def all_rules(plans: Plans) -> Iterator[Rule]:
    for plan in plans.values():
        for version in plan.versions:
            yield from (*version.conversions, *version.clicks, *version.parents)


def stored_parentage() -> Parentage:
    found: dict[int, list[ParentSince]] = defaultdict(list)
    rows = ParentageRow.objects.order_by("pk").values_list("affiliate_id", "since", "parent_id")
    for affiliate_id, since, parent_id in rows.iterator(chunk_size=CHUNK):
        found[affiliate_id].append(ParentSince(since, parent_id))
    return found


def conversions_by_account(scope: Q, plans: Plans) -> Iterator[list[Subject]]:
    """The conversions account by account, each in the order of its events, in lists of a bounded length."""
    asks_for_clicks = any(rule.country or rule.sub_name for rule in all_rules(plans))
    asks_for_first = any(rule.max_months is not None for rule in all_rules(plans))
    rows = Conversion.objects.filter(scope).order_by("affiliate_id", "goal__offer_id", "occurred_at", "pk")
    columns = (
        "pk", "public_id", "affiliate_id", "goal__offer_id", "goal_id", "status", "is_test", "booked_at", "revenue",
        "currency", "occurred_at", "customer_id", "volume", "deductions", "click_id",
    )  # fmt: skip
    for chunk in _chunks(rows.values(*columns).iterator(chunk_size=CHUNK)):
        refunds = _refunds([row["pk"] for row in chunk])
        clicks = _clicks(row["click_id"] for row in chunk) if asks_for_clicks else {}
        since = _first_events(row["customer_id"] for row in chunk) if asks_for_first else {}
        for row in chunk:
            row["note"] = "its click is not stored" if asks_for_clicks and _lacks_click(row, clicks) else ""
        yield [_conversion(row, refunds, clicks, since) for row in chunk]


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _conversion(
    row: Mapping[str, Any],
    refunds: Mapping[int, Fraction],
    clicks: Mapping[Any, Mapping[str, Any]],
    since: Mapping[tuple[int, int], datetime],
) -> Subject:
    offer_id, customer_id = row["goal__offer_id"], row["customer_id"]
    head = (row["pk"], row["public_id"], row["affiliate_id"], offer_id, row["booked_at"] is not None)
    if row["status"] != Conversion.Status.APPROVED or row["is_test"]:
        return Subject(*head, (), "the conversion is a test" if row["is_test"] else f"it is {row['status']}")
    event = Event(
        id=row["pk"],
        affiliate_id=row["affiliate_id"],
        offer_id=offer_id,
        occurred_at=row["occurred_at"],
        goal_id=row["goal_id"],
        revenue=None if row["revenue"] is None else Fraction(row["revenue"]) - refunds.get(row["pk"], ZERO),
        currency=row["currency"],
        customer_id=customer_id,
        customer_since=since.get((customer_id, offer_id)),
        volume=None if row["volume"] is None else Fraction(row["volume"]),
        sent=row["deductions"],
        **clicks.get(row["click_id"], {}),
    )
    return Subject(*head, (event,), note=row["note"])


def _lacks_click(row: Mapping[str, Any], clicks: Mapping[Any, Any]) -> bool:
    return row["click_id"] is not None and row["click_id"] not in clicks


def _refunds(conversion_ids: Collection[int]) -> dict[int, Fraction]:
    rows = Refund.objects.filter(conversion__in=conversion_ids).order_by().values_list("conversion_id")
    return {pk: Fraction(total) for pk, total in rows.annotate(total=Sum("amount"))}


def _clicks(click_ids: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    rows = Click.objects.filter(id__in={pk for pk in click_ids if pk}).values_list("id", "country", *SUBS)
    return {pk: {"country": country, "subs": dict(zip(SUBS, subs, strict=True))} for pk, country, *subs in rows}


def _first_events(customer_ids: Iterable[int | None]) -> dict[tuple[int, int], datetime]:
    rows = CustomerLock.objects.filter(customer__in={pk for pk in customer_ids if pk})
    return {(customer, offer): at for customer, offer, at in rows.values_list("customer_id", "offer_id", "locked_at")}


def clicks_by_account(scope: Q) -> Iterator[list[Subject]]:
    """The days of links account by account, each in the order of days and of its rows."""
    rows = BilledClicks.objects.filter(scope).order_by("affiliate_id", "offer_id", "day", "pk")
    for chunk in _chunks(rows.iterator(chunk_size=CHUNK)):
        yield [_link_day(row) for row in chunk]


def _link_day(row: BilledClicks) -> Subject:
    whole = Event(
        id=row.pk,
        affiliate_id=row.affiliate_id,
        offer_id=row.offer_id,
        occurred_at=datetime.combine(row.day, time(), UTC),
    )
    parts = tuple(
        replace(
            whole,
            volume=Fraction(part["clicks"]),
            country=part.get("country", ""),
            subs={name: part[name] for name in SUBS if name in part},
        )
        for part in row.parts
    )
    return Subject(row.pk, row.public_id, row.affiliate_id, row.offer_id, row.booked_at is not None, parts)


def booked_sums(subject: str, ids: Collection[int]) -> dict[int, dict[Slot, Fraction]]:
    """What the ledger holds for these conversions, or for these days of clicks, by what each amount is for."""
    kinds = [LedgerEntry.Kind.COMMISSION, LedgerEntry.Kind.REVERSAL]
    sums = (
        LedgerEntry.objects.filter(**{f"{subject}__in": ids}, kind__in=kinds)
        .order_by()
        .values_list(f"{subject}_id", "affiliate_id", "plan_version_id", "rule_id", "currency")
        .annotate(total=Sum("amount"))
    )
    found: dict[int, dict[Slot, Fraction]] = defaultdict(dict)
    for pk, affiliate, version, rule, currency, total in sums:
        found[pk][affiliate, version, rule, currency] = Fraction(total)
    return found
