"""The operator panel's pages for goals, customers, postbacks and conversions."""

from conversions.admin.conversions import ConversionAdmin, StatusChangeAdmin
from conversions.admin.customers import CustomerAdmin, CustomerLockAdmin
from conversions.admin.goals import GoalAdmin, OfferWithGoalsAdmin
from conversions.admin.postbacks import AdvertiserWithExamplesAdmin, PostbackAdmin, TraceAdmin
from conversions.admin.risk import RiskPolicyAdmin, RiskReviewAdmin

__all__ = [
    "AdvertiserWithExamplesAdmin",
    "ConversionAdmin",
    "CustomerAdmin",
    "CustomerLockAdmin",
    "GoalAdmin",
    "OfferWithGoalsAdmin",
    "PostbackAdmin",
    "RiskPolicyAdmin",
    "RiskReviewAdmin",
    "StatusChangeAdmin",
    "TraceAdmin",
]
