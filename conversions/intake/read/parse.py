"""Parse the parameters. All errors are reported at once, each with what to send instead."""

import hashlib
import json
from decimal import Decimal

from django.conf import settings

from conversions.dialects.mapping import NAMES, Pairs
from conversions.dialects.other_names import meaning_of
from conversions.intake.case import REPAIRED, Case, Outcome
from conversions.intake.parsed_event import ParsedEvent
from conversions.intake.read.amounts import amount_of, currency_of, deductions_of, refund_of
from conversions.intake.read.clicks import read_click
from conversions.intake.read.extras import extras_of
from conversions.intake.read.macros import is_guest, is_no_id, unfilled
from conversions.intake.read.moments import moment_of, settle_day
from conversions.intake.read.names import sort
from conversions.intake.read.personal import REFUSE
from conversions.intake.read.repairs import repair
from conversions.models import Conversion, Postback
from conversions.reasons.codes import Reason
from conversions.values import decoded_again
from records.words import counted
from web.characters import visible
from web.http import clean

STEP = "parse"
ADDRESS = "/postback"

READ = frozenset(name for names in NAMES.values() for name in names)
LIMITS = {"click_id": 2000, "txid": 100, "refund_id": 100, "event_type": 40, "customer_id": 100, "coupon": 200}
# IDs of which a word for nothing would make many events one; and those that an event may do without.
IDS, OPTIONAL_IDS = frozenset({"click_id", "txid", "refund_id"}), frozenset({"customer_id", "coupon"})
# No word for nothing is longer; a click ID of zeros is unknown, as any other that was not made here.
LONGEST_WORD = 39
COUNTRY_NAMES = frozenset({"country", "country_code", "countrycode", "customer_country"})
LONGEST_NAME_OF_COUNTRY = 24


def parse(cases: list[Case]) -> None:
    """Read the event from the parameters, with every problem; a request that could not be read whole is refused."""
    for case in cases:
        if case.is_open:
            _parse(case)


def _parse(case: Case) -> None:
    if case.problems:
        # The request could not be read completely: a missing value may be in the rest.
        first = case.problems[0]
        case.stop(
            Outcome.INVALID, first.reason, STEP, first.message, rule="readable requests", problems=case.problem_values
        )
        return
    mapping = case.mapping
    _note_address(case)
    for name in case.left_out:
        note = f"{clean(name, 60)} is a list or an object: it was left out. Send plain values."
        case.note(STEP, REPAIRED, note, rule="plain values")
    sent, notes = repair(case.parameters, mapping)
    for sentence in notes:
        case.note(STEP, REPAIRED, sentence, rule="HTML entities")
    _note_personal_data(case)
    values, read = _values(case, sent)
    event = case.event = ParsedEvent(
        transaction_id=values["txid"],
        goal_code=values["event_type"].lower(),
        currency=currency_of(case, values["currency"]),
        status=_status(case, values["status"]),
        occurred_at=moment_of(case, values["timestamp"]),
        customer_id=values["customer_id"],
        coupon=values["coupon"],
        country=_country(case),
        refund_id=values["refund_id"],
        is_refund_total=mapping.finds_sales and ("refund_total", "1") in case.parameters,
    )
    # A currency sent within an amount counts if none is named.
    event.payout = amount_of(case, "payout", values["payout"])
    event.revenue = amount_of(case, "revenue", values["revenue"])
    event.volume = amount_of(case, "volume", values["volume"])
    event.deductions = deductions_of(case, values)
    event.refund = refund_of(case, values)
    if values["click_id"]:
        read_click(case, values["click_id"])
        settle_day(case)
    if case.postback.endpoint == Postback.Endpoint.PIXEL:
        _bound_pixel(case, event)
    _name_missing(case, event)
    event.extras = _extras(case, sent, read)
    event.fingerprint = _fingerprint(event)
    note = f"{counted(len(case.parameters), 'parameter')} read."
    case.note(STEP, "problems" if case.problems else "passed", note, rule=mapping.rule)


