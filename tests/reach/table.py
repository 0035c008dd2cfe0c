"""Who may open and do what: every address of the product with the permissions that it needs.

An address, an action or a method that is not listed here fails `test_every_address.py`. A permission is written
`app.codename`; `a|b` is met by either of the two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Operators need all of `needs`. Nobody else may, unless it says so."""

    needs: tuple[str, ...] = ()
    operators: bool = True
    affiliates: bool = False
    # Of an affiliate's members, only owners.
    owners_only: bool = False
    # Anyone, also without signing in.
    public: bool = False


def operators(*needs: str) -> Rule:
    return Rule(needs)


def all_with(*needs: str) -> Rule:
    """Affiliates for what is theirs, and operators with these permissions."""
    return Rule(needs, affiliates=True)


NO_ONE = Rule(operators=False)
AFFILIATES = Rule(operators=False, affiliates=True)
OWNERS = Rule(operators=False, affiliates=True, owners_only=True)
SIGNED_IN = Rule(affiliates=True)
PUBLIC = Rule(affiliates=True, public=True)
# To the page of signing in, or to one's own first page.
LEADS_ELSEWHERE = Rule(operators=False)
# It answers what a field of a form asks for, by the permission to view that.
NOTHING_ALONE = Rule(operators=False)

LEDGER, STATEMENT = "payouts.view_ledgerentry", "payouts.view_statement"
TRACE, CHANGE = "conversions.view_trace", "conversions.change_conversion"

# The panel's models: v they are read, a added, c changed, d deleted, each by the permission of that name.
MODELS = {
    "account.emailaddress": "vacd",
    "admin.logentry": "v",
    "affiliates.advertiser": "vacd",
    "affiliates.advertisersecret": "v",
    "affiliates.affiliate": "vacd",
    # Changed only by the person that it acts for; the row here is another's.
    "affiliates.apikey": "va",
    "affiliates.couponcode": "vacd",
    "affiliates.enrollment": "vacd",
    "affiliates.mobileapp": "vacd",
    "affiliates.offer": "vacd",
    "affiliates.offerdestination": "vacd",
    "affiliates.trackingdomain": "vacd",
    "affiliates.user": "vacd",
    "affiliates.customrole": "vacd",
    "conversions.appeal": "v",
    "conversions.conflictreview": "v",
    "conversions.conversion": "v",
    "conversions.customer": "v",
    "conversions.customerlock": "v",
    "conversions.goal": "vacd",
    "conversions.parkedpostback": "v",
    "conversions.postback": "v",
    "conversions.riskpolicy": "vacd",
    "conversions.riskreview": "v",
    "conversions.sendermapping": "vac",
    "conversions.sourceconnection": "vac",
    "conversions.statuschange": "v",
    "conversions.touch": "v",
    "conversions.trace": "v",
    "mfa.authenticator": "vd",
    "payouts.billedclicks": "v",
    "payouts.billingdetails": "v",
    "payouts.commissionplan": "vacd",
    "payouts.commissionrule": "v",
    "payouts.draftversion": "v",
    "payouts.exchangerate": "va",
    "payouts.invoice": "v",
    "payouts.issuer": "vac",
    "payouts.ledgerentry": "v",
    "payouts.ledgerhead": "v",
    "payouts.payout": "v",
    "payouts.payoutbatch": "v",
    "payouts.payoutmethod": "v",
    "payouts.payoutterms": "vacd",
    "payouts.periodclose": "v",
    "payouts.planconsent": "v",
    "payouts.planversion": "v",
    "payouts.selfbillingagreement": "v",
    "payouts.statement": "v",
    "payouts.vatrate": "vacd",
    "payouts.whatif": "v",
    "tracking.click": "v",
    "tracking.legacyclickid": "v",
    "tracking.trackinglink": "vac",
}
# What reading a model's rows needs beside the permission to view them.
MORE_TO_VIEW = {"payouts.whatif": (LEDGER,)}

