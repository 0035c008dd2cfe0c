"""The closed list of reason codes: why a postback or a conversion was decided as it was.

The cause of each, what to do, and its HTTP status are in `conversions/reasons/explanations.py`.
"""

from django.db import models


class Reason(models.TextChoices):
    # Good news
    OK = "ok", "Counted"
    DUPLICATE = "duplicate", "The same event was counted before"
    SERVER_CONFIRMED = "server_confirmed", "The advertiser's server confirmed what a pixel had reported"
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
    INVALID_REQUEST = "invalid_request", "The request has several problems"
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


# Reasons of rejections by a rule alone: such an event may be corrected and sent again.
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
# Of these, the reasons that depend on the event's own time.
BY_TIME = CORRECTABLE - {
    Reason.NOT_FIRST,
    Reason.BELOW_MINIMUM,
    Reason.OVER_CAP,
    Reason.COUNTRY_NOT_ALLOWED,
}


def reason_choices() -> list[tuple[str, str]]:
    """For model fields: named by function, so that a new reason needs no migration."""
    return Reason.choices
