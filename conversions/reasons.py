"""The closed list of reasons: why a postback or a conversion was decided as it was.

Each has the HTTP status that carries it, what causes it, what to do, and whether sending the same
request again can help. `docs/reasons.md` is checked against this list.
"""

from dataclasses import dataclass

from django.db import models


class Reason(models.TextChoices):
    # Good news
    OK = "ok", "Counted"
    DUPLICATE = "duplicate", "The same event was counted before"
    STATUS_UPDATED = "status_updated", "A known conversion changed its status"
    # Waiting
    AWAITS_APPROVAL = "awaits_approval", "Waiting for an operator's approval"
    AWAITS_DELAY = "awaits_delay", "Waiting for the approval delay to pass"
    SENT_PENDING = "sent_pending", "The advertiser sent it as pending"
    RISK_REVIEW = "risk_review", "Held for review: marks over the offer's threshold"
    # Judged against the rules
    SENT_REJECTED = "sent_rejected", "The advertiser sent it as rejected"
    OUTSIDE_WINDOW = "outside_window", "The event happened after the attribution window"
    BEFORE_CLICK = "before_click", "The event happened before the click"
    NOT_FIRST = "not_first", "The customer had this event before"
    BELOW_MINIMUM = "below_minimum", "The revenue is below the goal's minimum"
    NOT_ENROLLED = "not_enrolled", "The affiliate had no access to the offer"
    # Decided by people or by time
    OPERATOR_APPROVED = "operator_approved", "Approved by an operator"
    OPERATOR_REJECTED = "operator_rejected", "Rejected by an operator"
    DELAY_PASSED = "delay_passed", "Approved: the delay passed"
    ADVERTISER_APPROVED = "advertiser_approved", "Approved by the advertiser"
    REVERSED = "reversed", "Reversed by the advertiser"
    FRAUD = "fraud", "Fraud"
    TEST_EVENT = "test_event", "A test event"
    APPEAL = "appeal", "Approved on appeal"
    # Refused: nothing was counted
    BAD_TOKEN = "bad_token", "The token is missing or wrong"
    ADVERTISER_INACTIVE = "advertiser_inactive", "The advertiser is not active"
    SENDER_NOT_ALLOWED = "sender_not_allowed", "The sender's address is not allowed"
    HTTPS_REQUIRED = "https_required", "The request came unencrypted"
    INVALID_REQUEST = "invalid_request", "The request has faults"
    MISSING_CLICK_ID = "missing_click_id", "No click ID, customer or coupon that is known"
    UNKNOWN_CLICK = "unknown_click", "The click ID is not one of ours"
    WRONG_ADVERTISER = "wrong_advertiser", "The click belongs to another advertiser"
    UNKNOWN_GOAL = "unknown_goal", "The offer has no such goal"
    TRANSACTION_CONFLICT = "transaction_conflict", "The same transaction was sent with other data"
    STATUS_NOT_ALLOWED = "status_not_allowed", "The conversion cannot change to this status"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to tell the sender: HTTP status, cause, what to do, and whether a retry of the same request helps."""

    http_status: int
    cause: str
    remedy: str
    retry: bool = False
