"""A batch as the file that a bank or wallet takes: SEPA pain.001, PayPal's and Wise's batch CSV, or a plain list."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from sepaxml import SepaTransfer
from stdnum import bic, iban
from stdnum.exceptions import ValidationError as NumberFault

from affiliates.money import places, round_money
from affiliates.spreadsheet_cells import csv_text
from payouts.batches import BatchRefused
from payouts.methods import details_of
from payouts.models import Payout, PayoutBatch, PayoutMethod

Kind = PayoutMethod.Kind
SCHEMA = "pain.001.001.03"


class PaymentFile(NamedTuple):
    name: str
    content_type: str
    content: bytes


def payment_file(batch: PayoutBatch, *, now: datetime) -> PaymentFile:
    """The file of an approved or sent batch; what was settled meanwhile is left out.

    Raise `BatchRefused` when the operator's own account is not set, or nothing is left to send.
    """
    if batch.status not in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.SENT):
        raise BatchRefused(f"Batch {batch} is {batch.get_status_display().lower()}; only an approved one has a file.")
    payouts = list(
        batch.payouts.filter(status=Payout.Status.DUE).select_related("affiliate", "statement", "method").order_by("pk")
    )
    if not payouts:
        raise BatchRefused(f"Nothing of batch {batch} is left to send.")
    if batch.kind == Kind.SEPA:
        return PaymentFile(f"{batch}.xml", "application/xml", _pain001(batch, payouts, now))
    heads, line = _FORMS[Kind(batch.kind)]
    return PaymentFile(f"{batch}.csv", "text/csv; charset=utf-8", _csv(heads, [line(payout) for payout in payouts]))


def _pain001(batch: PayoutBatch, payouts: Sequence[Payout], now: datetime) -> bytes:
    """Checked against the schema of the ISO 20022 message before it is given out."""
    account, bank = _own_account()
    config = {"name": settings.OPERATOR_NAME, "IBAN": account, "currency": "EUR", "batch": True}
    sepa = SepaTransfer({**config, **({"BIC": bank} if bank else {})}, schema=SCHEMA, clean=True)
    sepa.msg_id = f"{batch.public_id}-{now:%Y%m%d%H%M%S}"[:35]
    for payout in payouts:
        sepa.add_payment(_sepa_payment(payout, now))
    content: bytes = sepa.export(validate=True)
    return content


def _own_account() -> tuple[str, str]:
    """IBAN and BIC (may be empty) that payouts are sent from."""
    try:
        bank = bic.validate(settings.OPERATOR_BIC) if settings.OPERATOR_BIC else ""
        return iban.validate(settings.OPERATOR_IBAN), bank
    except NumberFault as error:
        raise BatchRefused(
            "Set OPERATOR_IBAN (and OPERATOR_BIC) to the account that payouts are sent from: they are missing or wrong."
        ) from error


def _sepa_payment(payout: Payout, now: datetime) -> dict[str, object]:
    assert payout.method
    details = details_of(payout.method)
    payment: dict[str, object] = {
        "name": details["holder"],
        "IBAN": details["iban"],
        "amount": int(payout.sent_amount.scaleb(places("EUR"))),
        "execution_date": now.date(),
        "description": f"{settings.OPERATOR_NAME} {payout.statement.number}"[:140],
        "endtoend_id": payout.public_id,
    }
    return {**payment, **({"BIC": details["bic"]} if details["bic"] else {})}


def _amount(payout: Payout) -> Decimal:
    return round_money(payout.sent_amount, payout.sent_currency)


def _details(payout: Payout) -> dict[str, str]:
    assert payout.method
    return details_of(payout.method)


def _paypal(payout: Payout) -> list[object]:
    note = f"{settings.OPERATOR_NAME} {payout.statement.number}"
    return [_details(payout)["email"], _amount(payout), payout.sent_currency, payout.public_id, note]


def _wise(payout: Payout) -> list[object]:
    details = _details(payout)
    return [
        details["holder"], details["email"], "source", _amount(payout), payout.sent_currency, payout.sent_currency,
        payout.statement.number, payout.public_id,
    ]  # fmt: skip


def _wire(payout: Payout) -> list[object]:
    details = _details(payout)
    return [
        payout.public_id, details["holder"], details["account"], details["bic"], details["bank"], details["country"],
        _amount(payout), payout.sent_currency, payout.statement.number,
    ]  # fmt: skip


def _crypto(payout: Payout) -> list[object]:
    details = _details(payout)
    return [
        payout.public_id, details["asset"], details["network"], details["address"], _amount(payout),
        payout.sent_currency, payout.statement.number,
    ]  # fmt: skip


Line = Callable[[Payout], list[object]]
_FORMS: dict[Kind, tuple[str, Line]] = {
    Kind.PAYPAL: ("recipient amount currency reference_id note", _paypal),
    Kind.WISE: (
        "name recipientEmail amountCurrency amount sourceCurrency targetCurrency paymentReference payout", _wise
    ),
    Kind.WIRE: ("payout holder account bic bank country amount currency statement", _wire),
    Kind.CRYPTO: ("payout asset network address amount currency statement", _crypto),
}  # fmt: skip


def _csv(heads: str, lines: Iterable[Sequence[object]]) -> bytes:
    """Names are other people's; amounts stay numbers."""
    return csv_text([heads.split(), *lines]).encode()
