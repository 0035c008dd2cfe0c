"""Who writes invoices for whom, as the tests of invoices need it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from affiliates.models import Affiliate, User
from payouts.invoicing.billing import agree, set_details
from payouts.ledger.booking import adjust
from payouts.models import Issuer, LedgerEntry, Statement
from payouts.statements.statements import close_period
from tests.factories import OperatorFactory

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11, 12))
JANUARY = datetime(2027, 1, 1, tzinfo=UTC)

# Numbers whose check digits fit, out of the documentation of the rules.
VAT_NUMBERS = {
    "DE": "DE136695976",
    "FR": "FR40303265045",
    "ES": "ESB58378431",
    "GB": "GB980780684",
    "NL": "NL004495445B01",
}


def issuer(country: str = "DE", **fields: Any) -> Issuer:
    given = {
        "name": "Acme Programs GmbH",
        "address": "Hauptstrasse 1\n10115 Berlin",
        "country": country,
        "vat_number": VAT_NUMBERS.get(country, ""),
        **fields,
    }
    return Issuer.objects.create(**given)


def billed(affiliate: Affiliate, country: str = "DE", *, actor: User | None = None, **given: Any) -> Affiliate:
    """The affiliate with billing details and an agreement; a business with a VAT number unless set otherwise."""
    number = "" if given.get("party") == "private" or given.get("is_small_business") else VAT_NUMBERS.get(country, "")
    details = {
        "party": "business",
        "legal_name": f"{affiliate.name} Media",
        "address": "Long Road 2\nTown",
        "country": country,
        "vat_number": number,
        **given,
    }
    set_details(affiliate=affiliate, given=details, actor=actor, now=SEPTEMBER)
    agree(affiliate=affiliate, actor=actor or OperatorFactory(), now=SEPTEMBER, words="We agree.")
    return affiliate


def earn(affiliate: Affiliate, amount: str, at: datetime, currency: str = "EUR", why: str = "A bonus") -> LedgerEntry:
    given = {"amount": Decimal(amount), "currency": currency, "arithmetic": why}
    return adjust(affiliate=affiliate, actor=OperatorFactory(), now=at, **given)  # type: ignore[arg-type]


def closed(ends_at: datetime) -> list[Statement]:
    return close_period(ends_at=ends_at, now=ends_at)
