"""The closed list of reasons: why a postback or a conversion was decided as it was.

Each has the HTTP status that carries it, what causes it, what to do, and whether sending the same
request again can help. `docs/reasons.md` is written from this list (`manage.py reasons`), and a test
compares the two.
"""

from dataclasses import dataclass

from django.db import models


class Reason(models.TextChoices):
    # Good news
    OK = "ok", "Counted"
    DUPLICATE = "duplicate", "The same event was counted before"
    SERVER_CONFIRMED = "server_confirmed", "The advertiser's server told what a pixel had told before"
    STATUS_UPDATED = "status_updated", "A known conversion changed its status"
    PARTLY_REFUNDED = "partly_refunded", "A part of the sale went back to the customer"
    AMOUNT_ACCEPTED = "amount_accepted", "An operator accepted the new amount"
    CORRECTED = "corrected", "Corrected, sent again and decided anew"
    # Waiting
    AWAITS_APPROVAL = "awaits_approval", "Waiting for an operator's approval"
    AWAITS_DELAY = "awaits_delay", "Waiting for the approval delay to pass"
    SENT_PENDING = "sent_pending", "The advertiser sent it as pending"
    AWAITS_RULES = "awaits_rules", "Waiting for a rule of the goal to be met"
    RISK_REVIEW = "risk_review", "Held for review: marks of risk"
    OVER_CAP_HELD = "over_cap_held", "Held: the cap of the period is reached"
    AFFILIATE_CLOSED = "affiliate_closed", "Held: the affiliate has no access to the offer any more"
    WAITING_FOR_CUSTOMER = "waiting_for_customer", "Parked: waiting for the customer's first event"
    WAITING_FOR_SALE = "waiting_for_sale", "Parked: waiting for the sale of this transaction"
    WAITING_FOR_CLICK = "waiting_for_click", "Parked: waiting for the link of the click"
    # Judged against the rules
    SENT_REJECTED = "sent_rejected", "The advertiser sent it as rejected"
    OUTSIDE_WINDOW = "outside_window", "The event happened after the attribution window"
    COOKIE_EXPIRED = "cookie_expired", "The pixel's cookie is older than the attribution window"
    TOO_EARLY = "too_early", "The event came sooner after the click than the attribution window begins"
    BEFORE_CLICK = "before_click", "The event happened before the click"
    NOT_FIRST = "not_first", "The customer had this event before"
    BELOW_MINIMUM = "below_minimum", "The revenue is below the goal's minimum"
    OVER_CAP = "over_cap", "The cap of the period is reached"
    COUNTRY_NOT_ALLOWED = "country_not_allowed", "The customer's country does not count"
    TOO_SOON = "too_soon", "The event came sooner than the goal allows"
    TOO_LATE = "too_late", "The event came later than the goal allows"
    NOT_QUALIFIED = "not_qualified", "A rule of the goal was not met in time"
    # Decided by people or by time
    QUALIFIED = "qualified", "The goal's rules were met"
    REVIEW_ENDED = "review_ended", "The review ended without an objection"
    OPERATOR_APPROVED = "operator_approved", "Approved by an operator"
    OPERATOR_REJECTED = "operator_rejected", "Rejected by an operator"
    DELAY_PASSED = "delay_passed", "Approved: the delay passed"
    ADVERTISER_APPROVED = "advertiser_approved", "Approved by the advertiser"
    REVERSED = "reversed", "Reversed by the advertiser"
    REFUNDED = "refunded", "All of the sale went back to the customer"
    FRAUD = "fraud", "Fraud"
    TEST_EVENT = "test_event", "A test event"
    APPEAL = "appeal", "Approved on appeal"
    # Refused: nothing was counted
    PIXEL_NOT_ALLOWED = "pixel_not_allowed", "The advertiser takes no events from pixels, or not from this page"
    BAD_TOKEN = "bad_token", "The token is missing or wrong"
    REVOKED_TOKEN = "revoked_token", "The token was revoked"
    TOO_MANY_FAILURES = "too_many_failures", "Too many requests without a right token"
    BAD_SIGNATURE = "bad_signature", "The signature does not fit the request"
    STALE_SIGNATURE = "stale_signature", "The signature is too old, or ahead of time"
    SIGNATURE_REQUIRED = "signature_required", "The advertiser's postbacks must be signed"
    ADVERTISER_INACTIVE = "advertiser_inactive", "The advertiser is not active"
    SENDER_NOT_ALLOWED = "sender_not_allowed", "The sender's address is not allowed"
    ANOTHERS_MAPPING = "anothers_mapping", "The address is another advertiser's"
    HTTPS_REQUIRED = "https_required", "The request came unencrypted"
    WRONG_ADVERTISER = "wrong_advertiser", "The click belongs to another advertiser"
    UNREADABLE = "unreadable", "The body could not be read"
    TOO_LARGE = "too_large", "The request is too large"
    INVALID_REQUEST = "invalid_request", "The request has several faults"
    MISSING_CLICK_ID = "missing_click_id", "There is no click ID, customer or coupon"
    UNKNOWN_CLICK = "unknown_click", "The click ID is not one of ours"
    UNKNOWN_CUSTOMER = "unknown_customer", "No affiliate is known for this customer or coupon"
    CUSTOMER_NEVER_CAME = "customer_never_came", "Waited in vain for the customer's first event"
    SALE_NEVER_CAME = "sale_never_came", "Waited in vain for the sale of this transaction"
    CLICK_NEVER_CAME = "click_never_came", "Waited in vain for the link of the click"
    UNRESOLVED_MACRO = "unresolved_macro", "A macro was sent as it is, not filled in"
    WRONG_NAME = "wrong_name", "A parameter has a name that is not read here"
    REPEATED_PARAMETER = "repeated_parameter", "A parameter was sent twice with different values"
    MISSING_TRANSACTION = "missing_transaction", "Without a click ID the event needs a transaction ID"
    MISSING_GOAL = "missing_goal", "There is no event_type"
    UNKNOWN_GOAL = "unknown_goal", "The offer has no such goal"
    BAD_AMOUNT = "bad_amount", "An amount is not a number that can be kept"
    MISSING_REVENUE = "missing_revenue", "The goal needs the revenue"
    BAD_CURRENCY = "bad_currency", "The currency is not known"
    BAD_STATUS = "bad_status", "The status is none of pending, approved, rejected"
    BAD_TIMESTAMP = "bad_timestamp", "The timestamp cannot be read or lies in the future"
    MISSING_CUSTOMER = "missing_customer", "The goal needs a customer_id"
    PERSONAL_DATA = "personal_data", "A parameter holds personal data"
    VALUE_TOO_LONG = "value_too_long", "A value is longer than what is kept"
    TRANSACTION_CONFLICT = "transaction_conflict", "The same transaction was sent with other data"
    REFUND_TOO_LARGE = "refund_too_large", "More is refunded than the sale has left"
    CONFLICT_DISMISSED = "conflict_dismissed", "An operator let the first amount stand"
    STATUS_NOT_ALLOWED = "status_not_allowed", "The conversion cannot change to this status"
    TRY_AGAIN = "try_again", "The request could not be handled just now"


