"""Commission and payments: plans, the ledger, statements and payouts."""

from payouts.models.anchors import (
    Anchor,
    AnchorAccount,
    AnchoredStatement,
    AnchorFile,
    AnchorKey,
    StatementSeal,
)
from payouts.models.clicks import BilledClicks
from payouts.models.closing import CloseFailure, PeriodClose
from payouts.models.drafts import DraftVersion, PlanConsent, PlanEffect, WhatIf, WhatIfLine
from payouts.models.invoicing import (
    BillingDetails,
    Invoice,
    InvoiceCounter,
    Invoicing,
    Issuer,
    SelfBillingAgreement,
    VatRate,
)
from payouts.models.ledger import LedgerEntry, LedgerHead
from payouts.models.paying import (
    AnswerRow,
    Payout,
    PayoutBatch,
    PayoutFile,
    PayoutMethod,
    PayoutTerms,
    SentLine,
    Statement,
)
from payouts.models.plans import CommissionPlan, CommissionRule, PlanVersion, WorkedExample
from payouts.models.rates import ExchangeRate

__all__ = [
    "Anchor",
    "AnchorAccount",
    "AnchorFile",
    "AnchorKey",
    "AnchoredStatement",
    "AnswerRow",
    "BilledClicks",
    "BillingDetails",
    "CloseFailure",
    "CommissionPlan",
    "CommissionRule",
    "DraftVersion",
    "ExchangeRate",
    "Invoice",
    "InvoiceCounter",
    "Invoicing",
    "Issuer",
    "LedgerEntry",
    "LedgerHead",
    "Payout",
    "PayoutBatch",
    "PayoutFile",
    "PayoutMethod",
    "PayoutTerms",
    "PeriodClose",
    "PlanConsent",
    "PlanEffect",
    "PlanVersion",
    "SelfBillingAgreement",
    "SentLine",
    "Statement",
    "StatementSeal",
    "VatRate",
    "WorkedExample",
    "WhatIf",
    "WhatIfLine",
]
