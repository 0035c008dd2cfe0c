"""Each reason explained: its HTTP status, its cause, what to do, and whether sending again can help.

`docs/reasons.md` is written from this table (`manage.py reasons`), and a test compares the two.
"""

from dataclasses import dataclass

from conversions.reasons.codes import Reason
from records.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Explanation:
    """What people read about a reason: HTTP status, cause, remedy, and whether to send the request again."""

    http_status: int
    cause: str
    remedy: str
    retry: bool = False


def _good(cause: str, remedy: str = _("Nothing to do.")) -> Explanation:
    return Explanation(200, cause, remedy)


def _problem(cause: str, remedy: str) -> Explanation:
    return Explanation(422, cause, remedy)


_R = Reason

EXPLANATIONS: dict[Reason, Explanation] = {
    _R.OK: _good(_("The event met every rule and counts for the affiliate.")),
    _R.DUPLICATE: _good(
        _("The advertiser sent this transaction (or, without one, this click and goal) before."),
        _("Nothing to do: the answer names the first conversion. For a new event send a new txid."),
    ),
    _R.SERVER_CONFIRMED: _good(
        _("A pixel reported this event first; the postback's transaction, amounts and status replaced the pixel's.")
    ),
    _R.STATUS_UPDATED: _good(_("The transaction is known and came with a new status.")),
    _R.PARTLY_REFUNDED: _good(
        _("The postback, or an operator, reported how much of the sale was refunded."),
        _("Nothing to do: a share of the revenue shrinks with it; an amount per event stays until all is refunded."),
    ),
    _R.AMOUNT_ACCEPTED: _good(
        _("The transaction was sent again with a different amount; an operator accepted the new amount."),
        _("Nothing to do: the ledger books the difference, even after a statement."),
    ),
    _R.CORRECTED: _good(
        _("A rule had rejected the event; its postback was sent again with corrected facts that meet the rules.")
    ),
    _R.AWAITS_APPROVAL: _good(
        _("The goal is approved by hand."), _("An operator approves or rejects it in the panel.")
    ),
    _R.AWAITS_DELAY: _good(
        _("The goal is approved after a delay."), _("It is approved automatically unless a reversal comes first.")
    ),
    _R.SENT_PENDING: _good(
        _("The postback said status=pending."), _("Send status=approved or rejected with the same txid.")
    ),
    _R.AWAITS_RULES: _good(
        _("A rule of the goal is not met yet, but may be."),
        _("The conversion shows what it waits for; it is evaluated again with the customer's next event."),
    ),
    _R.RISK_REVIEW: Explanation(
        202,
        _("Its risk signals reach the offer's threshold. Nothing is dropped: a person reviews it first."),
        _("An operator approves or rejects it by the date that the conversion names."),
    ),
    _R.OVER_CAP_HELD: Explanation(
        202,
        _("The goal's cap of the period is reached."),
        _("An operator decides: approve it, or reject it with a reason."),
    ),
    _R.AFFILIATE_CLOSED: Explanation(
        202,
        _("The affiliate was suspended or lost access to the offer after the click."),
        _("An operator decides: approve it, or reject it with a reason."),
    ),
    _R.WAITING_FOR_CUSTOMER: Explanation(
        202,
        _("The event names no click, and its customer was not brought by any affiliate yet."),
        _(
            "Nothing to do when the customer's first event with its click_id is on its way: this one is counted after "
            "it, in the order of time. Otherwise send that event, or this one with the click_id."
        ),
    ),
    _R.WAITING_FOR_SALE: Explanation(
        202,
        _("The request rejects or refunds a transaction that is not known yet."),
        _("Nothing to do when the sale is on its way: it is counted first, and this after it. Else check the txid."),
    ),
    _R.WAITING_FOR_CLICK: Explanation(
        202,
        _("The click ID is genuine, but the link that it names is not in the database."),
        _("Nothing to do for the sender. An operator should check whether the database was restored from an old copy."),
    ),
    _R.SENT_REJECTED: _good(_("The postback said status=rejected."), _("An operator can approve it on appeal.")),
    _R.OUTSIDE_WINDOW: _good(
        _("More time passed between click and event than the goal or the offer allows."),
        _("Check that `timestamp` is the event's own time. A longer window applies to later events only."),
    ),
    _R.COOKIE_EXPIRED: _good(
        _("The click in the pixel's cookie is older than the goal or the offer allows."),
        _("Nothing to do: the visitor came back too late, or by another way."),
    ),
    _R.TOO_EARLY: _good(
        _("The goal or the offer requires a minimum time between click and event."),
        _(
            "Check that `timestamp` is the event's own time. Events within seconds of the click rarely come from "
            "people."
        ),
    ),
    _R.BEFORE_CLICK: _good(
        _("The event is older than the click it names, by more than five minutes."),
        _("Check the clock of the sending system and the time zone of `timestamp` (UTC, or with an offset)."),
    ),
    _R.NOT_FIRST: _good(
        _("The goal counts once per customer and this customer has one."),
        _("Send later deposits or purchases under the goal meant for them."),
    ),
    _R.BELOW_MINIMUM: _good(
        _("The goal requires a minimum revenue."),
        _("A wrong amount: send the same txid with the right one. A larger event is a new transaction."),
    ),
    _R.OVER_CAP: _good(
        _("The number of conversions that count in the period was already reached."),
        _("Counting starts again with the next period."),
    ),
    _R.COUNTRY_NOT_ALLOWED: _good(
        _("The goal counts customers from certain countries only."),
        _("Send the customer's own country as `country` if it is not the click's."),
    ),
    _R.TOO_SOON: _good(
        _("The goal requires a minimum time since the click or an earlier event."),
        _("Check that `timestamp` is the event's own time."),
    ),
    _R.TOO_LATE: _good(
        _("The goal sets a maximum time since the click or an earlier event."),
        _("Check that `timestamp` is the event's own time."),
    ),
    _R.NOT_QUALIFIED: _good(
        _("The goal's rule was not met within its time limit."),
        _("An operator can approve it on appeal if the missing event arrives late."),
    ),
    _R.QUALIFIED: _good(_("The event that the conversion waited for has arrived.")),
    _R.REVIEW_ENDED: _good(_("The review reached its end date, and the offer's policy lets the conversion count.")),
    _R.OPERATOR_APPROVED: _good(_("An operator approved it in the panel.")),
    _R.OPERATOR_REJECTED: _good(
        _("An operator rejected it in the panel."), _("The note beside it says why; ask the operator.")
    ),
    _R.DELAY_PASSED: _good(_("The approval delay passed without a reversal.")),
    _R.ADVERTISER_APPROVED: _good(_("A later postback said status=approved.")),
    _R.REVERSED: _good(_("A later postback said status=rejected: a chargeback, refund or failed check.")),
    _R.REFUNDED: _good(
        _("Refunds add up to the whole revenue."), _("Nothing to do: the commission is taken back by a reversal.")
    ),
    _R.FRAUD: _good(_("An operator found fraud."), _("The note beside it says what was found; ask the operator.")),
    _R.TEST_EVENT: _good(_("It was made for a test and earns nothing.")),
    _R.APPEAL: _good(_("An operator reviewed it again and approved it.")),
    _R.PIXEL_NOT_ALLOWED: Explanation(
        403,
        _("Pixels are not switched on for this advertiser, or the page is on none of the allowed hosts."),
        _("An operator switches them on in the panel, under Advertisers, Pixel, and lists the hosts."),
    ),
    _R.BAD_TOKEN: Explanation(
        401,
        _("The request has no token, or one that is not (or no longer) valid."),
        _("Send the token as `token=` or as `Authorization: Bearer`. It is on the advertiser's page in the panel."),
    ),
    _R.REVOKED_TOKEN: Explanation(
        401,
        _("The token used to be valid; an operator revoked it."),
        _("Send the advertiser's newest token. The operator makes one on the advertiser's page."),
    ),
    _R.TOO_MANY_FAILURES: Explanation(
        429,
        _("Many requests came from this address within a minute, none with a valid token or signature."),
        _("Fix the token first, then wait a minute. A request with a valid token is accepted at once, even now."),
    ),
    _R.BAD_SIGNATURE: Explanation(
        401,
        _("No active HMAC secret of the advertiser gives this signature for this request."),
        _("Sign exactly what is sent (docs/signing.md has an example to compare with), with a secret that is active."),
    ),
    _R.STALE_SIGNATURE: Explanation(
        401,
        _("The signed timestamp is more than five minutes from our clock."),
        _("Sign each attempt with its own time, in seconds since 1970, and correct the sender's clock."),
    ),
    _R.SIGNATURE_REQUIRED: Explanation(
        401,
        _("The advertiser's page in the panel requires signed postbacks; a token alone is not accepted."),
        _("Sign the request as docs/signing.md says."),
    ),
    _R.ADVERTISER_INACTIVE: Explanation(
        403, _("The operator has switched this advertiser off."), _("Ask the operator to activate it, then send again.")
    ),
    _R.SENDER_NOT_ALLOWED: Explanation(
        403,
        _("The advertiser allows certain sender networks only, and the request came from elsewhere."),
        _("Send from an allowed address, or have the operator add this one."),
    ),
    _R.ANOTHERS_MAPPING: Explanation(
        403,
        _("The operator defined a mapping for one advertiser's sender, and the token is another advertiser's."),
        _("Send to the address that the operator gave you, with your own token."),
    ),
    _R.HTTPS_REQUIRED: Explanation(
        403, _("Postbacks carry money and must be encrypted."), _("Send to the https:// address.")
    ),
    _R.WRONG_ADVERTISER: Explanation(
        403,
        _("The click is genuine but belongs to an offer of another advertiser."),
        _("Use the token of the advertiser whose offer was clicked."),
    ),
    _R.UNREADABLE: Explanation(
        400,
        _("The body does not match its content type."),
        _("Send parameters in the query, as a form, or as one JSON object with plain values."),
    ),
    _R.TOO_LARGE: Explanation(
        413, _("The body or the number of parameters is over the limit."), _("Send fewer, shorter values.")
    ),
    _R.WRONG_ADDRESS: Explanation(
        404,
        _("The request went to an address that is none of ours. It was stored, and nothing was counted."),
        _("Send it to the address that the problem names."),
    ),
    _R.WRONG_METHOD: Explanation(
        405,
        _("The address does not take the HTTP method of the request."),
        _("Send it with the method that the problem names."),
    ),
    _R.INVALID_REQUEST: _problem(
        _("The request has more than one problem."), _("Fix each one listed under `problems`.")
    ),
    _R.MISSING_CLICK_ID: _problem(
        _("The request names no click, customer or coupon."),
        _("Store the click_id of the landing page's address with the customer, and send it back as `click_id`."),
    ),
    _R.UNKNOWN_CLICK: Explanation(
        404,
        _("The click ID was not made here, or a character of it was changed."),
        _("Send the 40 characters as they came in the landing page's address."),
    ),
    _R.UNKNOWN_CUSTOMER: Explanation(
        404,
        _("Without a click ID, the customer or coupon must belong to an affiliate."),
        _("Send the click_id with the customer's first event."),
    ),
    _R.NO_AFFILIATE: _good(
        _("A shop reports all of its orders; this one has no click ID, no coupon and no customer of an affiliate."),
        _("Nothing to do, unless an affiliate did bring it: then the shop loses the click ID on the way to the order."),
    ),
    _R.CUSTOMER_NEVER_CAME: Explanation(
        404,
        _("The event waited for the first event of its customer, which did not arrive in time."),
        _("Send the customer's first event with its click_id, then this one again."),
    ),
    _R.SALE_NEVER_CAME: Explanation(
        404,
        _("The request rejects a transaction whose sale did not arrive in time."),
        _("Check the txid; send the sale and its rejection again if both are real."),
    ),
    _R.CLICK_NEVER_CAME: Explanation(
        404,
        _("The click ID is genuine, but its link did not become known in time."),
        _("Ask the operator, who finds the postback under this reason."),
    ),
    _R.UNRESOLVED_MACRO: _problem(
        _(
            "The sending system did not replace a placeholder such as {click_id} with its value, or had no value and "
            "sent a word for nothing, such as undefined."
        ),
        _(
            "Use the placeholder in the sending system's own notation, and test with a real event. Leave a parameter "
            "without a value out."
        ),
    ),
    _R.WRONG_NAME: _problem(
        _("A parameter is known elsewhere under this name, but not here."), _("Rename it as the problem says.")
    ),
    _R.REPEATED_PARAMETER: _problem(_("One parameter has two different values."), _("Send each parameter once.")),
    _R.MISSING_TRANSACTION: _problem(
        _("Only a transaction ID distinguishes two events of one customer or coupon."),
        _("Send your own unique ID of the event as `txid`."),
    ),
    _R.MISSING_GOAL: _problem(
        _("The request does not say what happened."), _("Send `event_type`, for example event_type=ftd.")
    ),
    _R.UNKNOWN_GOAL: _problem(
        _("The event type is not among the goals of the offer."),
        _("Send one of the goals that the problem lists, or have the operator add the goal and send again."),
    ),
    _R.BAD_AMOUNT: _problem(
        _("An amount is not a plain decimal number."), _("Send it as 1234.50: a decimal point, no grouping.")
    ),
    _R.MISSING_REVENUE: _problem(_("The goal's rules need the revenue."), _("Send `revenue` and `currency`.")),
    _R.BAD_CURRENCY: _problem(
        _("The currency is not a known code."), _("Send an ISO 4217 code such as EUR or USD, or BTC.")
    ),
    _R.BAD_STATUS: _problem(
        _("The status is not a known word."), _("Send pending, approved or rejected, or leave it out.")
    ),
    _R.BAD_TIMESTAMP: _problem(
        _("The time cannot be read, or lies more than a day ahead."),
        _("Send seconds or milliseconds since 1970, or ISO 8601 with an offset: 2026-03-01T12:00:00Z."),
    ),
    _R.BAD_TEST_FLAG: _problem(
        _("The test flag (test, testmode, sandbox and the like) has a value that is neither yes nor no."),
        _("Send test=1 for a test event, and leave the parameter out otherwise."),
    ),
    _R.MISSING_CUSTOMER: _problem(
        _("The goal's rules need to know the customer."), _("Send your own ID for them as `customer_id`.")
    ),
    _R.PERSONAL_DATA: _problem(
        _("A parameter holds an e-mail address, a telephone or an account number, and PERSONAL_DATA is refuse."),
        _("Send an ID of your own for the customer."),
    ),
    _R.VALUE_TOO_LONG: _problem(
        _("A value is longer than its limit."), _("Shorten it to the length that the problem names.")
    ),
    _R.TRANSACTION_CONFLICT: Explanation(
        409,
        _("This txid was counted before with another amount, currency or click. The first one is kept."),
        _("An operator accepts or dismisses it in the panel, under Conflicts. Another event has its own txid."),
    ),
    _R.CONFLICT_DISMISSED: Explanation(
        409,
        _("The transaction was sent again with a different amount; an operator kept the first amount."),
        _("The operator's note says why. Ask the operator if the first amount is wrong."),
    ),
    _R.REFUND_TOO_LARGE: Explanation(
        409,
        _("The refund is larger than the revenue less earlier refunds, or the sale came without revenue."),
        _("Check `refund` and its currency. To take back a sale without revenue send status=rejected."),
    ),
    _R.STATUS_NOT_ALLOWED: Explanation(
        409,
        _("A rejected conversion is not approved again by a postback."),
        _("Ask the operator to approve it on appeal."),
    ),
    _R.TRY_AGAIN: Explanation(
        503, _("A part of the system is down or busy."), _("Send the same request again; it counts once."), retry=True
    ),
}