# By these a rule rejects on its own: what they rejected may be corrected and sent again.
CORRECTABLE = frozenset(
    {
        Reason.OUTSIDE_WINDOW,
        Reason.COOKIE_EXPIRED,
        Reason.TOO_EARLY,
        Reason.BEFORE_CLICK,
        Reason.NOT_FIRST,
        Reason.BELOW_MINIMUM,
        Reason.OVER_CAP,
        Reason.COUNTRY_NOT_ALLOWED,
        Reason.TOO_SOON,
        Reason.TOO_LATE,
        Reason.NOT_QUALIFIED,
    }
)
# Of them, those that go by the event's own time.
BY_TIME = CORRECTABLE - {
    Reason.NOT_FIRST,
    Reason.BELOW_MINIMUM,
    Reason.OVER_CAP,
    Reason.COUNTRY_NOT_ALLOWED,
}


def reason_choices() -> list[tuple[str, str]]:
    """For model fields: named by function, so that a new reason needs no migration."""
    return Reason.choices


@dataclass(frozen=True, slots=True)
class Explanation:
    """What to tell people: the HTTP status, the cause, what to do, and whether the same request may be sent again."""

    http_status: int
    cause: str
    remedy: str
    retry: bool = False


def _good(cause: str, remedy: str = "Nothing to do.") -> Explanation:
    return Explanation(200, cause, remedy)


def _fault(cause: str, remedy: str) -> Explanation:
    return Explanation(422, cause, remedy)


_R = Reason

