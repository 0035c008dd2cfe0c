"""The billing details on an affiliate's invoices, and its agreement that the operator writes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import Affiliate, User
from payouts.invoicing.countries import country_code
from payouts.invoicing.tax import Seller
from payouts.invoicing.vat_numbers import vat_number
from payouts.models import BillingDetails, Issuer, SelfBillingAgreement

Party = BillingDetails.Party
TEXTS = ("legal_name", "address", "country", "vat_number", "registration")
MOST_ADDRESS_LINES = 6


class AgreementRefused(ValueError):
    """The agreement cannot be recorded or ended; nothing was changed."""


class BillingRefused(ValueError):
    """The billing details are invalid; nothing was stored. `problems` has a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def set_details(*, affiliate: Affiliate, given: Mapping[str, Any], actor: User | None, now: datetime) -> BillingDetails:
    """Put billing details into force and mark the previous ones as replaced. The same details again change nothing.

    `given` has `party`, `is_small_business` and the texts of `TEXTS`. Raise `BillingRefused` with every problem.
    Existing invoices do not change.
    """
    clean = check_details(given)
    with transaction.atomic():
        Affiliate.objects.select_for_update().get(pk=affiliate.pk)
        current = BillingDetails.objects.filter(affiliate=affiliate, replaced_at=None).first()
        if current and all(getattr(current, name) == value for name, value in clean.items()):
            return current
        BillingDetails.objects.filter(affiliate=affiliate, replaced_at=None).update(replaced_at=now)
        return BillingDetails.objects.create(affiliate=affiliate, created_at=now, created_by=actor, **clean)


def check_details(given: Mapping[str, Any]) -> dict[str, Any]:
    """The details, tidied. Raise `BillingRefused` with a sentence for each field that cannot be right."""
    clean: dict[str, Any] = {name: " ".join(str(given.get(name, "")).split()) for name in TEXTS}
    clean["address"] = tidy_address(str(given.get("address", "")))
    clean["party"] = str(given.get("party", Party.BUSINESS))
    clean["is_small_business"] = bool(given.get("is_small_business")) and clean["party"] == Party.BUSINESS
    problems = {name: gettext("This is needed.") for name in ("legal_name", "address", "country") if not clean[name]}
    if clean["party"] not in Party.values:
        problems["party"] = gettext("Choose business or private person.")
    for name in TEXTS:
        if not clean[name].replace("\n", "").isprintable():
            problems[name] = gettext("There is a character in it that cannot be printed.")
    most = {"legal_name": 120, "address": 300, "registration": 80}
    problems |= {
        name: gettext("At most {size} characters.").format(size=size)
        for name, size in most.items()
        if len(clean[name]) > size
    }
    if clean["address"].count("\n") >= MOST_ADDRESS_LINES:
        problems["address"] = gettext("At most {most_address_lines} lines.").format(
            most_address_lines=MOST_ADDRESS_LINES
        )
    _check_country_and_number(clean, problems)
    if problems:
        raise BillingRefused(problems)
    return clean


def _check_country_and_number(clean: dict[str, Any], problems: dict[str, str]) -> None:
    if "country" not in problems:
        try:
            clean["country"] = country_code(clean["country"])
        except ValueError as error:
            problems["country"] = str(error)
    if not clean["vat_number"]:
        return
    if clean["party"] == Party.PRIVATE:
        problems["vat_number"] = gettext("A private person has none: choose business, or leave it empty.")
    elif "country" not in problems:
        try:
            clean["vat_number"] = vat_number(clean["vat_number"], clean["country"])
        except ValueError as error:
            problems["vat_number"] = str(error)


def tidy_address(text: str) -> str:
    """The lines without blank ones and surrounding spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def seller_of(details: BillingDetails) -> Seller:
    """The affiliate as the seller in the tax rules."""
    if details.party == Party.PRIVATE:
        return Seller.PRIVATE
    return Seller.SMALL if details.is_small_business else Seller.BUSINESS


def agree(
    *, affiliate: Affiliate, actor: User, now: datetime, words: str | None = None, note: str = ""
) -> SelfBillingAgreement:
    """Record that the affiliate agrees to self-billing; one in force is given back as it is.

    `words` are the text agreed to; without them the issuer's own. Raise `AgreementRefused` without either.
    """
    with transaction.atomic():
        Affiliate.objects.select_for_update().get(pk=affiliate.pk)
        current = SelfBillingAgreement.objects.filter(affiliate=affiliate, ended_at=None).first()
        if current:
            return current
        agreement = words or Issuer.objects.values_list("agreement_words", flat=True).first()
        if not agreement:
            raise AgreementRefused(
                gettext("There is nothing to agree to: enter the company that issues invoices first.")
            )
        return SelfBillingAgreement.objects.create(
            affiliate=affiliate, words=agreement, agreed_at=now, agreed_by=actor, note=" ".join(note.split())[:250]
        )


def end_agreement(*, affiliate: Affiliate, actor: User, now: datetime) -> SelfBillingAgreement:
    """End the agreement. Existing invoices stay; no new ones are written. Raise `AgreementRefused` if there is none."""
    with transaction.atomic():
        Affiliate.objects.select_for_update().get(pk=affiliate.pk)
        current = SelfBillingAgreement.objects.filter(affiliate=affiliate, ended_at=None).first()
        if current is None:
            raise AgreementRefused(
                gettext("{affiliate} has no agreement to self-billing in force.").format(affiliate=affiliate)
            )
        current.ended_at, current.ended_by = max(now, current.agreed_at), actor
        current.save(update_fields=["ended_at", "ended_by"])
        return current