def _note_address(case: Case) -> None:
    """Warn of a slash behind our address, and of capitals in it."""
    path = case.postback.path
    if (
        case.postback.endpoint == Postback.Endpoint.NATIVE
        and path != ADDRESS
        and path.lower().strip("/ ") == "postback"
    ):
        case.note(STEP, REPAIRED, f"It was sent to {clean(path, 60)}; the address is {ADDRESS}.", rule="address")


def _note_personal_data(case: Case) -> None:
    """Warn about parameters that had personal data; they have already been replaced by digests."""
    for name, kind in case.personal:
        message = f"{clean(name, 60)} held {kind}. Send your own ID of the customer, which means nothing elsewhere."
        if settings.PERSONAL_DATA == REFUSE:
            case.report(Reason.PERSONAL_DATA, clean(name, 60), message)
        else:
            case.note(STEP, REPAIRED, f"{message} A digest took its place.", rule="personal data")


def _extras(case: Case, sent: Pairs, read: set[str]) -> dict[str, str]:
    """The parameters that are stored with the event unread; warn of those that are too many or too long."""
    kept, left = extras_of(sent, case.mapping, read)
    if left:
        shown = ", ".join(left[:5])
        case.note(STEP, "left out", f"Stay with the request alone: {shown}.", rule="extra parameters")
    return kept


def _bound_pixel(case: Case, event: ParsedEvent) -> None:
    """Restrict a pixel, which anyone can call: it must name a click and cannot reject anything."""
    trusted = case.advertiser is not None and case.advertiser.trusts_pixel
    if event.status and (not trusted or event.status == Conversion.Status.REJECTED):
        case.note(STEP, "left out", f"status={event.status} is not taken from a pixel.", rule="pixel")
        event.status = ""
    if event.refund is not None:
        case.note(STEP, "left out", "A refund is not taken from a pixel.", rule="pixel")
        event.refund = None
    if not event.click_text:
        message = "The pixel came without a click: no click_id was given, and the visitor brought no cookie."
        case.report(Reason.MISSING_CLICK_ID, "click_id", message)


def _assumed(case: Case) -> dict[str, str]:
    """Add the advertiser's default goal and currency, which another platform's request does not send."""
    advertiser = case.advertiser
    if advertiser is None or case.mapping.finds_sales:
        return {}
    return {"goal": advertiser.default_goal, "currency": advertiser.currency}


def _values(case: Case, sent: Pairs) -> tuple[dict[str, str], set[str]]:
    """The value of each field, and the other names that were read. An unfilled macro counts as absent."""
    own, assumed = sent, Pairs()
    if not case.mapping.is_native:
        readings = case.mapping.read(sent, **_assumed(case))
        own = [(each.ours, each.value) for each in readings if each.name]
        assumed = [(each.ours, each.value) for each in readings if not each.name]
    fields, read = sort(case, sent, own)
    for field, value in assumed:
        fields.setdefault(field, [(field, value)])
    values = {
        field: _one_value(case, field, found, LIMITS.get(field, 200)) if (found := fields.get(field)) else ""
        for field in NAMES
    }
    return values, read


def _shown(macro: str, value: str) -> str:
    """Show the macro separately if there is text around it."""
    return "" if macro == value else f"{clean(macro, 60)} "


def _one_value(case: Case, field: str, found: Pairs, limit: int) -> str:
    name, value = found[0]
    if any(other != value for _, other in found):
        shown = " and ".join(f"{n}={clean(v, 60)}" for n, v in found[:3])
        case.report(Reason.REPEATED_PARAMETER, name, f"Two values for one parameter: {shown}.", value)
    plain = decoded_again(value)
    # Macros are found below a second layer of encoding too: as an ID one would make many events one.
    if macro := unfilled(value) or unfilled(plain):
        case.report(
            Reason.UNRESOLVED_MACRO,
            name,
            f"{clean(value, 60)} was sent as it is: the macro {_shown(macro, value)}was not filled in.",
            value,
        )
        return ""
    if plain != value:
        case.note(
            STEP, REPAIRED, f"{name}={clean(value, 60)} was encoded twice: read as {clean(plain, 60)}.", rule="URL"
        )
        value = plain
    if _stands_for_nothing(case, field, name, value):
        return ""
    if len(value) > limit:
        case.report(
            Reason.VALUE_TOO_LONG, name, f"{name} has {len(value)} characters; at most {limit} are allowed.", value
        )
        return ""
    return clean(value, limit)


