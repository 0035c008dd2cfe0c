"""What a role may do, in words, each with the permissions that it stands for. Code asks for permissions, people for
actions: no one is given a permission by itself.
"""

from dataclasses import dataclass

from records.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a role may do. `permissions` are those that pages, panel and API ask for."""

    code: str
    words: str
    permissions: frozenset[str]
    # Only reads: what an auditor may have.
    only_reads: bool = False


def _named(app: str, verbs: str, *models: str) -> set[str]:
    """The permissions of these verbs on these models: v view, a add, c change, d delete."""
    full = {"v": "view", "a": "add", "c": "change", "d": "delete"}
    return {f"{app}.{full[verb]}_{model}" for verb in verbs for model in models}


def _reads(code: str, words: str, *permissions: set[str]) -> Action:
    return Action(code, words, frozenset().union(*permissions), only_reads=True)


def _does(code: str, words: str, *permissions: set[str]) -> Action:
    return Action(code, words, frozenset().union(*permissions))


ACTIONS: tuple[Action, ...] = (
    _reads(
        "see_affiliates",
        _("See affiliates, their members, offers and coupon codes"),
        _named("affiliates", "v", "affiliate", "affiliatemember", "enrollment", "couponcode", "parentage", "user"),
        _named("affiliates", "v", "assignment"),
    ),
    _does(
        "change_affiliates",
        _("Add affiliates and change, approve, suspend and close them"),
        _named("affiliates", "ac", "affiliate"),
    ),
    _does(
        "change_members",
        _("Change who acts for an affiliate, and these people's accounts"),
        _named("affiliates", "vacd", "affiliatemember") | _named("affiliates", "vac", "user"),
        _named("account", "vacd", "emailaddress"),
    ),
    _does(
        "assign_managers",
        _("Assign affiliates to their managers"),
        _named("affiliates", "vacd", "assignment"),
    ),
    _does(
        "decide_enrollments",
        _("Decide on applications for offers, and give coupon codes"),
        _named("affiliates", "vac", "enrollment", "couponcode"),
    ),
    _reads(
        "see_offers",
        _("See offers, goals, advertisers and tracking domains"),
        _named("affiliates", "v", "offer", "offerdestination", "advertiser", "trackingdomain", "mobileapp"),
        _named("conversions", "v", "sourceconnection"),
        _named("conversions", "v", "goal", "qualificationrule", "riskpolicy", "sendermapping"),
    ),
    _does(
        "change_offers",
        _("Make and change offers, goals, their rules and risk policies"),
        _named("affiliates", "vacd", "offer", "offerdestination"),
        _named("conversions", "vacd", "goal", "qualificationrule", "riskpolicy"),
    ),
    _does(
        "integrate",
        _("Connect advertisers: their settings, secrets and mappings, tracking domains, imported click IDs"),
        _named("affiliates", "vacd", "advertiser", "trackingdomain", "mobileapp")
        | _named("affiliates", "vac", "advertisersecret"),
        _named("conversions", "vac", "sendermapping", "sourceconnection") | _named("tracking", "va", "legacyclickid"),
    ),
    _reads(
        "see_traffic",
        _("See tracking links and clicks"),
        _named("tracking", "v", "trackinglink", "click", "legacyclickid"),
    ),
    _does("change_links", _("Make and change tracking links"), _named("tracking", "vac", "trackinglink")),
    _reads(
        "see_conversions",
        _("See conversions, customers, appeals and the review queue"),
        _named("conversions", "v", "conversion", "statuschange", "refund", "correction", "customer", "customerlock"),
        _named("conversions", "v", "touch", "appeal", "riskreview", "conflictreview", "qualificationwait"),
    ),
    _reads(
        "see_traces",
        _("See postbacks as they were received, and why each was decided as it was"),
        _named("conversions", "v", "trace", "postback", "parkedpostback"),
    ),
    _does(
        "decide_conversions",
        _("Approve, reject and refund conversions; decide appeals, reviews and conflicts"),
        _named("conversions", "vc", "conversion", "appeal", "riskreview", "conflictreview"),
    ),
    _does(
        "handle_postbacks",
        _("Have postbacks decided again, and end the wait of parked ones"),
        _named("conversions", "vc", "postback", "parkedpostback"),
    ),
    _reads(
        "see_commission",
        _("See commission: the ledger, balances and paid clicks"),
        _named("payouts", "v", "ledgerentry", "ledgerhead", "billedclicks"),
    ),
    _reads(
        "see_plans",
        _("See commission plans, their versions and consents"),
        _named("payouts", "v", "commissionplan", "planversion", "commissionrule", "draftversion", "planconsent"),
        _named("payouts", "v", "workedexample"),
    ),
    _does(
        "change_plans",
        _("Make commission plans, draft and publish versions, and try them in what-ifs"),
        _named("payouts", "vacd", "commissionplan", "planversion", "commissionrule", "draftversion", "workedexample"),
        _named("payouts", "vac", "whatif", "planconsent"),
    ),
    _reads(
        "see_payouts",
        _("See statements, payouts and invoices"),
        _named("payouts", "v", "statement", "payout", "payoutterms", "invoice", "selfbillingagreement"),
    ),
    _reads(
        "see_accounting",
        _("See closed periods, payout batches, exchange rates, VAT rates and the issuer of invoices"),
        _named("payouts", "v", "periodclose", "payoutbatch", "exchangerate", "vatrate", "issuer", "whatif"),
    ),
    _reads(
        "see_bank_details",
        _("See payout methods and billing details"),
        _named("payouts", "v", "payoutmethod", "billingdetails"),
    ),
    _does(
        "close_periods",
        _("Close periods, write statements and invoices"),
        _named("payouts", "vac", "statement", "periodclose", "invoice"),
    ),
    _does(
        "pay",
        _("Pay: make, approve and release batches, fetch bank files, record answers"),
        _named("payouts", "vac", "payout", "payoutbatch"),
    ),
    _does("adjust_balances", _("Adjust an affiliate's balance"), _named("payouts", "va", "ledgerentry")),
    _does(
        "change_billing",
        _("Change billing details, agreements, payout terms, exchange rates, VAT rates and the issuer"),
        _named("payouts", "vac", "billingdetails", "selfbillingagreement", "issuer"),
        _named("payouts", "vacd", "payoutterms", "vatrate") | _named("payouts", "va", "exchangerate"),
    ),
    _reads(
        "see_accounts",
        _("See every account, its addresses, second factors and API keys, and what operators did"),
        _named("affiliates", "v", "user", "affiliatemember", "customrole") | _named("account", "v", "emailaddress"),
        {"affiliates.view_others_apikey", "affiliates.view_apikey"},
        _named("mfa", "v", "authenticator") | _named("admin", "v", "logentry"),
    ),
    _does("use_keys", _("Make API keys for oneself"), _named("affiliates", "vac", "apikey")),
)
BY_CODE = {each.code: each for each in ACTIONS}

# The affiliate's side. The same permissions, for the rows of the member's own affiliate.
MEMBER_ACTIONS: tuple[Action, ...] = (
    _reads(
        "own_performance",
        _("See offers, links, clicks, conversions and the commission of each"),
        _named("affiliates", "v", "offer", "enrollment") | _named("payouts", "v", "commissionplan", "ledgerentry"),
        _named("tracking", "v", "trackinglink", "click") | _named("conversions", "v", "conversion", "trace"),
    ),
    _reads(
        "own_payouts",
        _("See statements, payouts and invoices"),
        _named("payouts", "v", "statement", "payout", "invoice"),
    ),
    _reads(
        "own_settings",
        _("See the payout method, billing details and agreements"),
        _named("payouts", "v", "payoutmethod", "payoutterms", "billingdetails", "selfbillingagreement"),
    ),
    _does(
        "own_links",
        _("Apply for offers and make tracking links"),
        _named("affiliates", "a", "enrollment") | _named("tracking", "ac", "trackinglink"),
    ),
    _does("own_appeals", _("Appeal against decisions"), _named("conversions", "a", "appeal")),
    _does("own_keys", _("Make API keys for oneself"), _named("affiliates", "va", "apikey")),
    _does("all_keys", _("Revoke the API keys of others"), _named("affiliates", "vd", "apikey")),
    _does(
        "own_bank",
        _("Change the payout method, billing details and the agreement on invoices"),
        _named("payouts", "a", "payoutmethod", "billingdetails") | _named("payouts", "c", "selfbillingagreement"),
    ),
    _does("own_terms", _("Accept or decline changes of commission"), _named("payouts", "c", "planconsent")),
)
MEMBER_BY_CODE = {each.code: each for each in MEMBER_ACTIONS}
