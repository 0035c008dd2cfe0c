"""Who may do what: every role of operators and of an affiliate's members, as one table."""

from dataclasses import dataclass

from affiliates.roles.actions import ACTIONS, BY_CODE, MEMBER_ACTIONS, MEMBER_BY_CODE, Action
from records.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Role:
    code: str
    title: str
    words: str
    actions: tuple[Action, ...]
    # Only for the affiliates that are assigned to the person; otherwise for all.
    only_assigned: bool = False

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset().union(*(each.permissions for each in self.actions))


def _role(code: str, title: str, words: str, *actions: str, only_assigned: bool = False) -> Role:
    return Role(code, title, words, tuple(BY_CODE[each] for each in actions), only_assigned)


def _member(code: str, title: str, words: str, *actions: str) -> Role:
    return Role(code, title, words, tuple(MEMBER_BY_CODE[each] for each in actions))


# Stored as Django's superuser flag, not among a person's roles: an administrator may do everything.
ADMINISTRATOR = Role(
    "administrator",
    _("Administrator"),
    _("May do everything, also what no other role may: give roles, and change operators' accounts."),
    ACTIONS,
)
MANAGER = _role(
    "manager",
    _("Affiliate manager"),
    _("Looks after the affiliates assigned to them, and sees no others."),
    *("see_affiliates", "change_affiliates", "decide_enrollments", "see_offers", "see_traffic", "change_links"),
    *("see_conversions", "see_traces", "decide_conversions", "see_commission", "see_payouts", "use_keys"),
    only_assigned=True,
)
FINANCE = _role(
    "finance",
    _("Finance"),
    _("Closes periods and pays; sees conversions but decides none."),
    *("see_affiliates", "see_offers", "see_traffic", "see_conversions", "see_commission", "see_plans", "see_payouts"),
    *("see_accounting", "see_bank_details", "close_periods", "pay", "adjust_balances", "change_billing", "use_keys"),
)
SUPPORT = _role(
    "support",
    _("Support"),
    _("Answers affiliates and advertisers: sees what happened and why, but no money."),
    *("see_affiliates", "see_offers", "see_traffic", "change_links", "see_conversions", "see_traces"),
)
AUDITOR = _role(
    "auditor",
    _("Auditor"),
    _("Reads everything and changes nothing."),
    *(each.code for each in ACTIONS if each.only_reads),
)
DEVELOPER = _role(
    "developer",
    _("Developer"),
    _("Connects advertisers and looks into postbacks; sees no money."),
    *("see_offers", "integrate", "see_traffic", "see_conversions", "see_traces", "handle_postbacks", "use_keys"),
)
# Those that are stored with a person.
ROLES: tuple[Role, ...] = (MANAGER, FINANCE, SUPPORT, AUDITOR, DEVELOPER)
ROLE_BY_CODE = {each.code: each for each in ROLES}

OWNER = _member(
    "owner",
    _("Owner"),
    _("May do everything that an affiliate may do."),
    *(each.code for each in MEMBER_ACTIONS),
)
MEMBER_ROLES: tuple[Role, ...] = (
    OWNER,
    _member(
        "finance",
        _("Finance"),
        _("Sees everything, and changes where the money goes."),
        *("own_performance", "own_payouts", "own_settings", "own_bank", "own_keys"),
    ),
    _member(
        "marketing",
        _("Marketing"),
        _("Works with offers and links; sees commission, but neither payouts nor bank details."),
        *("own_performance", "own_links", "own_appeals", "own_keys"),
    ),
    _member(
        "read_only",
        _("Read-only"),
        _("Sees everything and changes nothing."),
        *("own_performance", "own_payouts", "own_settings"),
    ),
)
MEMBER_ROLE_BY_CODE = {each.code: each for each in MEMBER_ROLES}
