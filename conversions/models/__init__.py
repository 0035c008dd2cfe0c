"""Conversions, the postbacks that reported them, and the decisions on them."""

from conversions.models.appeals import Appeal
from conversions.models.conflicts import ConflictReview
from conversions.models.conversions import Conversion, StatusChange, Trace
from conversions.models.corrections import Correction
from conversions.models.customers import Customer, CustomerLock, Touch
from conversions.models.goals import Goal
from conversions.models.mappings import SenderMapping
from conversions.models.postbacks import ParkedPostback, Postback
from conversions.models.qualification import QualificationRule, QualificationWait
from conversions.models.refunds import Refund
from conversions.models.risk import AddressSighting, AffiliatePace, MemberAddress, RiskPolicy, RiskReview
from conversions.models.sources import SourceConnection, SourceReference

__all__ = [
    "AddressSighting",
    "AffiliatePace",
    "Appeal",
    "ConflictReview",
    "Conversion",
    "Correction",
    "Customer",
    "CustomerLock",
    "Goal",
    "MemberAddress",
    "ParkedPostback",
    "Postback",
    "QualificationRule",
    "QualificationWait",
    "Refund",
    "RiskPolicy",
    "RiskReview",
    "SenderMapping",
    "SourceConnection",
    "SourceReference",
    "StatusChange",
    "Touch",
    "Trace",
]
