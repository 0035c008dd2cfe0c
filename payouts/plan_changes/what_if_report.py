"""The report of a finished what-if: sums by currency, affiliates that gain and lose, and both terms in words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext

from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanVersion, WhatIf, WhatIfLine
from payouts.plan_changes.drafts import rules_of
from payouts.plans.price_books import terms_of_rule
from payouts.pricing.rule_words import pays_words
from records.money import format_money
from records.translation import gettext_lazy as _

NOTHING = _("Nothing")


@dataclass(frozen=True, slots=True)
class Total:
    """One currency of a what-if; two currencies are never added. `expected_…` count pending conversions as approved."""

    currency: str
    before: Decimal
    after: Decimal
    expected_before: Decimal
    expected_after: Decimal
    gaining: int
    losing: int
    same: int

    @property
    def change(self) -> Decimal:
        return self.after - self.before

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of the current commission, to one decimal; None where that is zero."""
        return round(self.change * 100 / self.before, 1) if self.before > 0 else None


class TermChange(NamedTuple):
    """A goal's commission by the terms in force and by the other terms."""

    goal: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def totals(row: WhatIf) -> list[Total]:
    sums = (
        row.lines.order_by("currency")
        .values("currency")
        .annotate(
            before_all=Sum("before"),
            after_all=Sum("after"),
            expected_before_all=Sum("expected_before"),
            expected_after_all=Sum("expected_after"),
            gaining=Count("pk", filter=Q(after__gt=F("before"))),
            losing=Count("pk", filter=Q(after__lt=F("before"))),
            same=Count("pk", filter=Q(after=F("before"))),
        )
    )
    return [
        Total(
            each["currency"],
            each["before_all"],
            each["after_all"],
            each["expected_before_all"],
            each["expected_after_all"],
            each["gaining"],
            each["losing"],
            each["same"],
        )
        for each in sums
    ]


def lines_by_change(row: WhatIf) -> "QuerySet[WhatIfLine]":
    """Affiliates by currency, the largest loss first, each annotated with `change`."""
    lines = row.lines.annotate(change=F("after") - F("before")).select_related("affiliate")
    return lines.order_by("currency", "change", "affiliate__name", "pk")


def most_moved(row: WhatIf, currency: str, number: int) -> list[WhatIfLine]:
    """The greatest losses and gains in a currency, from the greatest loss to the greatest gain."""
    lines = lines_by_change(row).filter(currency=currency)
    losing = list(lines.filter(after__lt=F("before"))[:number])
    gaining = list(lines.filter(after__gt=F("before")).order_by(F("before") - F("after"), "affiliate__name")[:number])
    return [*losing, *reversed(gaining)]


def csv_rows(row: WhatIf) -> Iterator[list[Any]]:
    """A row for each affiliate and currency, with a header."""
    yield [
        *("affiliate", "affiliate_id", "currency", "before", "after", "change"),
        *("expected_before", "expected_after"),
    ]
    for line in lines_by_change(row).iterator(chunk_size=2000):
        yield [
            line.affiliate.name,
            line.affiliate.public_id,
            line.currency,
            *(amount.normalize() for amount in (line.before, line.after, line.after - line.before)),
            *(amount.normalize() for amount in (line.expected_before, line.expected_after)),
        ]


def changes_of(draft: DraftVersion) -> list[TermChange]:
    """Each goal's commission by the terms that the draft would replace, and by the draft."""
    return compared(terms_before(draft.plan, draft.effective_from), rules_of(draft))


def compared(before: Iterable[CommissionRule], after: Iterable[CommissionRule]) -> list[TermChange]:
    old, new = _by_goal(before), _by_goal(after)
    names = list(dict.fromkeys([*old, *new]))
    return [TermChange(name, old.get(name, NOTHING), new.get(name, NOTHING)) for name in names]


def terms_before(plan: CommissionPlan, moment: datetime) -> list[CommissionRule]:
    """The rules in force for the plan's events at a moment; before an own plan begins those of the default plan."""
    versions = PlanVersion.objects.filter(effective_from__lte=moment).order_by("-effective_from")
    version = versions.filter(plan=plan).first()
    if version is None and plan.affiliate_id:
        version = versions.filter(plan__offer=plan.offer_id, plan__affiliate=None).first()
    return list(version.rules.select_related("goal")) if version else []


def _by_goal(rules: Iterable[CommissionRule]) -> dict[str, str]:
    found: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for rule in rules:
        name = rule.goal_name.replace("every goal", "Every goal", 1)
        found[name].append((rule.is_component, pays_words(terms_of_rule(rule))))
    return {
        name: (" + " if all(joined for joined, _ in parts) else "; ").join(words for _, words in parts)
        for name, parts in sorted(found.items())
    }


def difference_words(before: Decimal, after: Decimal, currency: str) -> str:
    """`12.00 EUR more`, `no change`."""
    if before == after:
        return gettext("no change")
    return f"{format_money(abs(after - before), currency)} {'more' if after > before else 'less'}"