SECRETS = ("affiliates.change_advertiser", "affiliates.view_advertisersecret|affiliates.add_advertisersecret")
TRY = operators("payouts.change_whatif", LEDGER)
# Actions of the panel by the name of their address. `view` and `change` of the model itself are meant where a word
# stands in place of a rule.
ACTIONS: dict[str, str | Rule] = {
    "affiliates_advertiser_secrets": operators(*SECRETS),
    "affiliates_advertisersecret_revoke": "change",
    "affiliates_affiliate_adjust": operators("payouts.add_ledgerentry"),
    "affiliates_affiliate_approve": "change",
    "affiliates_affiliate_assign": operators("affiliates.add_assignment"),
    "affiliates_affiliate_bill": operators("payouts.add_billingdetails"),
    "affiliates_affiliate_close": "change",
    "affiliates_affiliate_suspend": "change",
    "affiliates_apikey_revoke": "change",
    # Only by the person that the key acts for; the row here is another's.
    "affiliates_apikey_rotate": NO_ONE,
    "affiliates_enrollment_approve": "change",
    "affiliates_enrollment_block": "change",
    "affiliates_enrollment_reject": "change",
    "affiliates_offer_activate": "change",
    "affiliates_offer_end": "change",
    "affiliates_offer_pause": "change",
    "auth_user_password_change": operators("affiliates.change_user"),
    "conversions_appeal_dismiss": operators("conversions.change_appeal", CHANGE),
    "conversions_appeal_trace": "view",
    "conversions_appeal_uphold": operators("conversions.change_appeal", CHANGE),
    "conversions_conflictreview_accept": operators("conversions.change_conflictreview", CHANGE),
    "conversions_conflictreview_dismiss": operators("conversions.change_conflictreview", CHANGE),
    "conversions_conflictreview_trace": "view",
    "conversions_conversion_approve": "change",
    "conversions_conversion_by_file": "change",
    "conversions_conversion_export": "view",
    "conversions_conversion_refund": "change",
    "conversions_conversion_reject": "change",
    "conversions_conversion_trace": "view",
    "conversions_customer_trace": "view",
    "conversions_parkedpostback_give_up": "change",
    "conversions_parkedpostback_trace": "view",
    "conversions_parkedpostback_try_now": "change",
    "conversions_postback_export": "view",
    "conversions_postback_import_events": "change",
    "conversions_postback_replay": "change",
    "conversions_postback_trace": "view",
    "conversions_riskreview_approve": "change",
    "conversions_riskreview_reject": "change",
    "conversions_sendermapping_start_from_preset": operators("conversions.add_sendermapping"),
    "conversions_sendermapping_try_it": "view",
    "conversions_touch_trace": "view",
    "payouts_commissionplan_new_version": "change",
    "payouts_draftversion_ask_for_consent": "change",
    "payouts_draftversion_publish": "change",
    "payouts_draftversion_record_consent": "change",
    "payouts_draftversion_rewrite": "change",
    "payouts_draftversion_try_draft": TRY,
    "payouts_draftversion_withdraw": "change",
    "payouts_invoice_data": "view",
    "payouts_invoice_export": "view",
    "payouts_invoice_missing": operators("payouts.view_invoice|payouts.change_invoice", STATEMENT),
    "payouts_invoice_of_period": "change",
    "payouts_invoice_paper": "view",
    "payouts_invoice_sheet": "view",
    # There is one issuer: beside it none is added.
    "payouts_issuer_add": NO_ONE,
    "payouts_ledgerentry_export": "view",
    "payouts_payout_batch_up": "change",
    "payouts_payout_came_back": "change",
    "payouts_payout_export": "view",
    "payouts_payout_pay": "change",
    "payouts_payoutbatch_answer": "change",
    "payouts_payoutbatch_approve": "change",
    "payouts_payoutbatch_cancel": "change",
    "payouts_payoutbatch_file": "change",
    "payouts_payoutbatch_pay_all": "change",
    "payouts_payoutbatch_release": "change",
    "payouts_periodclose_again": "change",
    "payouts_selfbillingagreement_end": "change",
    "payouts_statement_close": "change",
    "payouts_statement_paper": operators("payouts.view_statement|payouts.change_statement", LEDGER),
    "payouts_statement_proof": operators("payouts.view_statement|payouts.change_statement", LEDGER),
    "payouts_statement_write": "change",
    "payouts_whatif_download": "view",
    "payouts_whatif_try_version": TRY,
    "tracking_click_export": "view",
    "tracking_click_trace": "view",
    "tracking_legacyclickid_trace": "view",
    "tracking_legacyclickid_upload": operators("tracking.add_legacyclickid"),
}
# Actions on chosen rows of a list, by model; `delete_selected` by the permission to delete.
LIST_ACTIONS = {
    "affiliates.advertisersecret": {"revoke"},
    "affiliates.affiliate": {"approve", "suspend", "assign"},
    "affiliates.apikey": {"revoke"},
    "affiliates.enrollment": {"approve", "reject", "block"},
    "affiliates.offer": {"activate", "pause"},
    "conversions.appeal": {"uphold", "dismiss"},
    "conversions.conflictreview": {"accept", "dismiss"},
    "conversions.conversion": {"approve", "reject"},
    "conversions.parkedpostback": {"try_now", "give_up"},
    "conversions.postback": {"replay"},
    "conversions.riskreview": {"approve", "reject"},
    "payouts.payout": {"batch_up", "pay", "came_back"},
    "payouts.statement": {"write"},
}
# The frame of the panel and other pages for operators, by the name of the address.
PAGES = {
    "anchors": PUBLIC,
    "help_reason": PUBLIC,
    "help_reasons": PUBLIC,
    "anchor_keys": PUBLIC,
    "anchors_well_known": PUBLIC,
    "index": operators(),
    "login": LEADS_ELSEWHERE,
    "logout": LEADS_ELSEWHERE,
    "password_change": operators(),
    "password_change_done": operators(),
    "autocomplete": NOTHING_ALONE,
    "jsi18n": operators(),
    "search": operators(),
    "view_on_site": NOTHING_ALONE,
    "app_list": NOTHING_ALONE,
    "funnel": operators("conversions.view_conversion", "tracking.view_click"),
    "doctor": operators(TRACE),
    "trace:search": operators(TRACE),
    "trace:postback": operators(TRACE),
    "trace:conversion": operators(TRACE),
}

