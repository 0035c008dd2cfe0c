"""The operator panel's pages for plans, the ledger, statements and payouts."""

from payouts.admin.batches import ExchangeRateAdmin, PayoutBatchAdmin, PayoutMethodAdmin, PayoutTermsAdmin
from payouts.admin.billing import BillingDetailsAdmin, IssuerAdmin, SelfBillingAgreementAdmin, VatRateAdmin
from payouts.admin.clicks import BilledClicksAdmin
from payouts.admin.closing import PeriodCloseAdmin
from payouts.admin.drafts import DraftVersionAdmin, PlanConsentAdmin
from payouts.admin.extended_pages import AffiliateWithMoneyAdmin, ConversionWithCommissionAdmin, OfferWithPlansAdmin
from payouts.admin.invoicing import InvoiceAdmin
from payouts.admin.ledger import LedgerEntryAdmin, LedgerHeadAdmin
from payouts.admin.payments import PayoutAdmin, StatementAdmin
from payouts.admin.plans import CommissionPlanAdmin, CommissionRuleAdmin, PlanVersionAdmin
from payouts.admin.what_if_jobs import WhatIfAdmin

__all__ = [
    "AffiliateWithMoneyAdmin",
    "BilledClicksAdmin",
    "BillingDetailsAdmin",
    "CommissionPlanAdmin",
    "CommissionRuleAdmin",
    "ConversionWithCommissionAdmin",
    "DraftVersionAdmin",
    "ExchangeRateAdmin",
    "InvoiceAdmin",
    "IssuerAdmin",
    "LedgerEntryAdmin",
    "LedgerHeadAdmin",
    "OfferWithPlansAdmin",
    "PayoutAdmin",
    "PayoutBatchAdmin",
    "PayoutMethodAdmin",
    "PayoutTermsAdmin",
    "PeriodCloseAdmin",
    "PlanConsentAdmin",
    "PlanVersionAdmin",
    "SelfBillingAgreementAdmin",
    "StatementAdmin",
    "VatRateAdmin",
    "WhatIfAdmin",
]
