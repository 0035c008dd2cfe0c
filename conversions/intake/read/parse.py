"""Parse the parameters. All errors are reported at once, each with what to send instead."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from conversions.dialects.mapping import NAMES, Mapping, Pairs
from conversions.intake.case import REPAIRED, Case, Outcome
from conversions.intake.parsed_event import ParsedEvent
from conversions.intake.read.amounts import amount_of, currency_of, deductions_of, refund_of
from conversions.intake.read.extras import extras_of
from conversions.intake.read.macros import unfilled
from conversions.intake.read.personal import REFUSE
from conversions.intake.read.repairs import repair
from conversions.models import Conversion, Postback
from conversions.reasons.codes import Reason
from conversions.values import decoded_again, read_moment
from records.words import counted
from tracking.click_id import codec
from web.http import clean

STEP = "parse"

READ = frozenset(name for names in NAMES.values() for name in names)
LIMITS = {"txid": 100, "refund_id": 100, "event_type": 40, "customer_id": 100, "coupon": 60}
# Names with the same meaning on other platforms, to suggest the right one in the problem.
OTHER_NAMES = {
    "click_id": ("clickid", "cid", "tid", "subid", "sub_id", "s2", "sub2", "aff_click_id", "cnv_id", "reqid"),
    "txid": ("txn_id", "order_id", "orderid", "action_id", "tx_id"),
    "event_type": ("event", "goal", "et", "goal_value", "action"),
    "revenue": ("amount", "sum", "sale_amount", "sale"),
    "customer_id": ("user_id", "player_id", "customer", "customerid"),
}
FUTURE, SKEW = timedelta(days=1), timedelta(minutes=5)


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
    sent, notes = repair(case.parameters, mapping)
    for sentence in notes:
        case.note(STEP, REPAIRED, sentence, rule="HTML entities")
    _note_personal_data(case)
    pairs = mapping.translate(sent, **_assumed(case))
    values = _values(case, pairs)
    event = case.event = ParsedEvent(
        click_text=values["click_id"],
        transaction_id=values["txid"],
        goal_code=values["event_type"].lower(),
        currency=currency_of(case, values["currency"]),
        status=_status(case, values["status"]),
        occurred_at=_moment(case, values["timestamp"]),
        customer_id=values["customer_id"],
        coupon=values["coupon"],
        country=_country(case),
        refund_id=values["refund_id"],
    )
    # A currency sent within an amount counts if none is named.
    event.payout = amount_of(case, "payout", values["payout"])
    event.revenue = amount_of(case, "revenue", values["revenue"])
    event.volume = amount_of(case, "volume", values["volume"])
    event.deductions = deductions_of(case, values)
    event.refund = refund_of(case, values)
    if event.click_text:
        event.click = codec.parse(event.click_text)
    if case.postback.endpoint == Postback.Endpoint.PIXEL:
        _bound_pixel(case, event)
    if mapping.is_native:
        _name_strangers(case, event)
    _name_missing(case, event)
    event.extras = _extras(case, mapping, sent)
    event.fingerprint = _fingerprint(event)
    note = f"{counted(len(case.parameters), 'parameter')} read."
    case.note(STEP, "problems" if case.problems else "passed", note, rule=mapping.rule)


def _note_personal_data(case: Case) -> None:
    """Warn about parameters that had personal data; they have already been replaced by digests."""
    for name, kind in case.personal:
        message = f"{clean(name, 60)} held {kind}. Send your own ID of the customer, which means nothing elsewhere."
        if settings.PERSONAL_DATA == REFUSE:
            case.report(Reason.PERSONAL_DATA, clean(name, 60), message)
        else:
            case.note(STEP, REPAIRED, f"{message} A digest took its place.", rule="personal data")


def _extras(case: Case, mapping: Mapping, sent: Pairs) -> dict[str, str]:
    """The parameters that are stored with the event unread; warn of those that are too many or too long."""
    kept, left = extras_of(sent, mapping, READ)
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
    return {"goal": advertiser.default_goal, "currency": advertiser.currency} if advertiser else {}


def _values(case: Case, pairs: Pairs) -> dict[str, str]:
    """The value of each field; an unfilled macro counts as absent."""
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name.strip(), []).append(value.strip())
    return {
        field: "" if sent.keys().isdisjoint(names) else _one_value(case, sent, names, LIMITS.get(field, 200))
        for field, names in NAMES.items()
    }


def _shown(macro: str, value: str) -> str:
    """Show the macro separately if there is text around it."""
    return "" if macro == value else f"{clean(macro, 60)} "


def _one_value(case: Case, sent: dict[str, list[str]], names: tuple[str, ...], limit: int) -> str:
    found = [(name, value) for name in names for value in sent.get(name, ()) if value]
    if not found:
        return ""
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
    if len(value) > limit:
        case.report(
            Reason.VALUE_TOO_LONG, name, f"{name} has {len(value)} characters; at most {limit} are allowed.", value
        )
        return ""
    return clean(value, limit)


def _status(case: Case, text: str) -> str:
    status = text.lower()
    if status and status not in Conversion.Status.values:
        case.report(Reason.BAD_STATUS, "status", f"{text} is none of pending, approved, rejected.", text)
        return ""
    return status


def _country(case: Case) -> str:
    """The customer's country, where the request gives it as two letters."""
    for name, value in case.parameters:
        text = value.strip()
        if name.strip().lower() == "country" and len(text) == 2 and text.isascii() and text.isalpha():
            return text.upper()
    return ""


