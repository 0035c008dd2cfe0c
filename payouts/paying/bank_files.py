"""Write a batch as the file for a bank or wallet: SEPA pain.001, PayPal's or Wise's batch CSV, or a plain list."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from xml.etree.ElementTree import SubElement

import structlog
from django.conf import settings
from django.utils.translation import gettext
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError as SchemaError
from stdnum import iban
from stdnum.exceptions import ValidationError as InvalidNumber

from payouts.models import Payout, PayoutBatch, PayoutMethod
from payouts.paying.methods import DetailsRefused, bank_code, check, details_of, latin
from records.money import format_money, places, round_money
from records.spreadsheet_cells import csv_text
from records.translation import gettext_lazy as _

Kind = PayoutMethod.Kind

log = structlog.get_logger(__name__)
WISE_REFERENCE = 10
# The largest amount of one transfer.
MOST = {Kind.SEPA: Decimal("999999999.99")}
WHERE = _("Set it in the server's environment or .env file and restart the program (docs/payouts.md, Paying).")
# A payout with the reference of its line.
Line = tuple[Payout, str]


class BatchRefused(ValueError):
    """The batch cannot be made, approved, sent or cancelled; nothing was changed."""


class PaymentFile(NamedTuple):
    """A generated file, and the payouts that it cannot contain, each with the reason."""

    name: str
    content_type: str
    content: bytes
    left_out: list[tuple[Payout, str]]


def payment_file(
    batch: PayoutBatch, payouts: Sequence[Payout], references: Mapping[int, str], *, now: datetime
) -> PaymentFile:
    """The file of a batch. A payout that cannot be written is left out and named; the others are written.

    `references` has, by payout, the reference that the bank's answer carries. Raise `BatchRefused` if the operator's
    own account is not set, or if nothing is left to send.
    """
    check_own_account(batch.kind)
    left_out = [(payout, why) for payout in payouts if (why := why_not_written(batch.kind, payout))]
    bad = {payout.pk for payout, _ in left_out}
    good = [(payout, references[payout.pk]) for payout in payouts if payout.pk not in bad]
    if batch.kind == Kind.SEPA:
        refused = _refused(good, now)
        left_out += [
            (payout, gettext("cannot be written: the bank's message format refuses it")) for payout, _ in refused
        ]
        good = [line for line in good if line not in refused]
    if not good:
        reasons = "; ".join(
            gettext("{payout} of {affiliate} {why}").format(payout=payout, affiliate=payout.affiliate, why=why)
            for payout, why in left_out[:20]
        )
        raise BatchRefused(
            gettext("Nothing of batch {batch} is left to send{part}{reasons}.").format(
                batch=batch, part=": " if reasons else "", reasons=reasons
            )
        )
    if batch.kind == Kind.SEPA:
        return PaymentFile(f"{batch}.xml", "application/xml", _pain001(batch.public_id, good, now), left_out)
    heads, line = _FORMS[Kind(batch.kind)]
    content = _csv(heads, [line(payout, reference) for payout, reference in good])
    return PaymentFile(f"{batch}.csv", "text/csv; charset=utf-8", content, left_out)


def check_own_account(kind: str) -> None:
    """Raise `BatchRefused` when the operator's details for a method's files are missing or wrong."""
    if problem := account_problem(kind):
        raise BatchRefused(problem)


def account_problem(kind: str) -> str:
    """What is missing in the operator's own details for a method's files, and where to set it. Empty if nothing is."""
    if kind != Kind.SEPA:
        return ""
    try:
        _own_account()
    except InvalidNumber:
        return gettext(
            "SEPA files need the account that payouts are sent from: OPERATOR_IBAN (or OPERATOR_BIC) is missing or "
            "wrong. {where}"
        ).format(where=WHERE)
    if not latin(settings.OPERATOR_NAME):
        return gettext(
            "SEPA files need the name of the account's holder in Latin letters: OPERATOR_NAME. {where}"
        ).format(where=WHERE)
    return ""


def why_not_written(kind: str, payout: Payout) -> str:
    """Why a payout cannot be part of a file of its method; empty when it can."""
    try:
        check(kind, _details(payout))
        if not 0 < _amount(payout) <= MOST.get(Kind(kind), payout.sent_amount + 1):
            return gettext("cannot be written: one transfer cannot move {amount}").format(
                amount=format_money(payout.sent_amount, payout.sent_currency)
            )
        if kind == Kind.SEPA:
            _sepa_payment(payout, "", date(2000, 1, 1))
        else:
            _FORMS[Kind(kind)][1](payout, "")
    except DetailsRefused as error:
        words = "; ".join(f"{name}: {why}" for name, why in error.problems.items())
        return gettext("cannot be written, its payout method needs to be entered again ({words})").format(words=words)
    except Exception:
        # An error in one row must not stop the others.
        log.exception("payout_not_written", payout=payout.public_id)
        return gettext("cannot be written: its payout method cannot be read; it needs to be entered again")
    return ""


def reference_of(kind: str, payout: Payout, before: int) -> str:
    """The reference of this attempt in the file: the payout's ID, with a number from the second attempt on.

    Banks accept no underscore. Wise accepts ten characters for dollars, and returns them in its answer.
    """
    number = f"-{before + 1}" if before else ""
    if kind == Kind.WISE:
        return payout.public_id.removeprefix("po_")[: WISE_REFERENCE - len(number)] + number
    name = payout.public_id.replace("_", "-") if kind == Kind.SEPA else payout.public_id
    return f"{name}{number}"


def _refused(lines: Sequence[Line], now: datetime) -> list[Line]:
    """The lines that the message format refuses, found by halves, so that one of many costs few trials."""
    if not lines or _is_valid(lines, now):
        return []
    if len(lines) == 1:
        return list(lines)
    half = len(lines) // 2
    return [*_refused(lines[:half], now), *_refused(lines[half:], now)]


def _is_valid(lines: Sequence[Line], now: datetime) -> bool:
    try:
        _pain001("trial", lines, now)
    except (SchemaError, ValueError):
        return False
    return True


def _pain001(name: str, lines: Sequence[Line], now: datetime) -> bytes:
    """Checked against the schema of the ISO 20022 message before it is given out."""
    account, bank = _own_account()
    config = {"name": latin(settings.OPERATOR_NAME)[:70], "IBAN": account, "currency": "EUR", "batch": True}
    config |= {"BIC": bank} if bank else {}
    sepa = _Message(config, schema=settings.SEPA_SCHEMA, clean=False)
    sepa.name(name.replace("_", "-"), now)
    for payout, reference in lines:
        sepa.add_payment(_sepa_payment(payout, reference, now.date()))
    content: bytes = sepa.export(validate=False)
    if not _schema(settings.SEPA_SCHEMA).is_valid(content.decode()):
        raise SchemaError(name)
    return content


@cache
def _schema(name: str) -> Any:
    """The schema of the message. The library would read it anew for each file, which takes longer than all the rest."""
    import xmlschema  # noqa: PLC0415 - a third of a second at each start, for what few processes ever write

    return xmlschema.XMLSchema(str(files("sepaxml") / "schemas" / f"{name}.xsd"))


class _Message(SepaTransfer):
    """The library's message, named after the batch, with a bank that is not known as banks want it."""

    def name(self, name: str, now: datetime) -> None:
        """The bank knows a file that it gets twice by this ID; the library would take a random one."""
        self._name = name
        self._xml.find("CstmrCdtTrfInitn/GrpHdr/MsgId").text = name
        self._xml.find("CstmrCdtTrfInitn/GrpHdr/CreDtTm").text = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _finalize_batch(self) -> None:
        super()._finalize_batch()
        for number, part in enumerate(self._xml.iter("PmtInf"), start=1):
            part.find("PmtInfId").text = f"{self._name}-{number}"
            bank = part.find("DbtrAgt/FinInstnId")
            if not len(bank):
                SubElement(SubElement(bank, "Othr"), "Id").text = "NOTPROVIDED"


