"""Which VAT goes on an invoice: a table of rules, the first that fits decides. Pure, but for the rates given to it.

The affiliate supplies the service and the operator receives it, as a business. So what decides is where the two are
taxed and what the affiliate is. Rules have a first day: a change of the law is a new line above the old one.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext

from payouts.invoicing.countries import in_eu
from payouts.invoicing.vat_rates import BundledRate, RateBook
from records.translation import gettext_lazy as _


class Seller(StrEnum):
    BUSINESS = "business"
    SMALL = "small business"
    PRIVATE = "private person"


class TaxPlace(StrEnum):
    """Where seller and buyer are, seen from each other."""

    SAME = "in one country"
    EU = "in two countries of the EU"
    ELSEWHERE = "in two countries, not both in the EU"


EVERYWHERE = frozenset(TaxPlace)


class TaxRule(NamedTuple):
    """A tax rule: when it applies, what it requires, and its wording. `words` are printed on the invoice."""

    code: str
    since: date
    seller: Seller
    places: frozenset[TaxPlace]
    charges_vat: bool
    needs_seller_number: bool
    needs_buyer_number: bool
    words: str


RULES: tuple[TaxRule, ...] = (
    TaxRule(
        "private", date(2010, 1, 1), Seller.PRIVATE, EVERYWHERE, False, False, False,
        "No VAT is charged: the supplier is a private person and not registered for VAT.",
    ),
    TaxRule(
        "small_business", date(2025, 1, 1), Seller.SMALL, EVERYWHERE, False, False, False,
        "No VAT is charged: the supplier is exempt as a small business (in the EU: Article 284 of Directive "
        "2006/112/EC).",
    ),
    TaxRule(
        "small_business", date(2010, 1, 1), Seller.SMALL, EVERYWHERE, False, False, False,
        "No VAT is charged: the supplier is exempt as a small business (in the EU: Articles 284 to 287 of Directive "
        "2006/112/EC).",
    ),
    TaxRule("domestic", date(2010, 1, 1), Seller.BUSINESS, frozenset({TaxPlace.SAME}), True, True, False, ""),
    TaxRule(
        "reverse_charge", date(2010, 1, 1), Seller.BUSINESS, frozenset({TaxPlace.EU}), False, True, True,
        "Reverse charge: the recipient of the service owes the VAT (Articles 44 and 196 of Directive 2006/112/EC).",
    ),
    TaxRule(
        "outside", date(2010, 1, 1), Seller.BUSINESS, frozenset({TaxPlace.ELSEWHERE}), False, False, False,
        "Outside the scope of the supplier's VAT: the place of supply is the country of the recipient, who accounts "
        "for VAT there where it is due.",
    ),
)  # fmt: skip

NAMES = {
    "private": _("Private person"),
    "small_business": _("Small business"),
    "domestic": _("Domestic VAT"),
    "reverse_charge": _("Reverse charge"),
    "outside": _("Outside the scope"),
}


class TaxCase(NamedTuple):
    """The facts that decide the tax: the two sides, and the day of the supply (the last of the period)."""

    seller: Seller
    seller_country: str
    seller_number: str
    buyer_country: str
    buyer_number: str
    day: date


class Treatment(NamedTuple):
    """The rule that was applied, the percentage, and since when that has been the country's rate."""

    rule: TaxRule
    percent: Decimal
    since: date | None


class Undecided(ValueError):
    """No rule applies to the case; the message says what is missing."""


class SellerNumberMissing(Undecided):
    """The affiliate's own VAT number is missing."""


def treat(case: TaxCase, rates: RateBook, *, rules: Sequence[TaxRule] = RULES) -> Treatment:
    """Find the rule and the rate. Raise `Undecided` when the case lacks what its rule asks for."""
    where = place_of(case)
    fitting = (rule for rule in rules if rule.since <= case.day and rule.seller == case.seller and where in rule.places)
    rule = next(fitting, None)
    if rule is None:
        raise Undecided(gettext("No tax rule is known for {day:%Y-%m-%d}.").format(day=case.day))
    if rule.needs_seller_number and not case.seller_number:
        raise SellerNumberMissing(
            gettext("The affiliate's VAT number is missing; without one it is a small business or a private person.")
        )
    if rule.needs_buyer_number and not case.buyer_number:
        raise Undecided(gettext("The operator's own VAT number is missing: a reverse charge has to name it."))
    if not rule.charges_vat:
        return Treatment(rule, Decimal(0), None)
    rate = _rate(case, rates)
    return Treatment(rule, rate.percent, rate.since)


def _rate(case: TaxCase, rates: RateBook) -> BundledRate:
    rate = rates.of(case.seller_country, case.day)
    if rate is None:
        raise Undecided(
            gettext(
                "The VAT rate of {seller_country} on {day:%Y-%m-%d} is not known; enter it in the panel "
                "under Money, VAT rates."
            ).format(seller_country=case.seller_country, day=case.day)
        )
    return rate


def place_of(case: TaxCase) -> TaxPlace:
    if case.seller_country == case.buyer_country:
        return TaxPlace.SAME
    both = in_eu(case.seller_country, case.day) and in_eu(case.buyer_country, case.day)
    return TaxPlace.EU if both else TaxPlace.ELSEWHERE
