"""What is owed and paid: plans, the ledger, statements and payouts."""

from payouts.models.ledger import LedgerEntry, LedgerHead
from payouts.models.paying import Payout, Statement
from payouts.models.plans import CommissionPlan, CommissionRule, PlanVersion

__all__ = [
    "CommissionPlan",
    "CommissionRule",
    "LedgerEntry",
    "LedgerHead",
    "Payout",
    "PlanVersion",
    "Statement",
]
