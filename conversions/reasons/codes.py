"""The closed list of reason codes: why a postback or a conversion was decided as it was.

The cause of each, what to do, and its HTTP status are in `conversions/reasons/explanations.py`.
"""

from django.db import models

from records.translation import gettext_lazy as _


class Reason(models.TextChoices):
    # Good news
    OK = "ok", _("Counted")
    DUPLICATE = "duplicate", _("The same event was counted before")
    SERVER_CONFIRMED = "server_confirmed", _("The advertiser's server confirmed what a pixel had reported")
    STATUS_UPDATED = "status_updated", _("A known conversion changed its status")
    PARTLY_REFUNDED = "partly_refunded", _("Part of the sale was refunded to the customer")
    AMOUNT_ACCEPTED = "amount_accepted", _("An operator accepted the new amount")
    CORRECTED = "corrected", _("Corrected and decided again")
    # Waiting
    AWAITS_APPROVAL = "awaits_approval", _("Waiting for an operator's approval")
    AWAITS_DELAY = "awaits_delay", _("Waiting for the approval delay to pass")
    SENT_PENDING = "sent_pending", _("The advertiser sent it as pending")
    AWAITS_RULES = "awaits_rules", _("Waiting for a rule of the goal to be met")
    RISK_REVIEW = "risk_review", _("Held for review: risk signals")
    OVER_CAP_HELD = "over_cap_held", _("Held: the cap of the period is reached")
    AFFILIATE_CLOSED = "affiliate_closed", _("Held: the affiliate has no access to the offer any more")
    WAITING_FOR_CUSTOMER = "waiting_for_customer", _("Parked: waiting for the customer's first event")
    WAITING_FOR_SALE = "waiting_for_sale", _("Parked: waiting for the sale of this transaction")
    WAITING_FOR_CLICK = "waiting_for_click", _("Parked: waiting for the link of the click")
    # Judged against the rules
    SENT_REJECTED = "sent_rejected", _("The advertiser sent it as rejected")
    OUTSIDE_WINDOW = "outside_window", _("The event happened after the attribution window")
    COOKIE_EXPIRED = "cookie_expired", _("The pixel's cookie is older than the attribution window")
    TOO_EARLY = "too_early", _("The event came before the attribution window began")
    BEFORE_CLICK = "before_click", _("The event happened before the click")
    NOT_FIRST = "not_first", _("The customer already had this event")
    BELOW_MINIMUM = "below_minimum", _("The revenue is below the goal's minimum")
    OVER_CAP = "over_cap", _("The cap of the period is reached")
    COUNTRY_NOT_ALLOWED = "country_not_allowed", _("The customer's country does not count")
    TOO_SOON = "too_soon", _("The event came sooner than the goal allows")
    TOO_LATE = "too_late", _("The event came later than the goal allows")
    NOT_QUALIFIED = "not_qualified", _("A rule of the goal was not met in time")
    # Decided by people or by time
    QUALIFIED = "qualified", _("The goal's rules were met")
    REVIEW_ENDED = "review_ended", _("The review ended without an objection")
    OPERATOR_APPROVED = "operator_approved", _("Approved by an operator")
    OPERATOR_REJECTED = "operator_rejected", _("Rejected by an operator")
    DELAY_PASSED = "delay_passed", _("Approved: the delay passed")
    ADVERTISER_APPROVED = "advertiser_approved", _("Approved by the advertiser")
    REVERSED = "reversed", _("Reversed by the advertiser")
    REFUNDED = "refunded", _("The whole sale was refunded to the customer")
    FRAUD = "fraud", _("Fraud")
    TEST_EVENT = "test_event", _("A test event")
    APPEAL = "appeal", _("Approved on appeal")
    # Refused: nothing was counted
    PIXEL_NOT_ALLOWED = (
        "pixel_not_allowed",
        _("The advertiser does not accept events from pixels, or not from this page"),
    )
    BAD_TOKEN = "bad_token", _("The token is missing or wrong")
    REVOKED_TOKEN = "revoked_token", _("The token was revoked")
    TOO_MANY_FAILURES = "too_many_failures", _("Too many requests without a valid token")
    BAD_SIGNATURE = "bad_signature", _("The signature does not match the request")
    STALE_SIGNATURE = "stale_signature", _("The signature is too old, or ahead of time")
    SIGNATURE_REQUIRED = "signature_required", _("The advertiser's postbacks must be signed")
    ADVERTISER_INACTIVE = "advertiser_inactive", _("The advertiser is not active")
    SENDER_NOT_ALLOWED = "sender_not_allowed", _("The sender's address is not allowed")
    ANOTHERS_MAPPING = "anothers_mapping", _("The address belongs to another advertiser")
    HTTPS_REQUIRED = "https_required", _("The request came unencrypted")
    WRONG_ADVERTISER = "wrong_advertiser", _("The click belongs to another advertiser")
    WRONG_ADDRESS = "wrong_address", _("The address is none of ours, but resembles one")
    WRONG_METHOD = "wrong_method", _("The address takes another HTTP method")
    UNREADABLE = "unreadable", _("The body could not be read")
    TOO_LARGE = "too_large", _("The request is too large")
    INVALID_REQUEST = "invalid_request", _("The request has several problems")
    MISSING_CLICK_ID = "missing_click_id", _("There is no click ID, customer or coupon")
    UNKNOWN_CLICK = "unknown_click", _("The click ID is not one of ours")
    UNKNOWN_CUSTOMER = "unknown_customer", _("No affiliate is known for this customer or coupon")
    NO_AFFILIATE = "no_affiliate", _("No affiliate brought the order")
    CUSTOMER_NEVER_CAME = "customer_never_came", _("The customer's first event did not arrive in time")
    SALE_NEVER_CAME = "sale_never_came", _("The sale of this transaction did not arrive in time")
    CLICK_NEVER_CAME = "click_never_came", _("The link of the click did not become known in time")
    UNRESOLVED_MACRO = "unresolved_macro", _("A macro was not filled in")
    WRONG_NAME = "wrong_name", _("A parameter has a name that is not known here")
    REPEATED_PARAMETER = "repeated_parameter", _("A parameter was sent twice with different values")
    MISSING_TRANSACTION = "missing_transaction", _("Without a click ID the event needs a transaction ID")
    MISSING_GOAL = "missing_goal", _("There is no event_type")
    UNKNOWN_GOAL = "unknown_goal", _("The offer has no such goal")
    BAD_AMOUNT = "bad_amount", _("An amount is not a number that can be stored")
    MISSING_REVENUE = "missing_revenue", _("The goal needs the revenue")
    BAD_CURRENCY = "bad_currency", _("The currency is not known")
    BAD_STATUS = "bad_status", _("The status is not pending, approved or rejected")
    BAD_TIMESTAMP = "bad_timestamp", _("The timestamp cannot be read or lies in the future")
    BAD_TEST_FLAG = "bad_test_flag", _("The test flag is neither yes nor no")
    MISSING_CUSTOMER = "missing_customer", _("The goal needs a customer_id")
    PERSONAL_DATA = "personal_data", _("A parameter holds personal data")
    VALUE_TOO_LONG = "value_too_long", _("A value is too long to be stored")
    TRANSACTION_CONFLICT = "transaction_conflict", _("The same transaction was sent with different data")
    REFUND_TOO_LARGE = "refund_too_large", _("The refund is larger than what is left of the sale")
    CONFLICT_DISMISSED = "conflict_dismissed", _("An operator kept the first amount")
    STATUS_NOT_ALLOWED = "status_not_allowed", _("The conversion cannot change to this status")
    TRY_AGAIN = "try_again", _("The request could not be processed right now")


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
