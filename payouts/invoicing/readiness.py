"""Whether an affiliate's invoices can be written: its details, its agreement, and a tax rule that fits."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext

from payouts.invoicing.billing import seller_of
from payouts.invoicing.countries import currency_of
from payouts.invoicing.tax import TaxCase, Treatment, Undecided, treat
from payouts.invoicing.vat_rates import RateBook
from payouts.models import BillingDetails, Issuer, SelfBillingAgreement
from payouts.rates.daily import DailyRate, NoRate, rate
from records.translation import gettext_lazy as _

NO_DETAILS = _("Billing details are missing.")
NO_AGREEMENT = _("The agreement to self-billing is missing.")


class InvoiceParty(NamedTuple):
    """The affiliate's side of an invoice, as far as it is known."""

    details: BillingDetails | None = None
    agreement: SelfBillingAgreement | None = None

    def lacks(self) -> list[str]:
        wanted = ((self.details, NO_DETAILS), (self.agreement, NO_AGREEMENT))
        return [str(words) for found, words in wanted if found is None]


def sides_of(affiliate_ids: Collection[int]) -> dict[int, InvoiceParty]:
    """Details and agreement in force of these affiliates; two queries, those who have neither are left out."""
    details = {
        row.affiliate_id: row for row in BillingDetails.objects.filter(affiliate__in=affiliate_ids, replaced_at=None)
    }
    rows = SelfBillingAgreement.objects.filter(affiliate__in=affiliate_ids, ended_at=None)
    agreements = {row.affiliate_id: row for row in rows}
    return {pk: InvoiceParty(details.get(pk), agreements.get(pk)) for pk in details.keys() | agreements.keys()}


class Local(NamedTuple):
    """The currency that the VAT is owed in, and its rate from the invoice's own."""

    currency: str
    rate: DailyRate


class TaxTreatments:
    """Decides the tax of statements. It caches its look-ups, so use one per run."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.rates = RateBook()
        self._local: dict[tuple[str, str, date], DailyRate] = {}

    def treatment(self, details: BillingDetails, day: date) -> Treatment:
        """Raise `Undecided` when no rule can be applied."""
        return treat(
            TaxCase(
                seller_of(details),
                details.country,
                details.vat_number,
                self.issuer.country,
                self.issuer.vat_number,
                day,
            ),
            self.rates,
        )

    def local(self, treatment: Treatment, country: str, currency: str, day: date) -> Local | None:
        """None where no VAT is charged or it is in the country's own currency. Raise `Undecided` without a rate."""
        wanted = currency_of(country, day)
        if not treatment.percent or wanted in (None, currency):
            return None
        key = (currency, wanted or "", day)
        try:
            if key not in self._local:
                self._local[key] = rate(base=currency, quote=key[1], day=day)
        except NoRate as error:
            raise Undecided(
                gettext("The VAT has to be stated in {wanted}, too. {error}").format(wanted=wanted, error=error)
            ) from error
        return Local(key[1], self._local[key])

    def lacks(self, side: InvoiceParty, currency: str, day: date) -> list[str]:
        """What is missing to invoice a statement that ends on this day, in sentences; empty when nothing is."""
        missing = side.lacks()
        if side.details:
            try:
                decided = self.treatment(side.details, day)
                self.local(decided, side.details.country, currency, day)
            except Undecided as error:
                missing.append(str(error))
        return missing


def supply_day(ends_at: datetime) -> date:
    """The day whose rules and rates hold: the period's last."""
    return (ends_at.astimezone(UTC) - timedelta(days=1)).date()