def _moment(case: Case, text: str) -> datetime | None:
    """The time that the sender gave. Warn if it is ahead of our clock; refuse it if it is more than a day ahead."""
    if not text:
        return None
    mapping = case.mapping
    found = read_moment(text, mapping.time_format, mapping.time_zone)
    if found is None:
        form = f" as {mapping.time_format}" if mapping.time_format else ""
        case.report(Reason.BAD_TIMESTAMP, "timestamp", f"{text} is not a time that can be read{form}.", text)
        return None
    ahead = found.at - case.postback.received_at
    if ahead > FUTURE:
        message = f"{text} is {found.at:%Y-%m-%d %H:%M} UTC: more than a day ahead."
        case.report(Reason.BAD_TIMESTAMP, "timestamp", message, text)
        return None
    if ahead > SKEW:
        minutes = counted(int(ahead.total_seconds() // 60), "minute")
        note = f"timestamp is {minutes} ahead of our clock. Set the sender's clock, or send UTC."
        case.note(STEP, REPAIRED, note, rule="clock")
    return found.at


def _name_strangers(case: Case, event: ParsedEvent) -> None:
    """If a needed value is missing, check whether it was sent under another platform's name."""
    missing: list[tuple[str, Callable[[ParsedEvent], object]]] = [
        ("click_id", lambda e: e.click_text or e.customer_id or e.coupon),
        ("event_type", lambda e: e.goal_code),
    ]
    sent = {name.strip().lower(): value for name, value in case.parameters if value}
    wanted = [name for name, there in missing if not there(event)]
    wanted += [name for name in ("txid", "revenue", "customer_id") if not {name, *_aliases(name)} & sent.keys()]
    for name in wanted:
        for other in OTHER_NAMES[name]:
            if other in sent:
                case.report(Reason.WRONG_NAME, other, f"You sent `{other}`; this endpoint reads `{name}`.", sent[other])
                break


def _name_missing(case: Case, event: ParsedEvent) -> None:
    """Report the missing values, unless an earlier error explains them."""
    faulty = {problem.field for problem in case.problems}
    if not event.goal_code and not faulty & {"event_type", "goal_id", *OTHER_NAMES["event_type"]}:
        case.report(Reason.MISSING_GOAL, "event_type", "event_type is missing.")
    if event.click_text:
        return
    if not (event.customer_id or event.coupon):
        if not faulty & {"click_id", "customer_id", "coupon", *OTHER_NAMES["click_id"]}:
            case.report(Reason.MISSING_CLICK_ID, "click_id", "click_id is missing.")
    elif not event.transaction_id and not faulty & {*NAMES["txid"], *OTHER_NAMES["txid"]}:
        case.report(Reason.MISSING_TRANSACTION, "txid", "txid is missing, and there is no click_id either.")


def _aliases(name: str) -> tuple[str, ...]:
    return NAMES["txid"] if name == "txid" else ()


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
        facts.append(f"refund {event.refund.normalize()} {event.refund_id}")
    facts += [f"{name} {Decimal(amount).normalize()}" for name, amount in event.deductions.items()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