CONFLICT = (CHANGE, "conversions.change_conflictreview", "conversions.view_postback")
# The REST API, by the name of the address and the method.
API: dict[str, dict[str, Rule]] = {
    "affiliate-list": {"get": operators("affiliates.view_affiliate")},
    "affiliate-detail": {"get": operators("affiliates.view_affiliate")},
    "offer-list": {"get": all_with("affiliates.view_offer")},
    "offer-detail": {"get": all_with("affiliates.view_offer")},
    "link-list": {"get": all_with("tracking.view_trackinglink"), "post": AFFILIATES},
    "link-detail": {"get": all_with("tracking.view_trackinglink"), "patch": AFFILIATES},
    "click-list": {"get": all_with("tracking.view_click")},
    "conversion-list": {"get": all_with("conversions.view_conversion")},
    "conversion-detail": {"get": all_with("conversions.view_conversion")},
    "conversion-change-many": {"post": operators("conversions.view_conversion", CHANGE)},
    "conversion-approve": {"post": operators("conversions.view_conversion", CHANGE)},
    "conversion-refund": {"post": operators("conversions.view_conversion", CHANGE)},
    "conversion-reject": {"post": operators("conversions.view_conversion", CHANGE)},
    "postback-list": {"get": operators("conversions.view_postback")},
    "postback-detail": {"get": operators("conversions.view_postback")},
    "postback-accept": {"post": operators(*CONFLICT)},
    "postback-dismiss": {"post": operators(*CONFLICT)},
    "postback-replay": {"post": operators("conversions.view_postback", CHANGE)},
    # By an advertiser's token alone: of the people here none has one.
    "postback-log-list": {"get": NO_ONE},
    "postback-log-detail": {"get": NO_ONE},
    "ledger-entry-list": {"get": all_with(LEDGER)},
    "balance-list": {"get": all_with(LEDGER)},
    "statement-list": {"get": all_with(STATEMENT)},
    "statement-detail": {"get": all_with(STATEMENT)},
    "statement-pdf": {"get": all_with(STATEMENT, LEDGER)},
    "statement-proof": {"get": all_with(STATEMENT, LEDGER)},
    "invoice-list": {"get": all_with("payouts.view_invoice")},
    "invoice-detail": {"get": all_with("payouts.view_invoice")},
    "invoice-csv": {"get": all_with("payouts.view_invoice")},
    "invoice-pdf": {"get": all_with("payouts.view_invoice")},
    "payout-list": {"get": all_with("payouts.view_payout")},
    "payout-detail": {"get": all_with("payouts.view_payout")},
    "what-if-list": {
        "get": operators("payouts.view_whatif", LEDGER),
        "post": operators("payouts.view_whatif", "payouts.change_whatif", LEDGER),
    },
    "what-if-detail": {"get": operators("payouts.view_whatif", LEDGER)},
    "what-if-lines": {"get": operators("payouts.view_whatif", LEDGER)},
    "api-root": {"get": SIGNED_IN},
    "me": {"get": SIGNED_IN},
    "trace-api": {"get": all_with(TRACE)},
    "funnel-api": {"get": all_with("conversions.view_conversion", "tracking.view_click")},
    "schema": {"get": PUBLIC},
    "docs": {"get": PUBLIC},
}

# What affiliates may do in the portal by posting; all pages that are read are read by every member. What an operator
# needs for a preview of each page stands in `dashboard.portal.preview.NEEDS`.
PORTAL_POSTS = {
    "switch": AFFILIATES,
    "apply": AFFILIATES,
    "change_of_terms": OWNERS,
    "new_link": AFFILIATES,
    "edit_link": AFFILIATES,
    "link_state": AFFILIATES,
    "appeal": AFFILIATES,
    "payout_method": OWNERS,
    "billing": OWNERS,
    "end_self_billing": OWNERS,
    "api_keys": AFFILIATES,
    "edit_api_key": AFFILIATES,
    "rotate_api_key": AFFILIATES,
    "revoke_api_key": AFFILIATES,
    "profile": SIGNED_IN,
}
# Pages of the portal that are only posted to.
ONLY_POSTED = {"switch", "apply", "link_state", "appeal", "end_self_billing", "rotate_api_key", "revoke_api_key"}

# Pages of signing in and of one's own account.
ACCOUNT = {
    *("account_login", "account_logout", "account_inactive", "account_signup", "account_reauthenticate"),
    *("account_email", "account_email_verification_sent", "account_change_password", "account_set_password"),
    *("account_reset_password", "account_confirm_login_code", "account_confirm_email"),
    *("account_reset_password_from_key_done", "account_reset_password_from_key", "account_reset_password_done"),
    *("mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn"),
    *("mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn"),
}