EXPLANATIONS: dict[Reason, Explanation] = {
    _R.OK: _good("The event met every rule and counts for the affiliate."),
    _R.DUPLICATE: _good(
        "The advertiser sent this transaction (or, without one, this click and goal) before.",
        "Nothing to do: the answer names the first conversion. For a new event send a new txid.",
    ),
    _R.SERVER_CONFIRMED: _good(
        "A pixel told this event first; the postback's transaction, amounts and status took the place of the pixel's."
    ),
    _R.STATUS_UPDATED: _good("The transaction is known and came with a new status."),
    _R.PARTLY_REFUNDED: _good(
        "The postback, or an operator, said how much of the sale the customer got back.",
        "Nothing to do: a share of the revenue shrinks with it; an amount per event stays until all is refunded.",
    ),
    _R.AMOUNT_ACCEPTED: _good(
        "The transaction came again with other money; an operator looked and took the new amount.",
        "Nothing to do: the difference is a line of the ledger, also after a statement.",
    ),
    _R.CORRECTED: _good(
        "A rule had rejected the event; its postback came again with corrected facts, and these meet the rules."
    ),
    _R.AWAITS_APPROVAL: _good("The goal is approved by hand.", "An operator approves or rejects it in the panel."),
    _R.AWAITS_DELAY: _good(
        "The goal is approved after a delay.", "It is approved by itself unless a reversal comes first."
    ),
    _R.SENT_PENDING: _good("The postback said status=pending.", "Send status=approved or rejected with the same txid."),
    _R.AWAITS_RULES: _good(
        "A rule of the goal is not met yet, but may be.",
        "The conversion says what it waits for; it is looked at again with the customer's next event.",
    ),
    _R.RISK_REVIEW: Explanation(
        202,
        "Marks of risk add up to the offer's threshold. Nothing is dropped: a person looks first.",
        "An operator approves or rejects it by the date that the conversion names.",
    ),
    _R.OVER_CAP_HELD: Explanation(
        202, "The goal's cap of the period is reached.", "An operator decides: approve it, or reject it with a reason."
    ),
    _R.AFFILIATE_CLOSED: Explanation(
        202,
        "The affiliate was suspended or lost access to the offer after the click.",
        "An operator decides: approve it, or reject it with a reason.",
    ),
    _R.WAITING_FOR_CUSTOMER: Explanation(
        202,
        "The event names a customer whom no affiliate brought yet, and no click.",
        "Nothing to do when the customer's first event with its click_id is on its way: this one is counted after it, "
        "in the order of time. Otherwise send that event, or this one with the click_id.",
    ),
    _R.WAITING_FOR_SALE: Explanation(
        202,
        "The request rejects or refunds a transaction that is not known yet.",
        "Nothing to do when the sale is on its way: it is counted first, and this after it. Else check the txid.",
    ),
    _R.WAITING_FOR_CLICK: Explanation(
        202,
        "The click ID is genuine, but the link that it names is not in the database.",
        "Nothing to do for the sender. An operator finds out whether the database was restored from an old copy.",
    ),
    _R.SENT_REJECTED: _good("The postback said status=rejected.", "An operator can approve it on appeal."),
    _R.OUTSIDE_WINDOW: _good(
        "More time passed between click and event than the goal or the offer allows.",
        "Check that `timestamp` is the event's own time. A longer window holds for later events only.",
    ),
    _R.COOKIE_EXPIRED: _good(
        "The click that the pixel's cookie kept is older than the goal or the offer allows.",
        "Nothing to do: the visitor came back too late, or by another way.",
    ),
    _R.TOO_EARLY: _good(
        "The goal or the offer asks for a shortest time between click and event.",
        "Check that `timestamp` is the event's own time. Events within seconds of the click are seldom people's.",
    ),
    _R.BEFORE_CLICK: _good(
        "The event is older than the click it names, by more than five minutes.",
        "Check the clock of the sending system and the time zone of `timestamp` (UTC, or with an offset).",
    ),
    _R.NOT_FIRST: _good(
        "The goal counts once per customer and this customer has one.",
        "Send later deposits or purchases under the goal meant for them.",
    ),
    _R.BELOW_MINIMUM: _good(
        "The goal asks for a minimum revenue.",
        "A wrong amount: send the same txid with the right one. A larger event is a new transaction.",
    ),
    _R.OVER_CAP: _good(
        "So many conversions count in the period, and as many came before.", "A new period begins from nothing."
    ),
    _R.COUNTRY_NOT_ALLOWED: _good(
        "The goal counts customers from certain countries only.",
        "Send `country` with the customer's own, where the click's is not it.",
    ),
    _R.TOO_SOON: _good(
        "The goal asks for a minimum time since the click or an earlier event.",
        "Check that `timestamp` is the event's own time.",
    ),
    _R.TOO_LATE: _good(
        "The goal sets a maximum time since the click or an earlier event.",
        "Check that `timestamp` is the event's own time.",
    ),
    _R.NOT_QUALIFIED: _good(
        "The goal gave a time for its rule to be met, and the time is over.",
        "An operator can approve it on appeal, when the event that was missing is late.",
    ),
    _R.QUALIFIED: _good("What the conversion waited for has come."),
    _R.REVIEW_ENDED: _good("The end date of the review passed, and the offer lets it count then."),
    _R.OPERATOR_APPROVED: _good("An operator approved it in the panel."),
    _R.OPERATOR_REJECTED: _good(
        "An operator rejected it in the panel.", "The note beside it says why; ask the operator."
    ),
    _R.DELAY_PASSED: _good("The approval delay passed without a reversal."),
    _R.ADVERTISER_APPROVED: _good("A later postback said status=approved."),
    _R.REVERSED: _good("A later postback said status=rejected: a chargeback, refund or failed check."),
    _R.REFUNDED: _good(
        "Refunds add up to the whole revenue.", "Nothing to do: the commission is taken back by a reversal."
    ),
    _R.FRAUD: _good("An operator found fraud.", "The note beside it says what was found; ask the operator."),
    _R.TEST_EVENT: _good("It was made for a test and earns nothing."),
    _R.APPEAL: _good("An operator looked again and approved it."),
    _R.PIXEL_NOT_ALLOWED: Explanation(
        403,
        "Pixels are not switched on for this advertiser, or the page is on none of the allowed hosts.",
        "An operator switches them on in the panel, under Advertisers, Pixel, and lists the hosts.",
    ),
    _R.BAD_TOKEN: Explanation(
        401,
        "The request has no token, or one that is not (or no longer) valid.",
        "Send the token as `token=` or as `Authorization: Bearer`. It stands on the advertiser's page in the panel.",
    ),
    _R.REVOKED_TOKEN: Explanation(
        401,
        "The token was right once; an operator took it out of use.",
        "Send the advertiser's newest token. The operator makes one on the advertiser's page.",
    ),
    _R.TOO_MANY_FAILURES: Explanation(
        429,
        "Many requests came from this address within a minute, none with a right token or signature.",
        "Mend the token first, then wait a minute. A request with a right token is taken at once, even now.",
    ),
    _R.BAD_SIGNATURE: Explanation(
        401,
        "No active HMAC secret of the advertiser gives this signature for this request.",
        "Sign exactly what is sent (docs/signing.md has an example to compare with), with a secret that is active.",
    ),
    _R.STALE_SIGNATURE: Explanation(
        401,
        "The timestamp that was signed is more than five minutes from our clock.",
        "Sign each attempt anew with the time of sending, in seconds since 1970, and set the sender's clock.",
    ),
    _R.SIGNATURE_REQUIRED: Explanation(
        401,
        "The advertiser's page in the panel asks for signed postbacks; a token alone is not taken.",
        "Sign the request as docs/signing.md says.",
    ),
    _R.ADVERTISER_INACTIVE: Explanation(
        403, "The operator has switched this advertiser off.", "Ask the operator to activate it, then send again."
    ),
    _R.SENDER_NOT_ALLOWED: Explanation(
        403,
        "The advertiser allows certain sender networks only, and the request came from elsewhere.",
        "Send from an allowed address, or have the operator add this one.",
    ),
    _R.ANOTHERS_MAPPING: Explanation(
        403,
        "The operator defined a mapping for one advertiser's sender, and the token is another advertiser's.",
        "Send to the address that the operator named to you, with your own token.",
    ),
    _R.HTTPS_REQUIRED: Explanation(
        403, "Postbacks carry money and must be encrypted.", "Send to the https:// address."
    ),
    _R.WRONG_ADVERTISER: Explanation(
        403,
        "The click is genuine but belongs to an offer of another advertiser.",
        "Use the token of the advertiser whose offer was clicked.",
    ),
    _R.UNREADABLE: Explanation(
        400,
        "The body is not what its content type says.",
        "Send parameters in the query, as a form, or as one JSON object with plain values.",
    ),
    _R.TOO_LARGE: Explanation(
        413, "The body or the number of parameters is over the limit.", "Send fewer, shorter values."
    ),
    _R.INVALID_REQUEST: _fault("The request has more than one fault.", "Mend each one listed under `problems`."),
    _R.MISSING_CLICK_ID: _fault(
        "The request names no click, customer or coupon.",
        "Store the click_id of the landing page's address with the customer, and send it back as `click_id`.",
    ),
    _R.UNKNOWN_CLICK: Explanation(
        404,
        "The click ID was not made here, or a character of it was changed.",
        "Send the 40 characters as they came in the landing page's address.",
    ),
    _R.UNKNOWN_CUSTOMER: Explanation(
        404,
        "Without a click ID, the customer or coupon must be one that an affiliate brought.",
        "Send the click_id with the customer's first event.",
    ),
    _R.CUSTOMER_NEVER_CAME: Explanation(
        404,
        "The event waited for the first event of its customer, and that did not come in time.",
        "Send the customer's first event with its click_id, then this one again.",
    ),
    _R.SALE_NEVER_CAME: Explanation(
        404,
        "The request rejects a transaction, and the sale of it did not come in time.",
        "Check the txid; send the sale and its rejection again if both are real.",
    ),
    _R.CLICK_NEVER_CAME: Explanation(
        404,
        "The click ID is genuine, but its link did not become known in time.",
        "Ask the operator, who finds the postback under this reason.",
    ),
    _R.UNRESOLVED_MACRO: _fault(
        "The sending system did not replace a placeholder such as {click_id} by its value.",
        "Use the placeholder in the sending system's own notation, and test with a real event.",
    ),
    _R.WRONG_NAME: _fault(
        "A parameter is known elsewhere under this name, but not here.", "Rename it as the problem says."
    ),
    _R.REPEATED_PARAMETER: _fault("One parameter has two different values.", "Send each parameter once."),
    _R.MISSING_TRANSACTION: _fault(
        "Only a transaction ID tells two events of one customer or coupon apart.",
        "Send your own unique ID of the event as `txid`.",
    ),
    _R.MISSING_GOAL: _fault(
        "The request does not say what happened.", "Send `event_type`, for example event_type=ftd."
    ),
    _R.UNKNOWN_GOAL: _fault(
        "The event type is not among the goals of the offer.",
        "Send one of the goals that the problem lists, or have the operator add the goal and send again.",
    ),
    _R.BAD_AMOUNT: _fault(
        "An amount is not a plain decimal number.", "Send it as 1234.50: a decimal point, no grouping."
    ),
    _R.MISSING_REVENUE: _fault("The goal's rules need the revenue.", "Send `revenue` and `currency`."),
    _R.BAD_CURRENCY: _fault("The currency is not a known code.", "Send an ISO 4217 code such as EUR or USD, or BTC."),
    _R.BAD_STATUS: _fault("The status is not a known word.", "Send pending, approved or rejected, or leave it out."),
    _R.BAD_TIMESTAMP: _fault(
        "The time cannot be read, or lies more than a day ahead.",
        "Send seconds or milliseconds since 1970, or ISO 8601 with an offset: 2026-03-01T12:00:00Z.",
    ),
    _R.MISSING_CUSTOMER: _fault(
        "The goal's rules need to know the customer.", "Send your own ID for them as `customer_id`."
    ),
    _R.PERSONAL_DATA: _fault(
        "A parameter holds an e-mail address, a telephone or an account number, and PERSONAL_DATA is refuse.",
        "Send an ID of your own for the customer.",
    ),
    _R.VALUE_TOO_LONG: _fault(
        "A value is longer than what is kept.", "Shorten it to the length that the problem names."
    ),
    _R.TRANSACTION_CONFLICT: Explanation(
        409,
        "This txid was counted before with another amount, currency or click. The first one stands.",
        "An operator accepts or dismisses it in the panel, under Conflicts. Another event has its own txid.",
    ),
    _R.CONFLICT_DISMISSED: Explanation(
        409,
        "The transaction came again with other money; an operator looked and let the first amount stand.",
        "The operator's note says why. Ask the operator where the first amount is wrong.",
    ),
    _R.REFUND_TOO_LARGE: Explanation(
        409,
        "The refund is larger than the revenue less earlier refunds, or the sale came without revenue.",
        "Check `refund` and its currency. To take back a sale without revenue send status=rejected.",
    ),
    _R.STATUS_NOT_ALLOWED: Explanation(
        409,
        "A rejected conversion is not approved again by a postback.",
        "Ask the operator to approve it on appeal.",
    ),
    _R.TRY_AGAIN: Explanation(
        503, "A part of the system is down or busy.", "Send the same request again; it counts once.", retry=True
    ),
}
