"""Which VAT goes on an invoice, and what a VAT number has to look like."""

from datetime import date
from decimal import Decimal

import pytest

from payouts.invoicing.countries import COUNTRIES, EU, country_code, currency_of
from payouts.invoicing.tax import RULES, Seller, TaxCase, TaxPlace, Undecided, place_of, treat
from payouts.invoicing.vat_numbers import vat_number
from payouts.invoicing.vat_rates import BUNDLED, RateBook
from payouts.models import VatRate

TODAY = date(2026, 10, 31)


def case(seller: Seller, countries: str, *, number: str = "X1", own: str = "Y1", day: date = TODAY) -> TaxCase:
    seller_country, _, buyer_country = countries.partition(">")
    return TaxCase(seller, seller_country, number, buyer_country, own, day)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seller", "countries", "code", "percent"),
    [
        (Seller.BUSINESS, "DE>DE", "domestic", "19"),
        (Seller.BUSINESS, "FI>FI", "domestic", "25.5"),
        (Seller.BUSINESS, "CH>CH", "domestic", "8.1"),
        (Seller.BUSINESS, "GB>GB", "domestic", "20"),
        (Seller.BUSINESS, "FR>DE", "reverse_charge", "0"),
        (Seller.BUSINESS, "GB>DE", "outside", "0"),
        (Seller.BUSINESS, "DE>GB", "outside", "0"),
        (Seller.BUSINESS, "BR>DE", "outside", "0"),
        (Seller.SMALL, "DE>DE", "small_business", "0"),
        (Seller.SMALL, "FR>DE", "small_business", "0"),
        (Seller.PRIVATE, "DE>DE", "private", "0"),
        (Seller.PRIVATE, "BR>DE", "private", "0"),
    ],
)
def test_each_kind_of_seller_and_place_has_its_rule(seller: Seller, countries: str, code: str, percent: str) -> None:
    found = treat(case(seller, countries), RateBook())
    assert (found.rule.code, found.percent) == (code, Decimal(percent))
    assert bool(found.rule.words) != found.rule.charges_vat


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "text"),
    [
        (case(Seller.BUSINESS, "FR>DE", number=""), "affiliate's VAT number"),
        (case(Seller.BUSINESS, "FR>DE", own=""), "operator's own VAT number"),
        (case(Seller.BUSINESS, "DE>DE", number=""), "affiliate's VAT number"),
        (case(Seller.BUSINESS, "US>US"), "rate of US on 2026-10-31 is not known"),
        (case(Seller.BUSINESS, "DE>DE", day=date(2009, 12, 31)), "No tax rule is known for 2009-12-31"),
    ],
)
def test_what_is_missing_is_reported(given: TaxCase, text: str) -> None:
    with pytest.raises(Undecided, match=text):
        treat(given, RateBook())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("country", "day", "percent"),
    [
        ("DE", date(2020, 6, 30), "19"),
        ("DE", date(2020, 7, 1), "16"),
        ("DE", date(2021, 1, 1), "19"),
        ("EE", date(2025, 6, 30), "22"),
        ("EE", date(2025, 7, 1), "24"),
        ("CH", date(2023, 12, 31), "7.7"),
        ("RO", date(2025, 8, 1), "21"),
    ],
)
def test_a_rate_holds_from_its_day_on(country: str, day: date, percent: str) -> None:
    rate = RateBook().of(country, day)
    assert rate
    assert rate.percent == Decimal(percent)


@pytest.mark.django_db
def test_a_rate_entered_by_hand_goes_before_the_table_from_its_day_on() -> None:
    VatRate.objects.create(country="DE", percent=Decimal("21"), valid_from=date(2026, 10, 1))
    VatRate.objects.create(country="US", percent=Decimal(0), valid_from=date(2020, 1, 1))
    book = RateBook()
    rates = [book.of("DE", date(2026, 9, 30)), book.of("DE", date(2026, 10, 1)), book.of("US", TODAY)]
    assert [rate and rate.percent for rate in rates] == [19, 21, 0]
    # Of the same day, too: the table's first entries carry the day on which it begins.
    VatRate.objects.create(country="FR", percent=Decimal("19"), valid_from=date(2018, 1, 1))
    assert RateBook().of("FR", TODAY) == (Decimal("19"), date(2018, 1, 1))


def test_the_table_has_every_member_of_the_union_and_three_more() -> None:
    assert set(BUNDLED) == EU | {"GB", "CH", "NO"}
    assert len(EU) == 27
    assert len(COUNTRIES) == 249
    assert all(0 < rate.percent < 30 for rates in BUNDLED.values() for rate in rates)
    assert all([r.since for r in rates] == sorted({r.since for r in rates}) for rates in BUNDLED.values())
    assert all(currency_of(country, TODAY) for country in BUNDLED)


def test_the_united_kingdom_left() -> None:
    assert place_of(case(Seller.BUSINESS, "GB>DE", day=date(2020, 12, 31))) == TaxPlace.EU
    assert place_of(case(Seller.BUSINESS, "GB>DE", day=date(2021, 1, 1))) == TaxPlace.ELSEWHERE


def test_every_seller_finds_a_rule_everywhere() -> None:
    for seller in Seller:
        assert {place for rule in RULES if rule.seller == seller for place in rule.places} == set(TaxPlace)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("de 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("GR 094259216", "GR", "EL094259216"),
        ("EL094259216", "GR", "EL094259216"),
        ("Fr 40 303 265 045", "FR", "FR40303265045"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("CHE-107.787.577 IVA", "CH", "CHE107787577IVA"),
        ("NO 995 525 828 MVA", "NO", "NO995525828MVA"),
        ("995525828", "NO", "NO995525828MVA"),
        ("12-345/67", "PA", "1234567"),
    ],
)
def test_a_number_is_tidied(text: str, country: str, number: str) -> None:
    assert vat_number(text, country) == number


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("DE136695977", "DE"),
        ("FR40303265045", "DE"),
        ("DE", "DE"),
        ("GB980780685", "GB"),
        ("CHE107787578", "CH"),
        ("995525829", "NO"),
        ("<script>", "PA"),
        ("DE١٣٦٦٩٥٩٧٦", "DE"),
    ],
)
def test_a_number_that_cannot_be_is_refused(text: str, country: str) -> None:
    with pytest.raises(ValueError, match=f"no VAT number of {country}"):
        vat_number(text, country)


def test_a_country_is_one_that_exists() -> None:
    assert country_code(" de ") == "DE"
    with pytest.raises(ValueError, match="Write GB instead of UK"):
        country_code("UK")
    with pytest.raises(ValueError, match="two letters"):
        country_code("XX")
