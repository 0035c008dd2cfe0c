"""A batch as the file that a bank or wallet takes: SEPA pain.001, PayPal's and Wise's batch CSV, or a plain list."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import structlog
from django.conf import settings
from sepaxml import SepaTransfer
from stdnum import bic, iban
from stdnum.exceptions import ValidationError as NumberFault

from payouts.models import Payout, PayoutBatch, PayoutMethod
from payouts.paying.methods import DetailsRefused, check, details_of, latin
from records.money import places, round_money
from records.spreadsheet_cells import csv_text

Kind = PayoutMethod.Kind

log = structlog.get_logger(__name__)
SCHEMA = "pain.001.001.03"
WISE_REFERENCE = 10


class BatchRefused(ValueError):
    """The batch cannot be made, approved, sent or cancelled as it stands; nothing was changed."""


class PaymentFile(NamedTuple):
    """A file that is made, and the payouts that cannot stand in it, each with the reason."""

    name: str
    content_type: str
    content: bytes
    left_out: list[tuple[Payout, str]]


def payment_file(batch: PayoutBatch, payouts: Sequence[Payout], *, now: datetime) -> PaymentFile:
    """The file of a batch. A payout that cannot be written is left out and named; it stops no other.

    Raise `BatchRefused` when the operator's own account is not set, or nothing is left to send.
    """
    check_own_account(batch.kind)
    left_out = [(payout, why) for payout in payouts if (why := why_not_written(batch.kind, payout))]
    bad = {payout.pk for payout, _ in left_out}
    good = [payout for payout in payouts if payout.pk not in bad]
    if not good:
        reasons = "; ".join(f"{payout} of {payout.affiliate} {why}" for payout, why in left_out[:20])
        raise BatchRefused(f"Nothing of batch {batch} is left to send{': ' if reasons else ''}{reasons}.")
    if batch.kind == Kind.SEPA:
        return PaymentFile(f"{batch}.xml", "application/xml", _pain001(batch.public_id, good, now), left_out)
    heads, line = _FORMS[Kind(batch.kind)]
    content = _csv(heads, [line(payout) for payout in good])
    return PaymentFile(f"{batch}.csv", "text/csv; charset=utf-8", content, left_out)


def check_own_account(kind: str) -> None:
    """Raise `BatchRefused` when what the files of a method need of the operator is missing or wrong."""
    if kind == Kind.SEPA:
        _own_account()
        if not latin(settings.OPERATOR_NAME):
            raise BatchRefused("Set OPERATOR_NAME to a name in Latin letters: SEPA files need it.")


def why_not_written(kind: str, payout: Payout) -> str:
    """Why a payout cannot stand in a file of its method; empty when it can."""
    try:
        details = _details(payout)
        check(kind, details)
        if kind == Kind.SEPA:
            _sepa_payment(payout, date(2000, 1, 1))
        else:
            _FORMS[Kind(kind)][1](payout)
    except DetailsRefused as fault:
        words = "; ".join(f"{name}: {why}" for name, why in fault.faults.items())
        return f"cannot be written, its payout method needs to be entered again ({words})"
    except Exception:
        # Whatever one row brings along must not stop the others.
        log.exception("payout_not_written", payout=payout.public_id)
        return "cannot be written: its payout method cannot be read; it needs to be entered again"
    return ""


def _pain001(message_id: str, payouts: Sequence[Payout], now: datetime) -> bytes:
    """Checked against the schema of the ISO 20022 message before it is given out."""
    account, bank = _own_account()
    config = {"name": latin(settings.OPERATOR_NAME), "IBAN": account, "currency": "EUR", "batch": True}
    sepa = SepaTransfer({**config, **({"BIC": bank} if bank else {})}, schema=SCHEMA, clean=True)
    # The bank knows a file that it gets twice by this ID; the library would take a random one.
    sepa._xml.find("CstmrCdtTrfInitn/GrpHdr/MsgId").text = message_id
    for payout in payouts:
        sepa.add_payment(_sepa_payment(payout, now.date()))
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


def _sepa_payment(payout: Payout, day: date) -> dict[str, object]:
    assert payout.method
    details = details_of(payout.method)
    payment: dict[str, object] = {
        "name": latin(details["holder"]),
        "IBAN": details["iban"],
        "amount": int(payout.sent_amount.scaleb(places("EUR"))),
        "execution_date": day,
        "description": latin(f"{settings.OPERATOR_NAME} {payout.statement.number}")[:140],
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
        wise_reference(payout),
    ]  # fmt: skip


def wise_reference(payout: Payout) -> str:
    """The payout's ID without `po_`, cut: Wise takes ten characters for dollars, and answers with them."""
    return payout.public_id.removeprefix("po_")[:WISE_REFERENCE]


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
        "name recipientEmail amountCurrency amount sourceCurrency targetCurrency paymentReference", _wise
    ),
    Kind.WIRE: ("payout holder account bic bank country amount currency statement", _wire),
    Kind.CRYPTO: ("payout asset network address amount currency statement", _crypto),
}  # fmt: skip


def _csv(heads: str, lines: Iterable[Sequence[object]]) -> bytes:
    """Names are other people's; amounts stay numbers."""
    return csv_text([heads.split(), *lines]).encode()