def _stands_for_nothing(case: Case, field: str, name: str, value: str) -> bool:
    """Whether a word such as `undefined` stands in the place of an ID; it is refused, or read as absent."""
    if len(value) > LONGEST_WORD:
        return False
    shown = clean(value, 60)
    if field in IDS and is_no_id(value):
        message = f"{name}={shown} is no ID: it stands for a value that is missing, and would make many events one."
        case.report(Reason.UNRESOLVED_MACRO, name, message, value)
        return True
    if field in OPTIONAL_IDS and (is_no_id(value) or (field == "customer_id" and is_guest(value))):
        note = f"{name}={shown} names no one: read as absent. Leave {name} out where there is none."
        case.note(STEP, REPAIRED, note, rule="words that are no ID")
        return True
    return False


def _status(case: Case, text: str) -> str:
    status = text.lower()
    if status and status not in Conversion.Status.values:
        case.report(Reason.BAD_STATUS, "status", f"{text} is none of pending, approved, rejected.", text)
        return ""
    return status


def _country(case: Case) -> str:
    """The customer's country, where the request gives it as two letters."""
    for name, value in case.parameters:
        if len(name) < LONGEST_NAME_OF_COUNTRY and name.strip().lower() in COUNTRY_NAMES and (text := visible(value)):
            if len(text) == 2 and text.isascii() and text.isalpha():
                return text.upper()
            note = f"{clean(name, 20)}={clean(text, 20)} is not read: send a country as two letters, such as GB."
            case.note(STEP, REPAIRED, note, rule="country")
    return ""


def _name_missing(case: Case, event: ParsedEvent) -> None:
    """Report the missing values, unless an earlier error explains them."""
    faulty = {problem.field for problem in case.problems}
    explained = {field for name in faulty for field in meaning_of(name).fields}
    if not event.goal_code and "event_type" not in explained and not finds_its_sale(case):
        case.report(Reason.MISSING_GOAL, "event_type", "event_type is missing.")
    if event.click_text:
        return
    if not (event.customer_id or event.coupon):
        if not explained & {"click_id", "customer_id", "coupon"}:
            case.report(Reason.MISSING_CLICK_ID, "click_id", "click_id is missing.")
    elif not event.transaction_id and "txid" not in explained:
        case.report(Reason.MISSING_TRANSACTION, "txid", "txid is missing, and there is no click_id either.")


def finds_its_sale(case: Case) -> bool:
    """Whether the request takes back a sale without saying its goal: the transaction finds it."""
    event = case.event
    takes_back = event.refund is not None or event.status == Conversion.Status.REJECTED
    return case.mapping.finds_sales and takes_back and not event.goal_code and bool(event.transaction_id)


def _fingerprint(event: ParsedEvent) -> str:
    """A digest of the event's content without its time: retries often have the time of sending."""
    facts = [
        event.click.text if event.click else "",
        event.transaction_id,
        event.goal_code,
        str(event.payout.normalize()) if event.payout is not None else "",
        str(event.revenue.normalize()) if event.revenue is not None else "",
        event.currency,
        event.status,
        event.customer_id,
        event.coupon.lower(),
    ]
    if event.volume is not None:
        facts.append(f"volume {event.volume.normalize()}")
    if event.refund is not None:
        facts.append(f"refund {event.refund.normalize()} {'in all' if event.is_refund_total else event.refund_id}")
    facts += [f"{name} {Decimal(amount).normalize()}" for name, amount in event.deductions.items()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