def _own_account() -> tuple[str, str]:
    """IBAN and BIC (may be empty) that payouts are sent from. Raise `InvalidNumber` when they are missing or wrong."""
    bank = bank_code(settings.OPERATOR_BIC) if settings.OPERATOR_BIC else ""
    return iban.validate(settings.OPERATOR_IBAN), bank


def _sepa_payment(payout: Payout, reference: str, day: date) -> dict[str, object]:
    assert payout.method
    details = details_of(payout.method)
    payment: dict[str, object] = {
        "name": latin(details["holder"])[:70],
        "IBAN": details["iban"],
        "amount": int(payout.sent_amount.scaleb(places("EUR"))),
        "execution_date": day,
        "description": latin(f"{settings.OPERATOR_NAME} {payout.statement.number}")[:140],
        "endtoend_id": reference,
    }
    return {**payment, **({"BIC": details["bic"]} if details["bic"] else {})}


def _amount(payout: Payout) -> Decimal:
    return round_money(payout.sent_amount, payout.sent_currency)


def _details(payout: Payout) -> dict[str, str]:
    assert payout.method
    return details_of(payout.method)


def _paypal(payout: Payout, reference: str) -> list[object]:
    note = f"{settings.OPERATOR_NAME} {payout.statement.number}"
    return [_details(payout)["email"], _amount(payout), payout.sent_currency, reference, note]


def _wise(payout: Payout, reference: str) -> list[object]:
    details = _details(payout)
    return [
        details["holder"], details["email"], "source", _amount(payout), payout.sent_currency, payout.sent_currency,
        reference,
    ]  # fmt: skip


def _wire(payout: Payout, reference: str) -> list[object]:
    details = _details(payout)
    return [
        reference, details["holder"], details["account"], details["bic"], details["bank"], details["country"],
        _amount(payout), payout.sent_currency, payout.statement.number,
    ]  # fmt: skip


def _crypto(payout: Payout, reference: str) -> list[object]:
    details = _details(payout)
    return [
        reference, details["asset"], details["network"], details["address"], _amount(payout),
        payout.sent_currency, payout.statement.number,
    ]  # fmt: skip


Cells = Callable[[Payout, str], list[object]]
_FORMS: dict[Kind, tuple[str, Cells]] = {
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
