"""How the rows of each model belong to affiliates. What is not listed is shown to no one with a limited reach."""

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Path:
    """Paths from a row to its affiliates: a row is within reach if one of them leads to an affiliate within reach."""

    to_affiliate: tuple[str, ...] = ()
    # Rows that belong to no affiliate are shown too, where this is null.
    or_null: str = ""
    # A path leads to many rows: they are found by a subquery, so that no row appears twice.
    is_many: bool = False
    # The row names no affiliate at all: everyone with the permission sees it.
    is_shared: bool = False

    def condition(self, affiliates: object) -> Q:
        found = Q(pk__in=())
        for path in self.to_affiliate:
            found |= Q(**{f"{path}__in": affiliates})
        return found | Q(**{f"{self.or_null}__isnull": True}) if self.or_null else found


SHARED = Path(is_shared=True)
# Rows about several affiliates together: for those who reach all of them.
OF_ALL = Path()
BY_AFFILIATE = Path(("affiliate",))
BY_CONVERSION = Path(("conversion__affiliate",))
BY_ENROLLMENT = Path(("enrollment__affiliate",))
BY_LINK = Path(("link__enrollment__affiliate",))
BY_MEMBER = Path(("user__memberships__affiliate",), is_many=True)

PATHS: dict[str, Path] = {
    "account.emailaddress": BY_MEMBER,
    "admin.logentry": OF_ALL,
    "affiliates.advertiser": SHARED,
    "affiliates.advertisersecret": SHARED,
    "affiliates.affiliate": Path(("pk",)),
    "affiliates.affiliatemember": BY_AFFILIATE,
    "affiliates.apikey": BY_AFFILIATE,
    "affiliates.assignment": BY_AFFILIATE,
    "affiliates.couponcode": BY_ENROLLMENT,
    "affiliates.customrole": OF_ALL,
    "affiliates.enrollment": BY_AFFILIATE,
    "affiliates.mobileapp": SHARED,
    "affiliates.offer": SHARED,
    "affiliates.offerdestination": SHARED,
    "affiliates.parentage": BY_AFFILIATE,
    "affiliates.trackingdomain": SHARED,
    "affiliates.user": Path(("memberships__affiliate",), is_many=True),
    "conversions.appeal": BY_CONVERSION,
    "conversions.conflictreview": BY_CONVERSION,
    "conversions.conversion": BY_AFFILIATE,
    "conversions.correction": BY_CONVERSION,
    "conversions.customer": Path(
        ("conversions__affiliate", "touches__enrollment__affiliate", "locks__enrollment__affiliate"), is_many=True
    ),
    "conversions.customerlock": BY_ENROLLMENT,
    "conversions.goal": SHARED,
    "conversions.parkedpostback": OF_ALL,
    "conversions.postback": BY_CONVERSION,
    "conversions.qualificationrule": SHARED,
    "conversions.qualificationwait": BY_CONVERSION,
    "conversions.refund": BY_CONVERSION,
    "conversions.riskpolicy": SHARED,
    "conversions.riskreview": BY_CONVERSION,
    "conversions.sendermapping": SHARED,
    "conversions.sourceconnection": SHARED,
    "conversions.statuschange": BY_CONVERSION,
    "conversions.touch": BY_ENROLLMENT,
    "conversions.trace": Path(("conversion__affiliate", "postback__conversion__affiliate")),
    "mfa.authenticator": BY_MEMBER,
    "payouts.billedclicks": BY_AFFILIATE,
    "payouts.billingdetails": BY_AFFILIATE,
    "payouts.commissionplan": Path(("affiliate",), or_null="affiliate"),
    "payouts.commissionrule": Path(("version__plan__affiliate",), or_null="version__plan__affiliate"),
    # What a draft means is shown by affiliate.
    "payouts.draftversion": Path(("plan__affiliate",)),
    "payouts.exchangerate": SHARED,
    "payouts.invoice": BY_AFFILIATE,
    "payouts.issuer": SHARED,
    "payouts.ledgerentry": BY_AFFILIATE,
    "payouts.ledgerhead": BY_AFFILIATE,
    "payouts.payout": BY_AFFILIATE,
    "payouts.payoutbatch": OF_ALL,
    "payouts.payoutmethod": BY_AFFILIATE,
    "payouts.payoutterms": BY_AFFILIATE,
    "payouts.periodclose": OF_ALL,
    "payouts.planconsent": BY_AFFILIATE,
    # Its page has the consents of everyone whom it concerns.
    "payouts.planversion": Path(("plan__affiliate",)),
    "payouts.selfbillingagreement": BY_AFFILIATE,
    "payouts.statement": BY_AFFILIATE,
    "payouts.vatrate": SHARED,
    "payouts.whatif": OF_ALL,
    "payouts.workedexample": Path(("version__plan__affiliate",)),
    "tracking.click": BY_LINK,
    "tracking.legacyclickid": BY_LINK,
    "tracking.trackinglink": BY_ENROLLMENT,
}
