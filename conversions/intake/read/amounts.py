"""The amounts of a request, with their currency, refunds and deductions."""

from decimal import Decimal

from conversions.dialects.mapping import DEDUCTIONS
from conversions.intake.case import REPAIRED, Case
from conversions.reasons.codes import Reason
from conversions.values import NoAmount, read_amount, sign_of_one
from records.money import PLACES, places, round_money

STEP = "parse"
# The result of a trace line about an amount that is stored with more decimals than can be paid.
EXACT = "kept exactly"


def amount_of(case: Case, name: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        found = read_amount(text)
    except NoAmount as error:
        case.report(Reason.BAD_AMOUNT, name, f"{name}={text} {error}", text)
        return None
    if found.repaired:
        case.note(STEP, REPAIRED, f"{name}={text} was {found.repaired}. Send 1234.50.", rule="amount")
    if found.sign and not (case.event.currency or found.currency):
        message = f"{name}={text}: several currencies are written {found.sign}; send currency=."
        case.report(Reason.BAD_CURRENCY, name, message, text)
    if found.currency:
        case.event.currency = case.event.currency or found.currency
        if case.event.currency != found.currency:
            message = f"{name}={text} is in {found.currency}, but currency is {case.event.currency}."
            case.report(Reason.BAD_CURRENCY, name, message, text)
    return found.value


def refund_of(case: Case, values: dict[str, str]) -> Decimal | None:
    """The amount refunded on a sale that is identified by its transaction."""
    refund = amount_of(case, "refund", values["refund"])
    if refund is None:
        return None
    if not refund:
        case.report(Reason.BAD_AMOUNT, "refund", "A refund of nothing changes nothing; send what went back.", "0")
    if not values["txid"]:
        case.report(Reason.MISSING_TRANSACTION, "txid", "txid is missing: it names the sale that is refunded.")
    if values["status"]:
        message = "refund takes a part back: leave status out. To take all of it back send status=rejected alone."
        case.report(Reason.BAD_STATUS, "status", message, values["status"])
    return refund


def deductions_of(case: Case, values: dict[str, str]) -> dict[str, str]:
    """The deductions from revenue, by name, as plain decimals; names that were not sent are left out."""
    sent = {name: amount_of(case, name, values[name]) for name in DEDUCTIONS if values[name]}
    return {name: f"{amount:f}" for name, amount in sent.items() if amount}


def currency_of(case: Case, text: str) -> str:
    currency = text.upper()
    if currency not in PLACES and (found := sign_of_one(text)):
        case.note(STEP, REPAIRED, f"currency={text} was read as {found}. Send {found}.", rule="currency")
        return found
    if currency and currency not in PLACES:
        case.report(Reason.BAD_CURRENCY, "currency", f"{text} is not a currency code such as EUR.", text)
        return ""
    return currency


def note_decimals(case: Case, *, currency: str) -> None:
    """Warn of amounts with more decimals than their currency has.

    They are stored as sent, to eight decimals, so that a share of them is exact; commission is rounded once, when it is
    booked. But a shop that sends 10.005 EUR most likely divided, or sends another currency's amount.
    """
    event = case.event
    amounts = {"payout": event.payout, "revenue": event.revenue, "refund": event.refund}
    amounts |= {name: Decimal(amount) for name, amount in event.deductions.items()}
    for name, amount in amounts.items():
        if amount is not None and amount != round_money(amount, currency):
            note = (
                f"{name}={amount.normalize():f} has more decimals than {currency}, which has {places(currency)}: it is "
                "kept as sent, and commission is rounded once, when it is booked."
            )
            if amount != amount.to_integral_value() and len(f"{amount.normalize():f}".partition(".")[2]) == 3:
                note += f" If it is a thousand, send {f'{amount.normalize():f}'.replace('.', '')}.00."
            case.note(STEP, EXACT, note, rule="decimals of the currency", currency=currency)
