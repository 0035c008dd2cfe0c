"""The operator panel's pages for goals, customers, postbacks and conversions."""

from conversions.admin.advertisers import AdvertiserWithPostbacksAdmin
from conversions.admin.appeals import AppealAdmin
from conversions.admin.conflicts import ConflictReviewAdmin
from conversions.admin.conversions import ConversionAdmin, StatusChangeAdmin
from conversions.admin.customers import CustomerAdmin, CustomerLockAdmin, TouchAdmin
from conversions.admin.goals import GoalAdmin, OfferWithGoalsAdmin
from conversions.admin.mappings import SenderMappingAdmin
from conversions.admin.parked import ParkedPostbackAdmin
from conversions.admin.postbacks import PostbackAdmin, TraceAdmin
from conversions.admin.risk import RiskPolicyAdmin, RiskReviewAdmin
from conversions.admin.sources import SourceConnectionAdmin

__all__ = [
    "AdvertiserWithPostbacksAdmin",
    "AppealAdmin",
    "ConflictReviewAdmin",
    "ConversionAdmin",
    "CustomerAdmin",
    "CustomerLockAdmin",
    "GoalAdmin",
    "OfferWithGoalsAdmin",
    "ParkedPostbackAdmin",
    "PostbackAdmin",
    "RiskPolicyAdmin",
    "RiskReviewAdmin",
    "SenderMappingAdmin",
    "SourceConnectionAdmin",
    "StatusChangeAdmin",
    "TouchAdmin",
    "TraceAdmin",
]
